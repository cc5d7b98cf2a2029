/** Choosing a part of a width by dragging over it. */
import type { Signal } from "@preact/signals";

/** Pixels from the left. */
export interface Drag {
  readonly from: number;
  readonly to: number;
}

/** Less is a click. */
const DRAG_MIN = 4;

/** Where a pointer is in the element that listens. */
export const xIn = (event: PointerEvent | MouseEvent | WheelEvent): number =>
  event.clientX - (event.currentTarget as Element).getBoundingClientRect().left;

/** Handlers that keep `drag` while one is under way, and tell its end, smaller number first. */
export function useDrag(drag: Signal<Drag | null>, done: (from: number, to: number) => void) {
  return {
    onPointerDown(event: PointerEvent) {
      if (event.button !== 0) return;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      drag.value = { from: xIn(event), to: xIn(event) };
    },
    onPointerMove(event: PointerEvent) {
      if (drag.value) drag.value = { ...drag.value, to: xIn(event) };
    },
    onPointerUp() {
      const chosen = drag.value;
      drag.value = null;
      if (!chosen || Math.abs(chosen.to - chosen.from) < DRAG_MIN) return;
      done(Math.min(chosen.from, chosen.to), Math.max(chosen.from, chosen.to));
    },
    onPointerCancel() {
      drag.value = null;
    },
  };
}

/** Where to draw it. */
export const dragged = ({ from, to }: Drag) => ({
  left: `${Math.min(from, to)}px`,
  width: `${Math.abs(to - from)}px`,
});
