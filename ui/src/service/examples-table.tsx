/** A few spans to look at, each in its trace. */
import type { Range } from "../api/metrics.ts";
import { href } from "../router.ts";
import { utc } from "../shell/settings.ts";
import { timeRange } from "../shell/time-range.ts";
import { serviceColor } from "../text/colors.ts";
import { duration, exactDuration } from "../text/numbers.ts";
import { clock } from "../text/times.ts";
import type { Example } from "./examples.ts";
import { searchLink } from "./links.ts";
import { Answered, useAnswer } from "./loading.tsx";
import styles from "./page.module.css";

const SHOWN = 8;

export function Examples({
  title,
  filter,
  find,
  none,
}: {
  title: string;
  filter: string;
  find: (filter: string, range: Range, count: number, signal: AbortSignal) => Promise<Example[]>;
  none: string;
}) {
  const range = timeRange.value;
  const answer = useAnswer((signal) => find(filter, range, SHOWN, signal), [filter, range]);
  return (
    <section aria-label={title}>
      <div class={styles.title}>
        <h2>{title}</h2>
        <a href={searchLink(filter)}>Search</a>
      </div>
      <Answered
        answer={answer}
        lines={4}
        show={(found) =>
          found.length === 0 ? (
            <p class="secondary">{none}</p>
          ) : (
            <table class="grid">
              <thead>
                <tr>
                  <th>Time</th>
                  <th>In the trace of</th>
                  <th class="numeric">Duration</th>
                </tr>
              </thead>
              <tbody>
                {found.map(({ traceId, spanId, service, name, startMillis, durationNanos }) => (
                  <tr key={`${traceId} ${spanId}`}>
                    <td class="secondary">{clock(startMillis, utc.value)}</td>
                    <td class={styles.cut} title={`${service} ${name}`}>
                      <a class={styles.name} href={href(`/trace/${traceId}`, { span: spanId })}>
                        <span class="swatch" style={{ background: serviceColor(service) }} />
                        {service} <span class="secondary">{name}</span>
                      </a>
                    </td>
                    <td class="numeric" title={exactDuration(durationNanos)}>
                      {duration(durationNanos)}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      />
    </section>
  );
}
