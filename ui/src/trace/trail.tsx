/** What of the trace is shown: below which span, in which part of the time, and how to get back. */
import { counted, duration, durationTo } from "../text/numbers.ts";
import { Legend } from "./legend.tsx";
import type { Window } from "./model.ts";
import { spanOfRow } from "./rows.ts";
import type { TraceState } from "./state.ts";
import styles from "./trail.module.css";
import { view } from "./views.ts";

/** Steps that are named; those before are left out. */
const STEPS_MAX = 4;

/** Where a part of the time begins and ends, to a hundredth of it. */
const rangeText = ({ from, to }: Window) =>
  `${durationTo(from, (to - from) / 100)} – ${durationTo(to, (to - from) / 100)}`;

export function Trail({ state }: { state: TraceState }) {
  const above = ancestorsOf(state);
  const root = state.root.value;
  const { zooming } = state;
  const before = zooming.before.value;
  const chosen = zooming.chosen.value;
  const { from, to } = state.home;
  const rangeOf = (window: Window | null) => (window ? rangeText(window) : `all ${duration(to - from)}`);
  return (
    <div class={styles.trail}>
      <nav aria-label="Span in focus">
        {root === null ? (
          <span>Whole trace</span>
        ) : (
          <button type="button" onClick={() => state.focus(null)}>
            Whole trace
          </button>
        )}
        {above.length > STEPS_MAX && <span>…</span>}
        {above.slice(-STEPS_MAX).map((position) => (
          <button key={position} type="button" onClick={() => state.focus(position)}>
            {state.operation(position)}
          </button>
        ))}
        {root !== null && (
          <span aria-current="true">
            {state.service(root)} {state.operation(root)}
          </span>
        )}
      </nav>
      <nav aria-label="Zoom" class={styles.zoom}>
        {before.map((window, i) =>
          i < before.length - STEPS_MAX && i > 0 ? null : (
            <button key={i} type="button" title="Back to this (alt ←)" onClick={() => zooming.backTo(i)}>
              {rangeOf(window)}
            </button>
          ),
        )}
        <span aria-current="true">{rangeOf(chosen)}</span>
      </nav>
      {(view.value === "waterfall" || view.value === "flame") && <Legend state={state} />}
      <Shown state={state} />
      {view.value === "waterfall" && (
        <>
          <button type="button" title="Collapse all ([)" onClick={() => state.collapseAll()}>
            Collapse
          </button>
          <button type="button" title="Expand all (])" onClick={() => state.expandAll()}>
            Expand
          </button>
        </>
      )}
    </div>
  );
}

function ancestorsOf(state: TraceState): number[] {
  const above: number[] = [];
  const { parents } = state.skeleton;
  let at = parents[state.root.value ?? -1] ?? -1;
  for (; at >= 0; at = parents[at] ?? -1) above.unshift(at);
  return above;
}

/** How many rows there are, and what is folded or hidden. */
function Shown({ state }: { state: TraceState }) {
  const { n } = state.skeleton;
  if (view.value !== "waterfall") {
    const listed = state.listed.value?.reduce((sum, is) => sum + is, 0) ?? n;
    return (
      <span class={styles.shown} role="status">
        {listed === n ? counted(n, "span") : `${listed.toLocaleString("en")} of ${counted(n, "span")}`}
      </span>
    );
  }
  const rows = state.rows.value;
  const spans = rows.reduce((sum, row) => sum + (spanOfRow(row) < n ? 1 : 0), 0);
  return (
    <span class={styles.shown}>
      {spans === n ? counted(n, "row") : `${spans.toLocaleString("en")} rows of ${counted(n, "span")}`}
    </span>
  );
}
