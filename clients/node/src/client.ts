import { setMaxListeners } from "node:events";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { backoffMs, pause } from "./backoff.js";
import { Connection, type ConnectionOptions } from "./connection.js";
import { retryDelayMs, statusOf } from "./errors.js";
import type {
  BroadcastResponse,
  Member,
  RealtimeService,
  SendResponse,
} from "./gen/fanfare/v1/realtime_pb.js";
import type { SubscribeInit } from "./place.js";
import { callBounds, maxAttempts } from "./policy.js";
import {
  type BroadcastInit,
  repeatableBroadcast,
  repeatableSend,
  type SendInit,
} from "./request-id.js";
import { Scope } from "./scope.js";
import { Session } from "./session.js";
import { Subscription, type SubscriptionOptions } from "./subscription.js";

export interface FanfareOptions extends ConnectionOptions {
  /** How long a call may take, with all its attempts. Default: 30 s. */
  timeoutMs?: number;
}

export interface CallOptions {
  /** How long this call may take, with all its attempts. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * A node of Fanfare. Calls share one connection; each subscription and each
 * session has its own, so that one that is read slowly holds up no other.
 */
export class Fanfare {
  readonly #options: FanfareOptions;
  readonly #connection: Connection;
  readonly #closed = new AbortController();

  constructor(options: FanfareOptions) {
    this.#options = options;
    this.#connection = new Connection(options);
    setMaxListeners(0, this.#closed.signal); // one for each call that is open
  }

  /** The generated client, for the calls that need no help: history, channels, batches. */
  get rpc(): Client<typeof RealtimeService> {
    return this.#connection.rpc;
  }

  /**
   * Sends one event, and once only however often it is tried: without a
   * `requestId` of its own it gets one. Tries again while the node is
   * unavailable, as `service-config.json` says, and there is time.
   */
  send(init: SendInit, options?: CallOptions): Promise<SendResponse> {
    const request = repeatableSend(init);
    return this.#retried(options, (call) => this.rpc.send(request, call));
  }

  /** Sends one event to every connected subscriber, as `send` does to a channel's. */
  broadcast(init: BroadcastInit, options?: CallOptions): Promise<BroadcastResponse> {
    const request = repeatableBroadcast(init);
    return this.#retried(options, (call) => this.rpc.broadcast(request, call));
  }

  /** Who is in a channel, page by page as they are asked for. */
  async *members(
    channel: string,
    options: CallOptions & { pageSize?: number } = {},
  ): AsyncGenerator<Member, void, undefined> {
    const { pageSize = 0, ...call } = options;
    let pageToken = "";
    do {
      const page = await this.#retried(call, (attempt) =>
        this.rpc.getMembers({ channel, pageSize, pageToken }, attempt),
      );
      yield* page.members;
      pageToken = page.nextPageToken;
    } while (pageToken);
  }

  /** Subscribes, and stays so: `for await (const event of fanfare.subscribe(...))`. */
  subscribe(request: SubscribeInit, options: SubscriptionOptions): Subscription {
    return new Subscription(this.#options, request, options, this.#closed.signal);
  }

  /** Opens a stream for everything, to publish fast and to change what it listens to. */
  session(): Session {
    return new Session(this.#options, this.#closed.signal);
  }

  /** Ends subscriptions and sessions, whose iterations end, and closes the connections. */
  close(): void {
    this.#closed.abort();
    this.#connection.close();
  }

  async #retried<T>(
    options: CallOptions = {},
    attempt: (call: { timeoutMs: number; signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const deadline = Date.now() + (options.timeoutMs ?? this.#options.timeoutMs ?? 30_000);
    const scope = new Scope(options.signal, this.#closed.signal);
    const { signal } = scope;
    try {
      for (let failures = 0; ; failures++) {
        const isLast = failures + 1 >= maxAttempts;
        try {
          return await attempt({ timeoutMs: Math.max(deadline - Date.now(), 1), signal });
        } catch (reason) {
          const error = statusOf(reason);
          const delayMs = backoffMs(callBounds, failures, retryDelayMs(error));
          const again =
            !isLast && error.code === Code.Unavailable && Date.now() + delayMs < deadline;
          if (signal.aborted || !again || !(await pause(delayMs, signal))) {
            throw signal.aborted ? new ConnectError("the call was ended", Code.Canceled) : error;
          }
        }
      }
    } finally {
      scope.leave();
    }
  }
}
