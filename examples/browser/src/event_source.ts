import { BackOff, Silence } from "./coming_back";
import type {
  ClosingJson,
  EventJson,
  GapJson,
  PayloadJson,
  ReadyJson,
} from "./gen/fanfare/v1/realtime_pb";
import type { Panel } from "./panel";

/**
 * Listens to a channel by server-sent events.
 *
 * The browser comes back by itself, with the id of the last frame that had one.
 * It gives up for good where a node answers with an error, and never notices a
 * silence: then this begins anew from the same id.
 */
export function listen(node: string, channel: string, panel: Panel): void {
  const backOff = new BackOff();
  let lastEventId = "";

  function open(): void {
    const url = new URL("/v1/events", node);
    url.searchParams.set("channel", channel);
    if (lastEventId) url.searchParams.set("last_event_id", lastEventId);
    const source = new EventSource(url);
    const silence = new Silence(() => beginAnew("nothing came for too long"));

    function beginAnew(reason: string): void {
      source.close();
      silence.stop();
      panel.cutOff(reason);
      setTimeout(open, backOff.next());
    }

    function on<Frame>(name: string, use: (frame: Frame) => void): void {
      source.addEventListener(name, (said: MessageEvent<string>) => {
        silence.heard();
        use(JSON.parse(said.data) as Frame);
        lastEventId = said.lastEventId;
      });
    }

    on("ready", (ready: ReadyJson) => {
      silence.expect(milliseconds(ready.heartbeatInterval));
      backOff.reset();
      panel.ready();
    });
    on("event", ({ sequence = "0", name = "", payload }: EventJson) =>
      panel.event(sequence, name, content(payload)),
    );
    on("gap", (gap: GapJson) => panel.gap(gap));
    on("heartbeat", () => {});
    on("closing", (closing: ClosingJson) => silence.heard(milliseconds(closing.retryAfter)));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) beginAnew("the node refused");
      else panel.cutOff("the browser comes back by itself");
    });
  }

  open();
}

/** Of a duration as canonical JSON has it, such as `2.5s`. */
function milliseconds(duration = "0s"): number {
  return 1000 * parseFloat(duration);
}

function content(payload: PayloadJson = {}): string {
  if (payload.json !== undefined) return JSON.stringify(payload.json);
  return payload.text ?? Object.keys(payload).join();
}
