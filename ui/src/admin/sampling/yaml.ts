/** Settings as YAML in the way people write the Collector's files: blocks, and short lists in one line. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export const isMap = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** What a dialect of YAML takes for something else than a text. */
const WORDS = /^(true|false|null|yes|no|on|off|y|n|nan|inf)$/i;
const PLAIN = /^[A-Za-z_/][\w./-]*( [\w./-]+)*$/;
const DURATION = /^\d+(\.\d+)?(ns|us|ms|s|m|h)$/;
const LINE = 80;

function text(value: string): string {
  if ((PLAIN.test(value) && !WORDS.test(value)) || DURATION.test(value)) return value;
  // Every JSON text is one of YAML, except for what YAML takes for the end of a line.
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** In one line; `null` when it has something with parts in it. */
function inline(value: Json): string | null {
  if (typeof value === "string") return text(value);
  if (isList(value)) {
    const parts = value.map((one) => (isList(one) || isMap(one) ? null : inline(one)));
    return parts.includes(null) ? null : `[${parts.join(", ")}]`;
  }
  if (isMap(value)) return Object.keys(value).length === 0 ? "{}" : null;
  return String(value);
}

/** Behind `key:` or `-`, from the space or the end of the line on. */
function below(value: Json, indent: string): string {
  const line = inline(value);
  const isShort = line !== null && (!isList(value) || value.length < 2 || line.length <= LINE);
  return isShort ? ` ${line}\n` : `\n${block(value, indent)}`;
}

function block(value: Json, indent: string): string {
  if (isMap(value)) {
    return Object.entries(value)
      .map(([key, one]) => `${indent}${text(key)}:${below(one, `${indent}  `)}`)
      .join("");
  }
  if (!isList(value)) return `${indent}${inline(value)}\n`;
  return value
    .map((one) => {
      const deeper = `${indent}  `;
      const written = isMap(one) && Object.keys(one).length > 0 ? block(one, deeper) : null;
      // The first line of what is below stands behind the dash.
      return `${indent}-${written === null ? below(one, deeper) : ` ${written.slice(deeper.length)}`}`;
    })
    .join("");
}

/** A whole document. */
export function yamlOf(value: Json): string {
  return inline(value) === null ? block(value, "") : `${inline(value)}\n`;
}

/** Below so many levels of keys. */
export function indented(yaml: string, levels: number): string {
  return yaml
    .split("\n")
    .map((line) => (line === "" ? line : `${"  ".repeat(levels)}${line}`))
    .join("\n");
}
