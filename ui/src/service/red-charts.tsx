/** Three charts in a row: how many, how many of them failed, how long they took. */
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import type { Range } from "../api/metrics.ts";
import { Chart } from "../charts/chart.tsx";
import type { Line } from "../charts/paint.ts";
import { Failure } from "../shell/states.tsx";
import { duration, exactDuration, percent, rate } from "../text/numbers.ts";
import { before, change, type Figures, figuresBy } from "./figures.ts";
import { searchLink } from "./links.ts";
import { fetchRed, type Red } from "./red.ts";
import styles from "./red-charts.module.css";
import { all } from "./spans.ts";

/** The axis of errors reaches at least so far: a share of a thousandth is not to fill the chart. */
const ERRORS_AXIS = 0.02;

/** A change of p95 that is worth a word. */
const SLOWER = 0.25;

interface Answer {
  readonly red: Red;
  /** `null` when no span passes. */
  readonly now: Figures | null;
}

export function RedCharts({ filter, range }: { filter: string; range: Range }) {
  const loader = useMemo(() => new Loader<Answer>(), []);
  const earlier = useMemo(() => new Loader<Figures | null>(), []);
  const load = () => {
    void loader.ask(async (signal) => {
      const [red, [now = null]] = await Promise.all([
        fetchRed(filter, range, signal),
        figuresBy(filter, [], range, signal),
      ]);
      return { red, now };
    });
    void earlier.ask(async (signal) => {
      const [found] = await figuresBy(filter, [], before(range), signal);
      return found && found.count > 0 ? found : null;
    });
  };
  useEffect(load, [filter, range]);
  const { value, error } = loader.state.value;
  if (!value) {
    return (
      <>
        {error && <Failure error={error} retry={load} />}
        <div class={styles.row} aria-busy={!error}>
          {["Rate", "Errors", "Duration"].map((title) => (
            <div key={title} class={styles.frame}>
              {title}
            </div>
          ))}
        </div>
      </>
    );
  }
  return (
    <>
      {error && <Failure error={error} retry={load} kept />}
      <Charts {...value} then={earlier.state.value.value} filter={filter} range={range} />
    </>
  );
}

function Charts({
  red,
  now,
  then,
  filter,
  range,
}: Answer & { then: Figures | null; filter: string; range: Range }) {
  const lines = useMemo(
    () => ({
      rate: [
        { name: "all", color: "accent", values: red.rate },
        ...(red.failed.some((value) => value)
          ? [{ name: "failed", color: "error", values: red.failed }]
          : []),
      ] as Line[],
      errors: [{ name: "errors", color: "error", values: red.errors }] as Line[],
      durations: [
        { name: "p50", color: "service-9", values: red.p50 },
        { name: "p95", color: "service-0", values: red.p95 },
        { name: "p99", color: "service-6", values: red.p99 },
      ] as Line[],
    }),
    [red],
  );
  const shared = { range, times: red.times, stepMillis: red.stepMillis, marks: red.deploys };
  const longer = (nanos: number) => searchLink(all(filter, `duration >= ${Math.floor(nanos)}ns`));
  return (
    <div class={styles.row}>
      <Chart
        {...shared}
        title="Rate"
        form="area"
        lines={lines.rate}
        text={rate}
        legend={
          now && (
            <>
              <a href={searchLink(filter)}>{rate(now.rate)}</a>
              <Change share={then && change(now.rate, then.rate)} neutral />
            </>
          )
        }
      />
      <Chart
        {...shared}
        title="Errors"
        form="area"
        atLeast={ERRORS_AXIS}
        lines={lines.errors}
        text={percent}
        legend={
          now && (
            <>
              <a
                class={now.errors > 0 ? "error-text" : undefined}
                href={searchLink(all(filter, "status = error"))}
              >
                {percent(now.errors)}
              </a>
              {then && <span class="secondary">{percent(then.errors)} before</span>}
            </>
          )
        }
      />
      <Chart
        {...shared}
        title="Duration"
        scale="log"
        lines={lines.durations}
        text={duration}
        legend={
          now && (
            <>
              {lines.durations.map(({ name, color }) => {
                const nanos = now[name as "p50" | "p95" | "p99"];
                return (
                  <span key={name} class={styles.key} style={{ "--key": `var(--${color})` }}>
                    {name}{" "}
                    <a href={longer(nanos)} title={exactDuration(nanos)}>
                      {duration(nanos)}
                    </a>
                  </span>
                );
              })}
              <Change share={then && change(now.p95, then.p95)} what="p95 " />
            </>
          )
        }
      />
    </div>
  );
}

function Change({
  share,
  what = "",
  neutral = false,
}: {
  share: number | null | undefined;
  what?: string;
  neutral?: boolean;
}) {
  if (share === null || share === undefined || Math.abs(share) < (neutral ? 0.01 : SLOWER)) return null;
  const size = `${Math.abs(share * 100).toFixed(0)} %`;
  return (
    <span
      class={!neutral && share > 0 ? "error-text" : "secondary"}
      title="Against the same length of time just before"
    >
      {what}
      {share > 0 ? "+" : "−"}
      {size}
    </span>
  );
}
