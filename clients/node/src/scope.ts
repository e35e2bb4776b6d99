/**
 * A signal for one piece of work, aborted with any of those it follows. Once
 * it is left, it leaves nothing behind on them: Connect never takes its
 * listeners off a signal, so a long-lived one must not be handed to it.
 */
export class Scope {
  readonly #controller = new AbortController();
  readonly #parents: AbortSignal[];
  readonly #abort = () => this.#controller.abort();

  constructor(...parents: (AbortSignal | undefined)[]) {
    this.#parents = parents.filter((parent) => parent !== undefined);
    for (const parent of this.#parents) {
      parent.addEventListener("abort", this.#abort);
      if (parent.aborted) {
        this.#abort();
      }
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the work, and leaves. */
  abort(): void {
    this.#abort();
    this.leave();
  }

  leave(): void {
    for (const parent of this.#parents) {
      parent.removeEventListener("abort", this.#abort);
    }
  }
}
