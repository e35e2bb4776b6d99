// Prints what comes in a channel, past any number of cuts, until Ctrl-C.
import { Fanfare, payloadOf } from "@fanfare/client";

const [channel = "orders"] = process.argv.slice(2);
const address = process.env.FANFARE_ADDRESS ?? "127.0.0.1:50051";
const fanfare = new Fanfare({ baseUrl: `http://${address}` });
process.once("SIGINT", () => fanfare.close());

const orders = fanfare.subscribe(
  { subscriptions: [{ channel }], data: { name: "Ada" } },
  {
    onGap: (gap) => console.log(`missed ${gap.channel} ${gap.after}..${gap.through}: load anew`),
    onCut: ({ error, delayMs }) => console.error(`${error.message}; back in ${delayMs} ms`),
  },
);
for await (const frame of orders.frames()) {
  if (frame.case === "ready") {
    console.log(`ready as ${frame.value.memberId}`);
  } else if (frame.case === "event") {
    console.log(frame.value.sequence, frame.value.name, payloadOf(frame.value));
  }
}
