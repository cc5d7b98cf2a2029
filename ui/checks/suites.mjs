// The conformance data of TraceQL beside the checkout, where it is. Its files are read, and are no part of this
// repository.
import { existsSync, readFileSync } from "node:fs";

const FOLDER = new URL("../../../shared/suites/traceql/", import.meta.url);

/** Queries with what is known about them, each once; `null` where the data is not there. */
export function suiteQueries() {
  if (!existsSync(FOLDER)) return null;
  const cases = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8")).cases;
  const known = new Map();
  // Of what only has to parse nothing is known: it may be a part of a query, or of a type that no filter has.
  for (const { query } of cases("parse_ok")) known.set(query, {});
  for (const { query, section } of cases("examples")) {
    if (section === "valid") known.set(query, { valid: true });
    if (/_fails$/.test(section)) known.set(query, { valid: false });
  }
  for (const { query, error } of cases("parse_errors")) known.set(query, { valid: false, column: error.col });
  // A carriage return cannot be written into a field.
  const writable = [...known].filter(([query]) => !query.includes("\r"));
  return writable.map(([query, facts]) => ({ query, ...facts }));
}
