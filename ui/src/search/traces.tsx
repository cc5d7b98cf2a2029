/** Results as traces. Two that are ticked can be compared. */
import { useSignal } from "@preact/signals";
import type { TraceResult } from "../api/search.ts";
import { href, setQuery } from "../router.ts";
import { utc } from "../shell/settings.ts";
import { serviceColor } from "../text/colors.ts";
import { counted, millis } from "../text/numbers.ts";
import { ago, clock } from "../text/times.ts";
import { keyOf, valueIn } from "./columns.ts";
import styles from "./page.module.css";

export interface RowsProps {
  readonly traces: readonly TraceResult[];
  readonly order: "start" | "duration";
  readonly columns: readonly string[];
}

export function Traces({ traces, order, columns }: RowsProps) {
  const ticked = useSignal<readonly string[]>([]);
  const longest = Math.max(1, ...traces.map(({ durationMillis }) => durationMillis));
  const now = Date.now();
  // Traces that are no longer among the results cannot be seen to be ticked.
  const chosen = ticked.value.filter((id) => traces.some(({ traceId }) => traceId === id));
  const tick = (id: string) => {
    // A third one takes the place of the first.
    ticked.value = chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id].slice(-2);
  };
  return (
    <>
      {chosen.length > 0 && <Comparing ids={chosen} clear={() => (ticked.value = [])} />}
      <table class="grid">
        <thead>
          <tr>
            <th class={styles.tick}>
              <span class="visually-hidden">To compare</span>
            </th>
            <Sorted name="start" order={order} label="Time" />
            <th>Root</th>
            {columns.map((name) => (
              <th key={name} title={name}>
                {keyOf(name)}
              </th>
            ))}
            <th>Services</th>
            <th class="numeric">Spans</th>
            <th class="numeric">Errors</th>
            <Sorted name="duration" order={order} label="Duration" numeric />
            <th aria-label="Duration as a bar" />
          </tr>
        </thead>
        <tbody>
          {traces.map((trace) => (
            <tr key={trace.traceId} data-ticked={chosen.includes(trace.traceId) || undefined}>
              <td class={styles.tick}>
                <input
                  type="checkbox"
                  aria-label={`Compare ${trace.service} ${trace.name} of ${clock(trace.startMillis, utc.value)}`}
                  checked={chosen.includes(trace.traceId)}
                  onChange={() => tick(trace.traceId)}
                />
              </td>
              <td class="secondary" title={ago(trace.startMillis, now)}>
                {clock(trace.startMillis, utc.value)}
              </td>
              <td class={styles.root}>
                <a href={href(`/trace/${trace.traceId}`)}>
                  <b>{trace.service.startsWith("<") ? "root not received" : trace.service}</b> {trace.name}
                </a>
              </td>
              {columns.map((name) => (
                <td key={name} class={styles.cell}>
                  {valueIn(trace.matches[0], name) ?? <span class={styles.none}>–</span>}
                </td>
              ))}
              <td>
                <Strip trace={trace} />
              </td>
              <td class="numeric">{trace.spans.toLocaleString("en")}</td>
              <td class={`numeric ${trace.errors > 0 ? "error-text" : "secondary"}`}>
                {trace.errors || "–"}
              </td>
              <td class="numeric">{millis(trace.durationMillis)}</td>
              <td class={styles.length}>
                <span style={{ width: `${Math.max(1, (trace.durationMillis / longest) * 100)}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** A heading that puts the results in its order. */
export function Sorted({
  name,
  order,
  label,
  numeric = false,
}: {
  name: "start" | "duration";
  order: "start" | "duration";
  label: string;
  numeric?: boolean;
}) {
  return (
    <th class={numeric ? "numeric" : undefined} aria-sort={order === name ? "descending" : undefined}>
      <button
        type="button"
        title={name === "start" ? "Newest first" : "Longest first"}
        onClick={() => setQuery({ order: name === "duration" ? "duration" : undefined, limit: undefined })}
      >
        {label}
        {order === name && <span aria-hidden="true"> ↓</span>}
      </button>
    </th>
  );
}

/** Which services took part, and with how many spans. */
function Strip({ trace: { services, spans } }: { trace: TraceResult }) {
  const title = services.map(({ name, spans }) => `${name} ${spans}`).join("\n");
  return (
    <span class={styles.services} title={title}>
      <span class={styles.strip} aria-hidden="true">
        {services.map((service) => (
          <span
            key={service.name}
            style={{ flexGrow: service.spans / Math.max(1, spans), background: serviceColor(service.name) }}
          />
        ))}
      </span>
      <span class="secondary">{counted(services.length, "service")}</span>
    </span>
  );
}

function Comparing({ ids, clear }: { ids: readonly string[]; clear: () => void }) {
  const [a, b] = ids;
  return (
    <div class={styles.comparing} role="status">
      <span>{b ? "Two traces ticked" : "One trace ticked, tick another one to compare both"}</span>
      {b && (
        <a class="button primary" href={href(`/trace/${a}...${b}`)}>
          Compare
        </a>
      )}
      {!b && (
        <a class="button" href={href(`/trace/${a}...typical`)}>
          Compare with a typical trace
        </a>
      )}
      <button type="button" class="button quiet" onClick={clear}>
        Untick
      </button>
    </div>
  );
}
