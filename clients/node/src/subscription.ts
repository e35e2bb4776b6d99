import { Code, ConnectError } from "@connectrpc/connect";
import { backoffMs, pause, streamBounds } from "./backoff.js";
import { Connection, type ConnectionOptions } from "./connection.js";
import { durationMs, isPermanent, retryDelayMs, statusOf } from "./errors.js";
import type { Event, Gap, Position, SubscribeResponse } from "./gen/fanfare/v1/realtime_pb.js";
import { type Known, Place, type SubscribeInit } from "./place.js";
import { Scope } from "./scope.js";
import { inTime } from "./silence.js";

/** One frame of a stream; `case` says which. */
export type Frame = Known;

/** An end of the stream after which it comes back. */
export interface Cut {
  error: ConnectError;
  /** How long it waits before. */
  delayMs: number;
}

export interface SubscriptionOptions {
  /**
   * Takes the news that something is missing: load anew what it stood for.
   * It is awaited before anything that follows the gap.
   */
  onGap: (gap: Gap) => void | Promise<void>;
  /** Hears of every cut, to log it. */
  onCut?: (cut: Cut) => void;
  /** Ends the subscription; the iteration then ends without an error. */
  signal?: AbortSignal;
}

/** Until `ready` says the interval, this long without a frame is a cut. */
const firstSilenceMs = 20_000;

/**
 * A stream that goes on after every cut, from where it was: nothing is missed
 * untold, and nothing comes twice. It has a connection of its own, and is read
 * no faster than it is iterated, once.
 *
 * The iteration throws what no return can mend: a request that the node
 * refuses, or that the member came back elsewhere (`REPLACED`).
 */
export class Subscription implements AsyncIterable<Event> {
  readonly #connection: ConnectionOptions;
  readonly #wanted: SubscribeInit;
  readonly #options: SubscriptionOptions;
  readonly #closed: AbortSignal;
  readonly #place = new Place();
  #begun = false;
  #silenceMs = firstSilenceMs;
  #failures = 0;
  #askedMs = 0;

  constructor(
    connection: ConnectionOptions,
    wanted: SubscribeInit,
    options: SubscriptionOptions,
    closed: AbortSignal,
  ) {
    this.#connection = connection;
    this.#wanted = wanted;
    this.#options = options;
    this.#closed = closed;
  }

  /** Up to where everything has been used; to go on from there in another life of this program. */
  get position(): Position | undefined {
    return this.#place.position;
  }

  /** Proves to be the same member; a secret. Empty before `ready`. */
  get memberToken(): string {
    return this.#place.memberToken;
  }

  /** The events alone. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    for await (const frame of this.frames()) {
      if (frame.case === "event") {
        yield frame.value;
      }
    }
  }

  /** Every frame, those of presence and the gaps included, which `onGap` has heard of by then. */
  async *frames(): AsyncGenerator<Frame, void, undefined> {
    if (this.#begun) {
      throw new Error("a subscription can be iterated once; subscribe again for another");
    }
    this.#begun = true;
    const scope = new Scope(this.#options.signal, this.#closed);
    try {
      while (!scope.signal.aborted) {
        const error = yield* this.#untilCut(scope.signal);
        if (scope.signal.aborted) {
          return;
        }
        if (isPermanent(error)) {
          throw error;
        }
        const askedMs = Math.max(this.#askedMs, retryDelayMs(error));
        const delayMs = backoffMs(streamBounds, this.#failures++, askedMs);
        this.#options.onCut?.({ error, delayMs });
        await pause(delayMs, scope.signal);
      }
    } finally {
      scope.leave();
    }
  }

  /** The frames of one stream, and why it ended. */
  async *#untilCut(aborted: AbortSignal): AsyncGenerator<Frame, ConnectError, undefined> {
    const connection = new Connection(this.#connection);
    const scope = new Scope(aborted);
    this.#askedMs = 0;
    try {
      const request = this.#place.request(this.#wanted);
      const call = { signal: scope.signal, timeoutMs: 0 };
      const responses = connection.rpc.subscribe(request, call)[Symbol.asyncIterator]();
      for (;;) {
        const next = await this.#next(responses);
        if (next instanceof ConnectError) {
          return next;
        }
        if (next.case !== undefined) {
          await this.#meet(next);
          yield next;
          this.#place.keep(next);
        }
      }
    } finally {
      scope.abort();
      connection.close();
    }
  }

  /** The next frame, or why there is none. */
  async #next(
    responses: AsyncIterator<SubscribeResponse>,
  ): Promise<SubscribeResponse["frame"] | ConnectError> {
    try {
      const { done, value } = await inTime(responses.next(), this.#silenceMs);
      return done ? new ConnectError("the stream ended", Code.Unavailable) : value.frame;
    } catch (error) {
      return statusOf(error);
    }
  }

  async #meet(frame: Frame): Promise<void> {
    switch (frame.case) {
      case "ready": {
        this.#place.keepReady(frame.value);
        const intervalMs = durationMs(frame.value.heartbeatInterval);
        this.#silenceMs = intervalMs ? 2 * intervalMs : firstSilenceMs;
        this.#failures = 0;
        break;
      }
      case "gap":
        await this.#options.onGap(frame.value);
        break;
      case "closing":
        this.#askedMs = durationMs(frame.value.retryAfter) ?? 0;
        break;
    }
  }
}
