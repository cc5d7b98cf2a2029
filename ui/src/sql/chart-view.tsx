/** An answer as a chart: lines over time, or bars. */
import { useMemo } from "preact/hooks";
import type { Range } from "../api/metrics.ts";
import { Chart } from "../charts/chart.tsx";
import { utc } from "../shell/settings.ts";
import type { ShownColumn } from "./cells.ts";
import styles from "./chart-view.module.css";
import { type BarPlot, drawingOf } from "./drawing.ts";
import type { Row } from "./reader.ts";

const HEIGHT = 280;
const HEIGHT_OF_SEVERAL = 190;

export function ChartView({
  columns,
  rows,
  range,
}: {
  columns: readonly ShownColumn[];
  rows: readonly Row[];
  range: Range;
}) {
  const drawing = useMemo(
    () => drawingOf(columns, rows, range, utc.value),
    [columns, rows, range, utc.value],
  );
  if (drawing.form === "none") return <p class="secondary">{drawing.why}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
    <div class={styles.charts} role="region" aria-label="Charts of the answer" tabIndex={0}>
      {drawing.notes.map((note) => (
        <p key={note} class="secondary">
          {note}
        </p>
      ))}
      {drawing.form === "bars"
        ? drawing.plots.map((plot, i) => <Bars key={i} {...plot} />)
        : drawing.plots.map((plot, i) => (
            <Chart
              key={i}
              {...plot}
              times={drawing.times}
              stepMillis={drawing.stepMillis}
              range={drawing.range}
              height={drawing.plots.length > 1 ? HEIGHT_OF_SEVERAL : HEIGHT}
            />
          ))}
    </div>
  );
}

/** A table whose numbers are bars as well. */
function Bars({ title, text, bars }: BarPlot) {
  const max = Math.max(0, ...bars.map(({ value }) => Math.abs(value)));
  return (
    <section class={styles.bars} aria-label={title}>
      <h2>{title}</h2>
      <table>
        <tbody>
          {bars.map(({ label, value }, i) => (
            <tr key={i}>
              <th scope="row" title={label}>
                {label}
              </th>
              <td class={styles.bar}>
                <span
                  data-negative={value < 0}
                  style={{ width: `${max > 0 ? (Math.abs(value) / max) * 100 : 0}%` }}
                />
              </td>
              <td class="numeric">{text(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
