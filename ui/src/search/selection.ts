/** A box of the heatmap in the address: a time and a range of durations. */

export interface Box {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Nanoseconds, not included; `null` for any. */
  readonly above: number | null;
  /** Nanoseconds, included; `null` for any. */
  readonly upTo: number | null;
}

/** As an address has it: `from-to` and, unless all durations are in it, `,above-upTo`. */
export function boxText({ from, to, above, upTo }: Box): string {
  const times = `${Math.round(from)}-${Math.round(to)}`;
  return above === null || upTo === null ? times : `${times},${Math.round(above)}-${Math.round(upTo)}`;
}

export function boxOf(text: string | null): Box | null {
  const found = /^(\d+)-(\d+)(?:,(\d+)-(\d+))?$/.exec(text ?? "");
  if (!found) return null;
  const [from, to] = [Number(found[1]), Number(found[2])];
  const isAny = found[3] === undefined;
  const [above, upTo] = isAny ? [null, null] : [Number(found[3]), Number(found[4])];
  return from < to ? { from, to, above, upTo } : null;
}

/** The condition for the durations of a box; empty when all are in it. */
export function conditionOf({ above, upTo }: Box): string {
  return above === null || upTo === null ? "" : `duration > ${above}ns && duration <= ${upTo}ns`;
}
