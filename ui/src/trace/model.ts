/** What follows from the shape of a trace. Spans are depth first, so what is below a span is a range. */
import { isError, parentMissing, type Skeleton } from "../api/trace.ts";
import { distinctSlots } from "../text/colors.ts";

/** So many equal childless siblings in a row are shown as one. */
export const FOLDED_MIN = 10;

/** Nanoseconds after the start of the trace. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Equal siblings without children: positions `first` to `end`, not included. */
export interface Run {
  readonly first: number;
  readonly end: number;
  /** Nanoseconds, summed. */
  readonly total: number;
}

export interface ServiceShare {
  readonly service: number;
  readonly spans: number;
  readonly errors: number;
  /** Nanoseconds that its spans spent themselves, not in what they called. */
  readonly self: number;
}

export interface Model {
  readonly skeleton: Skeleton;
  readonly depths: Int32Array;
  /** Position after the last span below each span. */
  readonly subtreeEnds: Int32Array;
  /** Nanoseconds that a span spent itself. */
  readonly self: Float64Array;
  /** Nanoseconds from the first start to the last end. */
  readonly duration: number;
  readonly depthMax: number;
  /** Errors that no error below them explains come first, deepest first, then the others in order. */
  readonly errors: readonly number[];
  /** How many of `errors` are origins. */
  readonly errorOrigins: number;
  /** Spans whose parent was not received. */
  readonly orphans: readonly number[];
  /** Slots of the palette, by service. */
  readonly slots: readonly number[];
  /** Sections of the critical path of each span that is on it. */
  readonly critical: ReadonlyMap<number, readonly Window[]>;
  /** Nanoseconds of the critical path by service, most first. */
  readonly criticalShares: readonly { readonly service: number; readonly nanos: number }[];
  /** Services by self time, most first. */
  readonly shares: readonly ServiceShare[];
  /** Runs of equal siblings, by the position of their first span. */
  readonly runs: ReadonlyMap<number, Run>;
}

export function modelOf(skeleton: Skeleton): Model {
  const { n, parents, starts, durations, flags } = skeleton;
  const depths = new Int32Array(n);
  const subtreeEnds = new Int32Array(n);
  let duration = 0;
  let depthMax = 0;
  for (let i = 0; i < n; i++) {
    const parent = parents[i] ?? -1;
    const depth = parent < 0 ? 0 : (depths[parent] ?? 0) + 1;
    depths[i] = depth;
    depthMax = Math.max(depthMax, depth);
    subtreeEnds[i] = i + 1;
    duration = Math.max(duration, (starts[i] ?? 0) + (durations[i] ?? 0));
  }
  // From the back, so that what is below has been counted.
  for (let i = n - 1; i >= 0; i--) {
    const parent = parents[i] ?? -1;
    if (parent >= 0) subtreeEnds[parent] = Math.max(subtreeEnds[parent] ?? 0, subtreeEnds[i] ?? 0);
  }
  const self = selfTimes(skeleton);
  const { errors, origins } = errorsOf(skeleton, depths);
  const orphans = [...flags.keys()].filter((i) => parentMissing(flags[i] ?? 0));
  const shares = sharesOf(skeleton, self);
  const bySpans = [...shares].sort((a, b) => b.spans - a.spans || a.service - b.service);
  const slotsBySpans = distinctSlots(bySpans.map(({ service }) => skeleton.services[service] ?? ""));
  const slots = skeleton.services.map(() => 0);
  bySpans.forEach(({ service }, i) => {
    slots[service] = slotsBySpans[i] ?? 0;
  });
  const runs = runsOf(skeleton, subtreeEnds);
  const { critical, criticalShares } = criticalOf(skeleton);
  return {
    skeleton,
    depths,
    subtreeEnds,
    self,
    duration,
    depthMax,
    errors,
    errorOrigins: origins,
    orphans,
    slots,
    critical,
    criticalShares,
    shares,
    runs,
  };
}

/** A span's duration without the time in which a child of it ran. Siblings come in the order of their starts. */
function selfTimes({ n, parents, starts, durations }: Skeleton): Float64Array {
  const self = Float64Array.from(durations);
  const coveredUntil = Float64Array.from(starts);
  for (let i = 0; i < n; i++) {
    const parent = parents[i] ?? -1;
    if (parent < 0) continue;
    const parentEnd = (starts[parent] ?? 0) + (durations[parent] ?? 0);
    const from = Math.max(starts[i] ?? 0, coveredUntil[parent] ?? 0);
    const to = Math.min((starts[i] ?? 0) + (durations[i] ?? 0), parentEnd);
    if (to > from) {
      self[parent] = (self[parent] ?? 0) - (to - from);
      coveredUntil[parent] = to;
    }
  }
  return self;
}

