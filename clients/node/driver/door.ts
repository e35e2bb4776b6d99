/** The runner's door, through which a scenario gets its node. */

import type { JsonValue } from "@bufbuild/protobuf";
import { isObject } from "./match.js";

export class Door {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  async node(settings: JsonValue): Promise<NodeBehindDoor> {
    const made = await this.#ask("POST", "/nodes", settings);
    if (!isObject(made) || typeof made.address !== "string") {
      throw new Error(`the door answered ${JSON.stringify(made)} instead of a node`);
    }
    const path = `/nodes/${made.id}`;
    return {
      baseUrl: `http://${made.address}`,
      control: (operation, step) => this.#ask("POST", `${path}/${operation}`, step),
      end: async () => void (await this.#ask("DELETE", path)),
    };
  }

  async #ask(method: string, path: string, body?: JsonValue): Promise<JsonValue> {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(this.#address + path, { method, ...init });
    const text = await response.text();
    if (response.status !== 200) {
      throw new Error(`the door: ${text}`);
    }
    return text ? JSON.parse(text) : null;
  }
}

export interface NodeBehindDoor {
  baseUrl: string;
  control(operation: string, step: JsonValue): Promise<JsonValue>;
  end(): Promise<void>;
}
