/** Searching: one query drives the heatmap, the facets and the list. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import { search, type TraceResult } from "../api/search.ts";
import { href, place, setQuery } from "../router.ts";
import { utc } from "../shell/settings.ts";
import { Failure, Progress, Waiting } from "../shell/states.tsx";
import { refresh, timeRange } from "../shell/time-range.ts";
import { serviceColor } from "../text/colors.ts";
import { counted, millis } from "../text/numbers.ts";
import { ago, clock } from "../text/times.ts";
import { Facets } from "./facets.tsx";
import { Heatmap } from "./heatmap.tsx";
import styles from "./page.module.css";

const LIMIT = 50;

export function SearchPage() {
  const { query } = place.value;
  const q = query.get("q") ?? "{}";
  const order = query.get("order") === "duration" ? "duration" : "start";
  const limit = Math.min(10_000, Math.max(1, Number(query.get("limit")) || LIMIT));
  const range = timeRange.value;
  const loader = useMemo(() => new Loader<TraceResult[]>(), []);
  const load = () => void loader.ask((signal) => search({ q, ...range, limit, order }, signal));
  useEffect(load, [q, order, limit, range]);
  useEffect(() => {
    document.title = `${q} · Spandrel`;
  }, [q]);
  const { value, error, loading } = loader.state.value;
  return (
    <div class={styles.page}>
      <Progress loading={loading} />
      <QueryLine key={q} q={q} />
      {error && (
        <div class={styles.message}>
          <Failure error={error} retry={load} />
        </div>
      )}
      <div class={styles.columns}>
        <Facets q={q} range={range} />
        <div class={styles.main}>
          <Heatmap q={q} range={range} />
          <div class={styles.bar}>
            <h2>
              Traces{" "}
              {value && (
                <span class="secondary">
                  {value.length === limit
                    ? `newest ${limit}`.replace("newest", order === "start" ? "newest" : "longest")
                    : value.length}
                </span>
              )}
            </h2>
            <span class={styles.space} />
            <div role="radiogroup" aria-label="Order" class={styles.order}>
              {(["start", "duration"] as const).map((choice) => (
                <button
                  key={choice}
                  type="button"
                  role="radio"
                  aria-checked={order === choice}
                  class="button quiet"
                  onClick={() => setQuery({ order: choice === "duration" ? "duration" : undefined })}
                >
                  {choice === "start" ? "Newest" : "Longest"}
                </button>
              ))}
            </div>
          </div>
          {!value && !error && <Waiting lines={12} />}
          {value && <Results traces={value} />}
          {value && value.length === limit && (
            <button type="button" class="button" onClick={() => setQuery({ limit: String(limit * 2) })}>
              Show more
            </button>
          )}
          {value && value.length === 0 && <NoResults q={q} />}
        </div>
      </div>
    </div>
  );
}

function QueryLine({ q }: { q: string }) {
  const input = useRef<HTMLTextAreaElement>(null);
  const text = useSignal(q);
  const run = () => {
    if (text.value.trim() === q) refresh();
    else setQuery({ q: text.value.trim() || "{}", limit: undefined }, { replace: false });
  };
  return (
    <form
      class={styles.query}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <textarea
        ref={input}
        class="field mono"
        aria-label="TraceQL"
        rows={Math.min(6, text.value.split("\n").length)}
        spellcheck={false}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey) return;
          event.preventDefault();
          run();
        }}
      />
      <button type="submit" class="button primary">
        Run
      </button>
    </form>
  );
}

function Results({ traces }: { traces: readonly TraceResult[] }) {
  const longest = Math.max(1, ...traces.map(({ durationMillis }) => durationMillis));
  const now = Date.now();
  return (
    <table class="grid">
      <thead>
        <tr>
          <th>Time</th>
          <th>Root</th>
          <th>Services</th>
          <th class="numeric">Spans</th>
          <th class="numeric">Errors</th>
          <th class="numeric">Duration</th>
          <th aria-label="Duration as a bar" />
        </tr>
      </thead>
      <tbody>
        {traces.map((trace) => (
          <tr key={trace.traceId}>
            <td class="secondary" title={ago(trace.startMillis, now)}>
              {clock(trace.startMillis, utc.value)}
            </td>
            <td class={styles.root}>
              <a href={href(`/trace/${trace.traceId}`)}>
                <b>{trace.service || "root not received"}</b> {trace.name}
              </a>
            </td>
            <td title={trace.services.map(({ name, spans }) => `${name} ${spans}`).join("\n")}>
              <span class={styles.swatches}>
                {trace.services.slice(0, 10).map(({ name }) => (
                  <span key={name} class="swatch" style={{ background: serviceColor(name) }} />
                ))}
              </span>
              <span class="secondary">{counted(trace.services.length, "service")}</span>
            </td>
            <td class="numeric">{trace.spans.toLocaleString("en")}</td>
            <td class={`numeric ${trace.errors > 0 ? "error-text" : "secondary"}`}>{trace.errors || "–"}</td>
            <td class="numeric">{millis(trace.durationMillis)}</td>
            <td class={styles.length}>
              <span style={{ width: `${Math.max(1, (trace.durationMillis / longest) * 100)}%` }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NoResults({ q }: { q: string }) {
  return (
    <p class={styles.message}>
      No trace matches <code>{q}</code> in this time. Choose a wider range
      {q !== "{}" && (
        <>
          , or{" "}
          <a href={href("/search", { from: place.value.query.get("from") ?? undefined })}>
            look at all traces
          </a>
        </>
      )}
      .
    </p>
  );
}
