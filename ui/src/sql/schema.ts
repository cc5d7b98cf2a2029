/** What there is to ask for: tables with their columns, and the attributes of the spans. */
import { getJson } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import type { TagNames } from "../api/schema.ts";
import type { Row } from "./reader.ts";
import { rowsOf } from "./run.ts";

export interface TableColumn {
  readonly name: string;
  readonly type: string;
}

export interface Table {
  /** As a query has to write it. */
  readonly name: string;
  readonly columns: readonly TableColumn[];
}

export interface Attribute {
  readonly scope: "span" | "resource";
  readonly name: string;
}

export interface SqlSchema {
  readonly tables: readonly Table[];
  readonly attributes: readonly Attribute[];
}

export const EMPTY: SqlSchema = { tables: [], attributes: [] };

/** The table of spans; the others describe it. */
export const SPANS = "spans";

/** Columns that exist where a query names them: the schema does not list them. */
export const OF_TRACES: readonly TableColumn[] = [
  { name: "root_name", type: "text" },
  { name: "root_service_name", type: "text" },
  { name: "trace_duration_ms", type: "double" },
];

const ABOUT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    trace_id: "32 hexadecimal digits",
    span_id: "16 hexadecimal digits",
    parent_span_id: "null where there is no parent",
    service_name: "service.name of the resource",
    name: "the operation",
    kind: "unspecified, internal, server, client, producer or consumer",
    start_time: "nanoseconds, UTC",
    end_time: "nanoseconds, UTC",
    duration_ms: "for people",
    duration_nanos: "the same as duration_ms, exact",
    status: "unset, ok or error",
    status_message: "null when empty",
    scope_name: "the instrumentation",
    scope_version: "of the instrumentation",
    trace_state: "W3C tracestate",
    weight: "how many spans this one stands for: sum(weight) counts what was sampled as well",
    root_name: "operation of the root span of the trace",
    root_service_name: "service of the root span of the trace",
    trace_duration_ms: "last end minus first start within the trace",
  }),
);

/** What a column of spans has. */
export const aboutColumn = (name: string) => ABOUT.get(name);

/** What SQL calls a type that the server's own tables call by Arrow's name. */
export function typeName(arrow: string): string {
  if (/^(Large)?Utf8(View)?$/.test(arrow)) return "text";
  if (arrow.startsWith("Timestamp"))
    return /None/.test(arrow) || !arrow.includes(",") ? "timestamp" : "timestamptz";
  if (arrow === "Int64" || arrow.startsWith("UInt")) return "bigint";
  if (arrow.startsWith("Int")) return "integer";
  if (arrow.startsWith("Float")) return "double";
  return arrow.toLowerCase();
}

/** Tables out of rows of schema, table, column and type. */
export function tablesOf(rows: readonly Row[]): Table[] {
  const tables = new Map<string, TableColumn[]>();
  for (const [schema, table, column, type] of rows) {
    const name = schema === "public" ? String(table) : `${schema}.${table}`;
    const columns = tables.get(name) ?? [];
    columns.push({ name: String(column), type: typeName(String(type)) });
    tables.set(name, columns);
  }
  const all = Array.from(tables, ([name, columns]) => ({ name, columns }));
  return all.sort((a, b) => Number(a.name.includes(".")) - Number(b.name.includes(".")));
}

const COLUMNS = `SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
ORDER BY table_schema, table_name, ordinal_position`;

export async function fetchTables(range: Range, signal: AbortSignal): Promise<Table[]> {
  return tablesOf(await rowsOf(COLUMNS, range, signal));
}

export async function fetchAttributes({ from, to }: Range, signal: AbortSignal): Promise<Attribute[]> {
  const params = { start: String(Math.floor(from / 1e3)), end: String(Math.ceil(to / 1e3)) };
  const { scopes = [] } = await getJson<TagNames>("/tempo/api/v2/search/tags", params, signal);
  return (["span", "resource"] as const).flatMap((scope) =>
    (scopes.find(({ name }) => name === scope)?.tags ?? []).map((name) => ({ scope, name })),
  );
}

/** A text as SQL writes it. */
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** How a query reads an attribute. */
export const callOf = ({ scope, name }: Attribute) => `${scope}_attr(${literal(name)})`;
