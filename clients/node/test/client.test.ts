import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import {
  Code,
  ConnectError,
  type Event,
  errorReason,
  Fanfare,
  type Frame,
  fieldViolations,
  type Gap,
  GapReason,
  json,
  OverflowPolicy,
  PresenceKind,
  payloadOf,
  type SubscriptionOptions,
} from "../src/index.js";
import { Node, Wire } from "./node.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) {
    await end();
  }
});

async function startNode(settings?: Record<string, string>): Promise<Node> {
  const node = await Node.start(settings);
  ends.push(() => node.stop());
  return node;
}

async function wireTo(node: Node): Promise<Wire> {
  const wire = await Wire.to(node);
  ends.push(() => wire.close());
  return wire;
}

function client(place: { baseUrl: string }): Fanfare {
  const fanfare = new Fanfare({ baseUrl: place.baseUrl });
  ends.push(() => fanfare.close());
  return fanfare;
}

const noGap: SubscriptionOptions = {
  onGap: (gap) => assert.fail(`a gap in ${gap.channel} that nobody expected`),
};

async function next<T>(iterator: AsyncIterator<T>): Promise<T> {
  const { done, value } = await iterator.next();
  assert.ok(!done, "it ended");
  return value;
}

type Frames = { [F in Frame as F["case"]]: F["value"] };

/** The next frame of this kind; those before it are passed over. */
async function nextOf<C extends keyof Frames>(
  frames: AsyncIterator<{ case: string; value: unknown }>,
  wanted: C,
): Promise<Frames[C]> {
  for (;;) {
    const frame = await next(frames);
    if (frame.case === wanted) {
      return frame.value as Frames[C];
    }
  }
}

/** A subscription that is ready. */
async function ready(fanfare: Fanfare, channel: string, options = noGap) {
  const subscription = fanfare.subscribe({ subscriptions: [{ channel }] }, options);
  const frames = subscription.frames();
  const { memberId } = await nextOf(frames, "ready");
  return { subscription, frames, memberId };
}

test("an event brings back what was sent, of every kind of payload", async () => {
  const fanfare = client(await startNode());
  const { frames } = await ready(fanfare, "all");
  const sent = [
    json({ text: "Grüße 👋", list: [1.5, true, null], empty: {} }),
    { kind: { case: "text", value: "" } },
    { kind: { case: "binary", value: new Uint8Array([0, 255]) } },
    { kind: { case: "any", value: { typeUrl: "t/x.Y", value: new Uint8Array([7]) } } },
  ] as const;
  for (const payload of sent) {
    await fanfare.send({ channel: "all", event: "e", payload, headers: { trace: "1" } });
  }
  await fanfare.send({ channel: "all" });
  const events: Event[] = [];
  for (let i = 0; i < 5; i++) {
    events.push(await nextOf(frames, "event"));
  }
  assert.deepEqual(
    events.map((event) => payloadOf(event).kind),
    ["json", "text", "binary", "any", "none"],
  );
  const [first, , binary] = events;
  assert.ok(first && binary);
  assert.deepEqual(payloadOf(first), {
    kind: "json",
    value: { text: "Grüße 👋", list: [1.5, true, null], empty: {} },
  });
  assert.deepEqual(payloadOf(binary), { kind: "binary", value: new Uint8Array([0, 255]) });
  assert.deepEqual({ ...first.headers }, { trace: "1" });
});

test("a subscription is a plain loop over its events", async () => {
  const fanfare = client(await startNode());
  await fanfare.send({ channel: "loop", event: "one" });
  await fanfare.send({ channel: "loop", event: "two" });
  const names: string[] = [];
  const subscription = fanfare.subscribe(
    { subscriptions: [{ channel: "loop" }], start: { case: "last", value: 2 } },
    noGap,
  );
  for await (const event of subscription) {
    names.push(event.name);
    if (names.length === 2) {
      break;
    }
  }
  assert.deepEqual(names, ["one", "two"]);
});

