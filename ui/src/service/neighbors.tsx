/** Spans directly above or below those of an operation, by service and name. */
import { instantQuery, type Range } from "../api/metrics.ts";
import { timeRange } from "../shell/time-range.ts";
import { serviceColor } from "../text/colors.ts";
import { compact, duration } from "../text/numbers.ts";
import { operationLink, queryLink } from "./links.ts";
import { Answered, useAnswer } from "./loading.tsx";
import styles from "./page.module.css";
import { ofOperation, SERVICE } from "./spans.ts";

interface Neighbor {
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly count: number;
  /** Nanoseconds. */
  readonly p95: number;
}

const BY = `by (${SERVICE}, name, kind)`;
const SHOWN = 12;

async function fetchNeighbors(q: string, range: Range, signal: AbortSignal): Promise<Neighbor[]> {
  const [counts, slow] = await Promise.all([
    instantQuery(`${q} | count_over_time() ${BY}`, range, signal),
    instantQuery(`${q} | quantile_over_time(duration, .95) ${BY}`, range, signal),
  ]);
  const key = (labels: Readonly<Record<string, string>>) =>
    JSON.stringify([labels[SERVICE], labels.name, labels.kind]);
  const seconds = new Map(slow.map(({ labels, values }) => [key(labels), values[0] ?? Number.NaN]));
  return counts
    .map(({ labels, values }) => ({
      service: labels[SERVICE] ?? "",
      name: labels.name ?? "",
      kind: labels.kind ?? "",
      count: values[0] ?? 0,
      p95: (seconds.get(key(labels)) ?? Number.NaN) * 1e9,
    }))
    .sort((a, b) => b.count - a.count);
}

/** `count` is the filter of the operation's own spans. */
export function Neighbors({
  title,
  q,
  count,
  none,
}: {
  title: string;
  q: string;
  count: string;
  none: string;
}) {
  const range = timeRange.value;
  const answer = useAnswer(
    async (signal) => {
      const [found, own] = await Promise.all([
        fetchNeighbors(q, range, signal),
        instantQuery(`{ ${count} } | count_over_time()`, range, signal),
      ]);
      return { found, own: own[0]?.values[0] ?? 0 };
    },
    [q, count, range],
  );
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <Answered
        answer={answer}
        lines={4}
        show={({ found, own }) =>
          found.length === 0 ? (
            <p class="secondary">{none}</p>
          ) : (
            <>
              <table class="grid">
                <thead>
                  <tr>
                    <th>Operation</th>
                    <th>Kind</th>
                    <th class="numeric">Spans</th>
                    <th class="numeric">Per call</th>
                    <th class="numeric">p95</th>
                  </tr>
                </thead>
                <tbody>
                  {found.slice(0, SHOWN).map((neighbor) => (
                    <Line
                      key={`${neighbor.service}\n${neighbor.name}\n${neighbor.kind}`}
                      {...{ neighbor, own, q }}
                    />
                  ))}
                </tbody>
              </table>
              {found.length > SHOWN && <p class="secondary">and {found.length - SHOWN} more</p>}
            </>
          )
        }
      />
    </section>
  );
}

function Line({ neighbor, own, q }: { neighbor: Neighbor; own: number; q: string }) {
  const { service, name, kind, count, p95 } = neighbor;
  const spans = q.replace(/\{ \}$/, `{ ${ofOperation(service, name)} }`);
  return (
    <tr>
      <td class={styles.cut} title={`${service} ${name}`}>
        <a class={styles.name} href={operationLink(service, name)}>
          <span class="swatch" style={{ background: serviceColor(service) }} />
          {service} <span class="secondary">{name}</span>
        </a>
      </td>
      <td class="secondary">{kind}</td>
      <td class="numeric">
        <a class={styles.figure} href={queryLink(spans)}>
          {compact(count)}
        </a>
      </td>
      <td class="numeric">{own > 0 ? compact(Math.round((count / own) * 100) / 100) : "–"}</td>
      <td class="numeric">{duration(p95)}</td>
    </tr>
  );
}
