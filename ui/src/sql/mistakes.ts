/** Where in a query the mistake is that the server tells of. */
import type { Problem } from "../query/language.ts";
import type { Token } from "../query/tokens.ts";
import { tokensOf } from "./tokens.ts";

/** The message without what a reader of a page cannot use. */
export function plainMessage(message: string): string {
  return message
    .replace(/^(Error during planning|Schema error|Execution error|Arrow error): /, "")
    .replace(/Internal error: /g, "")
    .replace(/\nThis issue was likely caused by a bug in DataFusion's code\.[^\n]*?issues\.\s*/g, "\n")
    .trim();
}

function positionOf(text: string, line: number, column: number): number {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0);
  // The server counts characters, of which some are two units.
  return before + [...(lines[line - 1] ?? "")].slice(0, column - 1).join("").length;
}

/** The token at a place, or what its tokens say about it. */
function tokenAt(tokens: readonly Token[], at: number): Token | undefined {
  return tokens.find(({ from, text }) => from <= at && at < from + text.length);
}

/** Where a name is used: `a.b` is three tokens. */
function placeOf(tokens: readonly Token[], text: string, name: string): [number, number] | null {
  const low = name.toLowerCase();
  const parts = tokensOf(name).length;
  for (let i = 0; i < tokens.length; i++) {
    const run = tokens.slice(i, i + parts);
    const [from, last] = [run[0]?.from ?? 0, run.at(-1)];
    const to = last ? last.from + last.text.length : from;
    const isPart = tokens[i - 1]?.text === "." || run[0]?.kind === "string" || run[0]?.kind === "comment";
    if (!isPart && text.slice(from, to).toLowerCase() === low) return [from, to];
  }
  return null;
}

/** A name without the table that it needs not. */
const bare = (name: string, wanted: string) => (wanted.includes(".") ? name : name.replace(/^\w+\./, ""));

/**
 * The mistake with its place, when the message has one: a line and a column, the end, or a name that is not known.
 * `null` for all others.
 */
export function mistakeOf(text: string, error: string): Problem | null {
  // The page lists the columns.
  const message = plainMessage(error).replace(/\nValid fields are [^\n]*/, "");
  const tokens = tokensOf(text);
  const found = (from: number, to: number, replace: string | null = null): Problem => ({
    from,
    to,
    severity: "error",
    message,
    replace,
  });
  const place = /at Line: (\d+), Column: (\d+)/.exec(error);
  if (place) {
    const at = positionOf(text, Number(place[1]), Number(place[2]));
    const token = tokenAt(tokens, at);
    const without = message.replace(/ at Line: \d+, Column: \d+/, "");
    return { ...found(at, token ? token.from + token.text.length : at + 1), message: without };
  }
  if (/found: EOF/.test(error)) {
    const end = text.trimEnd().length;
    return { ...found(end, end + 1), message: message.replace("found: EOF", "but the query ends here") };
  }
  const [, name] =
    /No field named "?(\w+(?:\.\w+)*)/.exec(error) ??
    /Invalid function '(\w+)'/.exec(error) ??
    /table '(?:\w+\.)*(\w+)' not found/.exec(error) ??
    /failed to match any signature[\s\S]*types '(\w+)\(/.exec(error) ??
    [];
  const used = name === undefined ? null : placeOf(tokens, text, name);
  if (!used || name === undefined) return null;
  const [, meant] = /Did you mean '([\w.]+)'/.exec(error) ?? [];
  return found(used[0], used[1], meant ? bare(meant, name) : null);
}
