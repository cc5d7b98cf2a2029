/** The map as a table: all calls, also those that are not drawn. */
import { useState } from "preact/hooks";
import type { Edge } from "../api/schema.ts";
import { edgeQuery } from "../service/dependencies.tsx";
import { queryLink, serviceLink } from "../service/links.ts";
import { serviceColor } from "../text/colors.ts";
import { compact, counted, duration, percent, rate } from "../text/numbers.ts";
import { share } from "./edges.ts";
import styles from "./page.module.css";

const ROWS_SHOWN = 200;
/** A share of errors from which it is pointed out. */
const ATTENTION = 0.01;

export function List({
  edges,
  seconds,
  focus,
}: {
  edges: readonly Edge[];
  seconds: number;
  focus: string | null;
}) {
  const [isWhole, showAll] = useState(false);
  const near =
    focus === null ? edges : edges.filter(({ client, server }) => client === focus || server === focus);
  const sorted = [...near].sort((a, b) => share(b) - share(a) || b.calls - a.calls);
  return (
    <div class={styles.scroll}>
      <table class="grid">
        <thead>
          <tr>
            <th>From</th>
            <th>To</th>
            <th>Kind</th>
            <th class="numeric">Calls</th>
            <th class="numeric">Rate</th>
            <th class="numeric">Errors</th>
            <th class="numeric">p50</th>
            <th class="numeric">p95</th>
            <th class="numeric">p99</th>
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, isWhole ? undefined : ROWS_SHOWN).map((edge) => (
            <Line
              key={`${edge.client} ${edge.server} ${edge.connection} ${edge.system}`}
              {...{ edge, seconds }}
            />
          ))}
        </tbody>
      </table>
      {!isWhole && sorted.length > ROWS_SHOWN && (
        <button type="button" class="button" onClick={() => showAll(true)}>
          Show all {counted(sorted.length, "edge")}
        </button>
      )}
    </div>
  );
}

function Line({ edge, seconds }: { edge: Edge; seconds: number }) {
  const { client, server, system, connection, calls } = edge;
  const errors = share(edge);
  const isServed = connection === "direct" || connection === "user" || connection === "messaging";
  return (
    <tr>
      <td>{connection === "user" ? <span class="secondary">{client}</span> : <Service name={client} />}</td>
      <td>{isServed && server ? <Service name={server} /> : server || "unknown"}</td>
      <td class="secondary">{system || connection}</td>
      <td class="numeric">
        <a class={styles.figure} href={queryLink(edgeQuery(edge))}>
          {compact(Math.round(calls))}
        </a>
      </td>
      <td class="numeric">{rate(calls / seconds)}</td>
      <td class={`numeric ${errors >= ATTENTION ? "error-text" : ""}`}>{percent(errors)}</td>
      {[edge.p50, edge.p95, edge.p99].map((nanos, i) => (
        <td key={i} class="numeric">
          {duration(nanos ?? Number.NaN)}
        </td>
      ))}
    </tr>
  );
}

function Service({ name }: { name: string }) {
  return (
    <a class={styles.service} href={serviceLink(name)}>
      <span class="swatch" style={{ background: serviceColor(name) }} />
      {name}
    </a>
  );
}
