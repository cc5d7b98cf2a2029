/** The query of a page: as text or as conditions, those that were run before, and the button that runs it. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Range } from "../api/metrics.ts";
import { place, setQuery } from "../router.ts";
import styles from "./bar.module.css";
import { Builder } from "./builder.tsx";
import { QueryEditor } from "./editor.tsx";
import type { Problem } from "./language.ts";
import { Menu } from "./menu.tsx";
import { forgetAll, recentQueries, remember } from "./recent.ts";
import { Saved } from "./saved.tsx";

export interface QueryBarProps {
  /** The query that was run. */
  readonly q: string;
  readonly range: Range;
  readonly run: (q: string) => void;
  readonly problems: Signal<readonly Problem[]>;
}

export function QueryBar({ q, range, run, problems }: QueryBarProps) {
  const text = useTextOf(q);
  const asChips = place.value.query.get("edit") === "builder";
  const start = () => {
    const query = text.value.trim() || "{}";
    remember(query);
    run(query);
  };
  const edit = (mode: string | undefined) => setQuery({ edit: mode });
  return (
    <form
      class={styles.bar}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      {asChips ? (
        <Builder text={text} run={start} range={range} toText={() => edit(undefined)} />
      ) : (
        <QueryEditor text={text} label="TraceQL" run={start} range={range} problems={problems} />
      )}
      <div role="radiogroup" aria-label="Edit as" class={styles.modes}>
        <button
          type="button"
          role="radio"
          class="button quiet"
          aria-checked={asChips}
          onClick={() => edit("builder")}
        >
          Builder
        </button>
        <button
          type="button"
          role="radio"
          class="button quiet"
          aria-checked={!asChips}
          onClick={() => edit(undefined)}
        >
          TraceQL
        </button>
      </div>
      <Recent
        choose={(query) => {
          text.value = query;
          remember(query);
          run(query);
        }}
      />
      <Saved />
      <button type="submit" class="button primary">
        Run
      </button>
    </form>
  );
}

/** A text to edit that begins as the query of the address, and again when that changes. */
export function useTextOf(q: string): Signal<string> {
  const text = useSignal(q);
  useEffect(() => {
    text.value = q;
  }, [q]);
  return text;
}

function Recent({ choose }: { choose: (query: string) => void }) {
  return (
    <Menu label="Recent">
      {(close) => (
        <>
          {recentQueries.value.length === 0 && (
            <p class="secondary">Queries that you run are kept here, in this browser only.</p>
          )}
          {recentQueries.value.map((query) => (
            <button
              key={query}
              type="button"
              class="mono"
              title={query}
              onClick={() => {
                close();
                choose(query);
              }}
            >
              {query}
            </button>
          ))}
          {recentQueries.value.length > 0 && (
            <button type="button" class={styles.forget} onClick={forgetAll}>
              Forget all
            </button>
          )}
        </>
      )}
    </Menu>
  );
}
