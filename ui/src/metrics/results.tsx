/** The chart of each unit, and all series as a table. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Range } from "../api/metrics.ts";
import { Chart, type Diamond } from "../charts/chart.tsx";
import type { Line } from "../charts/paint.ts";
import { href } from "../router.ts";
import { queryLink } from "../service/links.ts";
import { compact, counted, duration, rate } from "../text/numbers.ts";
import styles from "./page.module.css";
import type { Answer } from "./page.tsx";
import { filterPart, letter, type Named, named, summaryOf, type Unit } from "./queries.ts";

const NANOS_PER_SECOND = 1e9;
const TEXT: Record<Unit, (value: number) => string> = {
  "per second": rate,
  duration: (seconds) => duration(seconds * NANOS_PER_SECOND),
  count: (value) => compact(value),
  number: (value) => compact(Number(value.toPrecision(4))),
};
const TITLE: Record<Unit, string> = {
  "per second": "Per second",
  duration: "Duration",
  count: "Count",
  number: "Value",
};
const HEIGHT = 280;
const HEIGHT_OF_SEVERAL = 200;

export function Results({ answer, range, form }: { answer: Answer; range: Range; form: "line" | "stack" }) {
  const { queries, all, times, stepMillis } = answer;
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  const lines = useMemo(() => named(queries, all), [answer]);
  const found = all.reduce((sum, series) => sum + series.length, 0);
  if (found === 0) return <p class="secondary">No span matches in this time. Choose a wider range.</p>;
  const key = ({ query, name }: Named) => `${query} ${name}`;
  const units = [...new Set(lines.map(({ unit }) => unit))];
  const toggle = (line: Named) => {
    const next = new Set(hidden.value);
    if (!next.delete(key(line))) next.add(key(line));
    hidden.value = next;
  };
  return (
    <>
      {units.map((unit) => (
        <UnitChart
          key={unit}
          unit={unit}
          shown={lines.filter((line) => line.unit === unit && !hidden.value.has(key(line)))}
          several={queries.length > 1}
          height={units.length > 1 ? HEIGHT_OF_SEVERAL : HEIGHT}
          {...{ times, stepMillis, range, form }}
        />
      ))}
      {found > lines.length && (
        <p class="notice warning">
          The highest {lines.length} of {counted(found, "series", "series")} are shown; topk() and a narrower
          filter choose others.
        </p>
      )}
      <div class={styles.scroll}>
        <table class="grid">
          <thead>
            <tr>
              {queries.length > 1 && <th>Query</th>}
              <th>Series</th>
              <th class="numeric">Last</th>
              <th class="numeric">Mean</th>
              <th class="numeric">Min</th>
              <th class="numeric">Max</th>
              <th>Spans</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <Row
                key={key(line)}
                line={line}
                q={queries[line.query] ?? ""}
                several={queries.length > 1}
                isHidden={hidden.value.has(key(line))}
                toggle={() => toggle(line)}
              />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function UnitChart({
  unit,
  shown,
  several,
  height,
  times,
  stepMillis,
  range,
  form,
}: {
  unit: Unit;
  shown: readonly Named[];
  several: boolean;
  height: number;
  times: readonly number[];
  stepMillis: number;
  range: Range;
  form: "line" | "stack";
}) {
  const text = TEXT[unit];
  const names = shown.map(({ query, name }) => `${query} ${name}`).join("\n");
  const { lines, diamonds } = useMemo(
    () => ({
      lines: shown.map(
        ({ query, name, color, series }): Line => ({
          name: several ? `${letter(query)} ${name}` : name,
          color,
          values: series.values,
        }),
      ),
      // In a stack a value of its own has no place.
      diamonds:
        form === "stack"
          ? []
          : shown.flatMap(({ name, color, series }) =>
              series.exemplars
                .filter(({ time }) => time >= range.from && time <= range.to)
                .map(
                  ({ traceId, spanId, value, time }): Diamond => ({
                    time,
                    value,
                    color,
                    to: href(`/trace/${traceId}`, { span: spanId }),
                    label: `A trace of ${name}, ${text(value)}`,
                  }),
                ),
            ),
    }),
    [names, times, form],
  );
  return (
    <Chart
      title={TITLE[unit]}
      form={form}
      legend={<span>{counted(shown.length, "series", "series")}</span>}
      {...{ range, times, stepMillis, lines, diamonds, text, height }}
    />
  );
}

function Row({
  line,
  q,
  several,
  isHidden,
  toggle,
}: {
  line: Named;
  q: string;
  several: boolean;
  isHidden: boolean;
  toggle: () => void;
}) {
  const text = TEXT[line.unit];
  const { last, mean, min, max } = summaryOf(line.series.values);
  return (
    <tr>
      {several && <td class="secondary">{letter(line.query)}</td>}
      <td class={styles.series}>
        <button
          type="button"
          aria-pressed={!isHidden}
          title={isHidden ? "Show it" : "Hide it"}
          onClick={toggle}
          style={{ "--key": `var(--${line.color})` }}
        >
          {line.name}
        </button>
      </td>
      {[last, mean, min, max].map((value, i) => (
        <td key={i} class="numeric">
          {Number.isFinite(value) ? text(value) : "–"}
        </td>
      ))}
      <td>
        <a href={queryLink(filterPart(q))}>Search</a>
      </td>
    </tr>
  );
}
