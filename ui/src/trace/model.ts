/** What follows from the shape of a trace. Spans are depth first, so what is below a span is a range. */
import { isError, parentMissing, type Sections, type Skeleton } from "../api/trace.ts";
import { distinctSlots } from "../text/colors.ts";
import { type Run, runsOf } from "./rows.ts";

/** Nanoseconds after the start of the trace. */
export interface Window {
  readonly from: number;
  readonly to: number;
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
  /** Nanoseconds after the first start: as received, or with wrong clocks put right. */
  readonly starts: Float64Array;
  /** Nanoseconds from the first start as received to the first that is shown. */
  readonly origin: number;
  readonly depths: Int32Array;
  /** Position after the last span below each span. */
  readonly subtreeEnds: Int32Array;
  /** Nanoseconds that a span spent itself. */
  readonly self: Float64Array;
  /** From the first start to the last end. */
  readonly extent: Window;
  /** Nanoseconds from the first start to the last end. */
  readonly duration: number;
  readonly depthMax: number;
  /** Deepest first, of those the earliest: the first is the most likely cause of the others. */
  readonly errors: readonly number[];
  /** Errors that no error below them explains. */
  readonly origins: ReadonlySet<number>;
  /** How many errors come before each position; one more than there are spans. */
  readonly errorsBefore: Uint32Array;
  /** Spans whose parent was not received. */
  readonly orphans: readonly number[];
  /** By how many nanoseconds the times of spans with a wrong clock are to be moved. */
  readonly skew: ReadonlyMap<number, number>;
  /** Slots of the palette, by service. */
  readonly slots: readonly number[];
  /** Sections of the critical path of each span that is on it. */
  readonly critical: ReadonlyMap<number, readonly Window[]>;
  /** Nanoseconds of the critical path, by span. */
  readonly criticalTime: Float64Array;
  /** Nanoseconds of the critical path by service, most first. */
  readonly criticalShares: readonly { readonly service: number; readonly nanos: number }[];
  /** Services by self time, most first. */
  readonly shares: readonly ServiceShare[];
  /** Runs of equal siblings, by the position of their first span. */
  readonly runs: ReadonlyMap<number, Run>;
}

/** With `adjusted`, spans whose clock was wrong are where the others say that they were. */
export function modelOf(skeleton: Skeleton, { adjusted = true } = {}): Model {
  const { n, parents, durations, flags } = skeleton;
  const skew = new Map(skeleton.skew.filter(([, offset]) => offset !== 0));
  const offsets = adjusted ? skew : new Map<number, number>();
  const { starts, origin } = moved(skeleton.starts, offsets);
  const depths = new Int32Array(n);
  const subtreeEnds = new Int32Array(n);
  let [from, to] = [0, 0];
  let depthMax = 0;
  for (let i = 0; i < n; i++) {
    const parent = parents[i] ?? -1;
    const depth = parent < 0 ? 0 : (depths[parent] ?? 0) + 1;
    depths[i] = depth;
    if (depth > depthMax) depthMax = depth;
    subtreeEnds[i] = i + 1;
    from = Math.min(from, starts[i] ?? 0);
    to = Math.max(to, (starts[i] ?? 0) + (durations[i] ?? 0));
  }
  // From the back, so that what is below has been counted.
  for (let i = n - 1; i >= 0; i--) {
    const parent = parents[i] ?? -1;
    if (parent >= 0) subtreeEnds[parent] = Math.max(subtreeEnds[parent] ?? 0, subtreeEnds[i] ?? 0);
  }
  const self = selfTimes(skeleton, starts, skew);
  const shares = sharesOf(skeleton, self);
  const orphans: number[] = [];
  for (let i = 0; i < n; i++) if (parentMissing(flags[i] ?? 0)) orphans.push(i);
  return {
    skeleton,
    starts,
    origin,
    depths,
    subtreeEnds,
    self,
    extent: { from, to },
    duration: to - from,
    depthMax,
    ...errorsOf(skeleton, depths, starts),
    orphans,
    skew,
    slots: slotsOf(skeleton, shares),
    ...criticalOf(skeleton, offsets.size > 0 ? skeleton.criticalAdjusted : skeleton.critical, origin),
    shares,
    runs: runsOf(skeleton, subtreeEnds),
  };
}

