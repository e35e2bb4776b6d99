import { randomUUID } from "node:crypto";
import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type BroadcastRequest,
  BroadcastRequestSchema,
  type SendRequest,
  SendRequestSchema,
} from "./gen/fanfare/v1/realtime_pb.js";

export type SendInit = MessageInitShape<typeof SendRequestSchema>;
export type BroadcastInit = MessageInitShape<typeof BroadcastRequestSchema>;

/** A copy that can be repeated and happens once: it has an id of its own if none was given. */
export function repeatableSend(init: SendInit): SendRequest {
  const request = clone(SendRequestSchema, create(SendRequestSchema, init));
  request.requestId ||= randomUUID();
  return request;
}

/** As `repeatableSend`. */
export function repeatableBroadcast(init: BroadcastInit): BroadcastRequest {
  const request = clone(BroadcastRequestSchema, create(BroadcastRequestSchema, init));
  request.requestId ||= randomUUID();
  return request;
}