test("a stream that is cut goes on where it was, as the same member", async () => {
  const node = await startNode();
  const wire = await wireTo(node);
  const sender = client(node);
  const { frames, memberId } = await ready(client(wire), "cut");
  const seen: string[] = [];
  for (let round = 0; round < 20; round++) {
    for (const half of ["a", "b"]) {
      await sender.send({ channel: "cut", event: `${round}${half}` });
    }
    seen.push((await nextOf(frames, "event")).name);
    wire.cut();
    await sender.send({ channel: "cut", event: `${round}c` });
    while (seen.at(-1) !== `${round}c`) {
      const frame = await next(frames);
      if (frame.case === "event") {
        seen.push(frame.value.name);
      } else if (frame.case === "ready") {
        assert.equal(frame.value.memberId, memberId);
        assert.ok(frame.value.recovered);
      }
    }
  }
  assert.equal(wire.connections, 21);
  const expected = Array.from({ length: 20 }, (_, round) => [
    `${round}a`,
    `${round}b`,
    `${round}c`,
  ]);
  assert.deepEqual(seen, expected.flat());
});

test("a connection on which no heartbeat comes is a cut", async () => {
  const node = await startNode();
  const wire = await wireTo(node);
  const cuts: ConnectError[] = [];
  const subscription = client(wire).subscribe(
    { subscriptions: [{ channel: "still" }], heartbeatInterval: { seconds: 1n } },
    { ...noGap, onCut: ({ error }) => cuts.push(error) },
  );
  const frames = subscription.frames();
  await nextOf(frames, "ready");
  wire.freeze();
  await client(node).send({ channel: "still", event: "missed on the frozen one" });
  assert.equal((await nextOf(frames, "event")).name, "missed on the frozen one");
  assert.equal(wire.connections, 2);
  assert.match(cuts[0]?.message ?? "", /no frame came for 2000 ms/);
});

test("a restart of the node is told as a gap before what follows", async () => {
  const node = await startNode();
  const heard: string[] = [];
  const gaps: Gap[] = [];
  const { frames } = await ready(client(node), "life", {
    onGap: async (gap) => {
      await new Promise((resolve) => setImmediate(resolve));
      gaps.push(gap);
      heard.push(`gap in ${gap.channel || "broadcasts"}`);
    },
  });
  await node.stop();
  const again = await node.again();
  ends.push(() => again.stop());
  await client(again).send({ channel: "life", event: "after" });
  heard.push((await nextOf(frames, "event")).name);
  assert.equal(heard.pop(), "after");
  assert.deepEqual(heard.sort(), ["gap in broadcasts", "gap in life"]);
  assert.ok(gaps.every((gap) => gap.reason === GapReason.EPOCH_CHANGED));
});

test("it stays away for as long as a node that drains asks for", async () => {
  const node = await startNode();
  const delays: number[] = [];
  const { frames } = await ready(client(node), "drain", {
    ...noGap,
    onCut: ({ error, delayMs }) => errorReason(error) === "DRAINING" && delays.push(delayMs),
  });
  const stopped = node.stop();
  const closing = await nextOf(frames, "closing");
  const askedMs =
    Number(closing.retryAfter?.seconds) * 1000 + (closing.retryAfter?.nanos ?? 0) / 1e6;
  const waits = frames.next();
  await stopped;
  assert.ok(askedMs > 0, "it asked for no delay");
  assert.equal(delays.length, 1);
  assert.ok((delays[0] ?? 0) >= askedMs, `${delays[0]} ms instead of ${askedMs}`);
  void waits;
});

test("a member that came back elsewhere ends the older stream for good", async () => {
  const node = await startNode();
  const { subscription, frames } = await ready(client(node), "one");
  const newer = client(node).subscribe(
    { subscriptions: [{ channel: "one" }], memberToken: subscription.memberToken },
    noGap,
  );
  await nextOf(newer.frames(), "ready");
  await assert.rejects(nextOf(frames, "event"), (error) => {
    assert.equal(errorReason(error), "REPLACED");
    assert.equal((error as ConnectError).code, Code.Aborted);
    return true;
  });
});

test("a request that is wrong ends with the field that is wrong", async () => {
  const fanfare = client(await startNode());
  await assert.rejects(ready(fanfare, "a..b"), (error) => {
    assert.equal(errorReason(error), "INVALID_CHANNEL");
    assert.equal(fieldViolations(error)[0]?.field, "subscriptions[0].channel");
    return true;
  });
});

