/** Pieces of SQL, for coloring and completion. Whether a query is right is decided by the server alone. */
import type { Token, TokenKind } from "../query/tokens.ts";

const words = (text: string) => new Set(text.split(" "));

export const KEYWORDS = words(
  "all analyze and any as asc between both by case cast cross cube current desc describe distinct else end except exclude exists explain extract false fetch filter first following for from full group grouping having ilike in inner intersect interval into is join last lateral leading left like limit natural not null nulls offset on or order outer over partition preceding range recursive right rollup rows select sets show similar some then to trailing true try_cast unbounded union unnest using values verbose when where window with within",
);

/** Types behind `AS` of a cast and `::`. */
const TYPES = words(
  "bigint boolean bool bytea char date decimal double float int integer numeric precision real smallint text time timestamp timestamptz tinyint varchar",
);

/** Tried in this order, each from where the one before ended. */
const PATTERNS: readonly (readonly [RegExp, TokenKind | null])[] = [
  [/\s+/y, "space"],
  [/--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y, "comment"],
  [/'(?:[^']|'')*'?/y, "string"],
  [/"(?:[^"]|"")*"?/y, "attribute"],
  [/(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?!\w)/y, "number"],
  [/[A-Za-z_]\w*/y, null],
  [/<=>|\|\||::|!=|<>|>=|<=|!~\*|!~|~\*|[=<>+\-*/%^|&~,;.:]/y, "operator"],
  [/[()[\]{}]/y, "bracket"],
];

function kindOfName(name: string, isCalled: boolean): TokenKind {
  const low = name.toLowerCase();
  if (KEYWORDS.has(low) && !(isCalled && ["left", "right"].includes(low))) return "keyword";
  if (isCalled) return "function";
  return TYPES.has(low) ? "word" : "unknown";
}

/** The pieces of a query, without gaps: their texts in a row are the query. */
export function tokensOf(query: string): Token[] {
  const tokens: Token[] = [];
  for (let from = 0; from < query.length; ) {
    const token = tokenAt(query, from);
    tokens.push(token);
    from += token.text.length;
  }
  return tokens;
}

function tokenAt(query: string, from: number): Token {
  for (const [pattern, kind] of PATTERNS) {
    pattern.lastIndex = from;
    const text = pattern.exec(query)?.[0];
    if (!text) continue;
    const called = () => /^\s*\(/.test(query.slice(from + text.length, from + text.length + 20));
    return { kind: kind ?? kindOfName(text, called()), text, from };
  }
  // A whole character: half of one is not text.
  return { kind: "unknown", text: String.fromCodePoint(query.codePointAt(from) ?? 0), from };
}
