/** A flame graph: boxes on a canvas, with what a pointer and a keyboard do to them. */
import { effect, type ReadonlySignal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Drag, dragged, useDrag, xIn } from "../trace/drag.ts";
import { palette, sharp } from "../trace/paint.ts";
import { useSize } from "../trace/use-size.ts";
import { type Boxes, idAt, rowCount } from "./boxes.ts";
import styles from "./flame.module.css";
import { BOX_HEIGHT, BoxPainter, type Look } from "./paint.ts";
import { neighbor, type Step } from "./walk.ts";

export interface FlameProps {
  /** What a reader who does not see it hears. */
  readonly label: string;
  readonly boxes: ReadonlySignal<Boxes>;
  readonly window: ReadonlySignal<{ readonly from: number; readonly to: number }>;
  readonly look: ReadonlySignal<Omit<Look, "frame" | "text" | "canvas">>;
  readonly selected: ReadonlySignal<number | null>;
  readonly describe: (id: number) => string;
  readonly card: (id: number) => ComponentChildren;
  /** The box that one is part of. */
  readonly parentOf: (id: number) => number | null;
  readonly onSelect: (id: number | null) => void;
  /** A box was opened: clicked twice. */
  readonly onOpen: (id: number) => void;
  readonly onHover: (id: number | null) => void;
  readonly onRange: (from: number, to: number) => void;
  readonly onTurn: (center: number, factor: number) => void;
}

const STEPS: Record<string, Step> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
};

