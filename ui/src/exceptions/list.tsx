/** Groups of exceptions, one a row: what, where, how often, since when, with examples. */
import type { Range } from "../api/metrics.ts";
import type { ExceptionGroup } from "../api/schema.ts";
import { Sparkline } from "../home/sparkline.tsx";
import { href } from "../router.ts";
import { searchLink, serviceLink } from "../service/links.ts";
import { utc } from "../shell/settings.ts";
import { serviceColor } from "../text/colors.ts";
import { counted } from "../text/numbers.ts";
import { ago, clock } from "../text/times.ts";
import { filterOf, isNew, millisOf } from "./groups.ts";
import styles from "./list.module.css";

const EXAMPLES_SHOWN = 3;

export function ExceptionList({
  groups,
  range,
  withService = true,
}: {
  groups: readonly ExceptionGroup[];
  range: Range;
  withService?: boolean;
}) {
  return (
    <div class={styles.scroll}>
      <table class={`grid ${styles.table}`}>
        <thead>
          <tr>
            <th>Exception</th>
            {withService && <th>Service</th>}
            <th class="numeric">Count</th>
            <th>Over time</th>
            <th>First</th>
            <th>Last</th>
            <th>Versions</th>
            <th>Traces</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <Row
              key={`${group.service}\n${group.type}\n${group.message}\n${group.frame}`}
              {...{ group, range, withService }}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ group, range, withService }: { group: ExceptionGroup; range: Range; withService: boolean }) {
  const { type, message, frame, service, count, series, versions, examples } = group;
  return (
    <tr>
      <td class={styles.what} title={[type, message, frame].filter(Boolean).join("\n")}>
        <p>
          <a class={styles.type} href={searchLink(filterOf(group))}>
            {shortType(type)}
          </a>
          {isNew(group, range) && (
            <span class={styles.new} title="It began in this time">
              new
            </span>
          )}
        </p>
        <p class="secondary">
          {message}
          {frame && <span class={`mono ${styles.frame}`}>{frame}</span>}
        </p>
      </td>
      {withService && (
        <td>
          <a class={styles.service} href={serviceLink(service, { tab: "errors" })}>
            <span class="swatch" style={{ background: serviceColor(service) }} />
            {service}
          </a>
        </td>
      )}
      <td class="numeric">
        <a class={styles.service} href={searchLink(filterOf(group))}>
          {count.toLocaleString("en")}
        </a>
      </td>
      <td>
        <Sparkline values={series} errors={series} label={`${counted(count, "exception")} over time`} />
      </td>
      <Time unixNanos={group.firstUnixNanos} />
      <Time unixNanos={group.lastUnixNanos} />
      <td class="mono secondary" title={versions.join("\n")}>
        {versions.length > 1 ? `${versions[0]} +${versions.length - 1}` : (versions[0] ?? "–")}
      </td>
      <td>
        {examples.slice(0, EXAMPLES_SHOWN).map(({ traceId, spanId }) => (
          <a
            key={`${traceId} ${spanId}`}
            class={`mono ${styles.example}`}
            href={href(`/trace/${traceId}`, { span: spanId })}
          >
            {traceId.slice(0, 6)}
          </a>
        ))}
      </td>
    </tr>
  );
}

/** The type without its package: `a.b.TimeoutException` is `TimeoutException`. */
export function shortType(type: string): string {
  if (type === "") return "Exception without a type";
  const short = /([^./:\\]+)$/.exec(type)?.[1];
  return short ?? type;
}

function Time({ unixNanos }: { unixNanos: string }) {
  const millis = millisOf(unixNanos);
  return (
    <td class="secondary" title={clock(millis, utc.value)}>
      {ago(millis, Date.now())}
    </td>
  );
}
