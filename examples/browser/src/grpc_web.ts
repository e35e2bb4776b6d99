import { fromBinary, toJson, toJsonString } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type Duration, DurationSchema, ValueSchema, durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { BackOff, Silence } from "./coming_back";
import { GapSchema, type Payload, type Position, RealtimeService } from "./gen/fanfare/v1/realtime_pb";
import type { Panel } from "./panel";

/** The same request again would be refused again, or replace who replaced us. */
const IN_VAIN = [Code.InvalidArgument, Code.PermissionDenied, Code.Unimplemented, Code.Aborted];

/**
 * Follows a channel by gRPC-Web, and comes back after every cut with the one
 * number and the token of the member.
 */
export async function follow(node: string, channel: string, panel: Panel): Promise<void> {
  const client = createClient(RealtimeService, createGrpcWebTransport({ baseUrl: node }));
  const backOff = new BackOff();
  let position: Position | undefined;
  let memberToken = "";

  for (;;) {
    const cut = new AbortController();
    const silence = new Silence(() => cut.abort("nothing came for too long"));
    let retryAfter = 0;
    try {
      const request = {
        subscriptions: [{ channel }],
        start: position && { case: "resume" as const, value: position },
        memberToken,
      };
      for await (const { frame } of client.subscribe(request, { signal: cut.signal })) {
        silence.heard();
        switch (frame.case) {
          case "ready":
            ({ position, memberToken } = frame.value);
            silence.expect(milliseconds(frame.value.heartbeatInterval));
            backOff.reset();
            panel.ready();
            break;
          case "event":
            panel.event(`${frame.value.sequence}`, frame.value.name, content(frame.value.payload));
            position!.sequence = frame.value.sequence;
            break;
          case "gap":
            panel.gap(toJson(GapSchema, frame.value));
            break;
          case "heartbeat":
            position = frame.value.position;
            break;
          case "closing":
            retryAfter = milliseconds(frame.value.retryAfter);
            break;
        }
      }
      panel.cutOff("the stream ended without a status");
    } catch (thrown) {
      const error = ConnectError.from(thrown);
      const mayBeNew = error.code === Code.PermissionDenied && memberToken !== "";
      if (mayBeNew) {
        memberToken = "";
      } else if (IN_VAIN.includes(error.code)) {
        panel.ended(error.message);
        return;
      }
      panel.cutOff(error.message);
      retryAfter = Math.max(retryAfter, retryDelay(error));
    } finally {
      silence.stop();
    }
    await new Promise((resolve) => setTimeout(resolve, retryAfter + backOff.next()));
  }
}

/** What the `google.rpc.RetryInfo` of an error asks for, whose one field is a duration. */
function retryDelay(error: ConnectError): number {
  for (const detail of error.details) {
    if (!("type" in detail) || detail.type !== "google.rpc.RetryInfo") continue;
    const reader = new BinaryReader(detail.value);
    reader.tag();
    return durationMs(fromBinary(DurationSchema, reader.bytes()));
  }
  return 0;
}

function milliseconds(duration: Duration | undefined): number {
  return duration ? durationMs(duration) : 0;
}

function content(payload: Payload | undefined): string {
  const kind = payload?.kind;
  switch (kind?.case) {
    case "json":
      return toJsonString(ValueSchema, kind.value);
    case "text":
      return kind.value;
    default:
      return kind?.case ?? "";
  }
}
