/** One row of the waterfall: what is left of the bar. */
import { isError } from "../api/trace.ts";
import { slotColor } from "../text/colors.ts";
import { compact, duration } from "../text/numbers.ts";
import { ROW_HEIGHT } from "./bars.ts";
import { spanOfRow } from "./rows.ts";
import type { TraceState } from "./state.ts";
import styles from "./waterfall.module.css";

const INDENT = 12;
/** Pixels between lines that tell levels apart. */
const GUIDES_MIN = 5;
/** Pixels of a name that deep nesting must leave. */
const NAME_MIN = 260;

/** Pixels per level: fewer where a deep trace would push its names out. */
export function indentOf(depthMax: number, names: number): number {
  return Math.max(1, Math.min(INDENT, (names - NAME_MIN) / Math.max(1, depthMax)));
}

export interface RowProps {
  readonly state: TraceState;
  readonly row: number;
  readonly index: number;
  readonly names: number;
}

export function Row(props: RowProps) {
  return props.row === props.state.skeleton.n ? <Orphans {...props} /> : <SpanRow {...props} />;
}

function SpanRow({ state, row, index, names }: RowProps) {
  const { skeleton, depths, depthMax, subtreeEnds, runs, orphans, origins, errors, errorsBefore, skew } =
    state.model;
  const position = spanOfRow(row);
  const run = row < 0 ? runs.get(position) : undefined;
  const root = state.root.value;
  const isOrphaned = root === null && orphans.length > 0 && isUnderOrphan(state, position);
  const level = (depths[position] ?? 0) - (root === null ? 0 : (depths[root] ?? 0)) + (isOrphaned ? 1 : 0);
  const below = (subtreeEnds[position] ?? 0) - position - 1;
  const isOpen = run ? false : !state.collapsed.value.has(position);
  const inFocus = state.inFocus.value?.[position];
  const isSelected = state.selected.value === position;
  const failed = isError(skeleton.flags[position] ?? 0);
  const hidden = run ? run.end - run.first : isOpen ? 0 : below + 1;
  const hiddenErrors =
    (errorsBefore[position + hidden] ?? 0) - (errorsBefore[position] ?? 0) - (failed && !run ? 1 : 0);
  const took = run ? run.total : (skeleton.durations[position] ?? 0);
  const label = `${state.service(position)} ${state.operation(position)}, ${duration(took)}${failed ? ", error" : ""}`;
  const indent = indentOf(depthMax, names);
  return (
    <div
      role="row"
      id={`row-${position}`}
      aria-level={level + 1}
      aria-rowindex={index + 1}
      aria-selected={isSelected}
      aria-expanded={below > 0 || run ? isOpen : undefined}
      aria-label={label}
      tabIndex={isSelected || (state.selected.value === null && index === 0) ? 0 : -1}
      class={styles.row}
      data-match={inFocus === 0 ? "no" : state.finder.matches.value?.has[position] ? "yes" : undefined}
      style={{ transform: `translateY(${index * ROW_HEIGHT}px)` }}
      onClick={(event) => {
        if (run || (event.altKey && below > 0)) state.toggle(row);
        else {
          state.isDetailOpen.value = true;
          state.select(position);
        }
      }}
      onDblClick={() => below > 0 && state.focus(position)}
      onMouseEnter={() => {
        state.hovered.value = position;
      }}
    >
      <span
        role="gridcell"
        class={styles.name}
        style={{
          width: `${names}px`,
          paddingLeft: `${8 + level * indent}px`,
          // Lines closer than this would be a gray area.
          "--guides": indent < GUIDES_MIN ? "0px" : `${level * indent}px`,
          "--indent": `${indent}px`,
        }}
        title={label}
      >
        <Toggle isShown={below > 0 || run !== undefined} isOpen={isOpen} toggle={() => state.toggle(row)} />
        <span class="swatch" style={{ background: slotColor(state.coloring.value.slots[position]) }} />
        {run && <span class={styles.times}>×{run.end - run.first}</span>}
        <span class={styles.service}>{state.service(position)}</span>
        <span class={styles.operation}>{state.operation(position)}</span>
        {!isOpen && below > 0 && <span class={styles.count}>{compact(below)}</span>}
        <span class={styles.space} />
        {skew.has(position) && (
          <span class={styles.clock} role="img" aria-label="clock adjusted" title="Its clock was wrong">
            ◷
          </span>
        )}
        {origins.has(position) && (
          <span class={styles.origin}>{errors[0] === position ? "root cause" : "origin"}</span>
        )}
        {hidden > 0 && hiddenErrors > 0 && (
          <span class={styles.hiddenErrors} title="Errors in what is not shown">
            {compact(hiddenErrors)} failed
          </span>
        )}
        {failed && !run && (
          <span class={styles.failed} role="img" aria-label="error">
            !
          </span>
        )}
      </span>
    </div>
  );
}

/** Whether the top above a span is one whose parent is missing. */
function isUnderOrphan({ skeleton, model }: TraceState, position: number): boolean {
  let top = position;
  for (let at = position; at >= 0; at = skeleton.parents[at] ?? -1) top = at;
  // Orphans are in order.
  let [low, high] = [0, model.orphans.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const orphan = model.orphans[middle] ?? 0;
    if (orphan === top) return true;
    if (orphan < top) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

function Toggle({ isShown, isOpen, toggle }: { isShown: boolean; isOpen: boolean; toggle: () => void }) {
  return (
    <button
      type="button"
      tabIndex={-1}
      class={styles.toggle}
      disabled={!isShown}
      aria-label={isOpen ? "Collapse" : "Expand"}
      onClick={(event) => {
        event.stopPropagation();
        toggle();
      }}
    >
      {isOpen ? "▾" : "▸"}
    </button>
  );
}

/** What stands above the spans whose parents were not received. */
function Orphans({ state, row, index, names }: RowProps) {
  const { orphans } = state.model;
  const isOpen = !state.collapsed.value.has(row);
  const label = `Parent not received, ${orphans.length}`;
  return (
    <div
      role="row"
      id={`row-${row}`}
      aria-level={1}
      aria-rowindex={index + 1}
      aria-selected={state.selected.value === row}
      aria-expanded={isOpen}
      aria-label={label}
      tabIndex={-1}
      class={styles.row}
      style={{ transform: `translateY(${index * ROW_HEIGHT}px)` }}
      onClick={() => state.toggle(row)}
    >
      <span
        role="gridcell"
        class={styles.name}
        style={{ width: `${names}px`, paddingLeft: "8px", "--guides": "0px" }}
      >
        <Toggle isShown isOpen={isOpen} toggle={() => state.toggle(row)} />
        <span class={styles.lost}>Parent not received</span>
        <span class={styles.count}>{compact(orphans.length)}</span>
      </span>
    </div>
  );
}
