/** What the spans that match have in common: values of a few attributes with how many spans have each. */
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import { instantQuery, type Range } from "../api/metrics.ts";
import { setQuery } from "../router.ts";
import { serviceColor } from "../text/colors.ts";
import { compact } from "../text/numbers.ts";
import { quoted, withCondition } from "../traceql.ts";
import styles from "./facets.module.css";

interface Facet {
  readonly title: string;
  readonly attribute: string;
  /** Words of the language are not quoted. */
  readonly isWord: boolean;
}

const FACETS: readonly Facet[] = [
  { title: "Status", attribute: "status", isWord: true },
  { title: "Service", attribute: "resource.service.name", isWord: false },
  { title: "Operation", attribute: "name", isWord: false },
  { title: "Kind", attribute: "kind", isWord: true },
];

const VALUES_SHOWN = 8;

interface Counted {
  readonly value: string;
  readonly count: number;
}

export function Facets({ q, range }: { q: string; range: Range }) {
  return (
    <aside class={styles.facets} aria-label="Facets">
      {FACETS.map((facet) => (
        <Values key={facet.attribute} facet={facet} q={q} range={range} />
      ))}
    </aside>
  );
}

function Values({ facet, q, range }: { facet: Facet; q: string; range: Range }) {
  const { attribute, isWord, title } = facet;
  const loader = useMemo(() => new Loader<Counted[]>(), []);
  useEffect(() => {
    void loader.ask(async (signal) => {
      const series = await instantQuery(`${q} | count_over_time() by (${attribute})`, range, signal);
      const counted = series.map(({ labels, values }) => ({
        value: labels[attribute] ?? "",
        count: values[0] ?? 0,
      }));
      return counted.sort((a, b) => b.count - a.count);
    });
  }, [loader, q, range, attribute]);
  const { value, error } = loader.state.value;
  // A query that has no counts, such as one that is a metric itself, has no facets; the list says what is wrong with it.
  if (error || (value && value.length === 0)) return null;
  const most = value?.[0]?.count ?? 1;
  return (
    <section class={styles.facet}>
      <h3>{title}</h3>
      <ul>
        {(value ?? []).slice(0, VALUES_SHOWN).map(({ value, count }) => (
          <li key={value}>
            <button
              type="button"
              title={`Only ${value}`}
              onClick={() =>
                setQuery(
                  { q: withCondition(q, `${attribute} = ${isWord ? value : quoted(value)}`) },
                  { replace: false },
                )
              }
            >
              {attribute === "resource.service.name" && (
                <span class="swatch" style={{ background: serviceColor(value) }} />
              )}
              <span class={styles.value} data-error={attribute === "status" && value === "error"}>
                {value || "none"}
              </span>
              <span class="secondary">{compact(count)}</span>
              <span class={styles.share} style={{ width: `${(count / most) * 100}%` }} />
            </button>
          </li>
        ))}
      </ul>
      {value && value.length > VALUES_SHOWN && (
        <p class="secondary">and {value.length - VALUES_SHOWN} more</p>
      )}
    </section>
  );
}
