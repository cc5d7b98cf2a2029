/** The picture above the results: durations as a heatmap, or how many spans there are, or how many fail. */
import { useEffect, useMemo } from "preact/hooks";
import { isMistake } from "../api/http.ts";
import { Loader } from "../api/loaded.ts";
import { instantQuery, type Range, rangeQuery, type Series, stepFor } from "../api/metrics.ts";
import { Chart } from "../charts/chart.tsx";
import { place, setQuery } from "../router.ts";
import { counted, percent, rate } from "../text/numbers.ts";
import { withCondition } from "../traceql.ts";
import { Heatmap } from "./heatmap.tsx";
import styles from "./page.module.css";

const GRAPHS = [
  ["duration", "Duration"],
  ["rate", "Rate"],
  ["errors", "Errors"],
] as const;
const COLUMNS = 120;

export function Graph({ q, range }: { q: string; range: Range }) {
  const chosen = place.value.query.get("graph");
  const graph = GRAPHS.find(([name]) => name === chosen)?.[0] ?? "duration";
  return (
    <section aria-label="Over time">
      <div class={styles.bar}>
        <div role="radiogroup" aria-label="Graph">
          {GRAPHS.map(([name, label]) => (
            <button
              key={name}
              type="button"
              role="radio"
              class="button quiet"
              aria-checked={graph === name}
              onClick={() => setQuery({ graph: name === "duration" ? undefined : name })}
            >
              {label}
            </button>
          ))}
        </div>
        <span class={styles.space} />
        <Totals q={q} range={range} />
      </div>
      {graph === "duration" ? (
        <Heatmap q={q} range={range} />
      ) : (
        <OverTime q={q} range={range} graph={graph} />
      )}
    </section>
  );
}

/** How many spans match, and how many of them failed. */
function Totals({ q, range }: { q: string; range: Range }) {
  const loader = useMemo(() => new Loader<{ spans: number; failed: number }>(), []);
  useEffect(() => {
    void loader.ask(async (signal) => {
      const series = await instantQuery(`${q} | count_over_time() by (status)`, range, signal);
      const count = (wanted: (status: string) => boolean) =>
        series
          .filter(({ labels }) => wanted(labels.status ?? ""))
          .reduce((sum, { values }) => sum + (values[0] ?? 0), 0);
      return { spans: count(() => true), failed: count((status) => status === "error") };
    });
  }, [loader, q, range]);
  const { value, error } = loader.state.value;
  if (!value || (error && isMistake(error))) return null;
  return (
    <span class="secondary">
      {counted(value.spans, "span")}
      {value.failed > 0 && (
        <>
          , <span class="error-text">{percent(value.failed / value.spans)} failed</span>
        </>
      )}
    </span>
  );
}

function OverTime({ q, range, graph }: { q: string; range: Range; graph: "rate" | "errors" }) {
  const loader = useMemo(() => new Loader<readonly Series[]>(), []);
  const step = stepFor(range, COLUMNS);
  const asked = graph === "errors" ? withCondition(q, "status = error") : q;
  useEffect(() => {
    void loader.ask((signal) => rangeQuery(`${asked} | rate()`, range, step, signal));
  }, [loader, asked, range, step]);
  const { value, error } = loader.state.value;
  if (error && (!value || isMistake(error))) return null;
  const series = value?.[0];
  return (
    <Chart
      title={graph === "errors" ? "Failed spans per second" : "Spans per second"}
      range={range}
      times={series?.times ?? []}
      stepMillis={step * 1e3}
      lines={[
        {
          name: graph === "errors" ? "failed" : "spans",
          color: graph === "errors" ? "error" : "accent",
          values: series?.values ?? [],
        },
      ]}
      form="area"
      text={rate}
    />
  );
}
