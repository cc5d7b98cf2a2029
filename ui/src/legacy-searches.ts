/** Searches of Jaeger and Zipkin, from their addresses to TraceQL. */
import { allOf, quoted } from "./traceql.ts";

/** A lookback of Jaeger's, such as `1h` or `2d`; `custom` and what is no duration count as none. */
const lookback = (text: string | null) => (text && /^\d+[smhdw]$/.test(text) ? text : null);

/** Go's durations are TraceQL's; Zipkin's bare numbers are microseconds. */
const asDuration = (text: string) => (/^\d+$/.test(text) ? `${text}us` : text);

/** An attribute in any scope. */
const anyScope = (key: string) => `.${/^[\w.-]+$/.test(key) ? key : quoted(key)}`;

/** Jaeger and Zipkin compare tags as text; TraceQL tells `"500"` from `500`. */
function tagCondition(key: string, value: string): string {
  if (key === "error" && value === "true") return "status = error";
  const name = anyScope(key);
  const isLiteral = /^-?\d+(\.\d+)?$/.test(value) || value === "true" || value === "false";
  return isLiteral ? `(${name} = ${quoted(value)} || ${name} = ${value})` : `${name} = ${quoted(value)}`;
}

function named(service: string | null, operation: string | null): string[] {
  const conditions: string[] = [];
  if (service && service !== "all") conditions.push(`resource.service.name = ${quoted(service)}`);
  if (operation && operation !== "all") conditions.push(`name = ${quoted(operation)}`);
  return conditions;
}

function lasting(query: URLSearchParams): string[] {
  const [min, max] = [query.get("minDuration"), query.get("maxDuration")];
  return [
    ...(min ? [`duration >= ${asDuration(min)}`] : []),
    ...(max ? [`duration <= ${asDuration(max)}`] : []),
  ];
}

/** Jaeger's tags: a JSON object of texts, and from before that `tag=key:value`. */
function jaegerTags(query: URLSearchParams): string[] {
  const single = query.getAll("tag").flatMap((tag) => {
    const colon = tag.indexOf(":");
    return colon > 0 ? [tagCondition(tag.slice(0, colon), tag.slice(colon + 1))] : [];
  });
  try {
    const tags: unknown = JSON.parse(query.get("tags") || "{}");
    const all = Object.entries(tags as Record<string, unknown>);
    return [...single, ...all.map(([key, value]) => tagCondition(key, String(value)))];
  } catch {
    // What is no JSON asked for nothing in Jaeger either.
    return single;
  }
}

/** Jaeger's search: times in microseconds. */
export function jaegerSearch(query: URLSearchParams): URLSearchParams {
  const conditions = [
    ...named(query.get("service"), query.get("operation")),
    ...jaegerTags(query),
    ...lasting(query),
  ];
  const ours = new URLSearchParams({ q: allOf(conditions) });
  const back = lookback(query.get("lookback"));
  const [start, end] = [query.get("start"), query.get("end")];
  if (back) ours.set("from", `now-${back}`);
  else if (start) {
    ours.set("from", start);
    if (end) ours.set("to", end);
  }
  const limit = query.get("limit");
  if (limit) ours.set("limit", limit);
  return ours;
}

/** Traces by their ids: one, two to compare, or a search for all of them. */
export function jaegerTraces(query: URLSearchParams, inHex: (id: string) => string) {
  const ids = query.getAll("traceID").map(inHex);
  const [first, second] = ids;
  if (first === undefined) return null;
  if (ids.length === 2) return { path: `/trace/${first}...${second}`, query: new URLSearchParams() };
  if (ids.length > 2) {
    const q = `{ ${ids.map((id) => `trace:id = ${quoted(id)}`).join(" || ")} }`;
    return { path: "/search", query: new URLSearchParams({ q }) };
  }
  const span = query.get("span")?.split("@")[0]?.split(" ")[0];
  return { path: `/trace/${first}`, query: new URLSearchParams(span ? { span } : {}) };
}

/** Zipkin's conditions: `error and http.method=GET`, keys and names of annotations alone too. */
function annotations(text: string | null): string[] {
  return (text ?? "")
    .split(/\s+and\s+/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      if (part === "error") return "status = error";
      const [, key, value] = /^([^=]+)=(.*)$/.exec(part) ?? [];
      if (key !== undefined && value !== undefined) return tagCondition(key, value);
      return `(event:name = ${quoted(part)} || ${anyScope(part)} != nil)`;
    });
}

/** Zipkin's search: times in milliseconds, lookbacks as `15m` or milliseconds before `endTs`. */
export function zipkinSearch(query: URLSearchParams, now: number): URLSearchParams {
  const conditions = [
    ...named(query.get("serviceName"), query.get("spanName")),
    ...annotations(query.get("annotationQuery")),
    ...lasting(query),
  ];
  const ours = new URLSearchParams({ q: allOf(conditions) });
  const text = query.get("lookback");
  const back = lookback(text);
  const [start, end] = [query.get("startTs"), query.get("endTs")];
  if (text === "range" && start) {
    ours.set("from", start);
    if (end) ours.set("to", end);
  } else if (text && /^\d+$/.test(text)) {
    const to = end ? Number(end) : now;
    ours.set("from", String(to - Number(text)));
    ours.set("to", String(to));
  } else if (back) ours.set("from", `now-${back}`);
  const limit = query.get("limit");
  if (limit) ours.set("limit", limit);
  return ours;
}
