/** Rows stay where they are on the screen when others come above them. */
import type { Signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Skeleton } from "../api/trace.ts";
import { carried } from "./carry.ts";
import { spanOfRow } from "./rows.ts";
import { offsetOf, scrollTopOf } from "./sight.ts";

/** Rows at a time. */
export interface Stack {
  readonly skeleton: Skeleton;
  readonly rows: Int32Array;
  readonly selected: number | null;
}

/**
 * By how many rows what is in sight has moved down: the selected row when it is in sight, else the topmost that is
 * still there. Whoever is at the top stays there, and sees a root that comes late. Rows `first` to `last` were in sight.
 */
export function movedBy(
  before: Stack,
  after: Stack,
  { first, last }: { first: number; last: number },
): number {
  const at = carried(before.skeleton, after.skeleton);
  const index = new Map<number, number>();
  for (const [i, row] of after.rows.entries()) index.set(spanOfRow(row), i);
  const candidates = Array.from(before.rows.subarray(first, last), (row, i) => ({
    position: spanOfRow(row),
    was: first + i,
  }));
  const chosen = candidates.filter(({ position }) => position === before.selected);
  for (const { position, was } of first === 0 ? chosen : [...chosen, ...candidates]) {
    const is = index.get(at[position] ?? -1);
    if (is !== undefined) return is - was;
  }
  return 0;
}

export interface Scroller {
  readonly element: RefObject<HTMLElement | null>;
  /** Scroll position, as it was last painted. */
  readonly top: Signal<number>;
  readonly rowHeight: number;
}

/** Moves the scroll position when spans have come, before that is painted. */
export function useAnchor(stack: Stack, { element, top, rowHeight }: Scroller): void {
  const before = useRef<Stack | null>(null);
  useLayoutEffect(() => {
    const was = before.current;
    before.current = stack;
    const box = element.current;
    if (!was || !box || was.skeleton === stack.skeleton) return;
    const visible = box.clientHeight;
    const offset = offsetOf(top.peek(), visible, was.rows.length * rowHeight);
    const inSight = {
      first: Math.floor(offset / rowHeight),
      last: Math.ceil((offset + visible) / rowHeight),
    };
    const to = Math.max(0, offset + movedBy(was, stack, inSight) * rowHeight);
    box.scrollTop = scrollTopOf(to, visible, stack.rows.length * rowHeight);
    top.value = box.scrollTop;
  });
}