function errorsOf({ n, flags, parents }: Skeleton, depths: Int32Array) {
  const below = new Uint8Array(n);
  const origins: number[] = [];
  const others: number[] = [];
  for (let i = n - 1; i >= 0; i--) {
    const parent = parents[i] ?? -1;
    const failed = isError(flags[i] ?? 0);
    if (failed) (below[i] ? others : origins).push(i);
    if (parent >= 0 && (failed || below[i])) below[parent] = 1;
  }
  origins.sort((a, b) => (depths[b] ?? 0) - (depths[a] ?? 0) || a - b);
  others.reverse();
  return { errors: [...origins, ...others], origins: origins.length };
}

function criticalOf({ critical, serviceOf, services }: Skeleton) {
  const sections = new Map<number, Window[]>();
  const nanos = services.map(() => 0);
  critical.span.forEach((span, i) => {
    const section = { from: critical.from[i] ?? 0, to: critical.to[i] ?? 0 };
    sections.set(span, [...(sections.get(span) ?? []), section]);
    const service = serviceOf[span] ?? 0;
    nanos[service] = (nanos[service] ?? 0) + section.to - section.from;
  });
  const shares = nanos.map((nanos, service) => ({ service, nanos })).filter(({ nanos }) => nanos > 0);
  return { critical: sections, criticalShares: shares.sort((a, b) => b.nanos - a.nanos) };
}

function sharesOf({ n, services, serviceOf, flags }: Skeleton, self: Float64Array): ServiceShare[] {
  const spans = new Array<number>(services.length).fill(0);
  const errors = [...spans];
  const selfOf = [...spans];
  for (let i = 0; i < n; i++) {
    const service = serviceOf[i] ?? 0;
    spans[service] = (spans[service] ?? 0) + 1;
    errors[service] = (errors[service] ?? 0) + (isError(flags[i] ?? 0) ? 1 : 0);
    selfOf[service] = (selfOf[service] ?? 0) + (self[i] ?? 0);
  }
  const shares = services.map((_, service) => ({
    service,
    spans: spans[service] ?? 0,
    errors: errors[service] ?? 0,
    self: selfOf[service] ?? 0,
  }));
  return shares.sort((a, b) => b.self - a.self || b.spans - a.spans);
}

function runsOf(
  { n, parents, nameOf, serviceOf, durations }: Skeleton,
  subtreeEnds: Int32Array,
): Map<number, Run> {
  const runs = new Map<number, Run>();
  let first = 0;
  while (first < n) {
    let end = first;
    let total = 0;
    while (
      end < n &&
      subtreeEnds[end] === end + 1 &&
      parents[end] === parents[first] &&
      nameOf[end] === nameOf[first] &&
      serviceOf[end] === serviceOf[first] &&
      (parents[end] ?? -1) >= 0
    ) {
      total += durations[end] ?? 0;
      end++;
    }
    if (end - first >= FOLDED_MIN) runs.set(first, { first, end, total });
    first = Math.max(end, first + 1);
  }
  return runs;
}

/** How much of a tree is shown. */
export interface Shown {
  /** Spans whose children are not. */
  readonly collapsed: ReadonlySet<number>;
  /** Runs, by their first span, that are not folded. */
  readonly unfolded: ReadonlySet<number>;
  /** Only this span and what is below it. */
  readonly root: number | null;
  /** Only these spans and those above them. */
  readonly only: ReadonlySet<number> | null;
}

/** The rows from top to bottom: a position, or `~first` for a folded run. */
export function rowsOf(model: Model, shown: Shown): Int32Array {
  const { skeleton, subtreeEnds, runs } = model;
  const kept = shown.only && withAncestors(skeleton, shown.only);
  const rows = new Int32Array(skeleton.n);
  let count = 0;
  let i = shown.root ?? 0;
  const end = shown.root === null ? skeleton.n : (subtreeEnds[shown.root] ?? 0);
  while (i < end) {
    if (kept && !kept[i]) {
      i++;
      continue;
    }
    const run = kept ? undefined : runs.get(i);
    if (run && !shown.unfolded.has(i)) {
      rows[count++] = ~i;
      i = run.end;
      continue;
    }
    rows[count++] = i;
    i = shown.collapsed.has(i) ? (subtreeEnds[i] ?? i + 1) : i + 1;
  }
  return rows.slice(0, count);
}

function withAncestors({ n, parents }: Skeleton, only: ReadonlySet<number>): Uint8Array {
  const kept = new Uint8Array(n);
  for (const position of only) {
    for (let at = position; at >= 0 && !kept[at]; at = parents[at] ?? -1) kept[at] = 1;
  }
  return kept;
}

/** The span that a row is about. */
export const spanOfRow = (row: number): number => (row < 0 ? ~row : row);

/** Round times for an axis: about `wanted` of them from `from` to `to`, nanoseconds. */
export function ticks(from: number, to: number, wanted: number): number[] {
  const exact = (to - from) / Math.max(1, wanted);
  if (!(exact > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(exact));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= exact) ?? 10) * power;
  const found: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}
