/** Queries that this reader has run, the last one first, kept in this browser. */
import { signal } from "@preact/signals";

const KEY = "recent-queries";
const KEPT = 20;

function stored(): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((query) => typeof query === "string").slice(0, KEPT) : [];
  } catch {
    return [];
  }
}

export const recentQueries = signal<readonly string[]>(stored());

/** The list with a query in front. */
export function withRecent(queries: readonly string[], query: string): string[] {
  return [query, ...queries.filter((other) => other !== query)].slice(0, KEPT);
}

/** Keeps a query that was run. */
export function remember(query: string): void {
  if (query === "" || query === "{}" || recentQueries.peek()[0] === query) return;
  keep(withRecent(recentQueries.peek(), query));
}

export function forgetAll(): void {
  keep([]);
}

function keep(queries: readonly string[]): void {
  recentQueries.value = queries;
  try {
    localStorage.setItem(KEY, JSON.stringify(queries));
  } catch {
    // Then they last as long as the page.
  }
}
