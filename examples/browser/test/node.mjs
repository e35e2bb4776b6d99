import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const binary = process.env.FANFARE_BIN ?? "../../target/release/fanfare";

// A node refuses to start with a `FANFARE_…` that is none of its settings.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_")),
);

/** A node in a process of its own. */
export class Node {
  /** Listens on a free port, unless one is given. */
  static async start({ port = 0, settings }) {
    const set = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const listen = ["serve", "--listen", `127.0.0.1:${port}`, "--log", "warn"];
    const child = spawn(binary, [...listen, ...set], { env, stdio: ["ignore", "pipe", "inherit"] });
    const node = new Node(child, settings);
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([once(lines, "line"), node.#exit.then(() => [""])]);
    node.port = Number(/ listening on \S+:(\d+);/.exec(line)?.[1]);
    if (!node.port) throw new Error(`${binary} did not say where it listens, but: ${line}`);
    return node;
  }

  #child;
  #exit;
  #settings;

  constructor(child, settings) {
    this.#child = child;
    this.#exit = once(child, "exit");
    this.#settings = settings;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves to the exit code once the process is gone. */
  async stop() {
    this.#child.kill("SIGTERM");
    const [code] = await this.#exit;
    return code;
  }

  /** The next life, on the same port. */
  restarted() {
    return Node.start({ port: this.port, settings: this.#settings });
  }

  kill() {
    this.#child.kill("SIGKILL");
  }

  /** Sends an event whose content is `number`, and resolves to its position. */
  async send(channel, number) {
    const answer = await fetch(`${this.url}/v1/channels/${channel}:send`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ event: "count", payload: { json: { number } } }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    const { position } = await answer.json();
    return position;
  }

  /** The ids of who is in the channel. */
  async members(channel) {
    const answer = await fetch(`${this.url}/v1/members?channel=${channel}`);
    if (!answer.ok) throw new Error(await answer.text());
    const { members = [] } = await answer.json();
    return members.map(({ id }) => id);
  }
}
