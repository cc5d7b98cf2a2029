/** Queries in SQL that this reader has run, the last one first, kept in this browser. */
import { signal } from "@preact/signals";

export interface Past {
  readonly query: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** How many rows came, and how long that took. */
  readonly rows: number;
  readonly millis: number;
}

const KEY = "sql-history";
const KEPT = 50;

const isPast = (value: unknown): value is Past => {
  const past = value as Past | null;
  return typeof past?.query === "string" && [past.at, past.rows, past.millis].every(Number.isFinite);
};

/** What was kept; nothing when it is damaged. */
export function pastOf(text: string | null): Past[] {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.filter(isPast).slice(0, KEPT) : [];
  } catch {
    return [];
  }
}

/** The list with a query in front, which is in it once. */
export function withPast(all: readonly Past[], past: Past): Past[] {
  return [past, ...all.filter(({ query }) => query !== past.query)].slice(0, KEPT);
}

function stored(): Past[] {
  try {
    return pastOf(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

export const pastQueries = signal<readonly Past[]>(stored());

export function remember(past: Past): void {
  keep(withPast(pastQueries.peek(), past));
}

export function forgetAll(): void {
  keep([]);
}

function keep(all: readonly Past[]): void {
  pastQueries.value = all;
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    // Then they last as long as the page.
  }
}
