/** What a comparison says: which attributes tell the sides apart, in which words, and what is only noise. */
import type { ComparedAttribute, Comparison } from "../api/schema.ts";
import { tokensOf } from "../query/tokens.ts";
import { percent } from "../text/numbers.ts";

export interface ValueRow {
  readonly kind: "value" | "absent" | "other";
  readonly text: string;
  /** The condition of a query that holds for its spans; `null` for the sum of others. */
  readonly filter: string | null;
  /** Shares of either side. */
  readonly selection: number;
  readonly baseline: number;
}

export interface Card {
  readonly attribute: ComparedAttribute;
  readonly rows: readonly ValueRow[];
  /** The value that is most over-represented in the selection, or else under-represented. */
  readonly headline: ValueRow;
}

export interface Ranking {
  readonly telling: readonly Card[];
  /** What the selection itself asks for says nothing new. */
  readonly asked: readonly Card[];
  /** Nothing much differs. */
  readonly alike: readonly Card[];
  /** Nearly every span has its own value. */
  readonly idLike: readonly Card[];
}

/** G squared that one in a hundred attributes without any meaning has. */
const SCORE_MIN = 6.63;
/** A smaller difference of shares helps nobody, however sure it is. */
const APART_MIN = 0.02;

const apart = ({ selection, baseline }: ValueRow) => selection - baseline;

export function rankingOf(comparison: Comparison): Ranking {
  const telling: Card[] = [];
  const asked: Card[] = [];
  const alike: Card[] = [];
  const idLike: Card[] = [];
  for (const attribute of comparison.attributes) {
    const card = cardOf(attribute, comparison);
    if (!card) continue;
    const isTelling =
      attribute.score >= SCORE_MIN && card.rows.some((row) => Math.abs(apart(row)) >= APART_MIN);
    if (attribute.ofSelection) asked.push(card);
    else (attribute.idLike ? idLike : isTelling ? telling : alike).push(card);
  }
  return { telling, asked, alike, idLike };
}

function cardOf(attribute: ComparedAttribute, { selection, baseline }: Comparison): Card | null {
  const share = (count: number, of: number) => (of > 0 ? count / of : 0);
  const row = (
    kind: ValueRow["kind"],
    text: string,
    filter: string | null,
    counts: { selection: number; baseline: number },
  ): ValueRow => ({
    kind,
    text,
    filter,
    selection: share(counts.selection, selection.spans),
    baseline: share(counts.baseline, baseline.spans),
  });
  const rows = attribute.values.map((value) => row("value", value.text, value.filter, value));
  const { absent, other } = attribute;
  if (absent.selection + absent.baseline > 0) {
    const lacking = row("absent", "absent", `${attribute.name} = nil`, absent);
    // Where its difference belongs among those of the values.
    const at = rows.findIndex((value) => Math.abs(apart(value)) < Math.abs(apart(lacking)));
    rows.splice(at < 0 ? rows.length : at, 0, lacking);
  }
  const named = [...rows].sort((x, y) => apart(y) - apart(x));
  const [most, least] = [named[0], named.at(-1)];
  if (!most || !least) return null;
  if (other.selection + other.baseline > 0) rows.push(row("other", "other values", null, other));
  return { attribute, rows, headline: apart(most) >= APART_MIN ? most : least };
}

/** A share; none at all has no fraction. */
export function shareText(share: number): string {
  return share === 0 ? "0 %" : percent(share);
}

/** `92 %` of numbers that only need to be compared. */
function rounded(share: number): string {
  return share >= 0.0995 ? `${Math.round(share * 100)} %` : shareText(share);
}

/** `version = bad is 92 % of the selection, 11 % of the rest`, in pieces: what, and the rest of the sentence. */
export function sentenceOf({ attribute, headline }: Card): { what: string; says: string } {
  const shares = `${rounded(headline.selection)} of the selection, ${rounded(headline.baseline)} of the rest`;
  return headline.kind === "absent"
    ? { what: attribute.name, says: `is absent in ${shares}` }
    : { what: `${attribute.name} = ${headline.text}`, says: `is ${shares}` };
}

/** How many times as frequent in the selection: `8.4\u00d7`; `only here` where the rest has none. */
export function liftOf({ headline: { selection, baseline } }: Card): string {
  if (selection === 0) return "never here";
  if (baseline === 0) return "only here";
  const lift = selection / baseline;
  return `${lift >= 10 ? Math.round(lift) : lift.toPrecision(2)}\u00d7`;
}

/** Conditions for the spans with a value, and for those without it; `null` for what no condition names. */
export function conditionsOf({ filter }: ValueRow): { readonly is: string; readonly isNot: string } | null {
  if (filter === null) return null;
  const tokens = tokensOf(filter).filter(({ kind }) => kind !== "space");
  const [, operator] = tokens;
  const isEquality = tokens.length === 3 && operator?.text === "=";
  return {
    is: filter,
    isNot: isEquality ? `${filter.slice(0, operator.from)}!${filter.slice(operator.from)}` : `!(${filter})`,
  };
}
