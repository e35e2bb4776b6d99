// One channel of a node, heard in two ways: `?node=URL&channel=NAME`.
import { listen } from "./event_source";
import { follow } from "./grpc_web";
import { Panel } from "./panel";

const asked = new URLSearchParams(location.search);
const node = asked.get("node") ?? "http://127.0.0.1:50051";
const channel = asked.get("channel") ?? "technology-chat";

listen(node, channel, new Panel("event-source"));
void follow(node, channel, new Panel("grpc-web"));

const form = document.querySelector<HTMLFormElement>("#say")!;
const outcome = form.querySelector("output")!;

form.addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const text = new FormData(form).get("text");
  try {
    const answer = await fetch(new URL(`/v1/channels/${encodeURIComponent(channel)}:send`, node), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ event: "said", payload: { text } }),
    });
    outcome.value = answer.ok ? "sent" : `not sent: ${(await answer.json()).message}`;
  } catch (error) {
    outcome.value = `perhaps not sent: ${error}`;
  }
});
