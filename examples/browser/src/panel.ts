import type { GapJson } from "./gen/fanfare/v1/realtime_pb";

/** A column of the page: how a stream is, and what came on it. */
export class Panel {
  private readonly root: HTMLElement;
  private cuts = 0;

  constructor(id: string) {
    this.root = document.getElementById(id)!;
    this.state("connecting");
  }

  ready(): void {
    this.state("ready");
  }

  cutOff(reason: string): void {
    this.cuts += 1;
    this.root.dataset.cuts = String(this.cuts);
    this.state("cut off", reason);
  }

  /** For good. */
  ended(reason: string): void {
    this.state("ended", reason);
  }

  event(sequence: string, name: string, content: string): void {
    this.line("event", `${sequence} ${name} ${content}`);
  }

  /** What this stands for is to be loaded anew, where that matters. */
  gap({ channel, after = "0", through = "0", reason }: GapJson): void {
    const where = channel || "broadcasts";
    this.line("gap", `gap in ${where} after ${after} through ${through}: ${reason}`);
  }

  private state(word: string, reason?: string): void {
    this.root.dataset.state = word;
    this.root.querySelector("p")!.textContent = reason ? `${word}: ${reason}` : word;
  }

  private line(kind: string, text: string): void {
    const item = document.createElement("li");
    item.className = kind;
    item.textContent = text;
    this.root.querySelector("ol")!.append(item);
  }
}
