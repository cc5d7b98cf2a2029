/** One attribute of a comparison: who has which value how often, and where to go from there. */
import { useSignal } from "@preact/signals";
import { href, place } from "../router.ts";
import { bothOf, withCondition } from "../traceql.ts";
import { type Card, conditionsOf, liftOf, sentenceOf, shareText, type ValueRow } from "./ranking.ts";
import styles from "./selection.module.css";

const ROWS_SHOWN = 5;

export interface CardProps {
  readonly card: Card;
  readonly q: string;
  readonly selection: string;
  readonly rank: number | undefined;
}

export function CardOf({ card, q, selection, rank }: CardProps) {
  const isOpen = useSignal(false);
  const { name, sameAs } = card.attribute;
  const { what, says } = sentenceOf(card);
  const rows = isOpen.value ? card.rows : card.rows.slice(0, ROWS_SHOWN);
  const widest = card.rows.reduce((most, row) => Math.max(most, row.selection, row.baseline), 0.01);
  return (
    <li class={styles.card} data-attribute={name}>
      <header>
        {rank !== undefined && <span class={styles.rank}>{rank}</span>}
        <h3 class="mono">{name}</h3>
        <span class={styles.lift} title="How many times as frequent in the selection">
          {liftOf(card)}
        </span>
        <span class={styles.space} />
        <a
          class={styles.group}
          href={href("/metrics", { q: `${q} | count_over_time() by (${name})`, ...shownRange() })}
          title={`Count over time by ${name}`}
        >
          over time
        </a>
      </header>
      <p class={styles.sentence}>
        <code>{what}</code> {says}
      </p>
      <ul>
        {rows.map((row) => (
          <Value
            key={`${row.kind} ${row.text} ${row.filter}`}
            row={row}
            widest={widest}
            q={q}
            selection={selection}
          />
        ))}
      </ul>
      {card.rows.length > ROWS_SHOWN && (
        <button
          type="button"
          class={styles.more}
          aria-expanded={isOpen.value}
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          {isOpen.value ? "fewer" : `${card.rows.length - ROWS_SHOWN} more`}
        </button>
      )}
      {sameAs.length > 0 && (
        <p class={styles.same}>
          divides in the same way: <code>{sameAs.join(", ")}</code>
        </p>
      )}
    </li>
  );
}

function shownRange() {
  const { query } = place.value;
  return { from: query.get("from") ?? undefined, to: query.get("to") ?? undefined };
}

function Value({
  row,
  widest,
  q,
  selection,
}: {
  row: ValueRow;
  widest: number;
  q: string;
  selection: string;
}) {
  const conditions = conditionsOf(row);
  const label = row.kind === "value" ? row.text || '""' : row.text;
  return (
    <li class={styles.value} data-kind={row.kind}>
      <span class={styles.text} title={label}>
        {label}
      </span>
      <span class={styles.bars} aria-hidden="true">
        <span data-side="selection" style={{ width: `${(row.selection / widest) * 100}%` }} />
        <span data-side="baseline" style={{ width: `${(row.baseline / widest) * 100}%` }} />
      </span>
      <span class={styles.shares}>
        <span>
          {shareText(row.selection)}
          <span class="visually-hidden"> of the selection,</span>
        </span>
        <span>
          {shareText(row.baseline)}
          <span class="visually-hidden"> of the rest</span>
        </span>
      </span>
      <span class={styles.actions}>
        {conditions && (
          <Actions
            label={label}
            conditions={conditions}
            q={q}
            selection={selection}
            hasExamples={row.selection > 0}
          />
        )}
      </span>
    </li>
  );
}

function Actions({
  label,
  conditions,
  q,
  selection,
  hasExamples,
}: {
  label: string;
  conditions: { readonly is: string; readonly isNot: string };
  q: string;
  selection: string;
  hasExamples: boolean;
}) {
  const range = shownRange();
  const action = (sign: string, says: string, query: string) => (
    <a href={href("/search", { q: query, ...range })} aria-label={says} title={says}>
      {sign}
    </a>
  );
  return (
    <>
      {action("+", `Only spans with ${label}`, withCondition(q, conditions.is))}
      {action("−", `Only spans without ${label}`, withCondition(q, conditions.isNot))}
      {hasExamples &&
        action(
          "→",
          `Examples of the selection with ${label}`,
          withCondition(bothOf(q, selection) ?? selection, conditions.is),
        )}
    </>
  );
}
