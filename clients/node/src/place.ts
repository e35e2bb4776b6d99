import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Position,
  PositionSchema,
  type Ready,
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from "./gen/fanfare/v1/realtime_pb.js";

export type SubscribeInit = MessageInitShape<typeof SubscribeRequestSchema>;

/** Any frame but those a session has alone. */
export type Known = Exclude<SubscribeResponse["frame"], { case: undefined }>;

/** Where a stream is: the one number of docs/protocol.md, and who it is. */
export class Place {
  #position: Position | undefined;
  #token = "";

  get position(): Position | undefined {
    return this.#position;
  }

  get memberToken(): string {
    return this.#token;
  }

  /** Takes note of a frame that has been used. */
  keep(frame: Known): void {
    switch (frame.case) {
      case "event":
      case "presence":
        if (this.#position) {
          this.#position = { ...this.#position, sequence: frame.value.sequence };
        }
        break;
      case "heartbeat":
        this.#position = frame.value.position;
        break;
      // Nothing else moves it.
    }
  }

  /** Takes note of a `ready` as it comes: it is safe at once. */
  keepReady(ready: Ready): void {
    this.#position = ready.position;
    this.#token = ready.memberToken;
  }

  /** What to ask for to go on from here. */
  request(wanted: SubscribeInit): SubscribeRequest {
    const request = clone(SubscribeRequestSchema, create(SubscribeRequestSchema, wanted));
    if (this.#position) {
      request.start = { case: "resume", value: create(PositionSchema, this.#position) };
    }
    if (this.#token) {
      request.memberToken = this.#token;
    }
    return request;
  }
}
