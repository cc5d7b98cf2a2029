/** Above the results: how many there are, what they are shown as, with which columns, and where else the query leads. */
import type { SearchProgress } from "../api/search.ts";
import { href, place, setQuery } from "../router.ts";
import { Icon } from "../shell/icons.tsx";
import { timeRange } from "../shell/time-range.ts";
import { bytes } from "../text/bytes.ts";
import { counted } from "../text/numbers.ts";
import { AttributePicker } from "./attributes.tsx";
import { keyOf, parameterOf } from "./columns.ts";
import { save, spanTable, traceTable } from "./download.ts";
import styles from "./page.module.css";
import type { Found, Pages } from "./pages.ts";
import { spansOf } from "./spans.tsx";

export interface ResultsBarProps {
  readonly q: string;
  readonly found: Found;
  readonly order: "start" | "duration";
  readonly asSpans: boolean;
  readonly columns: readonly string[];
  readonly pages: Pages;
}

export function ResultsBar({ q, found, order, asSpans, columns, pages }: ResultsBarProps) {
  const set = (names: readonly string[]) => setQuery({ cols: parameterOf(names) });
  const tab = (isSpans: boolean, label: string) => (
    <button
      type="button"
      role="tab"
      class="button quiet"
      aria-selected={asSpans === isSpans}
      onClick={() => setQuery({ view: isSpans ? "spans" : undefined })}
    >
      {label}
    </button>
  );
  return (
    <div class={styles.bar}>
      <div role="tablist" aria-label="Results as">
        {tab(false, "Traces")}
        {tab(true, "Spans")}
      </div>
      <Elsewhere q={q} />
      <span class={styles.space} />
      <span class="secondary" role="status" title={tookOf(found)}>
        {saysOf(found, order)}
      </span>
      {found.loading && (
        <button type="button" class="button" onClick={() => pages.cancel()}>
          Cancel
        </button>
      )}
      {columns.map((name) => (
        <button
          key={name}
          type="button"
          class={`button quiet ${styles.column}`}
          title={`Without the column ${name}`}
          aria-label={`Without the column ${name}`}
          onClick={() => set(columns.filter((other) => other !== name))}
        >
          {keyOf(name)} ✕
        </button>
      ))}
      <AttributePicker
        label="+ column"
        range={timeRange.value}
        choose={(name) => set([...columns.filter((other) => other !== name), name])}
      />
      <button
        type="button"
        class="button quiet"
        aria-label="Download these results as CSV"
        title="Download these results as CSV"
        disabled={found.traces.length === 0}
        onClick={() =>
          asSpans
            ? save("spans.csv", spanTable(spansOf(found.traces, order), columns))
            : save("traces.csv", traceTable(found.traces, columns))
        }
      >
        <Icon name="download" />
      </button>
    </div>
  );
}

/** `newest 50 traces`, `12 traces, all there are`, `10 found, 3 of 12 blocks read`. */
export function saysOf({ traces, loading, more, canceled, current, progress }: Found, order: string): string {
  const count = traces.length.toLocaleString("en");
  if (loading) return `${current ? `${count} found, ` : ""}${progress ? readOf(progress) : "searching"}`;
  if (canceled) return `stopped after ${current ? count : 0}`;
  if (!current) return "";
  if (more) return `${order === "start" ? "newest" : "longest"} ${count} traces`;
  return `${count} ${traces.length === 1 ? "trace" : "traces"}, all there are`;
}

/** One of the jobs is what is in no block yet, which is read first. */
function readOf({ jobs, jobsDone }: SearchProgress): string {
  if (jobs <= 1) return "searching";
  return `${Math.max(0, jobsDone - 1).toLocaleString("en")} of ${counted(jobs - 1, "block")} read`;
}

/** What the search took until now. */
function tookOf({ progress }: Found): string | undefined {
  if (!progress) return undefined;
  return `${counted(progress.spansRead, "span")} and ${bytes(progress.bytesRead)} of blocks looked at`;
}

/** The same query on other pages. */
function Elsewhere({ q }: { q: string }) {
  const { query } = place.value;
  const range = { from: query.get("from") ?? undefined, to: query.get("to") ?? undefined };
  const links: readonly (readonly [string, string, string])[] = [
    ["Structure", "/structure", q],
    ["Compare", "/compare", "{}"],
    ["Exceptions", "/exceptions", q],
    ["Metrics", "/metrics", `${q} | rate()`],
  ];
  return (
    <nav class={styles.elsewhere} aria-label="The same query as">
      {links.map(([label, path, query]) => (
        <a
          key={path}
          class="button quiet"
          href={href(path, { q: query, sel: path === "/compare" ? q : undefined, ...range })}
        >
          {label}
        </a>
      ))}
    </nav>
  );
}
