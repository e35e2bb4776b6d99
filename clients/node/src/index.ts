/** Fanfare's client: subscribe and stay subscribed, send, and ask who is there. */

export { create, fromJson, toJson } from "@bufbuild/protobuf";
export { Code, ConnectError } from "@connectrpc/connect";
export { type CallOptions, Fanfare, type FanfareOptions } from "./client.js";
export { errorDetails, errorReason, fieldViolations, retryDelayMs, statusOf } from "./errors.js";
export * from "./gen/fanfare/v1/realtime_pb.js";
export { json, payloadOf } from "./payload.js";
export { Session, type SessionFrame } from "./session.js";
export { type Cut, type Frame, Subscription, type SubscriptionOptions } from "./subscription.js";
