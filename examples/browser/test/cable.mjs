import { once } from "node:events";
import { connect, createServer } from "node:net";

/** What lies between a browser and a node, to be cut. */
export class Cable {
  static async to(port) {
    const cable = new Cable(port);
    cable.#server.listen(0, "127.0.0.1");
    await once(cable.#server, "listening");
    return cable;
  }

  #state = "whole";
  #ends = new Set();
  #server;

  constructor(port) {
    this.#server = createServer((near) => {
      this.#keep(near);
      if (this.#state === "cut") near.destroy();
      if (this.#state === "whole") this.#join(near, this.#keep(connect(port, "127.0.0.1")));
    });
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Ends what is open, and whatever is opened from now on. */
  cut() {
    this.#state = "cut";
    this.#endAll();
  }

  /** Takes what comes from either end, and passes nothing on; neither is told. */
  silence() {
    this.#state = "silent";
    for (const end of this.#ends) end.unpipe().resume();
  }

  /** Passes on what is opened from now on; ends what is open. */
  mend() {
    this.#state = "whole";
    this.#endAll();
  }

  remove() {
    this.cut();
    this.#server.close();
  }

  #keep(end) {
    this.#ends.add(end);
    end.on("error", () => {});
    end.on("close", () => this.#ends.delete(end));
    return end;
  }

  #join(near, far) {
    near.pipe(far);
    far.pipe(near);
    near.on("close", () => this.#state === "silent" || far.destroy());
    far.on("close", () => this.#state === "silent" || near.destroy());
  }

  #endAll() {
    for (const end of this.#ends) end.destroy();
  }
}
