/** Streams as scenarios see them: JSON frame by JSON frame, read as they are asked for. */

import type { JsonValue } from "@bufbuild/protobuf";
import { endedWell, shownError } from "./wire.js";

export type Taken = { frame: JsonValue } | { end: JsonValue };

export interface Stream {
  /** Whether a client library may keep some frames to itself. */
  readonly isFollowed: boolean;
  next(): Promise<Taken>;
  cancel(): void;
}

/** A stream from what any of the libraries hands out. */
export class Frames<T> implements Stream {
  readonly isFollowed: boolean;
  readonly cancel: () => void;
  readonly #frames: AsyncIterator<T>;
  readonly #show: (frame: T) => JsonValue;
  /** The first is asked for when the stream is opened, without waiting for it. */
  #first: Promise<Taken> | undefined;

  constructor(
    frames: AsyncIterable<T>,
    options: { show: (frame: T) => JsonValue; cancel: () => void; isFollowed: boolean },
  ) {
    this.#frames = frames[Symbol.asyncIterator]();
    this.#show = options.show;
    this.cancel = options.cancel;
    this.isFollowed = options.isFollowed;
    this.#first = this.#take();
  }

  next(): Promise<Taken> {
    const first = this.#first;
    this.#first = undefined;
    return first ?? this.#take();
  }

  async #take(): Promise<Taken> {
    try {
      const { done, value } = await this.#frames.next();
      return done ? { end: endedWell } : { frame: this.#show(value) };
    } catch (error) {
      return { end: shownError(error) };
    }
  }
}
