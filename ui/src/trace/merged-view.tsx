/** Equal calls as one, widest first: which operations take the time, who calls them, what they call. */
import { useComputed, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { countsBefore } from "../flame/boxes.ts";
import { Flame } from "../flame/flame.tsx";
import { compact, counted, duration, percent } from "../text/numbers.ts";
import { type Merged, mergedOf, type Side, sandwich } from "./merged.ts";
import { palette } from "./paint.ts";
import { Sorted } from "./sorted.tsx";
import type { TraceState } from "./state.ts";
import styles from "./views.module.css";

export function MergedView({ state }: { state: TraceState }) {
  const merged = useComputed(() => mergedOf(state.model, state.listed.value));
  const chosen = useSignal<number | null>(null);
  const operation = useSignal<number | null>(null);
  const part = useSignal<{ from: number; to: number } | null>(null);
  const window = useComputed(() => part.value ?? { from: 0, to: Math.max(1, merged.value.width) });
  // When spans have come, the operation is found again by its name; a path may be another one.
  const { skeleton } = state;
  const named = useRef<string | null>(null);
  useLayoutEffect(() => {
    if (named.current === null) return;
    const of = merged
      .peek()
      .operations.findIndex((_, of) => nameOf(state, merged.peek(), of) === named.current);
    operation.value = of < 0 ? null : of;
    chosen.value = null;
    part.value = null;
  }, [skeleton]);
  useLayoutEffect(() => {
    named.current = operation.value === null ? null : nameOf(state, merged.value, operation.value);
  });
  const look = useComputed(() => {
    const { nodes, operations, boxes } = merged.value;
    const { slots, accent } = palette.value;
    const slotOf = (i: number) => state.model.slots[operations[nodes[i]?.of ?? 0]?.service ?? 0] ?? 0;
    return {
      colorOf: (i: number) => slots[slotOf(i)] ?? accent,
      labelOf: (i: number) =>
        `${nameOf(state, merged.value, nodes[i]?.of ?? 0)}  \u00d7${compact(nodes[i]?.count ?? 0)}`,
      framedBefore: countsBefore(boxes, (i) => (nodes[i]?.errors ?? 0) > 0),
      fullBefore:
        operation.value === null ? null : countsBefore(boxes, (i) => nodes[i]?.of === operation.value),
    };
  });
  const boxes = useComputed(() => merged.value.boxes);
  const zoomTo = (from: number, to: number) => {
    part.value = to - from < merged.peek().width * 0.999 ? { from, to } : null;
  };
  return (
    <div class={styles.sides}>
      <div class={styles.side}>
        <Operations
          state={state}
          merged={merged.value}
          chosen={operation.value}
          choose={(of) => {
            operation.value = operation.peek() === of ? null : of;
          }}
        />
      </div>
      <div class={styles.column}>
        <p class={styles.caption}>
          Width is self time, {duration(merged.value.width)} in all
          {part.value && (
            <button
              type="button"
              class="button quiet"
              onClick={() => {
                part.value = null;
              }}
            >
              Show all
            </button>
          )}
        </p>
        <Flame
          label={`Merged calls, ${counted(merged.value.nodes.length, "path")}. Arrow keys go from call to call; the table has the operations.`}
          boxes={boxes}
          window={window}
          look={look}
          selected={chosen}
          describe={(i) => textOf(state, merged.value, i)}
          card={(i) => <NodeCard state={state} merged={merged.value} node={i} />}
          parentOf={(i) => {
            const parent = merged.value.nodes[i]?.parent ?? -1;
            return parent < 0 ? null : parent;
          }}
          onSelect={(i) => {
            chosen.value = i;
            operation.value = i === null ? null : (merged.value.nodes[i]?.of ?? null);
          }}
          onOpen={(i) =>
            zoomTo(
              boxes.value.from[boxes.value.indexOf[i] ?? 0] ?? 0,
              boxes.value.to[boxes.value.indexOf[i] ?? 0] ?? 1,
            )
          }
          onHover={() => {}}
          onRange={zoomTo}
          onTurn={(center, factor) => {
            const { from, to } = window.peek();
            const size = Math.min((to - from) * factor, merged.peek().width);
            const start = Math.max(0, center - ((center - from) / (to - from)) * size);
            zoomTo(start, Math.min(start + size, merged.peek().width));
          }}
        />
        {operation.value !== null && (
          <Sandwich
            state={state}
            merged={merged.value}
            of={operation.value}
            choose={(of) => {
              operation.value = of;
              chosen.value = null;
            }}
          />
        )}
      </div>
    </div>
  );
}

const nameOf = (state: TraceState, { operations }: Merged, of: number) => {
  const { service = 0, name = 0 } = operations[of] ?? {};
  return `${state.skeleton.services[service]} ${state.skeleton.names[name]}`;
};

const textOf = (state: TraceState, merged: Merged, i: number) => {
  const node = merged.nodes[i];
  if (!node) return "";
  return `${nameOf(state, merged, node.of)}, ${counted(node.count, "call")}, ${duration(node.total)} in total, self ${duration(node.self)}`;
};

function NodeCard({ state, merged, node: i }: { state: TraceState; merged: Merged; node: number }) {
  const node = merged.nodes[i];
  if (!node) return null;
  return (
    <>
      <div>
        <b>{nameOf(state, merged, node.of)}</b>
      </div>
      <div class="secondary">
        {counted(node.count, "call")} · {duration(node.total)} in total · self {duration(node.self)}
      </div>
      <div class="secondary">
        {percent(merged.width > 0 ? node.width / merged.width : 0)} of all self time with what is below
      </div>
      {node.errors > 0 && <div class="error-text">{counted(node.errors, "error")}</div>}
    </>
  );
}

function Operations({
  state,
  merged,
  chosen,
  choose,
}: {
  state: TraceState;
  merged: Merged;
  chosen: number | null;
  choose: (of: number) => void;
}) {
  const { operations, width } = merged;
  return (
    <Sorted
      label="Operations"
      lines={operations.map((operation, of) => ({ ...operation, of }))}
      initial="self"
      columns={[
        { key: "name", label: "Operation", of: ({ of }) => nameOf(state, merged, of) },
        { key: "self", label: "Self", of: ({ self }) => self, show: ({ self }) => duration(self) },
        {
          key: "share",
          label: "%",
          of: ({ self }) => self,
          show: ({ self }) => percent(width > 0 ? self / width : 0),
        },
        { key: "total", label: "Total", of: ({ total }) => total, show: ({ total }) => duration(total) },
        {
          key: "count",
          label: "Calls",
          of: ({ count }) => count,
          show: ({ count }) => count.toLocaleString("en"),
        },
        {
          key: "errors",
          label: "Err",
          of: ({ errors }) => errors,
          show: ({ errors }) => (errors > 0 ? <span class="error-text">{errors}</span> : "–"),
        },
      ]}
      swatch={({ service }) => `var(--service-${state.model.slots[service]})`}
      isChosen={({ of }) => of === chosen}
      choose={({ of }) => choose(of)}
    />
  );
}

function Sandwich({
  state,
  merged,
  of,
  choose,
}: {
  state: TraceState;
  merged: Merged;
  of: number;
  choose: (of: number) => void;
}) {
  const { callers, callees } = sandwich(merged, of);
  const list = (title: string, sides: readonly Side[], none: string) => (
    <section>
      <h2>{title}</h2>
      {sides.length === 0 && <p class="secondary">{none}</p>}
      <ul>
        {sides.map((side) => (
          <li key={side.of}>
            <button type="button" onClick={() => choose(side.of)}>
              {nameOf(state, merged, side.of)}
            </button>
            <span class="secondary">×{compact(side.count)}</span>
            <span class="numeric">{duration(side.nanos)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
  return (
    <div class={styles.sandwich} aria-label={nameOf(state, merged, of)} role="group">
      {list("Called by", callers, "Nobody in this trace")}
      {list(`${nameOf(state, merged, of)} calls`, callees, "Nothing")}
    </div>
  );
}
