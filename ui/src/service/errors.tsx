/** What fails in a service: by operation and message, and the exceptions that it recorded. */
import { instantQuery, type Range } from "../api/metrics.ts";
import { fetchExceptions } from "../exceptions/groups.ts";
import { ExceptionList } from "../exceptions/list.tsx";
import { quoted } from "../traceql.ts";
import { operationLink, searchLink } from "./links.ts";
import { Answered, useAnswer } from "./loading.tsx";
import styles from "./page.module.css";
import { all, ofService } from "./spans.ts";

interface Failing {
  readonly operation: string;
  readonly message: string;
  readonly count: number;
}

const BY = ["name", "statusMessage"] as const;

export function Errors({ service, range }: { service: string; range: Range }) {
  const filter = all(ofService(service), "status = error");
  const failing = useAnswer(
    async (signal): Promise<Failing[]> => {
      const series = await instantQuery(
        `{ ${filter} } | count_over_time() by (${BY.join(", ")})`,
        range,
        signal,
      );
      return series
        .map(({ labels, values }) => ({
          operation: labels.name ?? "",
          message: labels.statusMessage ?? "",
          count: values[0] ?? 0,
        }))
        .sort((a, b) => b.count - a.count);
    },
    [filter, range],
  );
  const exceptions = useAnswer(
    (signal) => fetchExceptions(`{ ${ofService(service)} }`, range, signal),
    [service, range],
  );
  return (
    <>
      <h2>Failed spans</h2>
      <Answered
        answer={failing}
        lines={4}
        show={(found) => <FailingTable {...{ found, service, filter }} />}
      />
      <div class={styles.section}>
        <h2>Exceptions</h2>
        <Answered
          answer={exceptions}
          lines={4}
          show={({ groups }) =>
            groups.length > 0 ? (
              <ExceptionList groups={groups} range={range} withService={false} />
            ) : (
              <p class="secondary">It recorded no exception in this time.</p>
            )
          }
        />
      </div>
    </>
  );
}

function FailingTable({
  found,
  service,
  filter,
}: {
  found: readonly Failing[];
  service: string;
  filter: string;
}) {
  if (found.length === 0) return <p class="secondary">None of its spans failed in this time.</p>;
  const most = found[0]?.count ?? 1;
  return (
    <table class="grid">
      <thead>
        <tr>
          <th>Message</th>
          <th>Operation</th>
          <th class="numeric">Spans</th>
          <th aria-label="Spans as a bar" />
        </tr>
      </thead>
      <tbody>
        {found.map(({ operation, message, count }) => (
          <tr key={`${operation}\n${message}`}>
            <td class={styles.cut} title={message}>
              {message && message !== "nil" ? message : <span class="secondary">without a message</span>}
            </td>
            <td>
              <a class={styles.name} href={operationLink(service, operation)}>
                {operation}
              </a>
            </td>
            <td class="numeric">
              <a
                class={styles.figure}
                href={searchLink(
                  all(
                    filter,
                    `name = ${quoted(operation)}`,
                    message && message !== "nil" ? `statusMessage = ${quoted(message)}` : "",
                  ),
                )}
              >
                {count.toLocaleString("en")}
              </a>
            </td>
            <td class={styles.share}>
              <span data-error="true" style={{ width: `${Math.max(1, (count / most) * 100)}%` }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
