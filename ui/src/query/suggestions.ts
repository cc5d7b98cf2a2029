/** The list of what can stand where somebody types. */
import { type Signal, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Completion, Suggestion } from "../api/schema.ts";

/** Says what can stand at a position. */
export type Source = (query: string, at: number, signal: AbortSignal) => Promise<Completion>;

/** Milliseconds between a key and the question what could follow. */
const PAUSE = 50;

/** A list for another text: what still fits when somebody went on typing the same word, `null` when it is another one. */
export function narrowed(found: Asked, query: string, at: number): Asked | null {
  const { from, to, items } = found;
  const isSameWord =
    at >= from &&
    query.slice(0, from) === found.query.slice(0, from) &&
    query.slice(at) === found.query.slice(to);
  if (!isSameWord) return null;
  const typed = query.slice(from, at).toLowerCase();
  const fitting = items.filter(({ text }) => text.toLowerCase().includes(typed));
  return fitting.length > 0 ? { query, from, to: at, items: fitting } : null;
}

/** A list, and the text that it is for. */
export interface Asked extends Completion {
  readonly query: string;
}

export class Suggestions {
  readonly found: Signal<Asked | null> = signal(null);
  /** The chosen one; -1 before anything is. */
  readonly active: Signal<number> = signal(-1);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: AbortController | null = null;

  constructor(private readonly source: Source) {}

  /** Asks what can stand at `at`, soon. */
  ask(query: string, at: number): void {
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
    const shown = this.found.peek();
    if (shown && shown.query !== query) {
      this.found.value = narrowed(shown, query, at);
      this.active.value = -1;
    }
    this.timer = setTimeout(() => void this.fetch(query, at), PAUSE);
  }

  private async fetch(query: string, at: number): Promise<void> {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    try {
      const found = await this.source(query, at, running.signal);
      if (this.running !== running) return;
      const typed = query.slice(found.from, found.to);
      // What is there already is no suggestion.
      const items = found.items.filter(({ text }) => text !== typed);
      // What somebody has chosen meanwhile stays chosen.
      const chosen = this.found.peek()?.items[this.active.peek()];
      const isChosen = ({ text, kind }: Suggestion) => text === chosen?.text && kind === chosen.kind;
      this.found.value = items.length > 0 ? { ...found, items, query } : null;
      this.active.value = items.findIndex(isChosen);
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

/** A list that asks `source` as it is now: what it knows may change while the field stays. */
export function useSuggestions(source: Source): Suggestions {
  const current = useRef(source);
  current.current = source;
  const list = useRef<Suggestions | null>(null);
  list.current ??= new Suggestions((...question) => current.current(...question));
  const { current: made } = list;
  useEffect(() => () => made.close(), [made]);
  return made;
}
