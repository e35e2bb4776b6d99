import { setTimeout as sleep } from "node:timers/promises";

/** How the bound of a wait grows with each failure in a row. */
export interface Bounds {
  firstMs: number;
  lastMs: number;
  factor: number;
}

/** How a stream comes back. */
export const streamBounds: Bounds = { firstMs: 100, lastMs: 10_000, factor: 2 };

/**
 * How long to wait before the next attempt: as the node asks, and a random
 * time up to a bound. The chance keeps those who were cut together from coming
 * back together.
 */
export function backoffMs(
  bounds: Bounds,
  failures: number,
  askedMs: number,
  random = Math.random,
): number {
  const boundMs = Math.min(bounds.firstMs * bounds.factor ** failures, bounds.lastMs);
  return askedMs + boundMs * random();
}

/** Waits, and says whether it could do so undisturbed. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) {
      return false;
    }
    throw error;
  }
}
