/** Addresses of other tracing interfaces as people have them in wikis and alerts, as ours. */
import { grafanaDrilldown, grafanaExplore } from "./grafana-urls.ts";
import { jaegerSearch, jaegerTraces, zipkinSearch } from "./legacy-searches.ts";
import type { Place } from "./router.ts";

const base64Id = /^[A-Za-z0-9+/_-]{22}==$|^[A-Za-z0-9+/_-]{11}=$/;

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
    const bytes = atob(trimmed.replaceAll("-", "+").replaceAll("_", "/"));
    return Array.from(bytes, (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  }
  return null;
}

/** The id in hex, or what was written when it is none. */
const inHex = (written: string) => traceId(written) ?? written;

/** What an address has in a place of it; as it is written where that is no UTF-8. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Two traces compared, as Jaeger has it and as people expect it. */
function comparedTraces({ path, query }: Place): Place | null {
  const pair = /^\/(?:trace|compare|jaeger\/ui\/trace)\/([^/]+?)\.\.\.([^/]+)\/?$/.exec(path);
  if (!pair?.[1] || !pair[2]) return null;
  const canonical = `/trace/${inHex(decoded(pair[1]))}...${inHex(decoded(pair[2]))}`;
  const ours = new URLSearchParams(query);
  // Jaeger lists the traces once more.
  ours.delete("cohort");
  return canonical === path && !query.has("cohort") ? null : { path: canonical, query: ours };
}

function oneTrace({ path, query }: Place): Place | null {
  const trace = /^\/(?:trace|traces\/detail|traces|zipkin\/traces|jaeger\/ui\/trace)\/([^/]+)\/?$/.exec(path);
  if (!trace?.[1]) return null;
  const ours = new URLSearchParams(query);
  const find = ours.get("uiFind") ?? ours.get("spanId");
  ours.delete("uiFind");
  ours.delete("spanId");
  if (find) ours.set(/^[0-9a-f]{16}$/i.test(find) ? "span" : "f", find);
  const canonical = `/trace/${inHex(decoded(trace[1]))}`;
  return canonical === path && !find ? null : { path: canonical, query: ours };
}

const SEARCHED = ["service", "operation", "tags", "tag", "lookback", "minDuration", "maxDuration"];

function search({ path, query }: Place): Place | null {
  if (path === "/search" && !query.has("q")) {
    if (query.has("traceID")) return jaegerTraces(query, inHex);
    if (SEARCHED.some((name) => query.has(name))) return { path, query: jaegerSearch(query) };
  }
  if (/^\/zipkin\/?$/.test(path)) {
    const isSearch = ["serviceName", "spanName", "annotationQuery", "minDuration", "lookback"].some((name) =>
      query.has(name),
    );
    return isSearch ? { path: "/search", query: zipkinSearch(query, Date.now()) } : nothing("/");
  }
  return null;
}

const nothing = (path: string): Place => ({ path, query: new URLSearchParams() });

/** Pages that are about services and how they call each other. */
function aggregates({ path, query }: Place): Place | null {
  const service = query.get("service");
  switch (path) {
    case "/dependencies":
      return nothing("/map");
    case "/deep-dependencies":
      return { path: "/map", query: new URLSearchParams(service ? { focus: service } : {}) };
    case "/monitor":
      return nothing(service ? `/services/${encodeURIComponent(service)}` : "/");
    case "/quality-metrics":
      return nothing("/");
    case "/zipkin/dependency": {
      const ours = new URLSearchParams();
      const [from, to] = [query.get("startTime"), query.get("endTime")];
      if (from) ours.set("from", from);
      if (to) ours.set("to", to);
      return { path: "/map", query: ours };
    }
    case "/traceViewer":
    case "/zipkin/traceViewer":
      return nothing("/upload");
    default:
      return null;
  }
}

const DRILLDOWN = "/a/grafana-exploretraces-app/explore";

/** Our address for one of another interface; `null` for one of ours. */
export function modernized({ path, query }: Place): Place | null {
  if (path.includes("...")) return comparedTraces({ path, query });
  if (path === "/explore") return grafanaExplore(query, traceId);
  if (path === DRILLDOWN) return grafanaDrilldown(query, inHex);
  const place = { path, query };
  return oneTrace(place) ?? search(place) ?? aggregates(place);
}

/** Where the paths of interfaces begin, below whatever they are installed. */
const BEGIN =
  /\/(?:(?:trace|traces|compare|services|zipkin)\/|zipkin$|(?:search|dependencies|deep-dependencies|monitor|quality-metrics|traceViewer|explore|map|structure|exceptions|metrics)\/?$|a\/grafana-exploretraces-app\/)/;

/** Our address for a whole one of another interface, or of this one elsewhere; `null` for any other. */
export function fromAddress(url: URL): Place | null {
  const begin = url.pathname.search(BEGIN);
  if (begin < 0) return null;
  const path = url.pathname.slice(begin);
  const place = { path, query: url.searchParams };
  const ours = modernized(place);
  if (ours) return ours;
  return path === "/explore" || path.startsWith("/a/") ? null : place;
}
