/** Pieces of TraceQL, for coloring and for small changes. Whether a query is right is decided by the server alone. */

export type TokenKind =
  | "space"
  | "comment"
  | "string"
  | "number"
  | "attribute"
  | "intrinsic"
  | "function"
  | "word"
  | "keyword"
  | "operator"
  | "bracket"
  | "unknown";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Position of its first UTF-16 unit. */
  readonly from: number;
}

const FUNCTIONS = new Set([
  "avg",
  "avg_over_time",
  "bottomk",
  "by",
  "coalesce",
  "compare",
  "count",
  "count_over_time",
  "histogram_over_time",
  "max",
  "max_over_time",
  "min",
  "min_over_time",
  "quantile_over_time",
  "rate",
  "select",
  "sum",
  "sum_over_time",
  "topk",
  "with",
]);

const INTRINSICS = new Set([
  "childCount",
  "duration",
  "event:name",
  "event:timeSinceStart",
  "instrumentation:name",
  "instrumentation:version",
  "kind",
  "link:spanID",
  "link:traceID",
  "name",
  "nestedSetLeft",
  "nestedSetParent",
  "nestedSetRight",
  "parent",
  "rootName",
  "rootServiceName",
  "span:childCount",
  "span:duration",
  "span:id",
  "span:kind",
  "span:name",
  "span:parentID",
  "span:status",
  "span:statusMessage",
  "status",
  "statusMessage",
  "trace:duration",
  "trace:id",
  "trace:rootName",
  "trace:rootService",
  "traceDuration",
]);

const WORDS = new Set([
  "client",
  "consumer",
  "error",
  "false",
  "internal",
  "nil",
  "ok",
  "producer",
  "server",
  "true",
  "unset",
  "unspecified",
]);

const KEY = String.raw`(?:"(?:[^"\\]|\\.)*"?|[^\s"{}()=<>!~|&,+*%^\x60])+`;

/** Tried in this order, each from where the one before ended. */
const PATTERNS: readonly (readonly [RegExp, TokenKind | null])[] = [
  [/\s+/y, "space"],
  [/\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y, "comment"],
  [/"(?:[^"\\]|\\[\s\S])*"?|`[^`]*`?/y, "string"],
  [
    new RegExp(`(?:parent\\.)?(?:span|resource|event|link|instrumentation|parent)?\\.(?!\\d)${KEY}`, "y"),
    "attribute",
  ],
  [
    /\d+(?:\.\d+)?(?:(?:ns|us|\u00b5s|ms|s|m|h|d|w)(?:\d+(?:\.\d+)?(?:ns|us|\u00b5s|ms|s|m|h))*)?(?![\w])/y,
    "number",
  ],
  [/[A-Za-z_]\w*(?::\w+)?/y, null],
  [/&[>]+>?|&<<|&<|&~|&&|\|\||[!=<>]~|!>>|!>|!<<|!<|!=|>=|<=|>>|<<|[=<>!+\-*/%^|,~]/y, "operator"],
  [/[{}()[\]]/y, "bracket"],
];

function kindOfName(text: string): TokenKind {
  if (FUNCTIONS.has(text)) return "function";
  if (INTRINSICS.has(text)) return "intrinsic";
  return WORDS.has(text) ? "word" : "unknown";
}

/** The pieces of a query, without gaps: their texts in a row are the query. */
export function tokensOf(query: string): Token[] {
  const tokens: Token[] = [];
  let from = 0;
  while (from < query.length) {
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
    if (text) return { kind: kind ?? kindOfName(text), text, from };
  }
  // A whole character: half of one is not text.
  return { kind: "unknown", text: String.fromCodePoint(query.codePointAt(from) ?? 0), from };
}

/** Positions of the bracket next to `at` and of its partner; `null` where there is none. */
export function bracketsAt(tokens: readonly Token[], at: number): readonly [number, number] | null {
  const index = tokens.findIndex(({ kind, from }) => kind === "bracket" && (from === at - 1 || from === at));
  const token = tokens[index];
  if (!token) return null;
  const isOpening = "{([".includes(token.text);
  const step = isOpening ? 1 : -1;
  let depth = 0;
  for (let i = index; i >= 0 && i < tokens.length; i += step) {
    const other = tokens[i];
    if (other?.kind !== "bracket") continue;
    depth += "{([".includes(other.text) === isOpening ? 1 : -1;
    if (depth === 0) return [token.from, other.from];
  }
  return null;
}
