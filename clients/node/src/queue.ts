/** What one side puts and the other takes, in order, with a bound. */
export class Queue<T> {
  readonly #limit: number;
  readonly #items: T[] = [];
  readonly #moved: (() => void)[] = [];
  #ended = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Puts an item as soon as there is room; false if the queue has ended. */
  async put(item: T): Promise<boolean> {
    while (!this.#ended && this.#items.length >= this.#limit) {
      await this.#move();
    }
    if (this.#ended) {
      return false;
    }
    this.#items.push(item);
    this.#wake();
    return true;
  }

  /** Nothing more is put; what is there can still be taken. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Takes items until the queue has ended and is empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#wake();
        yield item;
      } else if (this.#ended) {
        return;
      } else {
        await this.#move();
      }
    }
  }

  #move(): Promise<void> {
    return new Promise((resolve) => this.#moved.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#moved.splice(0)) {
      resolve();
    }
  }
}
