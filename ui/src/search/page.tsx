/** Searching: one query drives the picture, the facets and the results. */
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo } from "preact/hooks";
import { ApiError } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import { QueryBar } from "../query/bar.tsx";
import type { Problem } from "../query/language.ts";
import { href, place, setQuery } from "../router.ts";
import { Failure, Waiting } from "../shell/states.tsx";
import { refresh, timeRange } from "../shell/time-range.ts";
import { withCondition } from "../traceql.ts";
import { isMetric, namesOf, selecting } from "./columns.ts";
import { Facets } from "./facets.tsx";
import { Graph } from "./graph.tsx";
import styles from "./page.module.css";
import { Pages, shareOf } from "./pages.ts";
import { ResultsBar } from "./results-bar.tsx";
import { boxOf, conditionOf } from "./selection.ts";
import { SPANS_PER_TRACE, Spans } from "./spans.tsx";
import { Traces } from "./traces.tsx";

const LIMIT = 50;
const LIMIT_MAX = 10_000;

/** What the results are about: the query, or the part of it in the box of the picture. */
function shownOf(q: string, range: Range, box: string | null, onlyBox: boolean) {
  const chosen = onlyBox ? boxOf(box) : null;
  if (!chosen) return { q, range };
  const condition = conditionOf(chosen);
  return {
    q: condition ? withCondition(q, condition) : q,
    range: { from: chosen.from, to: chosen.to },
  };
}

export function SearchPage() {
  const { query } = place.value;
  const q = query.get("q") ?? "{}";
  const order = query.get("order") === "duration" ? "duration" : "start";
  const asSpans = query.get("view") === "spans";
  const limit = Math.min(LIMIT_MAX, Math.max(1, Number(query.get("limit")) || LIMIT));
  const columns = namesOf(query.get("cols"));
  const range = timeRange.value;
  const shown = shownOf(q, range, query.get("sel"), query.get("only") === "1");
  const pages = useMemo(() => new Pages(), []);
  const problems = useSignal<readonly Problem[]>([]);
  const wanted = asSpans ? ["name", "status", "kind", "resource.service.name", ...columns] : columns;
  const question = {
    q: selecting(shown.q, [...new Set(wanted)]),
    ...shown.range,
    order,
    spansPerTrace: asSpans ? SPANS_PER_TRACE : 1,
  } as const;
  const key = JSON.stringify(question);
  const load = () => void pages.start(question, limit);
  // Before the effects of what is beside: a browser has six requests under way at most.
  useLayoutEffect(load, [key]);
  useEffect(() => void pages.until(limit), [limit]);
  useEffect(() => () => pages.cancel(), [pages]);
  useEffect(() => {
    document.title = `${q} · Spandrel`;
  }, [q]);
  const found = pages.found.value;
  const goOn = () => {
    if (found.canceled) void pages.until(limit);
    else setQuery({ limit: String(Math.min(LIMIT_MAX, found.traces.length + LIMIT)) });
  };
  const { traces, error, loading } = found;
  // The field says where the mistake is.
  const isTold = error instanceof ApiError && error.status === 400 && problems.value.length > 0;
  return (
    <div class={styles.page}>
      <div
        class={styles.progress}
        data-loading={loading}
        style={{ "--share": `${Math.max(0.04, shareOf(found)) * 100}%` }}
      />
      <QueryBar
        q={q}
        range={range}
        problems={problems}
        run={(next) => {
          if (next === q) refresh();
          else setQuery({ q: next, limit: undefined, sel: undefined, only: undefined }, { replace: false });
        }}
      />
      {error && !isTold && (
        <div class={styles.message}>
          <Failure error={error} retry={load} kept={traces.length > 0} />
          {isMetric(q) && (
            <p>
              This query asks for numbers over time:{" "}
              <a href={href("/metrics", { q, from: query.get("from") ?? undefined })}>
                look at them as metrics
              </a>
            </p>
          )}
        </div>
      )}
      <div class={styles.columns}>
        <Facets q={shown.q} range={shown.range} />
        <div class={styles.main}>
          <Graph q={q} range={range} />
          <ResultsBar q={q} found={found} order={order} asSpans={asSpans} columns={columns} pages={pages} />
          {!found.current && traces.length === 0 && !error && <Waiting lines={12} />}
          {traces.length > 0 && (
            <div
              class={styles.results}
              data-stale={error ? "failed" : !found.current && loading ? "loading" : undefined}
            >
              {asSpans ? (
                <Spans traces={traces} order={order} columns={columns} />
              ) : (
                <Traces traces={traces} order={order} columns={columns} />
              )}
            </div>
          )}
          {found.more && !loading && (
            <button type="button" class="button" onClick={() => goOn()} disabled={traces.length >= LIMIT_MAX}>
              {found.canceled ? "Go on" : "Show more"}
            </button>
          )}
          {found.current && !loading && !error && traces.length === 0 && <NoResults q={q} />}
        </div>
      </div>
    </div>
  );
}

function NoResults({ q }: { q: string }) {
  const from = place.value.query.get("from") ?? undefined;
  return (
    <p class={styles.message}>
      No trace matches <code>{q}</code> in this time. Choose a wider range
      {place.value.query.has("only") && (
        <>
          ,{" "}
          <button type="button" class="button" onClick={() => setQuery({ only: undefined, sel: undefined })}>
            leave the box
          </button>
        </>
      )}
      {q !== "{}" && (
        <>
          , or <a href={href("/search", { from })}>look at all traces</a>
        </>
      )}
      .
    </p>
  );
}
