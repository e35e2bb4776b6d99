import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs, streamBounds } from "../src/backoff.js";
import { callBounds, maxAttempts } from "../src/policy.js";

test("the bound of a wait doubles from 100 ms to 10 s", () => {
  const bounds = [0, 1, 2, 6, 7, 50].map((failures) =>
    backoffMs(streamBounds, failures, 0, () => 1),
  );
  assert.deepEqual(bounds, [100, 200, 400, 6_400, 10_000, 10_000]);
});

test("a wait is anything below its bound, after what the node asked for", () => {
  assert.equal(
    backoffMs(streamBounds, 3, 0, () => 0),
    0,
  );
  assert.equal(
    backoffMs(streamBounds, 0, 2_000, () => 0.5),
    2_050,
  );
});

test("a call is tried again as service-config.json says", () => {
  assert.equal(maxAttempts, 5);
  assert.deepEqual(callBounds, { firstMs: 100, lastMs: 3_000, factor: 3 });
});
