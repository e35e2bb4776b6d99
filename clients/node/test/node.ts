/** A real node, and a wire to it that can be cut, for tests. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../../..", import.meta.url));

/** The server's binary: FANFARE_BIN, else one on PATH, else built from the sources. */
function binary(): string {
  const found = (process.env.PATH ?? "")
    .split(path.delimiter)
    .map((folder) => path.join(folder, "fanfare"))
    .find(existsSync);
  return process.env.FANFARE_BIN ?? found ?? built();
}

function built(): string {
  const build = spawnSync("cargo", ["build", "--release"], { cwd: repository, stdio: "inherit" });
  if (build.status !== 0) {
    throw new Error("no FANFARE_BIN, no fanfare on PATH, and it could not be built");
  }
  return path.join(repository, "target/release/fanfare");
}

/** Without FANFARE_BIN and the like, which a node takes for settings. */
function environment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([key]) => !key.startsWith("FANFARE_")));
}

export class Node {
  #process: ChildProcess;
  readonly address: string;

  private constructor(process: ChildProcess, address: string) {
    this.#process = process;
    this.address = address;
  }

  get baseUrl(): string {
    return `http://${this.address}`;
  }

  static async start(
    settings: Record<string, string> = {},
    address = "127.0.0.1:0",
  ): Promise<Node> {
    const set = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const child = spawn(binary(), ["serve", "--listen", address, ...set], {
      env: environment(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface(child.stdout)) {
      const listening = /listening on ([^;\s]+)/.exec(line);
      if (listening?.[1]) {
        return new Node(child, listening[1]);
      }
    }
    throw new Error(`the node ended with ${child.exitCode} before it listened`);
  }

  /** Lets it end, and waits until it has. */
  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exit = once(this.#process, "exit");
      this.#process.kill("SIGTERM");
      await exit;
    }
  }

  async kill(): Promise<void> {
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exit;
  }

  /** Another run, at the same address. */
  async again(): Promise<Node> {
    return Node.start({}, this.address);
  }
}

/** Forwards connections to a node, until told otherwise. */
export class Wire {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #frozen = new Set<net.Socket>();
  /** How often somebody connected. */
  connections = 0;
  /** Sees what the node says before the client does; true cuts the connection instead. */
  swallow: (chunk: Buffer) => boolean = () => false;

  private constructor(server: net.Server) {
    this.#server = server;
  }

  static async to(node: Node): Promise<Wire> {
    const [host, port] = node.address.split(":");
    const server = net.createServer();
    const wire = new Wire(server);
    server.on("connection", (near) => {
      wire.connections++;
      const far = net.connect(Number(port), host);
      for (const socket of [near, far]) {
        wire.#sockets.add(socket);
        socket.on("error", () => {});
      }
      near.on("data", (chunk) => far.write(chunk));
      far.on("data", (chunk) => {
        if (wire.swallow(chunk)) {
          near.destroy();
        } else if (!near.write(chunk)) {
          far.pause();
          near.once("drain", () => far.resume());
        }
      });
      near.on("close", () => far.destroy());
      far.on("close", () => near.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return wire;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  /** Ends all connections; new ones are welcome. */
  cut(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#sockets.clear();
  }

  /** Leaves all connections open and forwards nothing more on them. */
  freeze(): void {
    for (const socket of this.#sockets) {
      socket.pause();
      socket.removeAllListeners("data");
      this.#frozen.add(socket);
    }
    this.#sockets.clear();
  }

  close(): void {
    this.cut();
    for (const socket of this.#frozen) {
      socket.destroy();
    }
    this.#server.close();
  }
}
