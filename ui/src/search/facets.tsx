/** What the spans that match have in common: values of a few attributes with how many spans have each. */
import { useEffect, useMemo } from "preact/hooks";
import { isMistake } from "../api/http.ts";
import { Loader } from "../api/loaded.ts";
import type { Range } from "../api/metrics.ts";
import { type Counted, fetchValues } from "../api/values.ts";
import { place, setQuery } from "../router.ts";
import { serviceColor } from "../text/colors.ts";
import { compact } from "../text/numbers.ts";
import { withCondition } from "../traceql.ts";
import { AttributePicker } from "./attributes.tsx";
import { keyOf, namesOf, parameterOf } from "./columns.ts";
import styles from "./facets.module.css";

const ALWAYS: readonly (readonly [string, string])[] = [
  ["status", "Status"],
  ["resource.service.name", "Service"],
  ["name", "Operation"],
  ["kind", "Kind"],
];

const VALUES_SHOWN = 8;

export function Facets({ q, range }: { q: string; range: Range }) {
  const added = namesOf(place.value.query.get("facets"));
  const set = (names: readonly string[]) => setQuery({ facets: parameterOf(names) });
  return (
    <aside class={styles.facets} aria-label="Facets">
      {ALWAYS.map(([attribute, title]) => (
        <Values key={attribute} attribute={attribute} title={title} q={q} range={range} />
      ))}
      {added.map((attribute) => (
        <Values
          key={attribute}
          attribute={attribute}
          title={keyOf(attribute)}
          q={q}
          range={range}
          remove={() => set(added.filter((other) => other !== attribute))}
        />
      ))}
      <AttributePicker
        label="+ attribute"
        range={range}
        choose={(name) => set([...added.filter((other) => other !== name), name])}
      />
    </aside>
  );
}

function Values({
  attribute,
  title,
  q,
  range,
  remove,
}: {
  attribute: string;
  title: string;
  q: string;
  range: Range;
  remove?: () => void;
}) {
  const loader = useMemo(() => new Loader<Counted[]>(), []);
  useEffect(() => {
    void loader.ask((signal) => fetchValues(q, attribute, range, signal));
  }, [loader, q, range, attribute]);
  const { value, error } = loader.state.value;
  // A query that has no counts, such as one that is a metric itself, has no facets; the list says what is wrong with it.
  const isUnknown = error !== null && (value === null || isMistake(error));
  if (!remove && (isUnknown || value?.length === 0)) return null;
  const most = value?.[0]?.count ?? 1;
  const rest = (value ?? []).slice(VALUES_SHOWN);
  return (
    <section class={styles.facet}>
      <h3>
        <span title={attribute}>{title}</span>
        {remove && (
          <button type="button" class={styles.remove} aria-label={`Without ${attribute}`} onClick={remove}>
            ✕
          </button>
        )}
      </h3>
      {isUnknown && <p class="secondary">No counts: {error.message}</p>}
      {value?.length === 0 && <p class="secondary">No span has it</p>}
      <ul>
        {(value ?? []).slice(0, VALUES_SHOWN).map((counted) => (
          <Value
            key={counted.literal}
            attribute={attribute}
            counted={counted}
            share={counted.count / most}
            q={q}
          />
        ))}
      </ul>
      {rest.length > 0 && (
        <p class="secondary">
          {rest.length.toLocaleString("en")} more with{" "}
          {compact(rest.reduce((sum, { count }) => sum + count, 0))} spans
        </p>
      )}
    </section>
  );
}

function Value({
  attribute,
  counted: { text, literal, count },
  share,
  q,
}: {
  attribute: string;
  counted: Counted;
  share: number;
  q: string;
}) {
  const narrow = (operator: "=" | "!=") =>
    setQuery(
      { q: withCondition(q, `${attribute} ${operator} ${literal}`), limit: undefined },
      { replace: false },
    );
  return (
    <li>
      <button type="button" class={styles.include} title={`Only ${text}`} onClick={() => narrow("=")}>
        {attribute === "resource.service.name" && (
          <span class="swatch" style={{ background: serviceColor(text) }} />
        )}
        <span
          class={styles.value}
          data-error={attribute === "status" && text === "error"}
          data-nil={literal === "nil" || undefined}
        >
          {literal === "nil" ? "none" : text || '""'}
        </span>
        <span class="secondary" title={`${count.toLocaleString("en")} spans`}>
          {compact(count)}
        </span>
        <span class={styles.share} style={{ width: `${share * 100}%` }} />
      </button>
      <button
        type="button"
        class={styles.exclude}
        aria-label={`All but ${text}`}
        title={`All but ${text}`}
        onClick={() => narrow("!=")}
      >
        −
      </button>
    </li>
  );
}
