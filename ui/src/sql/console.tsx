/** The query: the field, and what can be done with it. */
import type { Signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useMemo } from "preact/hooks";
import type { Range } from "../api/metrics.ts";
import { Editor, type Handled, keyOf } from "../query/editor.tsx";
import type { Problem } from "../query/language.ts";
import { Menu } from "../query/menu.tsx";
import { Saved } from "../query/saved.tsx";
import { setQuery } from "../router.ts";
import { compact, duration } from "../text/numbers.ts";
import { ago } from "../text/times.ts";
import { completionsOf } from "./completion.ts";
import { Download } from "./download.tsx";
import { EXAMPLES } from "./examples.ts";
import { forgetAll, pastQueries } from "./history.ts";
import styles from "./page.module.css";
import { ROW_LIMITS } from "./run.ts";
import type { SqlSchema } from "./schema.ts";
import { tokensOf } from "./tokens.ts";

/** What the server gives a query. */
const SECONDS = 30;

export interface ConsoleProps {
  readonly text: Signal<string>;
  readonly problems: Signal<readonly Problem[]>;
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly schema: SqlSchema;
  readonly isRunning: boolean;
  readonly limit: number;
  readonly run: (query?: string, view?: "chart") => void;
  readonly stop: () => void;
  /** The query that was run. */
  readonly q: string;
  readonly range: Range;
}

/** Enter is another line here, and with ctrl it runs. */
export function sqlKeyOf(event: KeyboardEvent, isOpen: boolean, active: number): Handled | null {
  if (event.key !== "Enter") return keyOf(event, isOpen, active);
  if (event.ctrlKey || event.metaKey) return "run";
  return isOpen && active >= 0 && !event.shiftKey && !event.altKey ? "accept" : null;
}

export function Console(props: ConsoleProps) {
  const { text, problems, field, schema, isRunning, limit, run, stop, q, range } = props;
  const known = useMemo(() => new Map(EXAMPLES.map((example) => [example.label, example])), []);
  return (
    <form
      class={styles.console}
      aria-label="Query"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <Editor
        text={text}
        label="SQL"
        run={run}
        problems={problems}
        tokensOf={tokensOf}
        source={async (query, at) => completionsOf(query, at, schema)}
        keyOf={sqlKeyOf}
        field={field}
        isTall
      />
      <div class={styles.bar}>
        {/* Two buttons: one that turned into the other under a click would also do what the other does. */}
        {isRunning ? (
          <button key="cancel" type="button" class="button" onClick={stop}>
            Cancel
          </button>
        ) : (
          <button key="run" type="submit" class="button primary" title="ctrl enter">
            Run
          </button>
        )}
        <span class={`secondary ${styles.hint}`}>ctrl enter</span>
        <span class={styles.space} />
        <label class={styles.limit}>
          At most
          <select
            class="field"
            value={String(limit)}
            onChange={(event) => setQuery({ limit: event.currentTarget.value })}
          >
            {ROW_LIMITS.map((rows) => (
              <option key={rows} value={String(rows)}>
                {rows.toLocaleString("en")} rows
              </option>
            ))}
          </select>
          in {SECONDS} s
        </label>
        <select
          class={`field ${styles.presets}`}
          aria-label="Run one of these queries"
          value=""
          onChange={(event) => {
            const example = known.get(event.currentTarget.value);
            event.currentTarget.value = "";
            if (example) run(example.query, example.view);
          }}
        >
          <option value="">Examples</option>
          {EXAMPLES.map(({ label }) => (
            <option key={label}>{label}</option>
          ))}
        </select>
        <History choose={run} />
        <Saved />
        <Download q={q} range={range} />
      </div>
    </form>
  );
}

function History({ choose }: { choose: (query: string) => void }) {
  const past = pastQueries.value;
  return (
    <Menu label="Recent">
      {(close) => (
        <>
          {past.length === 0 && (
            <p class="secondary">Queries that you run are kept here, in this browser only.</p>
          )}
          {past.map(({ query, at, rows, millis }) => (
            <button
              key={query}
              type="button"
              class={styles.past}
              title={query}
              onClick={() => {
                close();
                choose(query);
              }}
            >
              <code>{query.replace(/\s+/g, " ")}</code>
              <span>
                {ago(at, Date.now())}, {compact(rows)} {rows === 1 ? "row" : "rows"} in{" "}
                {duration(millis * 1e6)}
              </span>
            </button>
          ))}
          {past.length > 0 && (
            <button type="button" onClick={forgetAll}>
              Forget all
            </button>
          )}
        </>
      )}
    </Menu>
  );
}
