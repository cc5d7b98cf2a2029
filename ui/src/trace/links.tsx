/** What a span links to, and what links to it. */
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import type { OtlpSpan } from "../api/schema.ts";
import { search, type TraceResult } from "../api/search.ts";
import { href } from "../router.ts";
import { Failure } from "../shell/states.tsx";
import { millis } from "../text/numbers.ts";
import { ago } from "../text/times.ts";
import { Values } from "./attributes.tsx";
import styles from "./detail.module.css";

const HOUR = 3_600_000;
/** What continues a trace asynchronously comes within this time. */
const LATER_MILLIS = 24 * HOUR;
const FOUND_MAX = 20;

export function Links({ span }: { span: OtlpSpan }) {
  const loader = useMemo(() => new Loader<readonly TraceResult[]>(), []);
  const { traceId, spanId, startTimeUnixNano } = span;
  const load = () => {
    const start = Number(BigInt(startTimeUnixNano) / 1_000_000n);
    const q = `{ link:traceID = "${traceId}" && link:spanID = "${spanId}" }`;
    const range = { from: start - HOUR, to: Math.min(Date.now() + HOUR, start + LATER_MILLIS) };
    void loader.ask((signal) => search({ q, ...range, limit: FOUND_MAX, order: "start" }, signal));
  };
  useEffect(load, [traceId, spanId]);
  const { value, error } = loader.state.value;
  const links = span.links ?? [];
  return (
    <>
      <section>
        <h3>
          Links to <span>{links.length}</span>
        </h3>
        {links.length === 0 && <p class="secondary">Nothing.</p>}
        {links.map((link) => (
          <div key={`${link.traceId}${link.spanId}`} class={styles.link}>
            <a class="mono" href={href(`/trace/${link.traceId}`, { span: link.spanId })}>
              {link.traceId === traceId ? `this trace, span ${link.spanId}` : link.traceId}
            </a>
            <Values attributes={link.attributes ?? []} />
          </div>
        ))}
      </section>
      <section>
        <h3>
          Linked from <span>{value?.length ?? ""}</span>
        </h3>
        {error && <Failure error={error} retry={load} />}
        {value?.length === 0 && <p class="secondary">No trace of the day after links to this span.</p>}
        {value?.map((trace) => (
          <div key={trace.traceId} class={styles.link}>
            <a href={href(`/trace/${trace.traceId}`)}>
              {trace.service} {trace.name}
            </a>{" "}
            <span class="secondary">
              {millis(trace.durationMillis)} · {ago(trace.startMillis, Date.now())}
            </span>
          </div>
        ))}
        {value?.length === FOUND_MAX && <p class="secondary">These are the newest {FOUND_MAX}.</p>}
      </section>
    </>
  );
}
