/** All spans as a table, sorted by any column. Only the rows in sight exist. */
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { isError, kindOf } from "../api/trace.ts";
import { duration, exactDuration, percent } from "../text/numbers.ts";
import { useAnchor } from "./anchor.ts";
import { offsetOf, rowsInSight, SCROLL_HEIGHT_MAX, scrollTopOf } from "./sight.ts";
import { nextOrder, type Order } from "./sorted.tsx";
import type { TraceState } from "./state.ts";
import { useSize } from "./use-size.ts";
import styles from "./views.module.css";

const ROW_HEIGHT = 26;

interface SpanColumn {
  readonly key: string;
  readonly label: string;
  readonly width: string;
  readonly isNumeric: boolean;
  readonly title?: string;
  /** What spans are sorted by. */
  readonly of: (state: TraceState) => { readonly [position: number]: number };
  readonly show: (state: TraceState, position: number) => ComponentChildren;
}

/** Numbers in the order of texts. */
function ranks(texts: readonly string[]): number[] {
  const order = texts.map((_, i) => i).sort((a, b) => (texts[a] ?? "").localeCompare(texts[b] ?? ""));
  const ranks = new Array<number>(texts.length).fill(0);
  order.forEach((of, rank) => {
    ranks[of] = rank;
  });
  return ranks;
}

const through = (codes: Uint32Array, values: readonly number[]) =>
  Int32Array.from(codes, (code) => values[code] ?? 0);

const time = (nanos: number) => <span title={exactDuration(nanos)}>{duration(nanos)}</span>;

export const COLUMNS: readonly SpanColumn[] = [
  {
    key: "service",
    label: "Service",
    width: "minmax(110px, 1fr)",
    isNumeric: false,
    of: ({ skeleton }) => through(skeleton.serviceOf, ranks(skeleton.services)),
    show: (state, i) => (
      <>
        <span
          class="swatch"
          style={{ background: `var(--service-${state.model.slots[state.skeleton.serviceOf[i] ?? 0]})` }}
        />
        {state.service(i)}
      </>
    ),
  },
  {
    key: "name",
    label: "Operation",
    width: "minmax(140px, 2fr)",
    isNumeric: false,
    of: ({ skeleton }) => through(skeleton.nameOf, ranks(skeleton.names)),
    show: (state, i) => state.operation(i),
  },
  {
    key: "kind",
    label: "Kind",
    width: "80px",
    isNumeric: false,
    of: ({ skeleton }) => Uint8Array.from(skeleton.flags, (flags) => flags & 7),
    show: ({ skeleton }, i) => <span class="secondary">{kindOf(skeleton.flags[i] ?? 0)}</span>,
  },
  {
    key: "start",
    label: "Start",
    width: "92px",
    isNumeric: true,
    of: ({ model }) => model.starts,
    show: ({ model }, i) => time(model.starts[i] ?? 0),
  },
  {
    key: "duration",
    label: "Duration",
    width: "92px",
    isNumeric: true,
    of: ({ skeleton }) => skeleton.durations,
    show: ({ skeleton }, i) => time(skeleton.durations[i] ?? 0),
  },
  {
    key: "self",
    label: "Self",
    width: "92px",
    isNumeric: true,
    title: "Without the time in which a child ran",
    of: ({ model }) => model.self,
    show: ({ model }, i) => time(model.self[i] ?? 0),
  },
  {
    key: "critical",
    label: "Critical path",
    width: "104px",
    isNumeric: true,
    title: "Share of the critical path: what the trace waited for",
    of: ({ model }) => model.criticalTime,
    show: ({ model }, i) => {
      const nanos = model.criticalTime[i] ?? 0;
      const all = model.criticalShares.reduce((sum, share) => sum + share.nanos, 0);
      return nanos > 0 ? <span title={exactDuration(nanos)}>{percent(nanos / all)}</span> : "–";
    },
  },
  {
    key: "events",
    label: "Events",
    width: "64px",
    isNumeric: true,
    of: ({ skeleton }) => skeleton.events,
    show: ({ skeleton }, i) => skeleton.events[i] || "–",
  },
  {
    key: "status",
    label: "Status",
    width: "64px",
    isNumeric: false,
    of: ({ skeleton }) => Uint8Array.from(skeleton.flags, (flags) => (isError(flags) ? 0 : 1)),
    show: ({ skeleton }, i) =>
      isError(skeleton.flags[i] ?? 0) ? (
        <span class="error-text">! error</span>
      ) : (
        <span class="secondary">–</span>
      ),
  },
];

const TEMPLATE = COLUMNS.map(({ width }) => width).join(" ");

