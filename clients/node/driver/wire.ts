/** Messages and errors as the JSON that scenarios are written in. */

import {
  createRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { Int64ValueSchema, StringValueSchema, UInt64ValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../src/gen/google/rpc/error_details_pb.js";

/** The types that an Any in a scenario may have. */
const registry = createRegistry(
  file_google_rpc_error_details,
  StringValueSchema,
  Int64ValueSchema,
  UInt64ValueSchema,
);

export function read<D extends DescMessage>(type: D, json: JsonValue): MessageShape<D> {
  return fromJson(type, json, { registry });
}

export function shown<D extends DescMessage>(type: D, message: MessageShape<D>): JsonValue {
  return toJson(type, message, { registry });
}

/** An error in the form that the conformance's page gives it. */
export function shownError(reason: unknown): JsonValue {
  const error = ConnectError.from(reason);
  const details: { [name: string]: JsonValue } = {};
  for (const detail of error.details) {
    const type = "type" in detail ? registry.getMessage(detail.type) : undefined;
    if (type && "value" in detail && detail.value instanceof Uint8Array) {
      details[type.name] = shown(type, fromBinary(type, detail.value));
    }
  }
  return { code: codeName(error.code), message: error.rawMessage, details };
}

export const endedWell: JsonValue = { code: "OK", message: "", details: {} };

function codeName(code: Code): string {
  return code === Code.Canceled
    ? "CANCELLED"
    : (Code[code] ?? `${code}`).replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
