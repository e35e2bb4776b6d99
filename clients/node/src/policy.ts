import { readFileSync } from "node:fs";
import type { Bounds } from "./backoff.js";

/** How calls are tried again: `service-config.json`, the same as in gRPC's own clients. */
const { retryPolicy } = JSON.parse(
  readFileSync(new URL("./service-config.json", import.meta.url), "utf8"),
).methodConfig[0];

export const maxAttempts: number = retryPolicy.maxAttempts;

export const callBounds: Bounds = {
  firstMs: milliseconds(retryPolicy.initialBackoff),
  lastMs: milliseconds(retryPolicy.maxBackoff),
  factor: retryPolicy.backoffMultiplier,
};

/** Of a duration as proto3 JSON has it, "0.1s". */
function milliseconds(duration: string): number {
  return Number(duration.slice(0, -1)) * 1000;
}
