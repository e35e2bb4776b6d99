// Sends one event with JSON: CHANNEL EVENT JSON.
import { Fanfare, json } from "@fanfare/client";

const [channel = "orders", event = "created", text = "null"] = process.argv.slice(2);
const address = process.env.FANFARE_ADDRESS ?? "127.0.0.1:50051";
const fanfare = new Fanfare({ baseUrl: `http://${address}` });

const { position, recipients } = await fanfare.send({
  channel,
  event,
  payload: json(JSON.parse(text)),
});
console.log(`number ${position?.sequence}, ${recipients} listened`);
fanfare.close();