export function Flame(props: FlameProps) {
  const { boxes, window, selected } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  const size = useSize(scroller);
  const top = useSignal(0);
  const drag = useSignal<Drag | null>(null);
  const pointer = useSignal<{ x: number; y: number; id: number } | null>(null);
  const height = useComputed(() => rowCount(boxes.value) * BOX_HEIGHT + 8);

  useEffect(
    () =>
      effect(() => {
        const { width, height } = size.value;
        const context = canvas.current && width > 0 && sharp(canvas.current, width, height);
        if (!context) return;
        const { error, canvas: text } = palette.value;
        const view = { ...window.value, width, height, offset: top.value };
        const look = { ...props.look.value, frame: error, text, canvas: text };
        new BoxPainter(context, boxes.value, view, look).paint();
      }),
    [boxes, window],
  );
  // What is chosen or pointed at is drawn over the boxes, which stay as they are.
  useEffect(
    () =>
      effect(() => {
        const { width, height } = size.value;
        const context = over.current && width > 0 && sharp(over.current, width, height);
        if (!context) return;
        context.clearRect(0, 0, width, height);
        const outline = (id: number, lineWidth: number) => {
          const index = boxes.value.indexOf[id] ?? -1;
          if (index < 0) return;
          const { from, to } = window.value;
          const scale = width / (to - from);
          const left = Math.max(-4, ((boxes.value.from[index] ?? 0) - from) * scale);
          const right = Math.min(width + 4, ((boxes.value.to[index] ?? 0) - from) * scale);
          const y = (boxes.value.rowOf[id] ?? 0) * BOX_HEIGHT - top.value;
          context.strokeStyle = palette.value.canvas;
          context.lineWidth = lineWidth + 2;
          context.strokeRect(left, y + 1, Math.max(2, right - left), BOX_HEIGHT - 2);
          context.strokeStyle = palette.value.text;
          context.lineWidth = lineWidth;
          context.strokeRect(left, y + 1, Math.max(2, right - left), BOX_HEIGHT - 2);
        };
        if (pointer.value) outline(pointer.value.id, 1);
        if (selected.value !== null) outline(selected.value, 2);
      }),
    [boxes, window, selected],
  );
  // What was chosen elsewhere comes into sight.
  useSignalEffect(() => {
    const row = selected.value === null ? -1 : (boxes.value.rowOf[selected.value] ?? -1);
    const element = scroller.current;
    if (row < 0 || !element) return;
    const y = row * BOX_HEIGHT;
    if (y < element.scrollTop || y + BOX_HEIGHT > element.scrollTop + element.clientHeight)
      element.scrollTop = Math.max(0, y - element.clientHeight / 2);
  });

  const timeAt = (x: number) => {
    const { from, to } = window.peek();
    return from + (x / Math.max(1, size.peek().width)) * (to - from);
  };
  const hit = (event: MouseEvent) => {
    const row = Math.floor((event.clientY - boxTop(event) + top.peek()) / BOX_HEIGHT);
    const { from, to } = window.peek();
    return idAt(boxes.peek(), row, timeAt(xIn(event)), (to - from) / Math.max(1, size.peek().width));
  };
  const point = (event: PointerEvent) => {
    const id = drag.peek() && isDrag(drag.peek()) ? null : hit(event);
    props.onHover(id);
    pointer.value = id === null ? null : { x: xIn(event), y: event.clientY - boxTop(event), id };
  };
  const handlers = useDrag(drag, (a, b) => props.onRange(timeAt(a), timeAt(b)));
  const id = selected.value;
  return (
    <div class={styles.frame}>
      <canvas ref={canvas} class={styles.canvas} aria-hidden="true" />
      <canvas ref={over} class={styles.canvas} aria-hidden="true" />
      <div
        ref={scroller}
        class={styles.scroller}
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrows move between the boxes
        tabIndex={0}
        aria-label={props.label}
        aria-roledescription="flame graph"
        aria-activedescendant={id === null ? undefined : "flame-selected"}
        onScroll={(event) => {
          top.value = event.currentTarget.scrollTop;
          pointer.value = null;
        }}
        {...handlers}
        onPointerMove={(event) => {
          handlers.onPointerMove(event);
          point(event);
        }}
        onPointerLeave={() => {
          pointer.value = null;
          props.onHover(null);
        }}
        onPointerUp={(event) => {
          const isClick = drag.peek() !== null && !isDrag(drag.peek());
          handlers.onPointerUp();
          if (isClick) props.onSelect(hit(event));
        }}
        onDblClick={(event) => {
          const opened = hit(event);
          if (opened !== null) props.onOpen(opened);
        }}
        onWheel={(event) => {
          if (!event.ctrlKey && !event.metaKey) return;
          event.preventDefault();
          props.onTurn(timeAt(xIn(event)), event.deltaY > 0 ? 1.25 : 0.8);
        }}
        onKeyDown={(event) => {
          const step = STEPS[event.key];
          if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          event.stopPropagation();
          const now = selected.peek();
          const above = step === "up" && now !== null ? props.parentOf(now) : null;
          props.onSelect(above ?? neighbor(boxes.peek(), now, step));
        }}
      >
        <div style={{ height: `${height.value}px` }}>
          {id !== null && (
            <span id="flame-selected" class="visually-hidden">
              {props.describe(id)}
            </span>
          )}
        </div>
      </div>
      {drag.value && isDrag(drag.value) && <span class={styles.drag} style={dragged(drag.value)} />}
      {pointer.value && !drag.value && <Card at={pointer.value} size={size.value} card={props.card} />}
    </div>
  );
}

const boxTop = (event: MouseEvent) => (event.currentTarget as Element).getBoundingClientRect().top;
const isDrag = (drag: Drag | null) => drag !== null && Math.abs(drag.to - drag.from) >= 4;

/** About the box under the pointer, on the side where there is room. */
function Card({
  at,
  size,
  card,
}: {
  at: { x: number; y: number; id: number };
  size: { width: number; height: number };
  card: FlameProps["card"];
}) {
  const style = {
    ...(at.x > size.width / 2 ? { right: `${size.width - at.x + 12}px` } : { left: `${at.x + 12}px` }),
    ...(at.y > size.height / 2 ? { bottom: `${size.height - at.y + 12}px` } : { top: `${at.y + 16}px` }),
  };
  return (
    <div class={styles.card} style={style} aria-hidden="true">
      {card(at.id)}
    </div>
  );
}
