/** One scenario: its steps in order, up to the first that fails. */

import { setTimeout as sleep } from "node:timers/promises";
import { create, type DescMethod, type JsonValue } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Sessions } from "../src/connection.js";
import { statusOf } from "../src/errors.js";
import {
  GetMembersRequestSchema,
  GetMembersResponseSchema,
  RealtimeService,
  ReplySchema,
  SendRequestSchema,
  SendResponseSchema,
  type SessionRequest,
  SessionRequestSchema,
  type SessionResponse,
  SessionResponseSchema,
  SubscribeRequestSchema,
  type SubscribeResponse,
  SubscribeResponseSchema,
} from "../src/gen/fanfare/v1/realtime_pb.js";
import { Fanfare, type Member, type Session } from "../src/index.js";
import { Queue } from "../src/queue.js";
import type { NodeBehindDoor } from "./door.js";
import { isObject, mismatch, replaced, type Saved, show } from "./match.js";
import { Frames, type Stream, type Taken } from "./streams.js";
import { read, shown, shownError } from "./wire.js";

export type Step = { [key: string]: JsonValue };

export interface Scenario {
  name: string;
  node: JsonValue;
  connections?: { [name: string]: { keepalive_ms?: number } };
  slow?: boolean;
  steps: Step[];
}

const patienceMs = 30_000;
const allowedKeys: { [verb: string]: string[] } = {
  call: ["request", "expect", "error", "connection", "deadline_ms", "via"],
  open: ["call", "request", "connection", "deadline_ms"],
  write: ["request"],
  finish: [],
  cancel: [],
  follow: ["request"],
  session: [],
  ask: ["request", "expect", "error"],
  read: ["frames"],
  account: ["after", "through", "gaps"],
  ended: ["error", "skipping"],
  control: ["expect"],
  repeat: ["steps"],
  wait_ms: [],
};

export class Run {
  readonly #node: NodeBehindDoor;
  readonly #scenario: Scenario;
  readonly #saved: Saved = new Map();
  readonly #streams = new Map<string, Stream>();
  readonly #requests = new Map<string, Queue<SessionRequest>>();
  readonly #sessions = new Map<string, Session>();
  readonly #connections = new Map<string, { rpc: Client<typeof RealtimeService>; close(): void }>();
  readonly #fanfare: Fanfare;

  constructor(node: NodeBehindDoor, scenario: Scenario) {
    this.#node = node;
    this.#scenario = scenario;
    this.#fanfare = new Fanfare({ baseUrl: node.baseUrl });
  }

  async steps(steps: Step[]): Promise<void> {
    for (const [i, template] of steps.entries()) {
      const verb = verbOf(template);
      try {
        await this.#step(verb, template);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`step ${i + 1}, ${verb} ${show(template[verb])}: ${reason}`);
      }
    }
  }

  close(): void {
    this.#fanfare.close();
    for (const stream of this.#streams.values()) {
      stream.cancel();
    }
    for (const connection of this.#connections.values()) {
      connection.close();
    }
  }

  async #step(verb: string, template: Step): Promise<void> {
    if (verb === "repeat") {
      for (let i = 1; i <= Number(template.repeat); i++) {
        this.#saved.set("i", `${i}`);
        await this.steps(template.steps as Step[]);
      }
      return;
    }
    const { expect, error, frames, ...asked } = template;
    const expected = { expect, error, frames } as Step; // replaced as they are matched
    const step: Step = { ...expected, ...(replaced(asked, this.#saved) as Step) };
    const name = String(step[verb]);
    switch (verb) {
      case "call":
        return this.#outcome(step, () => this.#call(name, step));
      case "open":
        return this.#open(name, step);
      case "write":
        await this.#requestsOf(name).put(read(SessionRequestSchema, step.request ?? {}));
        return;
      case "finish":
        return this.#requestsOf(name).end();
      case "cancel":
        return this.#stream(name).cancel();
      case "follow":
        return this.#follow(name, step);
      case "session":
        return this.#session(name);
      case "ask":
        return this.#outcome(step, () => this.#ask(name, step));
      case "read":
        return this.#read(name, step.frames as JsonValue[]);
      case "account":
        return this.#account(name, step);
      case "ended":
        return this.#ended(name, step);
      case "control":
        return this.#outcome(step, () => this.#node.control(name, step));
      default:
        await sleep(Number(step.wait_ms));
    }
  }

  /** What a step brings must be what it expects, or fail as it expects. */
  async #outcome(step: Step, bring: () => Promise<JsonValue>): Promise<void> {
    let answer: JsonValue;
    try {
      answer = await inPatience(bring(), "an answer");
    } catch (error) {
      if (step.error === undefined || error instanceof OutOfPatience) {
        throw error instanceof OutOfPatience ? error : new Error(show(shownError(error)));
      }
      return this.#match(step.error, shownError(error));
    }
    if (step.error !== undefined) {
      throw new Error(`expected the error ${show(step.error)}, got ${show(answer)}`);
    }
    this.#match(step.expect ?? "$any", answer);
  }

  #match(expected: JsonValue, actual: JsonValue): void {
    const reason = mismatch(expected, actual, this.#saved);
    if (reason !== undefined) {
      throw new Error(reason);
    }
  }

  async #call(name: string, step: Step): Promise<JsonValue> {
    if (step.via === "client") {
      return this.#callOfLibrary(name, step);
    }
    const method = RealtimeService.methods.find((known) => known.name === name);
    if (step.via !== undefined || method?.methodKind !== "unary") {
      throw new Error(`unknown call of ${name} via ${step.via}`);
    }
    return this.#unary(method, step);
  }

