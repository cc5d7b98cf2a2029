/** The spans of a trace as a flame graph in the order of time: what is below a box ran in it. */
import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { isError } from "../api/trace.ts";
import { boxesOf, countsBefore } from "../flame/boxes.ts";
import { Flame } from "../flame/flame.tsx";
import { stacked } from "../flame/stack.ts";
import { duration, percent } from "../text/numbers.ts";
import { Axis } from "./axis.tsx";
import { by, type Model } from "./model.ts";
import { palette } from "./paint.ts";
import type { TraceState } from "./state.ts";
import { useSize } from "./use-size.ts";
import styles from "./views.module.css";

/** Boxes of a trace, or of what is below one of its spans. */
export function flameBoxes({ starts, skeleton, subtreeEnds }: Model, root: number | null) {
  const { n, parents, durations } = skeleton;
  const ends = Float64Array.from(starts, (start, i) => start + (durations[i] ?? 0));
  // As received, siblings come in the order of their starts.
  const order =
    starts === skeleton.starts ? null : Int32Array.from({ length: n }, (_, i) => i).sort(by(starts));
  const rows = stacked({ n, parents, from: starts, to: ends, order });
  if (root !== null) {
    const top = rows[root] ?? 0;
    rows.forEach((row, i) => {
      rows[i] = i >= root && i < (subtreeEnds[root] ?? 0) ? row - top : -1;
    });
  }
  return boxesOf(rows, { from: starts, to: ends }, order);
}

export function FlameView({ state }: { state: TraceState }) {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const boxes = useComputed(() => flameBoxes(state.model, state.root.value));
  const look = useComputed(() => {
    const { skeleton } = state.model;
    const { slots, accent } = palette.value;
    const colors = state.coloring.value.slots;
    const inFocus = state.inFocus.value;
    return {
      colorOf: (i: number) => slots[colors[i] ?? 0] ?? accent,
      labelOf: (i: number) => `${state.operation(i)}  ${duration(skeleton.durations[i] ?? 0)}`,
      framedBefore: countsBefore(boxes.value, (i) => isError(skeleton.flags[i] ?? 0)),
      fullBefore: inFocus && countsBefore(boxes.value, (i) => inFocus[i] === 1),
    };
  });
  const describe = (i: number) => {
    const { skeleton, self } = state.model;
    const failed = isError(skeleton.flags[i] ?? 0) ? ", error" : "";
    return `${state.service(i)} ${state.operation(i)}, ${duration(skeleton.durations[i] ?? 0)}, self ${duration(self[i] ?? 0)}${failed}`;
  };
  return (
    <div ref={box} class={styles.column}>
      <Axis state={state} names={0} width={size.value.width} />
      <Flame
        label={`Flame graph of ${boxes.value.ids.length} spans. Arrow keys go from span to span; the table has the same spans.`}
        boxes={boxes}
        window={state.zooming.window}
        look={look}
        selected={state.selected}
        describe={describe}
        card={(i) => <SpanCard state={state} position={i} />}
        parentOf={(i) => {
          const parent = state.skeleton.parents[i] ?? -1;
          return parent < 0 ? null : parent;
        }}
        onSelect={(i) => state.select(i)}
        onOpen={(i) => {
          const start = state.model.starts[i] ?? 0;
          state.zooming.to({ from: start, to: start + (state.skeleton.durations[i] ?? 0) });
        }}
        onHover={(i) => {
          state.hovered.value = i;
        }}
        onRange={(from, to) => state.zooming.to({ from, to })}
        onTurn={(center, factor) => state.zooming.around(center, factor)}
      />
    </div>
  );
}

/** The main facts of a span, for a pointer. */
export function SpanCard({ state, position }: { state: TraceState; position: number }) {
  const { skeleton, slots, self, starts, duration: all, criticalTime } = state.model;
  const took = skeleton.durations[position] ?? 0;
  const critical = criticalTime[position] ?? 0;
  return (
    <>
      <div>
        <span
          class="swatch"
          style={{ background: `var(--service-${slots[skeleton.serviceOf[position] ?? 0]})` }}
        />
        <b>{state.service(position)}</b> {state.operation(position)}
      </div>
      <div class="secondary">
        {duration(took)} · {percent(all > 0 ? took / all : 0)} of the trace · self{" "}
        {duration(self[position] ?? 0)}
        {critical > 0 && ` · critical path ${duration(critical)}`}
      </div>
      <div class="secondary">starts +{duration(starts[position] ?? 0)}</div>
      {isError(skeleton.flags[position] ?? 0) && <div class="error-text">error</div>}
    </>
  );
}
