/** Templates of Jaeger's `linkPatterns`: `#{name}`, or `#{name | function arguments}`, stands for a value. */

/** The value of a name; `undefined` when there is none. */
export type Lookup = (name: string) => string | undefined;

const PARAMETER = /#\{([^{}]*)\}/g;

/** The names that a template needs. */
export function namesIn(template: string): string[] {
  return [...template.matchAll(PARAMETER)].map(([, inside = ""]) => inside.split("|")[0]?.trim() ?? "");
}

/** The template with its values, each changed by `write`; `null` when one is missing. */
export function fill(
  template: string,
  lookup: Lookup,
  write: (value: string) => string = (value) => value,
): string | null {
  let isWhole = true;
  const text = template.replace(PARAMETER, (_, inside: string) => {
    const [name = "", ...functions] = inside.split("|").map((part) => part.trim());
    const found = lookup(name);
    const value = found === undefined ? undefined : functions.reduce<string | undefined>(applied, found);
    if (value === undefined) isWhole = false;
    return write(value ?? "");
  });
  return isWhole ? text : null;
}

/** Jaeger's functions. */
function applied(value: string | undefined, call: string): string | undefined {
  if (value === undefined) return undefined;
  const [name, ...args] = call.split(/\s+/);
  switch (name) {
    case "epoch_micros_to_date_iso": {
      const date = new Date(Number(value) / 1e3);
      return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
    }
    case "pad_start":
      return value.padStart(Number(args[0]), args[1]);
    case "add": {
      const sum = Number(value) + Number(args[0]);
      return Number.isFinite(sum) ? String(sum) : undefined;
    }
    default:
      return undefined;
  }
}

/** An address with its values; `null` when one is missing, or when what comes out would not be an address. */
export function fillUrl(template: string, lookup: Lookup): string | null {
  // A value that is the address as a whole stays as it is.
  const isWhole = /^#\{[^{}]*\}$/.test(template);
  const url = fill(template, lookup, isWhole ? undefined : encodeURIComponent);
  return url !== null && /^(https?:\/\/|\/)/i.test(url) ? url : null;
}