  async #unary(method: DescMethod, step: Step): Promise<JsonValue> {
    const rpc = this.#connection(step).rpc as unknown as {
      [name: string]: (request: unknown, options: object) => Promise<never>;
    };
    const request = read(method.input, step.request ?? {});
    try {
      const response = await rpc[method.localName]?.(request, deadline(step));
      return shown(method.output, response as never);
    } catch (error) {
      // Connect has other names for a connection that broke.
      throw statusOf(error);
    }
  }

  async #callOfLibrary(name: string, step: Step): Promise<JsonValue> {
    switch (name) {
      case "Send": {
        const request = read(SendRequestSchema, step.request ?? {});
        return shown(SendResponseSchema, await this.#fanfare.send(request));
      }
      case "GetMembers": {
        const { channel, pageSize } = read(GetMembersRequestSchema, step.request ?? {});
        const members: Member[] = [];
        for await (const member of this.#fanfare.members(channel, { pageSize })) {
          members.push(member);
        }
        const response = { members, totalSize: members.length };
        return shown(GetMembersResponseSchema, create(GetMembersResponseSchema, response));
      }
      default:
        throw new Error(`unknown call of the client: ${name}`);
    }
  }

  #open(name: string, step: Step): void {
    const { rpc } = this.#connection(step);
    const abort = new AbortController();
    const call = { ...deadline(step), signal: abort.signal };
    const cancel = () => abort.abort();
    switch (step.call) {
      case "Subscribe": {
        const frames = rpc.subscribe(read(SubscribeRequestSchema, step.request ?? {}), call);
        const show = (frame: SubscribeResponse) => shown(SubscribeResponseSchema, frame);
        this.#streams.set(name, new Frames(frames, { show, cancel, isFollowed: false }));
        break;
      }
      case "Session": {
        const requests = new Queue<SessionRequest>(1_000_000);
        this.#requests.set(name, requests);
        const frames = rpc.session(requests, call);
        const show = (frame: SessionResponse) => shown(SessionResponseSchema, frame);
        this.#streams.set(name, new Frames(frames, { show, cancel, isFollowed: false }));
        break;
      }
      default:
        throw new Error(`unknown stream: ${step.call}`);
    }
  }

  #follow(name: string, step: Step): void {
    const abort = new AbortController();
    const request = read(SubscribeRequestSchema, step.request ?? {});
    const subscription = this.#fanfare.subscribe(request, {
      onGap: () => {},
      signal: abort.signal,
    });
    this.#streams.set(
      name,
      new Frames(subscription.frames(), {
        show: (frame) => shown(SubscribeResponseSchema, create(SubscribeResponseSchema, { frame })),
        cancel: () => abort.abort(),
        isFollowed: true,
      }),
    );
  }

  #session(name: string): void {
    const session = this.#fanfare.session();
    this.#sessions.set(name, session);
    this.#streams.set(
      name,
      new Frames(session.frames({ onGap: () => {} }), {
        show: (frame) => shown(SessionResponseSchema, create(SessionResponseSchema, { frame })),
        cancel: () => session.close(),
        isFollowed: true,
      }),
    );
  }

  async #ask(name: string, step: Step): Promise<JsonValue> {
    const session = this.#sessions.get(name);
    if (!session) {
      throw new Error("no such session of the client");
    }
    const { request } = read(SessionRequestSchema, step.request ?? {});
    const result = await session.request(request);
    return shown(ReplySchema, create(ReplySchema, { result }));
  }

  async #read(name: string, frames: JsonValue[]): Promise<void> {
    for (const expected of frames) {
      const skipped = this.#stream(name).isFollowed
        ? ["ready", "heartbeat", "closing"]
        : ["heartbeat"];
      const due = Object.keys(expected ?? {});
      const passes = (kind: string) => skipped.includes(kind) && !due.includes(kind);
      const taken = await this.#take(name, passes, `the frame ${show(expected)}`);
      if ("end" in taken) {
        throw new Error(`expected ${show(expected)}, got the end ${show(taken.end)}`);
      }
      this.#match(expected, taken.frame);
    }
  }

  async #account(name: string, step: Step): Promise<void> {
    const through = BigInt(String(step.through));
    let due = BigInt(String(step.after)) + 1n;
    let gaps = false;
    const passes = (kind: string) => ["ready", "heartbeat", "closing"].includes(kind);
    while (due <= through) {
      const taken = await this.#take(name, passes, `number ${due}`);
      const { event, gap } = ("frame" in taken ? taken.frame : {}) as { event?: Step; gap?: Step };
      const bound = (key: string) => BigInt(String(gap?.[key] ?? 0));
      if (event && BigInt(String(event.sequence)) === due) {
        due += 1n;
      } else if (gap && bound("after") < due && bound("through") >= due) {
        due = bound("through") + 1n;
        gaps = true;
      } else {
        throw new Error(`number ${due} is due, got ${show(Object.values(taken)[0])}`);
      }
    }
    if (gaps !== step.gaps) {
      throw new Error(gaps ? "there was a gap" : "there was no gap");
    }
  }

  async #ended(name: string, step: Step): Promise<void> {
    const passes = (kind: string) =>
      step.skipping === true || kind === "heartbeat" || kind === "closing";
    const taken = await this.#take(name, passes, "the end");
    if ("frame" in taken) {
      throw new Error(`expected the end, got ${show(taken.frame)}`);
    }
    this.#match(step.error ?? "$any", taken.end);
  }

  /** The next frame, or the end, past frames of unknown kinds and of kinds to be passed over. */
  async #take(name: string, passes: (kind: string) => boolean, due: string): Promise<Taken> {
    const until = Date.now() + patienceMs;
    for (;;) {
      const taken = await inPatience(this.#stream(name).next(), due, until - Date.now());
      if ("end" in taken || !isObject(taken.frame) || !Object.keys(taken.frame).every(passes)) {
        return taken;
      }
    }
  }

  #connection(step: Step) {
    const name = String(step.connection ?? "main");
    const known = this.#connections.get(name);
    if (known) {
      return known;
    }
    const pingIntervalMs = this.#scenario.connections?.[name]?.keepalive_ms;
    const { baseUrl } = this.#node;
    const pings = pingIntervalMs ? { pingIntervalMs, pingIdleConnection: true } : {};
    const sessionManager = new Sessions(baseUrl, pings);
    const rpc = createClient(RealtimeService, createGrpcTransport({ baseUrl, sessionManager }));
    const close = () => sessionManager.leave();
    const connection = { rpc, close };
    this.#connections.set(name, connection);
    return connection;
  }

  #stream(name: string): Stream {
    const stream = this.#streams.get(name);
    if (!stream) {
      throw new Error("no such stream");
    }
    return stream;
  }

  #requestsOf(name: string): Queue<SessionRequest> {
    const requests = this.#requests.get(name);
    if (!requests) {
      throw new Error("no such session of the stub");
    }
    return requests;
  }
}

function verbOf(step: Step): string {
  // `open` and `call` go together: what is opened comes first.
  const verb = Object.keys(step).includes("open")
    ? "open"
    : Object.keys(step).find((key) => key in allowedKeys);
  const unknown = Object.keys(step).filter(
    (key) => key !== verb && !allowedKeys[verb ?? ""]?.includes(key),
  );
  // An operation of the door may have a body of its own.
  if (verb === undefined || (unknown.length > 0 && verb !== "control")) {
    throw new Error(`a step that is not understood: ${show(step)}`);
  }
  return verb;
}

function deadline(step: Step): { timeoutMs?: number } {
  return step.deadline_ms === undefined ? {} : { timeoutMs: Number(step.deadline_ms) };
}

class OutOfPatience extends Error {}

async function inPatience<T>(promise: Promise<T>, due: string, leftMs = patienceMs): Promise<T> {
  const clock = new AbortController();
  const late = sleep(Math.max(leftMs, 1), undefined, { signal: clock.signal }).then(() => {
    throw new OutOfPatience(`${due} did not come within ${patienceMs} ms`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    clock.abort();
  }
}
