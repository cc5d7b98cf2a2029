/** What goes wrong in code: exceptions of all services, grouped. */
import { useEffect, useMemo } from "preact/hooks";
import type { Range } from "../api/metrics.ts";
import type { ExceptionGroup, Exceptions } from "../api/schema.ts";
import { Chart } from "../charts/chart.tsx";
import type { Line } from "../charts/paint.ts";
import { place, setQuery } from "../router.ts";
import { Answered, useAnswer } from "../service/loading.tsx";
import { Choices } from "../service/tabs.tsx";
import { Progress } from "../shell/states.tsx";
import { timeRange } from "../shell/time-range.ts";
import { compact, counted } from "../text/numbers.ts";
import { chosen, type ExceptionOrder, fetchExceptions, millisOf, summed } from "./groups.ts";
import { ExceptionList } from "./list.tsx";
import styles from "./page.module.css";

const ORDERS = [
  ["count", "Most frequent"],
  ["last", "Latest"],
  ["first", "Newest"],
] as const;

const EVERYTHING = "{}";

export function ExceptionsPage() {
  const { query } = place.value;
  const q = query.get("q") ?? EVERYTHING;
  const words = query.get("filter") ?? "";
  const order: ExceptionOrder = ORDERS.find(([key]) => key === query.get("order"))?.[0] ?? "count";
  const range = timeRange.value;
  const answer = useAnswer((signal) => fetchExceptions(q, range, signal), [q, range]);
  useEffect(() => {
    document.title = "Exceptions · Spandrel";
  }, []);
  const { value } = answer;
  return (
    <>
      <Progress loading={answer.loading} />
      <div class={styles.page}>
        <header class={styles.header}>
          <h1>Exceptions {value && <span class="secondary">{value.groups.length}</span>}</h1>
          {q !== EVERYTHING && (
            <button type="button" class="button" onClick={() => setQuery({ q: undefined })}>
              <code>{q}</code> ✕
            </button>
          )}
          <span class={styles.space} />
          <Choices
            label="Order"
            choices={ORDERS}
            current={order}
            choose={(key) => setQuery({ order: key === "count" ? undefined : key })}
          />
          <input
            class="field"
            type="search"
            placeholder="Filter"
            aria-label="Filter exceptions"
            value={words}
            onInput={(event) => setQuery({ filter: event.currentTarget.value })}
          />
        </header>
        <Answered
          answer={answer}
          lines={16}
          show={(value) => <Found value={value} words={words} order={order} range={range} />}
        />
      </div>
    </>
  );
}

function Found({
  value,
  words,
  order,
  range,
}: {
  value: Exceptions;
  words: string;
  order: ExceptionOrder;
  range: Range;
}) {
  const groups = useMemo(() => chosen(value.groups, words, order), [value, words, order]);
  if (groups.length === 0) {
    return (
      <p class="secondary">
        {words && value.groups.length > 0
          ? `None of ${counted(value.groups.length, "group")} has these words.`
          : "No exception was recorded in this time. Choose a wider range."}
      </p>
    );
  }
  return (
    <>
      {!value.complete && (
        <p class="notice warning">
          {counted(value.leftOut, "exception")} of rarer groups are left out. Narrow the time.
        </p>
      )}
      <OverTime groups={groups} value={value} />
      <ExceptionList groups={groups} range={range} />
    </>
  );
}

function OverTime({ groups, value }: { groups: readonly ExceptionGroup[]; value: Exceptions }) {
  const { startUnixNanos, endUnixNanos } = value;
  const range = useMemo(() => ({ from: millisOf(startUnixNanos), to: millisOf(endUnixNanos) }), [value]);
  const chart = useMemo(() => {
    const values = summed(groups);
    const stepMillis = (range.to - range.from) / Math.max(1, values.length);
    const lines: Line[] = [{ name: "exceptions", color: "error", values }];
    return { lines, stepMillis, times: values.map((_, i) => range.from + (i + 1) * stepMillis) };
  }, [groups, range]);
  const total = groups.reduce((sum, { count }) => sum + count, 0);
  return (
    <Chart
      title="Exceptions"
      range={range}
      form="area"
      height={112}
      text={(value) => compact(Math.round(value * 100) / 100)}
      legend={<span>{counted(total, "exception")}</span>}
      {...chart}
    />
  );
}
