/** What is being asked for, what came last, and what went wrong: everything a page needs to show one answer. */
import { type Signal, signal } from "@preact/signals";

/** One answer and its state. The last value stays while the next is loading, and when loading it fails. */
export interface Loaded<T> {
  readonly value: T | null;
  readonly error: Error | null;
  readonly loading: boolean;
}

/** Asks again whenever `ask` is called; an answer that was overtaken is thrown away. */
export class Loader<T> {
  readonly state: Signal<Loaded<T>> = signal({ value: null, error: null, loading: false });
  private running: AbortController | null = null;

  async ask(question: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    this.state.value = { ...this.state.peek(), error: null, loading: true };
    try {
      const value = await question(running.signal);
      if (this.running === running) this.state.value = { value, error: null, loading: false };
    } catch (error) {
      if (this.running !== running || running.signal.aborted) return;
      const failure = error instanceof Error ? error : new Error(String(error));
      this.state.value = { ...this.state.peek(), error: failure, loading: false };
    }
  }

  /** Gives up what is under way; what has come stays. */
  cancel(): void {
    this.running?.abort();
    this.running = null;
    this.state.value = { ...this.state.peek(), loading: false };
  }

  /** Forgets everything, for a question about something else. */
  clear(): void {
    this.cancel();
    this.state.value = { value: null, error: null, loading: false };
  }
}
