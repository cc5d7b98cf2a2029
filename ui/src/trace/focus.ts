/** The keyboard's focus follows the selected span. */
import type { TraceState } from "./state.ts";

/** Selects a row; the focus follows once the row exists. */
export function focusRow(state: TraceState, position: number): void {
  if (position < state.skeleton.n) state.select(position);
  else state.selected.value = position;
  giveFocus(position);
}

/** Selects nothing; the focus stays in the row. */
export function closeSpan(state: TraceState): void {
  const position = state.selected.peek();
  state.select(null);
  if (position !== null) giveFocus(position);
}

function giveFocus(position: number): void {
  requestAnimationFrame(() => document.getElementById(`row-${position}`)?.focus({ preventScroll: true }));
}
