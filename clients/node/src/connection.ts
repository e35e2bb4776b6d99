import type * as http2 from "node:http2";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { RealtimeService } from "./gen/fanfare/v1/realtime_pb.js";

export interface ConnectionOptions {
  /** The node, as `http://127.0.0.1:50051`. */
  baseUrl: string;
  /**
   * After this long without data the connection is pinged, while calls are
   * open on it. At least 10 s, the node's lower bound. Default: 30 s.
   */
  keepaliveMs?: number;
  /** A peer that does not answer a ping within this is cut off. Default: 20 s. */
  keepaliveTimeoutMs?: number;
  /** Options of `http2.connect`, for TLS for instance. */
  nodeOptions?: http2.ClientSessionOptions | http2.SecureClientSessionOptions;
  /** What sees every call, to set metadata for instance. */
  interceptors?: Interceptor[];
}

const shortestKeepaliveMs = 10_000;

/** How long a node has to take the word that a stream was left. */
const leavingMs = 1_000;

/**
 * Connect's manager, which takes its listeners off a session that it leaves. If
 * that one ends with an error later, as when a GOAWAY and a request cross,
 * nobody would listen, and Node would end the whole program.
 */
export class Sessions extends Http2SessionManager {
  readonly #open = new Set<http2.ClientHttp2Session>();

  override async request(...call: Parameters<Http2SessionManager["request"]>) {
    const stream = await super.request(...call);
    const session = stream.session as http2.ClientHttp2Session | undefined;
    if (session && !this.#open.has(session)) {
      this.#open.add(session);
      session.on("error", () => {}); // each of its streams says it too
      session.once("close", () => this.#open.delete(session));
    }
    return stream;
  }

  /**
   * Closes what is open once its streams are, which must have been cancelled:
   * a node that is told so does not wait for their members to come back.
   */
  leave(): void {
    for (const session of this.#open) {
      const late = setTimeout(() => session.destroy(), leavingMs);
      session.once("close", () => clearTimeout(late));
      // After the resets of what was cancelled, which it has read when it
      // answers: with the connection's end beside them they may be overlooked.
      setImmediate(() => session.destroyed || session.ping(() => session.close()));
    }
    if (this.state() === "connecting") {
      this.abort();
    }
  }
}

/** One HTTP/2 connection, made when it is first used, and anew when it broke. */
export class Connection {
  readonly rpc: Client<typeof RealtimeService>;
  readonly #manager: Sessions;

  constructor(options: ConnectionOptions) {
    const { baseUrl, keepaliveMs = 30_000, keepaliveTimeoutMs = 20_000 } = options;
    if (!(keepaliveMs >= shortestKeepaliveMs)) {
      throw new RangeError(
        `keepaliveMs is ${keepaliveMs}; it must be at least ${shortestKeepaliveMs}`,
      );
    }
    this.#manager = new Sessions(
      baseUrl,
      { pingIntervalMs: keepaliveMs, pingTimeoutMs: keepaliveTimeoutMs },
      options.nodeOptions,
    );
    const transport = createGrpcTransport({
      baseUrl,
      sessionManager: this.#manager,
      interceptors: options.interceptors ?? [],
    });
    this.rpc = createClient(RealtimeService, transport);
  }

  /** Ends it, after the calls on it have been cancelled or have ended. */
  close(): void {
    this.#manager.leave();
  }
}