test("an error of the caller's own in onGap comes out of the loop", async () => {
  const node = await startNode();
  const { frames } = await ready(client(node), "own", {
    onGap: () => {
      throw new RangeError("cannot load anew");
    },
  });
  await node.stop();
  const again = await node.again();
  ends.push(() => again.stop());
  await assert.rejects(nextOf(frames, "event"), RangeError);
});

test("a send whose answer is lost is repeated and happens once", async () => {
  const node = await startNode();
  const wire = await wireTo(node);
  const { frames } = await ready(client(node), "once");
  const sender = client(wire);
  await sender.send({ channel: "other" });
  let lost = 0;
  wire.swallow = () => lost++ === 0;
  const response = await sender.send({ channel: "once", event: "sent twice" });
  assert.ok(response.duplicate, "the first attempt did not reach the node");
  await client(node).send({ channel: "once", event: "next" });
  assert.equal((await nextOf(frames, "event")).name, "sent twice");
  assert.equal((await nextOf(frames, "event")).name, "next");
});

test("a send to nobody home fails when its time is over", async () => {
  const node = await startNode();
  await node.stop();
  await assert.rejects(client(node).send({ channel: "a" }, { timeoutMs: 500 }), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.ok([Code.Unavailable, Code.DeadlineExceeded].includes(error.code), error.message);
    return true;
  });
});

test("a send that the node refuses is not repeated", async () => {
  const node = await startNode();
  await assert.rejects(client(node).send({ channel: "" }), (error) => {
    assert.equal(errorReason(error), "INVALID_CHANNEL");
    return true;
  });
});

test("members come from all pages", async () => {
  const fanfare = client(await startNode());
  const names = ["Ada", "Grace", "Hedy", "Joan", "Mary"];
  for (const name of names) {
    const request = { subscriptions: [{ channel: "staff" }], data: { name } };
    await nextOf(fanfare.subscribe(request, noGap).frames(), "ready");
  }
  const listed: unknown[] = [];
  for await (const member of fanfare.members("staff", { pageSize: 2 })) {
    listed.push(member.data?.name);
  }
  assert.deepEqual(listed, names);
});

test("presence tells who is there and who comes", async () => {
  const fanfare = client(await startNode());
  const request = { subscriptions: [{ channel: "room", presence: true, observe: true }] };
  const frames = fanfare.subscribe(request, noGap).frames();
  assert.deepEqual((await nextOf(frames, "members")).members, []);
  const { memberId } = await ready(fanfare, "room");
  const { kind, member } = await nextOf(frames, "presence");
  assert.equal(kind, PresenceKind.JOINED);
  assert.equal(member?.id, memberId);
});

test("pipelined requests of a session are each answered, in order", async () => {
  const node = await startNode();
  const session = client(node).session();
  const asked = Array.from({ length: 2000 }, (_, i) =>
    session.send({ channel: i % 500 === 7 ? "" : "fast", event: `${i}` }),
  );
  const results = await Promise.allSettled(asked);
  const failed = results.flatMap((result, i) => (result.status === "rejected" ? [i] : []));
  assert.deepEqual(failed, [7, 507, 1007, 1507]);
  const numbers = results.flatMap((result) =>
    result.status === "fulfilled" ? [result.value.position?.sequence] : [],
  );
  assert.deepEqual(
    numbers,
    Array.from({ length: 1996 }, (_, i) => BigInt(i + 1)),
  );
  const refused = results[7];
  assert.ok(refused?.status === "rejected" && errorReason(refused.reason) === "INVALID_CHANNEL");
  session.end();
  for await (const frame of session.frames(noGap)) {
    assert.fail(`${frame.case} in a session that never subscribed`);
  }
});

