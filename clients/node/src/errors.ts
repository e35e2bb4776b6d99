import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ErrorStatus } from "./gen/fanfare/v1/realtime_pb.js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";

const domain = "fanfare.v1";

/** What a broken connection is called by Node and Connect, beside Unavailable. */
const broken = new Set([Code.Aborted, Code.Canceled, Code.Internal, Code.Unknown]);

/** Trying the same again is in vain. */
const permanent = new Set([
  Code.Aborted,
  Code.InvalidArgument,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
]);

/** The google.rpc details of one type that an error carries. */
export function errorDetails<D extends DescMessage>(error: unknown, type: D): MessageShape<D>[] {
  return error instanceof ConnectError ? error.findDetails(type) : [];
}

/** Why the node refused, as `INVALID_CHANNEL`; undefined if the error is not the node's own. */
export function errorReason(error: unknown): string | undefined {
  return errorDetails(error, ErrorInfoSchema).find((info) => info.domain === domain)?.reason;
}

/** Which fields of the request are wrong, and why. */
export function fieldViolations(error: unknown): { field: string; description: string }[] {
  return errorDetails(error, BadRequestSchema).flatMap((bad) => bad.fieldViolations);
}

/** How long the node asks to wait before the next attempt; 0 if it does not say. */
export function retryDelayMs(error: unknown): number {
  const delay = errorDetails(error, RetryInfoSchema)[0]?.retryDelay;
  return durationMs(delay) ?? 0;
}

export function durationMs(duration?: { seconds: bigint; nanos: number }): number | undefined {
  return duration && Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/**
 * An error as gRPC would name it: whatever a broken connection is called here
 * becomes Unavailable, and so can be told from the node's own errors.
 */
export function statusOf(reason: unknown): ConnectError {
  const error = ConnectError.from(reason);
  if (!broken.has(error.code) || errorReason(error) !== undefined) {
    return error;
  }
  return new ConnectError(error.rawMessage, Code.Unavailable, undefined, undefined, reason);
}

/** Whether a stream that ended so has no use in coming back. */
export function isPermanent(error: ConnectError): boolean {
  return permanent.has(error.code);
}

/** The error that a reply of a session or an entry of a batch carries. */
export function replyError(status: ErrorStatus): ConnectError {
  const error = new ConnectError(status.message, status.code);
  error.details = status.details.map((any) => ({
    type: any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1),
    value: any.value,
  }));
  return error;
}
