/** How large a drawing is that may be larger than its box, and what of it is in sight. */
import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useSize } from "./use-size.ts";

/** At first a large drawing becomes smaller, but can still be read. */
const READABLE = 0.75;
const SCALE = { min: 0.2, max: 2 };
const FACTOR = 1.25;

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Scaling {
  readonly scale: number;
  /** Makes it larger or smaller, around the middle of what is in sight or another place of the box. */
  readonly by: (steps: number, around?: { x: number; y: number }) => void;
  /** Shows all of it. */
  readonly fit: () => void;
  /** Whether the size of the box is known. */
  readonly isReady: boolean;
  readonly pointer: {
    readonly onPointerDown: (event: PointerEvent) => void;
    readonly onPointerMove: (event: PointerEvent) => void;
    readonly onPointerUp: () => void;
    readonly onWheel: (event: WheelEvent) => void;
  };
  readonly isDragged: Signal<boolean>;
}

const within = (scale: number) => Math.min(SCALE.max, Math.max(SCALE.min, scale));

export function useScaling(box: RefObject<HTMLElement | null>, drawing: Size): Scaling {
  const size = useSize(box).value;
  /** What the reader has chosen. */
  const chosen = useSignal<number | null>(null);
  const isDragged = useSignal(false);
  const whole = Math.min(size.width / drawing.width, size.height / drawing.height) || 1;
  const scale = chosen.value ?? Math.min(1, Math.max(READABLE, whole));
  // What stays in its place while the scale changes: as a share of the drawing, and where it is in the box.
  const held = useRef<{ share: { x: number; y: number }; at: { x: number; y: number } } | null>(null);
  useLayoutEffect(() => {
    const { current: element } = box;
    if (!element || !held.current) return;
    const { share, at } = held.current;
    held.current = null;
    element.scrollLeft = share.x * element.scrollWidth - at.x;
    element.scrollTop = share.y * element.scrollHeight - at.y;
  }, [scale]);
  const by = (steps: number, around = { x: size.width / 2, y: size.height / 2 }) => {
    const { current: element } = box;
    if (!element) return;
    const share = {
      x: (element.scrollLeft + around.x) / element.scrollWidth,
      y: (element.scrollTop + around.y) / element.scrollHeight,
    };
    held.current = { share, at: around };
    chosen.value = within(scale * FACTOR ** steps);
  };
  return {
    scale,
    by,
    fit: () => {
      chosen.value = within(Math.min(1, whole));
    },
    isReady: size.width > 0,
    isDragged,
    pointer: {
      ...dragging(box, isDragged),
      onWheel(event) {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        const { left, top } = (event.currentTarget as Element).getBoundingClientRect();
        by(event.deltaY > 0 ? -1 : 1, { x: event.clientX - left, y: event.clientY - top });
      },
    },
  };
}

/** What a pointer drags is moved like a sheet of paper. */
function dragging(box: RefObject<HTMLElement | null>, isDragged: Signal<boolean>) {
  return {
    onPointerDown(event: PointerEvent) {
      const isNode = (event.target as Element).closest("[data-failed]") !== null;
      // Fingers scroll without help.
      if (event.button !== 0 || event.pointerType === "touch" || isNode) return;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      isDragged.value = true;
    },
    onPointerMove(event: PointerEvent) {
      if (!isDragged.peek() || !box.current) return;
      box.current.scrollLeft -= event.movementX;
      box.current.scrollTop -= event.movementY;
    },
    onPointerUp() {
      isDragged.value = false;
    },
  };
}
