/** Addresses of Grafana's Explore for a span, as Grafana makes them from the settings of a Tempo data source. */
import type { ExploreLink } from "../../api/schema.ts";
import type { Lookup } from "./fill.ts";

/** What Explore is told about a span. */
export interface SpanFacts {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly startMillis: number;
  readonly endMillis: number;
  /** Nanoseconds. */
  readonly duration: number;
  readonly attribute: Lookup;
}

/** A text between quotes, in LogQL, PromQL and their like. */
const quoted = (text: string) => `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;

/** `null` when the span lacks what the link is made of. */
export function exploreUrl(link: ExploreLink, span: SpanFacts): string | null {
  const query = queryOf(link, span);
  if (!query) return null;
  const range = {
    from: String(span.startMillis + link.startShiftMillis),
    to: String(span.endMillis + link.endShiftMillis),
  };
  const datasource = { uid: link.datasourceUid, ...(link.datasourceType && { type: link.datasourceType }) };
  const panes = {
    spandrel: { datasource: link.datasourceUid, queries: [{ refId: "A", datasource, ...query }], range },
  };
  const encoded = encodeURIComponent(JSON.stringify(panes));
  return `${link.grafana}/explore?schemaVersion=1&panes=${encoded}`;
}

/** The labels whose attributes the span has. */
function labelsOf({ tags }: ExploreLink, { attribute }: SpanFacts): [string, string][] {
  return tags.flatMap(({ key, label }) => {
    const value = attribute(key);
    return value === undefined ? [] : [[label, value] as [string, string]];
  });
}

function queryOf(link: ExploreLink, span: SpanFacts): object | null {
  const labels = labelsOf(link, span);
  const tags = labels.map(([label, value]) => `${label}=${quoted(value)}`).join(", ");
  const own = link.query === null ? null : interpolated(link.query, span, tags);
  if (link.query !== null && own === null) return null;
  if (link.signal === "profiles") {
    if (!link.profileType || labels.length === 0) return null;
    const { profileType: profileTypeId } = link;
    const labelSelector = `{${tags}}`;
    return { queryType: "profile", profileTypeId, labelSelector, spanSelector: [span.spanId], groupBy: [] };
  }
  if (link.signal === "metrics") return own === null ? null : { expr: own };
  const ids = [link.byTraceId && span.traceId, link.bySpanId && span.spanId].filter((id) => id !== false);
  switch (link.datasourceType) {
    case "elasticsearch":
    case "grafana-opensearch-datasource": {
      const terms = [...ids.map(quoted), ...labels.map(([label, value]) => `${label}:${quoted(value)}`)];
      const query = own ?? terms.join(" AND ");
      return query ? { query, metrics: [{ id: "1", type: "logs" }] } : null;
    }
    case "loki":
    case null: {
      if (own !== null) return { expr: own };
      const lines = ids.map((id) => ` |= ${quoted(id)}`).join("");
      return labels.length > 0 ? { expr: `{${tags}}${lines}` } : null;
    }
    // Of another kind of store only its operator knows how it is asked.
    default:
      return own === null ? null : { query: own, expr: own };
  }
}

/** Grafana's variables in a query; `null` when one has no value. */
function interpolated(query: string, span: SpanFacts, tags: string): string | null {
  let isWhole = true;
  const text = query.replace(/\$\{(__[^}]*)\}|\$(__tags)\b/g, (_, inside?: string, bare?: string) => {
    const value = variable(inside ?? bare ?? "", span, tags);
    if (value === undefined || value === "") isWhole = false;
    return value ?? "";
  });
  return isWhole ? text : null;
}

function variable(name: string, span: SpanFacts, tags: string): string | undefined {
  const attribute = /^__span\.tags(?:\.(.+)|\["(.+)"\])$/.exec(name);
  if (attribute) return span.attribute(attribute[1] ?? attribute[2] ?? "");
  switch (name) {
    case "__tags":
      return tags;
    case "__span.traceId":
    case "__trace.traceId":
      return span.traceId;
    case "__span.spanId":
      return span.spanId;
    case "__span.name":
      return span.name;
    case "__span.duration":
      return String(span.duration);
    default:
      return undefined;
  }
}
