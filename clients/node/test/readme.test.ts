import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Node } from "./node.js";

const folder = fileURLToPath(new URL("../..", import.meta.url));

/** The blocks of a page in one language, as the shell's commands. */
function blocksOf(page: string, language: string): string[] {
  const blocks = page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs"));
  return [...blocks].map((block) => block[1] ?? "");
}

const readme = await readFile(`${folder}/README.md`, "utf8");

test("the commands of the README do what it says", async () => {
  const node = await Node.start();
  const options = { cwd: folder, env: { ...process.env, FANFARE_ADDRESS: node.address } };
  // The first block is how these tests came to be here.
  const [, listening = "", commands = ""] = blocksOf(readme, "bash");
  const listener = spawn("bash", ["-c", `exec ${listening}`], { ...options, stdio: "pipe" });
  try {
    const lines = createInterface(listener.stdout)[Symbol.asyncIterator]();
    assert.match((await lines.next()).value, /^ready as [0-9a-f-]{36}$/);
    const { stdout } = await promisify(execFile)("bash", ["-ec", commands], options);
    assert.match(
      stdout,
      /^number 1, 1 listened\n[0-9a-f-]{36} \{"name":"Ada"\}\nsent 1000, the last as number 1001\n$/,
    );
    assert.equal((await lines.next()).value, "1n created { kind: 'json', value: { id: 17 } }");
    listener.kill("SIGINT");
    assert.equal((await lines.next()).done, true);
  } finally {
    listener.kill();
    await node.stop();
  }
});

test("the page on clients says what the README says", async () => {
  const page = await readFile(`${folder}/../../docs/clients.md`, "utf8");
  const section = page.split("\n## Node\n")[1]?.split("\n## ")[0] ?? "";
  const [install, ...commands] = blocksOf(readme, "bash").slice(0, 3);
  assert.deepEqual(blocksOf(section, "bash"), [`cd clients/node\n${install}`, ...commands]);
  assert.deepEqual(blocksOf(section, "text"), blocksOf(readme, "text"));
});
