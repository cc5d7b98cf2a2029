/** Results as a table for other programs (CSV as RFC 4180 has it). */
import type { SpanResult, TraceResult } from "../api/search.ts";
import { keyOf, valueIn } from "./columns.ts";

type Cell = string | number;

export function csvOf(rows: readonly (readonly Cell[])[]): string {
  const cell = (value: Cell) => {
    const text = String(value);
    // A spreadsheet would run what begins like a formula.
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

const time = (millis: number) => new Date(millis).toISOString();

export function traceTable(traces: readonly TraceResult[], columns: readonly string[]): Cell[][] {
  const head = ["time", "trace id", "service", "operation", "services", "spans", "errors", "duration ms"];
  return [
    [...head, ...columns.map(keyOf)],
    ...traces.map((trace) => [
      time(trace.startMillis),
      trace.traceId,
      trace.service,
      trace.name,
      trace.services.length,
      trace.spans,
      trace.errors,
      trace.durationMillis,
      ...columns.map((name) => valueIn(trace.matches[0], name) ?? ""),
    ]),
  ];
}

export function spanTable(spans: readonly SpanResult[], columns: readonly string[]): Cell[][] {
  const head = ["time", "trace id", "span id", "service", "operation", "kind", "status", "duration ns"];
  return [
    [...head, ...columns.map(keyOf)],
    ...spans.map((span) => [
      time(span.startMillis),
      span.traceId,
      span.spanId,
      span.values["service.name"] ?? "",
      span.name,
      span.values.kind ?? "",
      span.values.status ?? "",
      span.durationNanos,
      ...columns.map((name) => valueIn(span, name) ?? ""),
    ]),
  ];
}

/** Hands a table to the reader as a file. */
export function save(name: string, rows: readonly (readonly Cell[])[]): void {
  const url = URL.createObjectURL(new Blob([csvOf(rows)], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