/** What was moved may have been the first: times count from what is the first then. */
function moved(received: Float64Array, offsets: ReadonlyMap<number, number>) {
  if (offsets.size === 0) return { starts: received, origin: 0 };
  const starts = Float64Array.from(received);
  for (const [position, offset] of offsets) starts[position] = (starts[position] ?? 0) + offset;
  const origin = starts.reduce((first, start) => Math.min(first, start), Number.POSITIVE_INFINITY);
  return { starts: starts.map((start) => start - origin), origin };
}

/** A span's duration without the time in which a child of it ran. */
function selfTimes(
  { n, parents, durations, starts: received }: Skeleton,
  starts: Float64Array,
  skew: ReadonlyMap<number, number>,
): Float64Array {
  const self = Float64Array.from(durations);
  const coveredUntil = Float64Array.from(starts);
  const cover = (i: number) => {
    const parent = parents[i] ?? -1;
    if (parent < 0) return;
    const parentEnd = (starts[parent] ?? 0) + (durations[parent] ?? 0);
    const from = Math.max(starts[i] ?? 0, coveredUntil[parent] ?? 0);
    const to = Math.min((starts[i] ?? 0) + (durations[i] ?? 0), parentEnd);
    if (to <= from) return;
    self[parent] = (self[parent] ?? 0) - (to - from);
    coveredUntil[parent] = to;
  };
  // As received, siblings come in the order of their starts; what was moved may be elsewhere among them.
  const families = new Map<number, number[]>();
  if (starts !== received) for (const position of skew.keys()) families.set(parents[position] ?? -1, []);
  for (let i = 0; i < n; i++) {
    const family = families.get(parents[i] ?? -1);
    if (family) family.push(i);
    else cover(i);
  }
  for (const family of families.values()) for (const i of family.sort(by(starts))) cover(i);
  return self;
}

/** Orders positions by a column, and by themselves where it is equal. */
export const by = (column: { readonly [i: number]: number }) => (a: number, b: number) =>
  (column[a] ?? 0) - (column[b] ?? 0) || a - b;

function errorsOf({ n, flags, parents, errorOrigins }: Skeleton, depths: Int32Array, starts: Float64Array) {
  const below = new Uint8Array(n);
  const errors: number[] = [];
  const origins = new Set(errorOrigins);
  for (let i = n - 1; i >= 0; i--) {
    const parent = parents[i] ?? -1;
    const isFailed = isError(flags[i] ?? 0);
    if (isFailed) errors.push(i);
    if (isFailed && !errorOrigins && !below[i]) origins.add(i);
    if (parent >= 0 && (isFailed || below[i])) below[parent] = 1;
  }
  errors.sort((a, b) => (depths[b] ?? 0) - (depths[a] ?? 0) || by(starts)(a, b));
  const errorsBefore = new Uint32Array(n + 1);
  for (let i = 0; i < n; i++) errorsBefore[i + 1] = (errorsBefore[i] ?? 0) + (isError(flags[i] ?? 0) ? 1 : 0);
  return { errors, origins, errorsBefore };
}

function criticalOf({ n, serviceOf, services }: Skeleton, critical: Sections, origin: number) {
  const sections = new Map<number, Window[]>();
  const criticalTime = new Float64Array(n);
  const nanos = services.map(() => 0);
  critical.span.forEach((span, i) => {
    const section = { from: (critical.from[i] ?? 0) - origin, to: (critical.to[i] ?? 0) - origin };
    const others = sections.get(span);
    if (others) others.push(section);
    else sections.set(span, [section]);
    const service = serviceOf[span] ?? 0;
    nanos[service] = (nanos[service] ?? 0) + section.to - section.from;
    criticalTime[span] = (criticalTime[span] ?? 0) + section.to - section.from;
  });
  const shares = nanos.map((nanos, service) => ({ service, nanos })).filter(({ nanos }) => nanos > 0);
  return { critical: sections, criticalTime, criticalShares: shares.sort((a, b) => b.nanos - a.nanos) };
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

/** Up to twelve services of a trace differ in color; those with most spans keep their own. */
function slotsOf({ services }: Skeleton, shares: readonly ServiceShare[]): number[] {
  const bySpans = [...shares].sort((a, b) => b.spans - a.spans || a.service - b.service);
  const distinct = distinctSlots(bySpans.map(({ service }) => services[service] ?? ""));
  const slots = services.map(() => 0);
  bySpans.forEach(({ service }, i) => {
    slots[service] = distinct[i] ?? 0;
  });
  return slots;
}

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