test("a session changes what it listens to, and another resumes it", async () => {
  const node = await startNode();
  const wire = await wireTo(node);
  const fanfare = client(wire);
  const session = fanfare.session();
  const frames = session.frames(noGap);
  const { memberId } = await session.subscribe({ subscriptions: [{ channel: "a", echo: true }] });
  await session.subscribe({ subscriptions: [{ channel: "b", echo: true }] });
  await session.subscribe({ subscriptions: [{ channel: "c", echo: true }] });
  await session.unsubscribe(["a"]);
  await session.update({ name: "Ada", mood: "good" });
  await session.merge({ mood: null });
  for (const channel of ["a", "b", "c"]) {
    await session.send({ channel });
  }
  assert.equal((await nextOf(frames, "event")).channel, "b");
  assert.equal((await nextOf(frames, "event")).channel, "c");
  for await (const member of fanfare.members("b")) {
    assert.deepEqual(member.data, { name: "Ada" });
  }
  // Only what was iterated past is behind it: "c" is still in use.
  const resumption = session.resumption();
  wire.cut();
  await assert.rejects(nextOf(frames, "event"), (error) => {
    assert.equal((error as ConnectError).code, Code.Unavailable);
    return true;
  });
  await assert.rejects(session.send({ channel: "b" }), ConnectError);
  const another = fanfare.session();
  const ready = await another.subscribe(resumption);
  assert.equal(ready.memberId, memberId);
  assert.equal((await nextOf(another.frames(noGap), "event")).channel, "c");
  assert.deepEqual(
    resumption.subscriptions.map(({ channel }) => channel),
    ["b", "c"],
  );
});

test("a slow reader is told a gap, and others of its client miss nothing", async () => {
  const node = await startNode({ log_events: "64" });
  const fanfare = client(node);
  const gaps: Gap[] = [];
  const slow = await ready(fanfare, "busy", { onGap: (gap) => void gaps.push(gap) });
  const fast = await ready(fanfare, "busy");
  const payload = { kind: { case: "binary", value: new Uint8Array(16_384) } } as const;
  let sequence = 0n;
  for (let i = 0; i < 500; i++) {
    const sent = await fanfare.send({ channel: "busy", event: `${i}`, payload });
    sequence = sent.position?.sequence ?? 0n;
    assert.equal((await nextOf(fast.frames, "event")).name, `${i}`);
  }
  let passed = 0n;
  let counted = 0n;
  while (passed < sequence) {
    const frame = await next(slow.frames);
    if (frame.case === "event") {
      counted++;
      passed = frame.value.sequence;
    } else if (frame.case === "gap") {
      counted += frame.value.through - frame.value.after;
      passed = frame.value.through;
    }
  }
  assert.ok(gaps.length > 0, "it was told no gap");
  assert.equal(gaps[0]?.reason, GapReason.OVERFLOW);
  assert.ok(counted >= 500n, `${counted} accounted for`);
});

test("a slow reader that would rather start over is SLOW_CONSUMER, and comes back", async () => {
  const node = await startNode({ log_events: "64" });
  const fanfare = client(node);
  const cuts: (string | undefined)[] = [];
  const gaps: Gap[] = [];
  const frames = fanfare
    .subscribe(
      { subscriptions: [{ channel: "busy", overflow: OverflowPolicy.END }] },
      {
        onGap: (gap) => void gaps.push(gap),
        onCut: ({ error }) => cuts.push(errorReason(error)),
      },
    )
    .frames();
  await nextOf(frames, "ready");
  const payload = { kind: { case: "binary", value: new Uint8Array(16_384) } } as const;
  for (let i = 0; i < 500; i++) {
    await fanfare.send({ channel: "busy", event: `${i}`, payload });
  }
  while ((await nextOf(frames, "event")).name !== "499");
  assert.deepEqual(cuts, ["SLOW_CONSUMER"]);
  assert.equal(gaps[0]?.reason, GapReason.EXPIRED);
});

test("a signal ends a subscription quietly, and so does the client's end", async () => {
  const fanfare = client(await startNode());
  const abort = new AbortController();
  const one = await ready(fanfare, "quiet", { ...noGap, signal: abort.signal });
  const other = await ready(fanfare, "quiet");
  const ended = one.frames.next();
  abort.abort();
  assert.equal((await ended).done, true);
  const closed = other.frames.next();
  fanfare.close();
  assert.equal((await closed).done, true);
});

test("a keepalive that the node would not bear is refused at once", () => {
  const build = () => new Fanfare({ baseUrl: "http://127.0.0.1:1", keepaliveMs: 9_999 });
  assert.throws(build, /must be at least 10000/);
});
