import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Connection, type ConnectionOptions } from "./connection.js";
import { durationMs, replyError, statusOf } from "./errors.js";
import {
  type BroadcastResponse,
  type Gap,
  type Position,
  type Ready,
  type Reply,
  type SendResponse,
  type SessionRequest,
  SessionRequestSchema,
  type SessionResponse,
  type SubscribeRequest,
  type Subscription,
  SubscriptionSchema,
} from "./gen/fanfare/v1/realtime_pb.js";
import { Place, type SubscribeInit } from "./place.js";
import { Queue } from "./queue.js";
import {
  type BroadcastInit,
  repeatableBroadcast,
  repeatableSend,
  type SendInit,
} from "./request-id.js";
import { Scope } from "./scope.js";
import { inTime } from "./silence.js";

/** One frame of a session that is no reply; `case` says which. */
export type SessionFrame = Exclude<SessionResponse["frame"], { case: "reply" | undefined }>;

type RequestInit = NonNullable<MessageInitShape<typeof SessionRequestSchema>["request"]>;
type Result = Reply["result"];

type Answer = Exclude<Result, { case: "error" | undefined }>;
type Answers = { [A in Answer as A["case"]]: A["value"] };

interface Waiting {
  request: SessionRequest;
  resolve: (result: Result) => void;
  reject: (error: ConnectError) => void;
}

/** As many requests may wait for their replies as the node lets wait. */
const mostUnanswered = 256;
/** As many frames may wait to be iterated; then the stream is read no further. */
const mostUnread = 64;
/** Before it has subscribed no heartbeats come, and a session may be silent; a timer's longest. */
const noSilenceMs = 2 ** 31 - 1;

/**
 * One stream for everything, with a connection of its own. Requests may be
 * made without waiting for one another; they are applied in order. One that
 * fails rejects its promise and ends nothing.
 *
 * Once it has subscribed, iterate its frames while you make requests: replies
 * come between them.
 *
 * A session ends with its stream: what was not answered is rejected with why,
 * and may have happened. To come back, open another, `subscribe` with
 * `resumption`, and repeat unanswered sends with the `requestId` they had.
 */
export class Session {
  readonly #connection: Connection;
  readonly #abort = new AbortController();
  readonly #scope: Scope;
  readonly #requests = new Queue<SessionRequest>(mostUnanswered);
  readonly #frames = new Queue<SessionFrame>(mostUnread);
  readonly #waiting: Waiting[] = [];
  readonly #place = new Place();
  readonly #subscribed = new Map<string, Subscription>();
  #first: SubscribeInit | undefined;
  #room = new Room(mostUnanswered);
  #silenceMs = noSilenceMs;
  #lastId = 0n;
  #error: ConnectError | undefined;

  constructor(options: ConnectionOptions, closed: AbortSignal) {
    this.#connection = new Connection(options);
    this.#scope = new Scope(this.#abort.signal, closed);
    void this.#read();
  }

  /**
   * Listens to channels. Only the first one may set more than
   * `subscriptions`. Iterate `frames` for what comes.
   */
  async subscribe(request: SubscribeInit): Promise<Ready> {
    const isFirst = this.#first === undefined;
    this.#first ??= request;
    try {
      const ready = await this.#ask({ case: "subscribe", value: request }, "ready");
      for (const subscription of request.subscriptions ?? []) {
        this.#subscribed.set(subscription.channel ?? "", create(SubscriptionSchema, subscription));
      }
      return ready;
    } catch (error) {
      if (isFirst) {
        this.#first = undefined;
      }
      throw error;
    }
  }

  /** Leaves channels and patterns, by the texts that were subscribed. */
  async unsubscribe(channels: string[]): Promise<void> {
    await this.#ask({ case: "unsubscribe", value: { channels } }, "done");
    for (const channel of channels) {
      this.#subscribed.delete(channel);
    }
  }

  /** Replaces the session's own profile. */
  async update(data: JsonObject): Promise<void> {
    await this.#ask({ case: "update", value: { data } }, "done");
  }

  /** Changes the session's own profile as RFC 7396 has it: null removes a key. */
  async merge(data: JsonObject): Promise<void> {
    await this.#ask({ case: "update", value: { data, merge: true } }, "done");
  }

  /** Sends one event. Give it a `requestId` to be able to repeat it after a cut. */
  send(request: SendInit): Promise<SendResponse> {
    return this.#ask({ case: "send", value: request }, "send");
  }

  /** Sends one event to every connected subscriber. */
  broadcast(request: BroadcastInit): Promise<BroadcastResponse> {
    return this.#ask({ case: "broadcast", value: request }, "broadcast");
  }

