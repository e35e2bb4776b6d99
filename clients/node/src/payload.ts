import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Any, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Event, Payload } from "./gen/fanfare/v1/realtime_pb.js";

/** A payload of JSON: `send({ channel, payload: json({ id: 17 }) })`. */
export function json(value: JsonValue): { kind: Payload["kind"] } {
  return { kind: { case: "json", value: fromJson(ValueSchema, value) } };
}

/** What an event carries, its JSON as plain values. `none` if its sender set no payload. */
export function payloadOf(
  event: Event,
):
  | { kind: "json"; value: JsonValue }
  | { kind: "text"; value: string }
  | { kind: "binary"; value: Uint8Array }
  | { kind: "any"; value: Any }
  | { kind: "none" }
  | { kind: "unknown" } {
  const kind = event.payload?.kind;
  switch (kind?.case) {
    case "json":
      return { kind: "json", value: toJson(ValueSchema, kind.value) };
    case "text":
      return { kind: "text", value: kind.value };
    case "binary":
      return { kind: "binary", value: kind.value };
    case "any":
      return { kind: "any", value: kind.value };
    default:
      // A kind of a later version is not an empty payload.
      return { kind: event.payload ? "unknown" : "none" };
  }
}
