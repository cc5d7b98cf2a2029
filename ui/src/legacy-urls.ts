/** Addresses of Jaeger's and Zipkin's interfaces as people have them in wikis and alerts, as ours. */
import type { Place } from "./router.ts";
import { quoted } from "./traceql.ts";

/** A lookback of Jaeger's, such as `1h` or `2d`; `custom` and what is no duration count as none. */
const lookback = (text: string | null) => (text && /^\d+[smhdw]$/.test(text) ? text : null);

/** Go's durations are TraceQL's; Zipkin's bare numbers are microseconds. */
const asDuration = (text: string) => (/^\d+$/.test(text) ? `${text}us` : text);

const base64Id = /^[A-Za-z0-9+/]{22}==$|^[A-Za-z0-9+/]{11}=$/;

/** A trace id in any of the forms in which people have it, in hex; `null` when it is none. */
export function traceId(text: string): string | null {
  const trimmed = text.trim();
  const parent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/i.exec(trimmed);
  if (parent?.[1]) return parent[1].toLowerCase();
  const hex = trimmed
    .replace(/^0x/i, "")
    .replace(/^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i, "$1$2$3$4$5");
  if (/^[0-9a-f]{8,32}$/i.test(hex)) return hex.toLowerCase();
  if (base64Id.test(trimmed)) {
    const bytes = Uint8Array.from(atob(trimmed), (char) => char.charCodeAt(0));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  return null;
}

/** Jaeger compares tags as text; TraceQL tells `"500"` from `500`. */
function tagCondition(key: string, value: string): string {
  if (key === "error" && value === "true") return "status = error";
  const name = `.${/^[\w.-]+$/.test(key) ? key : quoted(key)}`;
  const isLiteral = /^-?\d+(\.\d+)?$/.test(value) || value === "true" || value === "false";
  return isLiteral ? `(${name} = ${quoted(value)} || ${name} = ${value})` : `${name} = ${quoted(value)}`;
}

function jaegerSearch(query: URLSearchParams): URLSearchParams {
  const conditions: string[] = [];
  const service = query.get("service");
  if (service) conditions.push(`resource.service.name = ${quoted(service)}`);
  const operation = query.get("operation");
  if (operation && operation !== "all") conditions.push(`name = ${quoted(operation)}`);
  try {
    const tags: unknown = JSON.parse(query.get("tags") || "{}");
    for (const [key, value] of Object.entries(tags as Record<string, unknown>)) {
      conditions.push(tagCondition(key, String(value)));
    }
  } catch {
    // What is no JSON asked for nothing in Jaeger either.
  }
  const min = query.get("minDuration");
  if (min) conditions.push(`duration >= ${asDuration(min)}`);
  const max = query.get("maxDuration");
  if (max) conditions.push(`duration <= ${asDuration(max)}`);
  const ours = new URLSearchParams({ q: `{ ${conditions.join(" && ")} }` });
  const back = lookback(query.get("lookback"));
  const start = query.get("start");
  const end = query.get("end");
  if (back) ours.set("from", `now-${back}`);
  else if (start) {
    ours.set("from", start);
    if (end) ours.set("to", end);
  }
  const limit = query.get("limit");
  if (limit) ours.set("limit", limit);
  return ours;
}

const inHex = (written: string) => traceId(written) ?? written;

/** Two traces compared, as Jaeger has it and as people expect it. */
function comparedTraces({ path, query }: Place): Place | null {
  const pair = /^\/(?:trace|compare|jaeger\/ui\/trace)\/([^/]+?)\.\.\.([^/]+)\/?$/.exec(
    decodeURIComponent(path),
  );
  if (!pair?.[1] || !pair[2]) return null;
  const canonical = `/trace/${inHex(pair[1])}...${inHex(pair[2])}`;
  const ours = new URLSearchParams(query);
  // Jaeger lists the traces once more.
  ours.delete("cohort");
  return canonical === path && !query.has("cohort") ? null : { path: canonical, query: ours };
}

/** Our address for one of another interface; `null` for one of ours. */
export function modernized({ path, query }: Place): Place | null {
  if (path.includes("...")) return comparedTraces({ path, query });
  const trace = /^\/(?:trace|traces\/detail|zipkin\/traces|jaeger\/ui\/trace)\/([^/]+)\/?$/.exec(path);
  if (trace?.[1]) {
    const written = decodeURIComponent(trace[1]);
    const ours = new URLSearchParams(query);
    const find = ours.get("uiFind") ?? ours.get("spanId");
    ours.delete("uiFind");
    ours.delete("spanId");
    if (find) ours.set(/^[0-9a-f]{16}$/i.test(find) ? "span" : "f", find);
    const canonical = `/trace/${inHex(written)}`;
    return canonical === path && !find ? null : { path: canonical, query: ours };
  }
  if (
    path === "/search" &&
    !query.has("q") &&
    ["service", "operation", "tags", "lookback", "minDuration"].some((name) => query.has(name))
  ) {
    return { path, query: jaegerSearch(query) };
  }
  if (path === "/zipkin/" && query.has("serviceName")) {
    const jaeger = new URLSearchParams(query);
    jaeger.set("service", query.get("serviceName") ?? "");
    jaeger.set("operation", query.get("spanName") ?? "");
    return { path: "/search", query: jaegerSearch(jaeger) };
  }
  if (["/dependencies", "/zipkin/dependency"].includes(path))
    return { path: "/map", query: new URLSearchParams() };
  if (["/monitor", "/zipkin/"].includes(path)) return { path: "/", query: new URLSearchParams() };
  return null;
}