  /** Any request; its reply's result, which is rejected if it is an error. */
  async request(init: RequestInit): Promise<Answer> {
    const asked = repeatable(init);
    await this.#room.enter();
    try {
      const result = await this.#exchange(asked);
      switch (result.case) {
        case "error":
          throw replyError(result.value);
        case undefined:
          throw new ConnectError("a reply of a kind that is not known", Code.Unimplemented);
        default:
          return result;
      }
    } finally {
      this.#room.leave();
    }
  }

  #exchange(init: RequestInit): Promise<Result> {
    if (this.#error) {
      throw this.#error;
    }
    const request = create(SessionRequestSchema, { id: ++this.#lastId, request: init });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      void this.#requests.put(request);
    });
  }

  /**
   * What comes in the subscribed channels. `onGap` takes the news that
   * something is missing, and is awaited before anything that follows.
   * Throws what ended the session, unless that was `end` or `close`.
   */
  async *frames(options: {
    onGap: (gap: Gap) => void | Promise<void>;
  }): AsyncGenerator<SessionFrame, void, undefined> {
    for await (const frame of this.#frames) {
      if (frame.case === "gap") {
        await options.onGap(frame.value);
      }
      yield frame;
      this.#place.keep(frame);
    }
    if (this.#error && this.#error.code !== Code.Canceled) {
      throw this.#error;
    }
  }

  /** Up to where every frame has been used. */
  get position(): Position | undefined {
    return this.#place.position;
  }

  /** What the first subscribe of another session asks for, to go on where this one is. */
  resumption(): SubscribeRequest {
    const request = this.#place.request(this.#first ?? {});
    request.subscriptions = [...this.#subscribed.values()];
    return request;
  }

  /** No more requests. A session that never subscribed ends when all are answered. */
  end(): void {
    this.#requests.end();
  }

  /** Ends the session at once. */
  close(): void {
    this.#abort.abort();
  }

  async #ask<C extends keyof Answers>(init: RequestInit, expected: C): Promise<Answers[C]> {
    const answer = await this.request(init);
    if (answer.case !== expected) {
      throw new ConnectError(`a reply of kind ${answer.case}, not ${expected}`, Code.Internal);
    }
    return answer.value as Answers[C];
  }

  async #read(): Promise<void> {
    try {
      const call = { signal: this.#scope.signal, timeoutMs: 0 };
      const responses = this.#connection.rpc.session(this.#requests, call)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await inTime(responses.next(), this.#silenceMs);
        if (done) {
          break;
        }
        await this.#take(value.frame);
      }
      this.#over(new ConnectError("the session has ended", Code.Canceled));
    } catch (error) {
      const ended = new ConnectError("the session was closed", Code.Canceled);
      this.#over(this.#scope.signal.aborted ? ended : statusOf(error));
    }
  }

  async #take(frame: SessionResponse["frame"]): Promise<void> {
    if (frame.case === "reply") {
      this.#answer(frame.value);
    } else if (frame.case !== undefined) {
      await this.#frames.put(frame);
    }
  }

  #answer(reply: Reply): void {
    const waiting = this.#waiting.shift();
    if (waiting?.request.id !== reply.id) {
      const expected = waiting?.request.id ?? "none";
      throw new ConnectError(`reply ${reply.id} came, ${expected} was due`, Code.Internal);
    }
    if (reply.result.case === "ready" && this.#silenceMs === noSilenceMs) {
      this.#place.keepReady(reply.result.value);
      const intervalMs = durationMs(reply.result.value.heartbeatInterval);
      this.#silenceMs = intervalMs ? 2 * intervalMs : noSilenceMs;
    }
    waiting.resolve(reply.result);
  }

  #over(error: ConnectError): void {
    this.#error = error;
    this.#requests.end();
    this.#frames.end();
    for (const waiting of this.#waiting.splice(0)) {
      waiting.reject(error);
    }
    this.#scope.abort();
    this.#connection.close();
  }
}

function repeatable(init: RequestInit): RequestInit {
  switch (init.case) {
    case "send":
      return { case: "send", value: repeatableSend(init.value) };
    case "broadcast":
      return { case: "broadcast", value: repeatableBroadcast(init.value) };
    default:
      return init;
  }
}

/** So many may be inside at a time; the others wait their turn. */
class Room {
  #places: number;
  readonly #queue: (() => void)[] = [];

  constructor(places: number) {
    this.#places = places;
  }

  async enter(): Promise<void> {
    if (this.#places > 0) {
      this.#places--;
    } else {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
  }

  leave(): void {
    const next = this.#queue.shift();
    if (next) {
      next();
    } else {
      this.#places++;
    }
  }
}
