/** A selection of spans against the rest: in which attributes do they differ? */
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import type { Range } from "../api/metrics.ts";
import type { Comparison } from "../api/schema.ts";
import { useTextOf } from "../query/bar.tsx";
import { QueryEditor } from "../query/editor.tsx";
import { href, place, setQuery } from "../router.ts";
import { Failure, Progress, Waiting } from "../shell/states.tsx";
import { refresh, timeRange } from "../shell/time-range.ts";
import { counted } from "../text/numbers.ts";
import { bothOf } from "../traceql.ts";
import { fetchComparison } from "./answers.ts";
import { CardOf } from "./card.tsx";
import { type Card, rankingOf } from "./ranking.ts";
import styles from "./selection.module.css";

/** What failed, as a selection to begin with. */
const SELECTION = "{ status = error }";

export function ComparedSpans() {
  const { query } = place.value;
  const q = query.get("q") ?? "{}";
  const selection = query.get("sel") ?? SELECTION;
  const range = timeRange.value;
  const loader = useMemo(() => new Loader<Comparison>(), []);
  const load = () => void loader.ask((signal) => fetchComparison(q, selection, range, signal));
  useEffect(load, [q, selection, range]);
  useEffect(() => {
    document.title = `${selection} compared · Spandrel`;
  }, [selection]);
  const { value, error, loading } = loader.state.value;
  return (
    <div class={styles.page}>
      <Progress loading={loading} />
      <div class={styles.columns}>
        <Sides q={q} selection={selection} range={range} value={value} />
        <section class={styles.main} aria-label="Differences" aria-busy={loading}>
          {error && <Failure error={error} retry={load} kept={value !== null} />}
          {!value && !error && <Waiting lines={14} />}
          {value && <Differences value={value} q={q} selection={selection} />}
        </section>
      </div>
    </div>
  );
}

function Sides({
  q,
  selection,
  range,
  value,
}: {
  q: string;
  selection: string;
  range: Range;
  value: Comparison | null;
}) {
  const some = useTextOf(selection);
  const all = useTextOf(q);
  const run = () => {
    if (some.value.trim() === selection && all.value.trim() === q) refresh();
    else setQuery({ sel: some.value.trim(), q: all.value.trim() || "{}" }, { replace: false });
  };
  const both = bothOf(q, selection);
  const { query } = place.value;
  const shown = { from: query.get("from") ?? undefined, to: query.get("to") ?? undefined };
  return (
    <aside class={styles.sides} aria-label="What is compared">
      <h1>Compare</h1>
      <Side side="selection" title="Selection" spans={value?.selection.spans}>
        <QueryEditor text={some} label="Selection" run={run} range={range} />
      </Side>
      <Side side="baseline" title="The rest of" spans={value?.baseline.spans}>
        <QueryEditor text={all} label="The rest of" run={run} range={range} />
      </Side>
      <div class={styles.runs}>
        <button type="button" class="button primary" onClick={run}>
          Compare
        </button>
        {both && (
          <a class="button" href={href("/search", { q: both, ...shown })}>
            Show traces
          </a>
        )}
      </div>
      <p class={styles.hint}>
        Every span in the time range counts, none is sampled. Attributes whose values are shared out
        differently come first.
      </p>
    </aside>
  );
}

function Side({
  side,
  title,
  spans,
  children,
}: {
  side: "selection" | "baseline";
  title: string;
  spans: number | undefined;
  children: preact.ComponentChildren;
}) {
  return (
    <div class={styles.side}>
      <h2>
        <span class={styles.key} data-side={side} /> {title}
        <span class={styles.count}>{spans === undefined ? "" : counted(spans, "span")}</span>
      </h2>
      {children}
    </div>
  );
}

function Differences({ value, q, selection }: { value: Comparison; q: string; selection: string }) {
  const ranking = useMemo(() => rankingOf(value), [value]);
  if (value.selection.spans === 0 || value.baseline.spans === 0) {
    const isEmpty = value.selection.spans === 0;
    return (
      <p class={styles.nothing}>
        {isEmpty
          ? "No span passes the selection"
          : "Every span passes the selection, nothing is left to compare with"}
        . Choose a wider time range, or change {isEmpty ? "the selection" : "one of the two filters"}.
      </p>
    );
  }
  return (
    <>
      {!value.complete && (
        <div class={`notice ${styles.notice}`} role="status">
          {counted(value.leftOut, "attribute")} with too many values, or beyond the most telling ones, are not
          shown in full.
        </div>
      )}
      <p class="visually-hidden" role="status">
        {counted(ranking.telling.length, "attribute")} differ
      </p>
      {ranking.telling.length === 0 && (
        <p class={styles.nothing}>No attribute tells the selection from the rest.</p>
      )}
      <Cards cards={ranking.telling} q={q} selection={selection} ranked />
      <Folded title="What the selection asks for" cards={ranking.asked} q={q} selection={selection} />
      <Folded title="No difference" cards={ranking.alike} q={q} selection={selection} />
      <Folded title="Different for nearly every span" cards={ranking.idLike} q={q} selection={selection} />
    </>
  );
}

function Cards({
  cards,
  q,
  selection,
  ranked = false,
}: {
  cards: readonly Card[];
  q: string;
  selection: string;
  ranked?: boolean;
}) {
  return (
    <ol class={styles.cards}>
      {cards.map((card, i) => (
        <CardOf
          key={card.attribute.name}
          card={card}
          q={q}
          selection={selection}
          rank={ranked ? i + 1 : undefined}
        />
      ))}
    </ol>
  );
}

function Folded({
  title,
  cards,
  q,
  selection,
}: {
  title: string;
  cards: readonly Card[];
  q: string;
  selection: string;
}) {
  if (cards.length === 0) return null;
  return (
    <details class={styles.folded}>
      <summary>
        {title} <span class="secondary">{counted(cards.length, "attribute")}</span>
      </summary>
      <Cards cards={cards} q={q} selection={selection} />
    </details>
  );
}
