/** Writing TraceQL. What a query means is decided by the server alone. */

/** A string literal. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** An attribute of a scope, quoted where its key needs it. */
export function attribute(scope: "span" | "resource", key: string): string {
  return `${scope}.${/^[\w./-]+$/.test(key) ? key : quoted(key)}`;
}

/** The query with one more condition for the same span, where its form allows that. */
export function withCondition(query: string, condition: string): string {
  const filter = /^\s*\{([^{}]*)\}\s*$/.exec(query);
  if (!filter) return `{ ${condition} }`;
  const inner = (filter[1] ?? "").trim();
  if (inner === "" || inner === "true") return `{ ${condition} }`;
  return inner.includes("||") ? `{ (${inner}) && ${condition} }` : `{ ${inner} && ${condition} }`;
}
