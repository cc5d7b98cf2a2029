/** Addresses of Grafana: Explore with a Tempo data source, and Traces Drilldown. */
import type { Place } from "./router.ts";
import { allOf, quoted } from "./traceql.ts";

interface Filter {
  tag?: string;
  operator?: string;
  scope?: string;
  value?: string | string[];
  valueType?: string;
}

interface Pane {
  queries?: { query?: string; queryType?: string; filters?: Filter[] }[];
  range?: { from?: string | number; to?: string | number };
  panelsState?: { trace?: { spanId?: string } };
}

/** A time as both understand it. */
function withRange(query: URLSearchParams, { from, to }: { from?: unknown; to?: unknown }): URLSearchParams {
  if (from !== undefined && from !== null) query.set("from", String(from));
  if (to !== undefined && to !== null && to !== "now") query.set("to", String(to));
  return query;
}

/** The panes of today's Explore, or the one of older ones. */
function panesOf(query: URLSearchParams): Pane[] {
  try {
    const panes: unknown = JSON.parse(query.get("panes") ?? query.get("left") ?? "null");
    if (typeof panes !== "object" || panes === null) return [];
    // `[from, to, data source, query, ...]` is how Grafana wrote it before version 8.
    if (Array.isArray(panes)) {
      const [from, to, , ...queries] = panes;
      return [{ range: { from, to }, queries }];
    }
    return query.has("panes") ? Object.values(panes as Record<string, Pane>) : [panes as Pane];
  } catch {
    return [];
  }
}

/** Conditions of the form that Grafana has beside its query editor. */
function filtersOf(filters: readonly Filter[]): string {
  const conditions = filters.flatMap(({ tag, operator = "=", scope, value, valueType }) => {
    const values = [value ?? []].flat();
    if (!tag || values.length === 0) return [];
    const name = !scope || scope === "intrinsic" ? tag : scope === "unscoped" ? `.${tag}` : `${scope}.${tag}`;
    const isText = valueType === undefined || valueType === "string";
    const text = values.length > 1 ? values.join("|") : (values[0] ?? "");
    return [`${name} ${values.length > 1 ? "=~" : operator} ${isText ? quoted(text) : text}`];
  });
  return allOf(conditions);
}

export function grafanaExplore(
  query: URLSearchParams,
  traceId: (text: string) => string | null,
): Place | null {
  for (const { queries = [], range = {}, panelsState } of panesOf(query)) {
    for (const { query: text = "", filters = [] } of queries) {
      const id = traceId(text);
      if (id) {
        const span = panelsState?.trace?.spanId;
        return { path: `/trace/${id}`, query: new URLSearchParams(span ? { span } : {}) };
      }
      const q = text.trim().startsWith("{") ? text.trim() : filters.length > 0 ? filtersOf(filters) : null;
      if (q) return { path: "/search", query: withRange(new URLSearchParams({ q }), range) };
    }
  }
  return null;
}

/** What its tabs are here. */
const VIEWS: Record<string, string> = {
  structure: "/structure",
  comparison: "/compare",
  exceptions: "/exceptions",
};

/** `key|op|value`; Grafana writes a bar within them as `__gfp__`. */
function drilldownFilter(text: string): string[] {
  const [key, operator, value] = text.split("|").map((part) => part.replaceAll("__gfp__", "|"));
  if (!key || !operator || value === undefined) return [];
  const isLiteral = /^-?\d+(\.\d+)?(ns|us|ms|s|m|h)?$/.test(value) || /^(true|false|nil)$/.test(value);
  const isWord = /^(?:span:)?(?:status|kind)$/.test(key);
  return [`${key} ${operator} ${isLiteral || isWord || /^".*"$/.test(value) ? value : quoted(value)}`];
}

export function grafanaDrilldown(query: URLSearchParams, inHex: (id: string) => string): Place {
  const id = query.get("traceId");
  if (id) {
    const span = query.get("spanId");
    return { path: `/trace/${inHex(id)}`, query: new URLSearchParams(span ? { span } : {}) };
  }
  const signal = query.get("var-primarySignal");
  const metric = query.get("var-metric");
  const q = allOf([
    ...(signal && signal !== "true" ? [signal] : []),
    ...query.getAll("var-filters").flatMap(drilldownFilter),
    ...(metric === "errors" ? ["status = error"] : []),
  ]);
  const path = VIEWS[query.get("actionView") ?? ""] ?? "/search";
  const ours = new URLSearchParams(path === "/compare" ? { sel: q } : { q });
  const group = query.get("var-groupBy");
  if (path === "/search" && group && group !== "All") ours.set("facets", group);
  if (path === "/search" && metric === "rate") ours.set("graph", "rate");
  return { path, query: withRange(ours, { from: query.get("from"), to: query.get("to") }) };
}
