/** Results as spans: those that matched, of every trace. */
import type { SpanResult, TraceResult } from "../api/search.ts";
import { href } from "../router.ts";
import { utc } from "../shell/settings.ts";
import { serviceColor } from "../text/colors.ts";
import { duration, exactDuration } from "../text/numbers.ts";
import { clock } from "../text/times.ts";
import { keyOf, valueIn } from "./columns.ts";
import styles from "./page.module.css";
import { type RowsProps, Sorted } from "./traces.tsx";

/** So many spans of a trace are asked for. */
export const SPANS_PER_TRACE = 20;

/** The matches of all traces, in the order of the list. */
export function spansOf(traces: readonly TraceResult[], order: "start" | "duration"): SpanResult[] {
  const spans = traces.flatMap(({ matches }) => matches);
  return spans.sort(
    order === "start" ? (a, b) => b.startMillis - a.startMillis : (a, b) => b.durationNanos - a.durationNanos,
  );
}

/** How many matches are not among those that were asked for. */
export function leftOut(traces: readonly TraceResult[]): number {
  return traces.reduce((sum, { matched, matches }) => sum + Math.max(0, matched - matches.length), 0);
}

export function Spans({ traces, order, columns }: RowsProps) {
  const spans = spansOf(traces, order);
  const missing = leftOut(traces);
  const longest = Math.max(1, ...spans.map(({ durationNanos }) => durationNanos));
  return (
    <>
      {missing > 0 && (
        <p class={`secondary ${styles.missing}`}>
          {spans.length.toLocaleString("en")} spans of these traces; {missing.toLocaleString("en")} more
          match, of each trace the first {SPANS_PER_TRACE} are here.
        </p>
      )}
      <table class="grid">
        <thead>
          <tr>
            <Sorted name="start" order={order} label="Time" />
            <th>Span</th>
            <th>Kind</th>
            <th>Status</th>
            {columns.map((name) => (
              <th key={name} title={name}>
                {keyOf(name)}
              </th>
            ))}
            <Sorted name="duration" order={order} label="Duration" numeric />
            <th aria-label="Duration as a bar" />
          </tr>
        </thead>
        <tbody>
          {spans.map((span) => (
            <Row key={`${span.traceId} ${span.spanId}`} span={span} columns={columns} longest={longest} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function Row({ span, columns, longest }: { span: SpanResult; columns: readonly string[]; longest: number }) {
  const service = span.values["service.name"] ?? "";
  const { status = "", kind = "" } = span.values;
  return (
    <tr>
      <td class="secondary">{clock(span.startMillis, utc.value)}</td>
      <td class={styles.root}>
        <a href={href(`/trace/${span.traceId}`, { span: span.spanId })}>
          <span class="swatch" style={{ background: serviceColor(service) }} />
          <b>{service}</b> {span.name}
        </a>
      </td>
      <td class="secondary">{kind}</td>
      <td class={status === "error" ? "error-text" : "secondary"}>
        {status === "error" ? "! error" : status === "unset" ? "–" : status}
      </td>
      {columns.map((name) => (
        <td key={name} class={styles.cell}>
          {valueIn(span, name) ?? <span class={styles.none}>–</span>}
        </td>
      ))}
      <td class="numeric" title={exactDuration(span.durationNanos)}>
        {duration(span.durationNanos)}
      </td>
      <td class={styles.length}>
        <span style={{ width: `${Math.max(1, (span.durationNanos / longest) * 100)}%` }} />
      </td>
    </tr>
  );
}
