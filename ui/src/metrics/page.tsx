/** Numbers out of spans: up to five TraceQL metrics queries, over the same time. */
import { useEffect, useMemo } from "preact/hooks";
import { type Range, rangeQuery, type Series, stepFor } from "../api/metrics.ts";
import { href, navigate, place } from "../router.ts";
import { valuesAt, whole } from "../service/figures.ts";
import { Answered, useAnswer } from "../service/loading.tsx";
import { Choices } from "../service/tabs.tsx";
import { Progress } from "../shell/states.tsx";
import { timeRange } from "../shell/time-range.ts";
import styles from "./page.module.css";
import { letter, PRESETS, QUERIES_MAX } from "./queries.ts";
import { QueryLine } from "./query-line.tsx";
import { Results } from "./results.tsx";

const VALUES = 90;
const EXEMPLARS = 30;
const FORMS = [
  ["line", "Lines"],
  ["stack", "Stacked"],
] as const;

export interface Answer {
  readonly queries: readonly string[];
  readonly all: readonly (readonly Series[])[];
  /** Ends of the intervals that are over. */
  readonly times: readonly number[];
  readonly stepMillis: number;
}

async function ask(queries: readonly string[], range: Range, signal: AbortSignal): Promise<Answer> {
  const step = stepFor(range, VALUES);
  const answers = await Promise.all(
    queries.map(async (q, i) => {
      try {
        return await rangeQuery(q, range, step, signal, EXEMPLARS);
      } catch (error) {
        if (error instanceof Error && queries.length > 1) error.message = `${letter(i)}: ${error.message}`;
        throw error;
      }
    }),
  );
  const ends = new Set(answers.flatMap((all) => all.flatMap(({ times }) => times)));
  const times = whole(
    [...ends].sort((a, b) => a - b),
    range,
  );
  const all = answers.map((series) => series.map((one) => ({ ...one, times, values: valuesAt(one, times) })));
  return { queries, all, times, stepMillis: step * 1e3 };
}

/** The address with these queries. */
function withQueries(queries: readonly string[], changes: Record<string, string | undefined> = {}): string {
  const query = new URLSearchParams(place.peek().query);
  query.delete("q");
  for (const q of queries) query.append("q", q);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) query.delete(name);
    else query.set(name, value);
  }
  return href("/metrics", query);
}

export function MetricsPage() {
  const { query } = place.value;
  const written = query.getAll("q").slice(0, QUERIES_MAX);
  const queries = written.length > 0 ? written : [""];
  const asked = queries.filter((q) => q.trim() !== "");
  const form = query.get("form") === "stack" ? "stack" : "line";
  const range = timeRange.value;
  const key = JSON.stringify(asked);
  const answer = useAnswer((signal) => ask(asked, range, signal), [key, range]);
  useEffect(() => {
    document.title = "Metrics · Spandrel";
  }, []);
  const change = (next: readonly string[]) => navigate(withQueries(next.length > 0 ? next : [""]));
  const known = useMemo(() => new Map(PRESETS), []);
  return (
    <>
      <Progress loading={answer.loading} />
      <div class={styles.page}>
        <header class={styles.header}>
          <h1>Metrics</h1>
          <span class={styles.space} />
          <Choices
            label="How series are drawn"
            choices={FORMS}
            current={form}
            choose={(form) =>
              navigate(withQueries(queries, { form: form === "line" ? undefined : form }), { replace: true })
            }
          />
          <select
            class="field"
            aria-label="Add one of these queries"
            value=""
            disabled={asked.length >= QUERIES_MAX}
            onChange={(event) => {
              const q = known.get(event.currentTarget.value);
              event.currentTarget.value = "";
              if (q) change([...asked, q]);
            }}
          >
            <option value="">Presets</option>
            {PRESETS.map(([label]) => (
              <option key={label}>{label}</option>
            ))}
          </select>
        </header>
        {queries.map((q, i) => (
          <QueryLine
            key={`${i} ${q}`}
            label={letter(i)}
            q={q}
            run={(text) => change(queries.map((other, at) => (at === i ? text : other)))}
            remove={queries.length > 1 ? () => change(queries.filter((_, at) => at !== i)) : null}
          />
        ))}
        {queries.length < QUERIES_MAX && queries.every((q) => q.trim() !== "") && (
          <p class={styles.add}>
            <button type="button" class="button quiet" onClick={() => change([...queries, ""])}>
              + Add a query
            </button>
          </p>
        )}
        {asked.length === 0 ? (
          <Suggestions choose={(q) => change([q])} />
        ) : (
          <Answered
            answer={answer}
            lines={12}
            show={(value) => <Results answer={value} range={range} form={form} />}
          />
        )}
      </div>
    </>
  );
}

function Suggestions({ choose }: { choose: (q: string) => void }) {
  return (
    <section class={styles.suggestions} aria-label="Queries to start with">
      <p class="secondary">Write a query that ends in a metric, or start with one of these.</p>
      <ul>
        {PRESETS.map(([label, q]) => (
          <li key={label}>
            <button type="button" onClick={() => choose(q)}>
              <b>{label}</b>
              <code>{q}</code>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
