import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";

import * as esbuild from "esbuild";
import { chromium } from "playwright-core";

import { Cable } from "./cable.mjs";
import { Node } from "./node.mjs";

const WAYS = ["event-source", "grpc-web"];

/** How long anything awaited may take: EventSource waits seconds by itself. */
const DEADLINE = 60_000;

let web, port, browser;
const cleanups = [];

before(async () => {
  web = await esbuild.context({});
  ({ port } = await web.serve({ host: "127.0.0.1", servedir: "public" }));
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});

after(async () => {
  await browser?.close();
  await web?.dispose();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The origin that the node is told of. */
function origin() {
  return `http://127.0.0.1:${port}`;
}

/** The same page, which a browser takes for another's. */
function otherOrigin() {
  return `http://localhost:${port}`;
}

async function startNode(settings = {}) {
  return kept(await Node.start({ settings: { cors_origins: origin(), ...settings } }));
}

async function restart(node) {
  assert.equal(await node.stop(), 0, "a node that is asked to stop exits with 0");
  return kept(await node.restarted());
}

function kept(node) {
  cleanups.push(() => node.kill());
  return node;
}

async function cableTo(node) {
  const cable = await Cable.to(node.port);
  cleanups.push(() => cable.remove());
  return cable;
}

/** Opens the page, listening to the channel `numbers`. */
async function open(node, { from = origin() } = {}) {
  const context = await browser.newContext();
  cleanups.push(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE);
  const complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error}`));
  await page.goto(`${from}/?node=${encodeURIComponent(node.url)}&channel=numbers`);
  return { page, complaints };
}

function is(state, { page }) {
  return Promise.all(WAYS.map((way) => page.waitForSelector(`#${way}[data-state="${state}"]`)));
}

function wasCut(times, { page }) {
  const arrived = ([id, times]) => Number(document.getElementById(id).dataset.cuts ?? 0) >= times;
  return Promise.all(WAYS.map((way) => page.waitForFunction(arrived, [way, times])));
}

function cuts({ page }) {
  const count = (id) => Number(document.getElementById(id).dataset.cuts ?? 0);
  return Promise.all(WAYS.map((way) => page.evaluate(count, way)));
}

/** Waits until both ways have shown the event of this line. */
function shown(line, { page }) {
  const arrived = ([id, line]) =>
    [...document.querySelectorAll(`#${id} li`)].some((item) => item.textContent === line);
  return Promise.all(WAYS.map((way) => page.waitForFunction(arrived, [way, line])));
}

/** The lines of each way. */
async function seen({ page }) {
  const lines = (id) => [...document.querySelectorAll(`#${id} li`)].map((item) => item.textContent);
  const all = await Promise.all(WAYS.map((way) => page.evaluate(lines, way)));
  return Object.fromEntries(WAYS.map((way, at) => [way, all[at]]));
}

function bothWays(lines) {
  return Object.fromEntries(WAYS.map((way) => [way, lines]));
}

/** One for each way, once whoever was before them has left. */
async function twoMembers(node) {
  const deadline = Date.now() + DEADLINE;
  for (;;) {
    const members = await node.members("numbers");
    if (members.length === 2) return members;
    assert.ok(Date.now() < deadline, `${members.length} members`);
    await setTimeout(50);
  }
}

/** Sends the numbers one after the other, and resolves to the lines they make. */
async function send(node, first, last) {
  const lines = [];
  for (let number = first; number <= last; number += 1) {
    const { sequence } = await node.send("numbers", number);
    lines.push(`${sequence} count {"number":${number}}`);
  }
  return lines;
}

test("a page sees every event of both lives of a node, and is told that one ended", async () => {
  const first = await startNode();
  const page = await open(first);
  await is("ready", page);
  const before = await send(first, 1, 20);
  await shown(before.at(-1), page);

  const second = await restart(first);
  const away = await send(second, 21, 30);
  await shown(away.at(-1), page);
  await is("ready", page);
  const back = await send(second, 31, 50);
  await shown(back.at(-1), page);

  const all = await seen(page);
  for (const way of WAYS) {
    const gaps = all[way].filter((line) => line.startsWith("gap"));
    const told = /^gap in (numbers|broadcasts) after 0 through \d+: GAP_REASON_EPOCH_CHANGED$/;
    assert.deepEqual(gaps.map((gap) => told.exec(gap)?.[1]).sort(), ["broadcasts", "numbers"], way);
    assert.deepEqual(all[way], [...before, ...gaps, ...away, ...back], way);
  }
  assert.deepEqual(page.complaints.filter((text) => text.startsWith("uncaught")), []);
});

test("what was lost with a node that ended while a page was cut off is told", async () => {
  const first = await startNode();
  const cable = await cableTo(first);
  const page = await open(cable);
  await is("ready", page);
  const before = await send(first, 1, 3);
  await shown(before.at(-1), page);

  cable.cut();
  await is("cut off", page);
  await send(first, 4, 6);
  const second = await restart(first);
  cable.mend();
  await is("ready", page);
  const back = await send(second, 7, 9);
  await shown(back.at(-1), page);

  // Told once: a second cut goes on from the second life.
  cable.cut();
  await is("cut off", page);
  back.push(...(await send(second, 10, 12)));
  cable.mend();
  await shown(back.at(-1), page);

  const all = await seen(page);
  for (const way of WAYS) {
    const gaps = all[way].filter((line) => line.includes("GAP_REASON_EPOCH_CHANGED"));
    assert.equal(gaps.length, 2, way);
    assert.deepEqual(all[way], [...before, ...gaps, ...back], way);
  }
});

test("a page that was cut off misses nothing that is still kept", async () => {
  const node = await startNode();
  const cable = await cableTo(node);
  const page = await open(cable);
  await is("ready", page);
  const lines = await send(node, 1, 10);
  await shown(lines.at(-1), page);

  for (const first of [11, 31]) {
    cable.cut();
    await is("cut off", page);
    lines.push(...(await send(node, first, first + 9)));
    cable.mend();
    await is("ready", page);
    lines.push(...(await send(node, first + 10, first + 19)));
    await shown(lines.at(-1), page);
  }

  assert.deepEqual(await seen(page), bothWays(lines));
});

test("by gRPC-Web a page comes back as the same member", async () => {
  const node = await startNode();
  const cable = await cableTo(node);
  const page = await open(cable);
  await is("ready", page);
  const before = await twoMembers(node);

  cable.cut();
  await is("cut off", page);
  cable.mend();
  await is("ready", page);
  const after = await twoMembers(node);

  // EventSource can send no header, so its member is new each time.
  assert.equal(after.filter((id) => before.includes(id)).length, 1);
});

test("a page that was cut off is told of just what is no longer kept", async () => {
  const node = await startNode({ log_events: 10 });
  const cable = await cableTo(node);
  const page = await open(cable);
  await is("ready", page);
  const before = await send(node, 1, 5);
  await shown(before.at(-1), page);

  cable.cut();
  await is("cut off", page);
  const away = await send(node, 6, 105);
  const sequences = [before.at(-1), ...away].map((line) => parseInt(line, 10));
  cable.mend();
  await shown(away.at(-1), page);

  const all = await seen(page);
  for (const way of WAYS) {
    const [gap, ...others] = all[way].filter((line) => line.startsWith("gap"));
    const told = /^gap in numbers after (\d+) through (\d+): GAP_REASON_EXPIRED$/.exec(gap);
    assert.ok(told, `${way}: ${gap}`);
    assert.deepEqual(others, [], way);
    const kept = away.filter((line) => parseInt(line, 10) > Number(told[2]));
    assert.ok(kept.length > 0 && kept.length < away.length, `${way}: ${gap}`);
    assert.equal(Number(told[1]), sequences[0], `${way}: ${gap}`);
    assert.deepEqual(all[way], [...before, gap, ...kept], way);
  }
});

test("a page notices that nothing comes any more, and misses nothing", async () => {
  const node = await startNode({ heartbeat: "1s" });
  const cable = await cableTo(node);
  const page = await open(cable);
  await is("ready", page);
  const lines = await send(node, 1, 5);
  await shown(lines.at(-1), page);

  cable.silence();
  await wasCut(Math.max(...(await cuts(page))) + 1, page);
  lines.push(...(await send(node, 6, 10)));
  cable.mend();
  await is("ready", page);
  lines.push(...(await send(node, 11, 15)));
  await shown(lines.at(-1), page);

  assert.deepEqual(await seen(page), bothWays(lines));
});

/** Sends by the page's form, and resolves to what the page says of it. */
async function say(text, { page }) {
  await page.fill("#say input", text);
  await page.click("#say button");
  const outcome = () => document.querySelector("output").value;
  return (await page.waitForFunction(outcome)).jsonValue();
}

test("what a page sends is seen by both ways", async () => {
  const node = await startNode();
  const page = await open(node);
  await is("ready", page);

  assert.equal(await say("häß→ 👋", page), "sent");
  await page.page.waitForFunction(() => document.querySelectorAll("li").length === 2);

  const all = await seen(page);
  for (const way of WAYS) assert.match(all[way].join(), /^\d+ said häß→ 👋$/, way);
});

test("a page of an origin that is not allowed gets nothing, and sends nothing", async () => {
  const node = await startNode();
  const friend = await open(node);
  const stranger = await open(node, { from: otherOrigin() });
  await is("ready", friend);
  await wasCut(1, stranger);
  assert.match(await say("let me in", stranger), /^perhaps not sent: /);
  const lines = await send(node, 1, 10);
  await shown(lines.at(-1), friend);
  await wasCut(3, stranger);

  assert.deepEqual(await seen(friend), bothWays(lines));
  assert.deepEqual(await seen(stranger), bothWays([]));
  for (const path of ["/v1/events", "/fanfare.v1.RealtimeService/Subscribe"]) {
    const blocked = (text) => text.includes(path) && text.includes("blocked by CORS policy");
    assert.ok(stranger.complaints.some(blocked), stranger.complaints.join("\n"));
    assert.ok(!friend.complaints.some(blocked), friend.complaints.join("\n"));
  }
});

test("a node that allows no origin is open to no page", async () => {
  const node = await startNode({ cors_origins: "none" });
  const page = await open(node);
  await wasCut(1, page);
  await send(node, 1, 10);
  await wasCut(3, page);

  assert.deepEqual(await seen(page), bothWays([]));
});
