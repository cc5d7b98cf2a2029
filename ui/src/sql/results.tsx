/** What came: how many rows, how long it took, what is missing, and the rows. */
import { useMemo } from "preact/hooks";
import { place, setQuery } from "../router.ts";
import { Choices } from "../service/tabs.tsx";
import { Failure } from "../shell/states.tsx";
import { counted, duration } from "../text/numbers.ts";
import { shownColumns } from "./cells.ts";
import { ChartView } from "./chart-view.tsx";
import { Grid } from "./grid.tsx";
import { plainMessage } from "./mistakes.ts";
import styles from "./page.module.css";
import type { Answer, Running } from "./run.ts";

const VIEWS = [
  ["table", "Table"],
  ["chart", "Chart"],
] as const;

export function Results({
  state,
  q,
  limit,
  isPlaced,
  retry,
}: {
  state: Running;
  q: string;
  limit: number;
  /** Whether the mistake is told at the query itself. */
  isPlaced: boolean;
  retry: () => void;
}) {
  const { answer, error, isRunning } = state;
  return (
    <>
      {error && !isPlaced && <Failed error={error} retry={retry} />}
      {answer && (
        <Shown
          answer={answer}
          limit={limit}
          isStale={error !== null || (isRunning && answer.ending !== null)}
          q={q}
        />
      )}
    </>
  );
}

function Failed({ error, retry }: { error: Error; retry: () => void }) {
  const plain = useMemo(() => {
    error.message = plainMessage(error.message);
    return error;
  }, [error]);
  return <Failure error={plain} retry={retry} />;
}

function Shown({
  answer,
  limit,
  isStale,
  q,
}: {
  answer: Answer;
  limit: number;
  isStale: boolean;
  q: string;
}) {
  const { columns, rows, ending, millis, range, query } = answer;
  const view = place.value.query.get("view") === "chart" ? "chart" : "table";
  const shown = useMemo(() => shownColumns(columns, rows), [columns, rows]);
  return (
    <>
      <div class={styles.summary}>
        <span role="status">
          <b>{counted(rows.length, "row")}</b> in {duration(millis * 1e6)}
          {ending === null && " so far"}
        </span>
        {isStale && query !== q && <span class="secondary">of the query before</span>}
        <span class={styles.space} />
        <Choices
          label="Show as"
          choices={VIEWS}
          current={view}
          choose={(view) => setQuery({ view: view === "table" ? undefined : view })}
        />
      </div>
      <Cut answer={answer} limit={limit} />
      {rows.length === 0 && ending !== null ? (
        <Nothing isLimited={ending === "all"} />
      ) : (
        <div class={styles.answer}>
          {view === "chart" ? (
            <ChartView columns={shown} rows={rows} range={range} />
          ) : (
            <Grid key={`${query} ${columns.length}`} columns={shown} rows={rows} isStale={isStale} />
          )}
        </div>
      )}
    </>
  );
}

function Nothing({ isLimited }: { isLimited: boolean }) {
  return (
    <p class="secondary">
      {isLimited
        ? "No rows. Only spans that start in the chosen time are looked at: choose a wider range, or take a condition away."
        : "No rows had come until then."}
    </p>
  );
}

/** What is missing, and how to get it. */
function Cut({ answer: { ending, error, rows }, limit }: { answer: Answer; limit: number }) {
  if (ending === "failed") {
    return (
      <p class="notice warning" role="alert">
        <span>
          The answer is not complete: {plainMessage(error ?? "")}
          {rows.length > 0 && ` The ${counted(rows.length, "row")} from before are shown.`}
        </span>
      </p>
    );
  }
  const text =
    ending === "rows"
      ? `The first ${counted(limit, "row")} are shown; there are more. Group them, add a LIMIT, take more rows above, or download all.`
      : ending === "size"
        ? "The answer is larger than a page can hold; its first rows are shown. Select fewer columns, or download all."
        : ending === "stopped"
          ? "Stopped: the rows that had come until then are shown."
          : null;
  return text && <p class="notice warning">{text}</p>;
}
