/** The heatmap's durations as a list, for those who cannot see or drag. */

import { useSignal } from "@preact/signals";
import type { Range } from "../api/metrics.ts";
import { setQuery } from "../router.ts";
import { duration } from "../text/numbers.ts";
import type { Cells } from "./cells.ts";
import styles from "./heatmap.module.css";
import { boxText } from "./selection.ts";

export interface DurationRow {
  readonly bound: number;
  readonly count: number;
  readonly failed: number;
}

/** Counts over all of the time, the longest durations first; rows without spans are left out. */
export function durationRows(cells: Cells, errors: Cells): DurationRow[] {
  const total = (of: Cells, bound: number) => of.times.reduce((sum, time) => sum + of.count(time, bound), 0);
  return cells.bounds
    .map((bound) => ({ bound, count: total(cells, bound), failed: total(errors, bound) }))
    .filter(({ count }) => count > 0)
    .reverse();
}

export function HeatmapTable({ cells, errors, range }: { cells: Cells; errors: Cells; range: Range }) {
  const isOpen = useSignal(false);
  return (
    <details
      class={styles.table}
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>as a table</summary>
      {isOpen.value && <Durations cells={cells} errors={errors} range={range} />}
    </details>
  );
}

function Durations({ cells, errors, range }: { cells: Cells; errors: Cells; range: Range }) {
  return (
    <table class="grid">
      <thead>
        <tr>
          <th>Duration</th>
          <th class="numeric">Spans</th>
          <th class="numeric">Failed</th>
          <th>
            <span class="visually-hidden">Choose</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {durationRows(cells, errors).map(({ bound, count, failed }) => (
          <tr key={bound}>
            <td>
              {duration(bound / 2)} to {duration(bound)}
            </td>
            <td class="numeric">{count.toLocaleString("en")}</td>
            <td class={`numeric ${failed > 0 ? "error-text" : "secondary"}`}>
              {failed > 0 ? failed.toLocaleString("en") : "–"}
            </td>
            <td>
              <button
                type="button"
                class="button quiet"
                onClick={() =>
                  setQuery(
                    { sel: boxText({ ...range, above: bound / 2, upTo: bound }), only: undefined },
                    { replace: false },
                  )
                }
              >
                choose
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
