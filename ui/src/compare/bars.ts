/** Where the spans of a place in the tree lie, in either trace, on one scale of time. */
import { type Skeleton, spanIdAt } from "../api/trace.ts";

/** A bar as shares of the time shown. */
export interface Bar {
  readonly left: number;
  readonly width: number;
}

/** Finds spans of a trace by their ids. */
export class Bars {
  private readonly positions = new Map<string, number>();

  constructor(
    private readonly skeleton: Skeleton,
    /** Nanoseconds that the whole width stands for. */
    private readonly whole: number,
  ) {
    for (let at = 0; at < skeleton.n; at++) this.positions.set(spanIdAt(skeleton, at), at);
  }

  of(ids: readonly string[]): Bar[] {
    return ids.flatMap((id) => {
      const at = this.positions.get(id);
      if (at === undefined) return [];
      const { starts, durations } = this.skeleton;
      return [{ left: (starts[at] ?? 0) / this.whole, width: (durations[at] ?? 0) / this.whole }];
    });
  }
}
