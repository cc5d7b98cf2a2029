/** Who calls whom, and what that says about each of them. */
import { getJson } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import type { Edge, ServiceMap } from "../api/schema.ts";

export async function fetchMap(range: Range, signal: AbortSignal): Promise<ServiceMap> {
  const bounds = { start: String(Math.floor(range.from / 1e3)), end: String(Math.ceil(range.to / 1e3)) };
  return getJson<ServiceMap>("/api/ui/service-map", bounds, signal);
}

/** A service, database, queue, or what else is called or calls. */
export interface Node {
  readonly name: string;
  readonly kind: "service" | "database" | "messaging" | "external" | "user";
  /** Which database it is, or which other system; empty for services. */
  readonly system: string;
  /** Calls that it answered. */
  readonly calls: number;
  readonly errors: number;
}

export function nodesOf(edges: readonly Edge[]): Node[] {
  const nodes = new Map<string, { -readonly [Key in keyof Node]: Node[Key] }>();
  const node = (name: string, kind: Node["kind"], system: string) => {
    const found = nodes.get(name) ?? { name, kind, system, calls: 0, errors: 0 };
    // What sends spans of its own is a service, whatever others take it for.
    if (kind === "service") Object.assign(found, { kind, system: "" });
    nodes.set(name, found);
    return found;
  };
  for (const { client, server, connection, system, calls, errors } of edges) {
    node(client, connection === "user" ? "user" : "service", "");
    const isService = connection === "direct" || connection === "user" || connection === "messaging";
    const called = node(server, isService ? "service" : connection, isService ? "" : system);
    called.calls += calls;
    called.errors += errors;
  }
  return [...nodes.values()];
}

/** What is drawn of a map. */
export interface Drawn {
  readonly edges: readonly Edge[];
  readonly nodes: readonly Node[];
  /** Nodes that are not drawn. */
  readonly hidden: number;
  /** How many neighbors of a node that is drawn are not; nodes with none are not in it. */
  readonly more: ReadonlyMap<string, number>;
}

/** What calls `focus` and what it calls, up to so many calls away in either direction. */
function around(edges: readonly Edge[], focus: string, hops: number): string[] {
  const found = new Set([focus]);
  for (const [from, to] of [
    ["client", "server"],
    ["server", "client"],
  ] as const) {
    let ring = new Set([focus]);
    for (let hop = 0; hop < hops; hop++) {
      const next = edges.filter((edge) => ring.has(edge[from])).map((edge) => edge[to]);
      ring = new Set(next);
      for (const name of ring) found.add(name);
    }
  }
  return [...found];
}

/** Names by how many calls they answer and make, most first. */
function busiest(edges: readonly Edge[]): string[] {
  const calls = new Map<string, number>();
  for (const edge of edges)
    for (const name of [edge.client, edge.server]) calls.set(name, (calls.get(name) ?? 0) + edge.calls);
  return [...calls].sort(([, a], [, b]) => b - a).map(([name]) => name);
}

/**
 * The `max` nodes that matter most, with the edges between them: those nearest to the focus, without one those with the
 * most calls.
 */
export function drawn(edges: readonly Edge[], focus: string | null, max: number, hops = 2): Drawn {
  const nodes = nodesOf(edges);
  const wanted = focus === null ? busiest(edges) : around(edges, focus, hops);
  const kept = new Set(wanted.slice(0, max));
  const neighbors = new Map<string, Set<string>>();
  for (const { client, server } of edges) {
    for (const [name, other] of [
      [client, server],
      [server, client],
    ] as const) {
      if (!kept.has(name) || kept.has(other)) continue;
      neighbors.set(name, (neighbors.get(name) ?? new Set()).add(other));
    }
  }
  return {
    edges: edges.filter(({ client, server }) => kept.has(client) && kept.has(server)),
    nodes: nodes.filter(({ name }) => kept.has(name)),
    hidden: nodes.length - kept.size,
    more: new Map([...neighbors].map(([name, others]) => [name, others.size])),
  };
}

/** Errors of one: 0 without calls. */
export const share = ({ calls, errors }: { calls: number; errors: number }) =>
  calls > 0 ? errors / calls : 0;

/** A share of errors from which color says so in full. */
const FULL = 0.1;

/** How much of the color of errors something has, in percent: little for a thousandth, all from a tenth on. */
export function alarm(errors: number): number {
  if (errors <= 0) return 0;
  return Math.round(Math.min(1, Math.sqrt(errors / FULL)) * 100);
}

/** What a node is called: a database by its name and what it is. */
export function nodeLabel({ name, system }: Node): string {
  if (system && !name.toLowerCase().includes(system.toLowerCase()))
    return name ? `${name} · ${system}` : system;
  return name || "unknown";
}