/** Positions in an order: those that are shown. */
export function orderedSpans(state: TraceState, { key, descending }: Order): Int32Array {
  const listed = state.listed.value;
  const positions = new Int32Array(state.skeleton.n);
  let count = 0;
  for (let i = 0; i < positions.length; i++) if (!listed || listed[i]) positions[count++] = i;
  const values = COLUMNS.find((column) => column.key === key)?.of(state) ?? state.model.starts;
  const sign = descending ? -1 : 1;
  return positions.slice(0, count).sort((a, b) => sign * ((values[a] ?? 0) - (values[b] ?? 0)) || a - b);
}

export function TableView({ state }: { state: TraceState }) {
  const order = useSignal<Order>({ key: "self", descending: true });
  const scroller = useRef<HTMLDivElement>(null);
  const size = useSize(scroller);
  const top = useSignal(0);
  const spans = useComputed(() => orderedSpans(state, order.value));
  const height = useComputed(() => (spans.value.length + 1) * ROW_HEIGHT);
  const offset = useComputed(() => offsetOf(top.value, size.value.height, height.value));
  const first = useComputed(
    () => rowsInSight(offset.value, size.value.height, ROW_HEIGHT, spans.value.length).first,
  );
  const last = useComputed(
    () => rowsInSight(offset.value, size.value.height, ROW_HEIGHT, spans.value.length).last,
  );
  const shift = useComputed(() => (height.value <= SCROLL_HEIGHT_MAX ? 0 : top.value - offset.value));

  const selected = state.selected.value;
  useAnchor(
    { skeleton: state.skeleton, rows: spans.value, selected },
    { element: scroller, top, rowHeight: ROW_HEIGHT },
  );

  // What is selected comes into sight, but not because spans have come.
  const followed = useRef(state.skeleton);
  useSignalEffect(() => {
    const selected = state.selected.value;
    const element = scroller.current;
    const index = selected === null ? -1 : spans.value.indexOf(selected);
    const hasGrown = followed.current !== state.skeleton;
    followed.current = state.skeleton;
    if (index < 0 || !element || hasGrown) return;
    const at = offsetOf(element.scrollTop, element.clientHeight, height.peek());
    const y = index * ROW_HEIGHT;
    if (y < at || y + 2 * ROW_HEIGHT > at + element.clientHeight)
      element.scrollTop = scrollTopOf(
        Math.max(0, y - element.clientHeight / 2),
        element.clientHeight,
        height.peek(),
      );
  });

  const shown = Array.from(spans.value.subarray(first.value, last.value), (position, i) => ({
    position,
    index: first.value + i,
  }));
  return (
    <div class={styles.column}>
      <div
        ref={scroller}
        class={styles.scroller}
        onScroll={(event) => {
          top.value = event.currentTarget.scrollTop;
        }}
      >
        <div
          role="grid"
          aria-label="Spans"
          aria-rowcount={spans.value.length + 1}
          class={styles.spans}
          style={{ height: `${Math.min(height.value, SCROLL_HEIGHT_MAX)}px`, "--columns": TEMPLATE }}
        >
          <Heads
            order={order.value}
            choose={(key, isNumeric) => {
              order.value = nextOrder(order.peek(), key, isNumeric);
              if (scroller.current) scroller.current.scrollTop = 0;
            }}
          />
          {shown.map(({ position, index }) => (
            <SpanLine
              key={position}
              state={state}
              position={position}
              index={index}
              y={(index + 1) * ROW_HEIGHT + shift.value}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

function Heads({ order, choose }: { order: Order; choose: (key: string, isNumeric: boolean) => void }) {
  return (
    <div role="row" aria-rowindex={1} class={styles.heads}>
      {COLUMNS.map(({ key, label, isNumeric, title }) => (
        <span
          key={key}
          role="columnheader"
          class={isNumeric ? "numeric" : undefined}
          title={title}
          aria-sort={order.key === key ? (order.descending ? "descending" : "ascending") : undefined}
        >
          <button type="button" onClick={() => choose(key, isNumeric)}>
            {label}
            {order.key === key && (order.descending ? " ↓" : " ↑")}
          </button>
        </span>
      ))}
    </div>
  );
}

function SpanLine({
  state,
  position,
  index,
  y,
}: {
  state: TraceState;
  position: number;
  index: number;
  y: number;
}) {
  const isSelected = state.selected.value === position;
  const inFocus = state.inFocus.value?.[position];
  return (
    <div
      role="row"
      id={`row-${position}`}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      tabIndex={isSelected || (state.selected.value === null && index === 0) ? 0 : -1}
      class={styles.span}
      data-match={inFocus === undefined ? undefined : inFocus ? "yes" : "no"}
      style={{ transform: `translateY(${y}px)` }}
      onClick={() => {
        state.isDetailOpen.value = true;
        state.select(position);
      }}
    >
      {COLUMNS.map(({ key, isNumeric, show }) => (
        <span key={key} role="gridcell" class={isNumeric ? "numeric" : undefined}>
          {show(state, position)}
        </span>
      ))}
    </div>
  );
}
