/**
 * Places for the nodes of a map, from left to right: callers before whom they call (Sugiyama's method: break cycles,
 * rank by longest path, order ranks by the middle of their neighbors).
 */

export interface Placed {
  readonly name: string;
  /** Column, from the left. */
  readonly rank: number;
  /** Place within the column, from the top. */
  readonly order: number;
}

interface Arc {
  readonly client: string;
  readonly server: string;
}

const SWEEPS = 6;

/** Of what the arcs name, and of `others`, which may have none. */
export function layout(arcs: readonly Arc[], others: readonly string[] = []): Placed[] {
  const names = [...new Set([...arcs.flatMap(({ client, server }) => [client, server]), ...others])].sort();
  const forward = withoutCycles(names, arcs);
  const ranks = ranksOf(names, forward);
  const columns: string[][] = [];
  for (const name of names) {
    const rank = ranks.get(name) ?? 0;
    let column = columns[rank];
    if (!column) {
      column = [];
      columns[rank] = column;
    }
    column.push(name);
  }
  const { callers, called } = neighborsOf(forward);
  for (let sweep = 0; sweep < SWEEPS; sweep++) arrange(columns, sweep % 2 === 0 ? callers : called);
  return columns.flatMap((column, rank) => (column ?? []).map((name, order) => ({ name, rank, order })));
}

/** Who calls each, and whom each calls. */
function neighborsOf(arcs: readonly Arc[]) {
  const callers = new Map<string, string[]>();
  const called = new Map<string, string[]>();
  const add = (to: Map<string, string[]>, name: string, other: string) => {
    const others = to.get(name);
    if (others) others.push(other);
    else to.set(name, [other]);
  };
  for (const { client, server } of arcs) {
    add(callers, server, client);
    add(called, client, server);
  }
  return { callers, called };
}

/** The arcs without those that lead back to where a walk came from, and without calls of oneself. */
function withoutCycles(names: readonly string[], arcs: readonly Arc[]): Arc[] {
  const { called } = neighborsOf(arcs);
  const hasCaller = new Set(
    arcs.filter(({ client, server }) => client !== server).map(({ server }) => server),
  );
  const starts = [...names.filter((name) => !hasCaller.has(name)), ...names];
  const done = new Set<string>();
  const kept: Arc[] = [];
  for (const start of starts) {
    // A stack of its own: chains of calls may be long.
    const way: { name: string; next: number }[] = done.has(start) ? [] : [{ name: start, next: 0 }];
    const onWay = new Set(way.map(({ name }) => name));
    for (let top = way.at(-1); top; top = way.at(-1)) {
      const server = called.get(top.name)?.[top.next++];
      if (server === undefined) {
        done.add(top.name);
        onWay.delete(top.name);
        way.pop();
      } else if (!onWay.has(server)) {
        kept.push({ client: top.name, server });
        if (!done.has(server)) {
          way.push({ name: server, next: 0 });
          onWay.add(server);
        }
      }
    }
  }
  return kept;
}

/** How many arcs the longest way to each name has. */
function ranksOf(names: readonly string[], arcs: readonly Arc[]): Map<string, number> {
  const waiting = new Map(names.map((name) => [name, 0]));
  for (const { server } of arcs) waiting.set(server, (waiting.get(server) ?? 0) + 1);
  const { called } = neighborsOf(arcs);
  const ranks = new Map(names.map((name) => [name, 0]));
  const ready = names.filter((name) => waiting.get(name) === 0);
  for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
    for (const server of called.get(name) ?? []) {
      ranks.set(server, Math.max(ranks.get(server) ?? 0, (ranks.get(name) ?? 0) + 1));
      const left = (waiting.get(server) ?? 0) - 1;
      waiting.set(server, left);
      if (left === 0) ready.push(server);
    }
  }
  return ranks;
}

function arrange(columns: string[][], neighborsOf: ReadonlyMap<string, readonly string[]>): void {
  const places = new Map(
    columns.flatMap((column) => (column ?? []).map((name, i) => [name, (i + 0.5) / column.length] as const)),
  );
  for (const column of columns) {
    const middle = new Map(
      (column ?? []).map((name) => {
        const neighbors = neighborsOf.get(name) ?? [];
        const sum = neighbors.reduce((total, neighbor) => total + (places.get(neighbor) ?? 0), 0);
        return [name, neighbors.length > 0 ? sum / neighbors.length : (places.get(name) ?? 0)] as const;
      }),
    );
    column?.sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0) || a.localeCompare(b));
  }
}
