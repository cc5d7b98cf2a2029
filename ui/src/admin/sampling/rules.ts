/** The rules while they are edited: their text, what the server makes of it, and what a simulation of it said. */
import { type Signal, signal } from "@preact/signals";
import { type Loaded, Loader } from "../../api/loaded.ts";
import type { SamplingCheck, SamplingSimulation } from "../../api/schema.ts";
import { place, setQuery } from "../../router.ts";
import type { TimeRange } from "../../shell/time-range.ts";
import { fetchCheck, fetchSimulation } from "./answers.ts";
import { DEFAULT_TEXT, type Settings } from "./model.ts";
import { yamlOf } from "./yaml.ts";

/** Traces of a first look, whose answer is there at once. */
const FIRST = 500;
const CHECK_MILLIS = 250;
/** A longer text does not go into the address. */
export const ADDRESS_CHARS_MAX = 6000;

export interface Simulated {
  /** Of which text. */
  readonly text: string;
  readonly answer: SamplingSimulation;
  /** Whether the first look is shown, and more is coming. */
  readonly isFirst: boolean;
}

export class Rules {
  readonly text: Signal<string>;
  /** As they were last read or written; `null` when the text is none. */
  readonly settings = signal<Settings | null>(null);
  readonly checker = new Loader<SamplingCheck>();
  /** The text that the check is about. */
  readonly checked = signal("");
  readonly simulated = signal<Simulated | null>(null);
  readonly state = signal<Omit<Loaded<never>, "value">>({ error: null, loading: false });
  private running: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.text = signal(place.peek().query.get("rules") ?? DEFAULT_TEXT);
  }

  /** What somebody wrote. */
  write(text: string): void {
    if (text === this.text.peek()) return;
    this.text.value = text;
    this.checkSoon();
  }

  /** What the form made. */
  apply(settings: Settings): void {
    this.settings.value = settings;
    this.write(yamlOf(settings));
  }

  checkSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.check(), CHECK_MILLIS);
  }

  async check(): Promise<void> {
    clearTimeout(this.timer);
    const text = this.text.peek();
    const fits = text.length <= ADDRESS_CHARS_MAX && text !== DEFAULT_TEXT;
    setQuery({ rules: fits ? text : undefined });
    await this.checker.ask((signal) => fetchCheck(text, signal));
    const { value, error } = this.checker.state.peek();
    if (!value || error || text !== this.text.peek()) return;
    this.checked.value = text;
    this.settings.value = value.settings as Settings | null;
  }

  /** First over few traces, so that there is something to see, and then over as many as were asked for. */
  async simulate(range: TimeRange, limit: number): Promise<void> {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    this.state.value = { error: null, loading: true };
    const text = this.text.peek();
    const look = async (limit: number, isFirst: boolean) => {
      const answer = await fetchSimulation(text, range, limit, running.signal);
      if (this.running === running) this.simulated.value = { text, answer, isFirst };
      return answer;
    };
    try {
      const few = Math.min(FIRST, limit);
      const { traces } = await look(few, few < limit);
      if (few < limit && traces.inRange > few) await look(limit, false);
      else if (this.simulated.peek()?.isFirst && this.running === running) {
        this.simulated.value = { ...(this.simulated.peek() as Simulated), isFirst: false };
      }
      if (this.running === running) this.state.value = { error: null, loading: false };
    } catch (error) {
      if (this.running !== running || running.signal.aborted) return;
      const failure = error instanceof Error ? error : new Error(String(error));
      this.state.value = { error: failure, loading: false };
    }
  }

  /** What has come stays. */
  cancel(): void {
    this.running?.abort();
    this.running = null;
    this.state.value = { error: null, loading: false };
  }

  stop(): void {
    clearTimeout(this.timer);
    this.checker.cancel();
    this.cancel();
  }
}
