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

/**
 * Connect's manager, which takes its listeners off a session that it leaves. If
 * that one ends with an error later, as when a GOAWAY and a request cross,
 * nobody would listen, and Node would end the whole program.
 */
export class Sessions extends Http2SessionManager {
  readonly #heard = new WeakSet<http2.Http2Session>();

  override async request(...call: Parameters<Http2SessionManager["request"]>) {
    const stream = await super.request(...call);
    if (stream.session && !this.#heard.has(stream.session)) {
      this.#heard.add(stream.session);
      stream.session.on("error", () => {}); // each of its streams says it too
    }
    return stream;
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

  close(): void {
    this.#manager.abort();
  }
}
