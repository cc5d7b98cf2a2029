/** The list of what can stand where somebody types. */
import { type Signal, signal } from "@preact/signals";
import type { Range } from "../api/metrics.ts";
import { type Completion, complete, type Suggestion } from "./language.ts";

/** Milliseconds between a key and the question what could follow. */
const PAUSE = 50;

export class Suggestions {
  readonly found: Signal<Completion | null> = signal(null);
  /** The chosen one; -1 before anything is. */
  readonly active: Signal<number> = signal(-1);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: AbortController | null = null;

  /** Asks what can stand at `at`, soon. */
  ask(query: string, at: number, range: Range): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.fetch(query, at, range), PAUSE);
  }

  private async fetch(query: string, at: number, range: Range): Promise<void> {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    try {
      const found = await complete(query, at, range, running.signal);
      if (this.running !== running) return;
      const typed = query.slice(found.from, found.to);
      // What is there already is no suggestion.
      const items = found.items.filter(({ text }) => text !== typed);
      this.found.value = items.length > 0 ? { ...found, items } : null;
      this.active.value = -1;
    } catch {
      // A list that does not come is not missed: the query can be typed.
      if (this.running === running) this.close();
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
    this.found.value = null;
    this.active.value = -1;
  }

  /** Chooses the next or the one before, around at the ends. */
  move(step: 1 | -1): void {
    const count = this.found.peek()?.items.length ?? 0;
    if (count === 0) return;
    const at = this.active.peek();
    this.active.value = at < 0 && step < 0 ? count - 1 : (at + step + count) % count;
  }

  /** The query with a suggestion in its place, and where to go on; closes the list. */
  accept(query: string, item: Suggestion): { query: string; at: number } {
    const { from, to } = this.found.peek() ?? { from: query.length, to: query.length };
    this.close();
    return { query: query.slice(0, from) + item.text + query.slice(to), at: from + item.text.length };
  }
}
