/** Asking with SQL: what there is, a query, and its rows as a table or a chart. */
import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ApiError } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import { useTextOf } from "../query/bar.tsx";
import { writeInto } from "../query/editor.tsx";
import { place, setQuery } from "../router.ts";
import { useAnswer } from "../service/loading.tsx";
import { Progress, Waiting } from "../shell/states.tsx";
import { rangeText, refresh, timeRange } from "../shell/time-range.ts";
import { Console } from "./console.tsx";
import { EXAMPLES, type Example } from "./examples.ts";
import { remember } from "./history.ts";
import { mistakeOf } from "./mistakes.ts";
import { NotBuilt } from "./not-built.tsx";
import styles from "./page.module.css";
import { Results } from "./results.tsx";
import { type Answer, ROW_LIMITS, ROWS, SqlRun } from "./run.ts";
import { fetchAttributes, fetchTables } from "./schema.ts";
import { Tree } from "./tree.tsx";

const NOT_IMPLEMENTED = 501;

const isNotBuilt = (error: Error | null) => error instanceof ApiError && error.status === NOT_IMPLEMENTED;

/** Where a name fits into a text: in place of what is chosen, apart from the words beside it. */
export function inserted(text: string, name: string, from: number, to: number): { text: string; at: number } {
  const before = /[\w')]$/.test(text.slice(0, from)) ? " " : "";
  const after = /^\w/.test(text.slice(to)) ? " " : "";
  const at = from + before.length + name.length;
  return { text: text.slice(0, from) + before + name + after + text.slice(to), at };
}

export function SqlPage() {
  const { query } = place.value;
  const q = query.get("q") ?? "";
  const wanted = Number(query.get("limit"));
  const limit = ROW_LIMITS.find((rows) => rows === wanted) ?? ROWS;
  const range = timeRange.value;
  const text = useTextOf(q);
  const sql = useMemo(() => new SqlRun(), []);
  const field = useRef<HTMLTextAreaElement>(null);
  const times = JSON.stringify(rangeText.value);
  const tables = useAnswer((signal) => fetchTables(range, signal), []);
  const attributes = useAnswer((signal) => fetchAttributes(range, signal), [times]);
  useEffect(() => {
    document.title = "SQL · Spandrel";
    return () => sql.stop();
  }, []);
  useRun(sql, q, range, limit);
  const state = sql.state.value;
  const problems = useComputed(() => {
    const { error } = sql.state.value;
    const found = error && text.value.trim() === q ? mistakeOf(text.value, error.message) : null;
    return found ? [found] : [];
  });
  if (isNotBuilt(tables.error) || isNotBuilt(state.error)) return <NotBuilt />;
  const run = (written = text.peek(), view?: "chart") => {
    const asked = written.trim();
    if (asked === "") return;
    text.value = asked;
    if (asked === q) refresh();
    const isShown = place.peek().query.get("view") ?? undefined;
    setQuery(
      { q: asked, order: undefined, view: view ?? (asked === q ? isShown : undefined) },
      { replace: asked === q },
    );
  };
  const choose = ({ query, view }: Example) => run(query, view);
  const insert = (name: string) => {
    const [from, to] = [field.current?.selectionStart ?? 0, field.current?.selectionEnd ?? 0];
    const next = inserted(text.peek(), name, from, to);
    text.value = next.text;
    field.current?.focus();
    writeInto(field.current, next.text, next.at);
  };
  return (
    <>
      <Progress loading={state.isRunning} />
      <div class={styles.page}>
        <Side>
          <Tree tables={tables} attributes={attributes} insert={insert} />
        </Side>
        <div class={styles.work}>
          <h1 class="visually-hidden">SQL</h1>
          <Console
            text={text}
            problems={problems}
            field={field}
            schema={{ tables: tables.value ?? [], attributes: attributes.value ?? [] }}
            isRunning={state.isRunning}
            limit={limit}
            run={run}
            stop={() => sql.stop()}
            q={q}
            range={range}
          />
          {q === "" ? (
            <Examples choose={choose} />
          ) : (
            <Results state={state} q={q} limit={limit} isPlaced={problems.value.length > 0} retry={refresh} />
          )}
          {q !== "" && !state.answer && !state.error && <Waiting lines={8} />}
        </div>
      </div>
    </>
  );
}

/** Runs the query of the address, and again when the time or the limit changes. */
function useRun(sql: SqlRun, q: string, range: Range, limit: number): void {
  useEffect(() => {
    if (q === "") {
      sql.clear();
      return;
    }
    const ended = ({ query, rows, millis }: Answer) =>
      remember({ query, at: Date.now(), rows: rows.length, millis: Math.round(millis) });
    void sql.start(q, range, limit, ended);
  }, [q, range, limit]);
}

/** What there is, beside the query; closed at first where there is no room for both. */
function Side({ children }: { children: ComponentChildren }) {
  const isNarrow = useMemo(() => matchMedia("(max-width: 900px)").matches, []);
  const isOpen = useSignal(!isNarrow);
  return (
    <aside class={styles.side} aria-label="Tables and columns">
      <button
        type="button"
        class={`button quiet ${styles.fold}`}
        aria-expanded={isOpen.value}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        {isOpen.value ? "▾" : "▸"} Tables, columns, attributes
      </button>
      {isOpen.value && children}
    </aside>
  );
}

function Examples({ choose }: { choose: (example: Example) => void }) {
  return (
    <section class={styles.examples} aria-label="Queries to start with">
      <p class="secondary">
        Spans are the table <code>spans</code>, of the time that is chosen on top. Write a query, or start
        with one of these.
      </p>
      <ul>
        {EXAMPLES.map((example) => (
          <li key={example.label}>
            <button type="button" onClick={() => choose(example)}>
              <b>{example.label}</b>
              <code>{example.query}</code>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
