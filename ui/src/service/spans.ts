/** Which spans a page counts, and the filters for them. */
import { quoted } from "../traceql.ts";

/** Which spans count as work of a service. */
export const SPANS = {
  entry: { label: "Requests", filter: "kind = server || kind = consumer || nestedSetParent = -1" },
  root: { label: "Roots", filter: "nestedSetParent = -1" },
  database: { label: "Database", filter: "span.db.system != nil || span.db.system.name != nil" },
  all: { label: "All spans", filter: "true" },
} as const;

export type SpanChoice = keyof typeof SPANS;

export const SERVICE = "resource.service.name";

export function spanChoice(text: string | null): SpanChoice {
  return text !== null && Object.hasOwn(SPANS, text) ? (text as SpanChoice) : "entry";
}

/** The conditions as one, without those that everything passes. */
export function all(...conditions: readonly string[]): string {
  const real = conditions.filter((condition) => condition !== "true" && condition !== "");
  if (real.length === 0) return "true";
  return real.map((condition) => (condition.includes("||") ? `(${condition})` : condition)).join(" && ");
}

export function ofService(service: string, choice: SpanChoice = "all"): string {
  return all(`${SERVICE} = ${quoted(service)}`, SPANS[choice].filter);
}

export function ofOperation(service: string, operation: string): string {
  return all(`${SERVICE} = ${quoted(service)}`, `name = ${quoted(operation)}`);
}
