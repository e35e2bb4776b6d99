/**
 * How long to wait before each return, in milliseconds: a random time, so that
 * those who were cut off together do not come back together.
 */
export class BackOff {
  private bound = 100;

  next(): number {
    const wait = Math.random() * this.bound;
    this.bound = Math.min(2 * this.bound, 10_000);
    return wait;
  }

  /** At `ready`. */
  reset(): void {
    this.bound = 100;
  }
}

/** Notices that nothing comes any more, which no browser does by itself. */
export class Silence {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private longest = 2 * 25_000;

  constructor(private readonly onSilence: () => void) {
    this.heard();
  }

  /** The node's heartbeat interval, in milliseconds. */
  expect(interval: number): void {
    this.longest = 2 * interval;
    this.heard();
  }

  /** Something came; the next may take this much longer. */
  heard(pause = 0): void {
    this.stop();
    this.timer = setTimeout(this.onSilence, this.longest + pause);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
