/** Who calls whom, and what that says about each of them. */
import { getJson } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";

export type Connection = "direct" | "messaging" | "database" | "external" | "user";

/** Calls from one side to another within the range; durations in nanoseconds. */
export interface Edge {
  readonly client: string;
  readonly server: string;
  readonly system: string;
  readonly connection: Connection;
  readonly calls: number;
  readonly errors: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export interface ServiceMap {
  readonly edges: readonly Edge[];
  /** Edges that the server left out. */
  readonly leftOut: number;
}

export async function fetchMap(range: Range, signal: AbortSignal): Promise<ServiceMap> {
  const bounds = { start: String(Math.floor(range.from / 1e3)), end: String(Math.ceil(range.to / 1e3)) };
  return getJson<ServiceMap>("/api/ui/service-map", bounds, signal);
}

/** A service, database, queue, or what else is called or calls. */
export interface Node {
  readonly name: string;
  readonly kind: "service" | "database" | "messaging" | "external" | "user";
  /** Calls that it answered. */
  readonly calls: number;
  readonly errors: number;
}

export function nodesOf(edges: readonly Edge[]): Node[] {
  const nodes = new Map<string, { name: string; kind: Node["kind"]; calls: number; errors: number }>();
  const node = (name: string, kind: Node["kind"]) => {
    const found = nodes.get(name) ?? { name, kind, calls: 0, errors: 0 };
    // What sends spans of its own is a service, whatever others take it for.
    if (kind === "service") found.kind = kind;
    nodes.set(name, found);
    return found;
  };
  for (const { client, server, connection, calls, errors } of edges) {
    node(client, connection === "user" ? "user" : "service");
    const isService = connection === "direct" || connection === "user" || connection === "messaging";
    const called = node(server, isService ? "service" : connection);
    called.calls += calls;
    called.errors += errors;
  }
  return [...nodes.values()];
}

/**
 * What is drawn of a large map: the `max` nodes that matter most, with the edges between them. With a focus these
 * are the nearest to it, otherwise those with the most calls.
 */
export function drawn(
  edges: readonly Edge[],
  focus: string | null,
  max: number,
): { edges: Edge[]; hidden: number } {
  const nodes = nodesOf(edges);
  const kept = new Set<string>();
  if (focus === null) {
    for (const { name } of [...nodes].sort((a, b) => b.calls - a.calls).slice(0, max)) kept.add(name);
  } else {
    let ring = [focus];
    for (let hop = 0; hop <= 2 && ring.length > 0; hop++) {
      for (const name of ring) if (kept.size < max) kept.add(name);
      const reached = new Set(ring);
      ring = edges
        .flatMap(({ client, server }) =>
          reached.has(client) ? [server] : reached.has(server) ? [client] : [],
        )
        .filter((name) => !kept.has(name));
    }
  }
  const left = edges.filter(({ client, server }) => kept.has(client) && kept.has(server));
  return { edges: left, hidden: nodes.length - kept.size };
}
