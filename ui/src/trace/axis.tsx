/** The times above bars; a drag over them zooms. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { durationTo } from "../text/numbers.ts";
import styles from "./axis.module.css";
import { dragged, useDrag } from "./drag.ts";
import { ticks } from "./model.ts";
import type { TraceState } from "./state.ts";

/** Pixels that a time needs. */
export const TICK_WIDTH = 110;

/** `names` pixels are left of the times, for `children`. */
export function Axis({
  state,
  names,
  width,
  children,
}: {
  state: TraceState;
  names: number;
  width: number;
  children?: ComponentChildren;
}) {
  const drag = useSignal<{ from: number; to: number } | null>(null);
  const { from, to } = state.zooming.window.value;
  const bars = Math.max(1, width - names);
  const xOf = (time: number) => ((time - from) / (to - from)) * bars;
  const timeOf = (x: number) => from + (x / bars) * (to - from);
  const times = ticks(from, to, bars / TICK_WIDTH);
  const step = (times[1] ?? to) - (times[0] ?? from);
  const handlers = useDrag(drag, (a, b) => state.zooming.to({ from: timeOf(a), to: timeOf(b) }));
  return (
    <div class={styles.axis}>
      {names > 0 && (
        <div class={styles.names} style={{ width: `${names}px` }}>
          {children}
        </div>
      )}
      <div
        class={styles.times}
        style={{ width: `${bars}px` }}
        title="Drag to zoom, double-click to show all"
        {...handlers}
        onDblClick={() => state.zooming.all()}
      >
        {times.map((tick) => (
          <span key={tick} class={styles.tick} style={{ left: `${xOf(tick)}px` }}>
            {durationTo(tick, step)}
          </span>
        ))}
        {drag.value && <span class={styles.drag} style={dragged(drag.value)} />}
      </div>
    </div>
  );
}
