/** Who calls a service, and whom it calls. */
import { getJson } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import type { Edge, ServiceMap } from "../api/schema.ts";
import { serviceColor } from "../text/colors.ts";
import { duration, percent, rate } from "../text/numbers.ts";
import { quoted } from "../traceql.ts";
import { queryLink, serviceLink } from "./links.ts";
import { Answered, useAnswer } from "./loading.tsx";
import styles from "./page.module.css";
import { ofService, SERVICE } from "./spans.ts";
import { ATTENTION } from "./table.tsx";

export function Dependencies({ service, range }: { service: string; range: Range }) {
  const bounds = { start: String(Math.floor(range.from / 1e3)), end: String(Math.ceil(range.to / 1e3)) };
  const answer = useAnswer(
    (signal) => getJson<ServiceMap>("/api/ui/service-map", { service, ...bounds }, signal),
    [service, range],
  );
  const seconds = (range.to - range.from) / 1e3;
  return (
    <Answered
      answer={answer}
      show={({ edges }) => (
        <div class={styles.columns}>
          <Side
            title="Called by"
            none="Nothing calls it in this time."
            edges={edges.filter(({ server }) => server === service)}
            other="client"
            service={service}
            seconds={seconds}
          />
          <Side
            title="Calls"
            none="It calls nothing in this time."
            edges={edges.filter(({ client, server }) => client === service && server !== service)}
            other="server"
            service={service}
            seconds={seconds}
          />
        </div>
      )}
    />
  );
}

/** The query for the spans of an edge: those of the other side that belong to it. */
export function edgeQuery({ client, server, connection, system }: Edge): string {
  if (connection === "database" || connection === "external") {
    const names = system
      ? ` && (span.db.system = ${quoted(system)} || span.db.system.name = ${quoted(system)})`
      : "";
    return connection === "database"
      ? `{ ${ofService(client)}${names} }`
      : `{ ${ofService(client)} && kind = client }`;
  }
  if (connection === "user") return `{ ${ofService(server)} && kind = server }`;
  return `{ ${SERVICE} = ${quoted(client)} } >> { ${SERVICE} = ${quoted(server)} }`;
}

function Side({
  title,
  none,
  edges,
  other,
  service,
  seconds,
}: {
  title: string;
  none: string;
  edges: readonly Edge[];
  other: "client" | "server";
  service: string;
  seconds: number;
}) {
  const sorted = [...edges].sort((a, b) => b.calls - a.calls);
  return (
    <section aria-label={title}>
      <h2>
        {title} <span class="secondary">{edges.length}</span>
      </h2>
      {edges.length === 0 ? (
        <p class="secondary">{none}</p>
      ) : (
        <table class="grid">
          <thead>
            <tr>
              <th>Name</th>
              <th>Kind</th>
              <th class="numeric">Rate</th>
              <th class="numeric">Errors</th>
              <th class="numeric">p50</th>
              <th class="numeric">p95</th>
              <th class="numeric">p99</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((edge) => (
              <Line
                key={`${edge[other]} ${edge.connection} ${edge.system}`}
                edge={edge}
                other={other}
                {...{ service, seconds }}
              />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Line({ edge, other, seconds }: { edge: Edge; other: "client" | "server"; seconds: number }) {
  const share = edge.calls > 0 ? edge.errors / edge.calls : 0;
  const name = edge[other];
  const isService =
    edge.connection === "direct" ||
    edge.connection === "messaging" ||
    (edge.connection === "user" && other === "server");
  return (
    <tr>
      <td class={styles.cut}>
        {isService && name ? (
          <a class={styles.name} href={serviceLink(name)}>
            <span class="swatch" style={{ background: serviceColor(name) }} />
            {name}
          </a>
        ) : (
          <span>{edge.connection === "user" ? "outside" : `${edge.system} ${name}`.trim() || "unknown"}</span>
        )}
      </td>
      <td class="secondary">{edge.connection === "direct" ? "service" : edge.connection}</td>
      <td class="numeric">
        <a class={styles.figure} href={queryLink(edgeQuery(edge))}>
          {rate(edge.calls / seconds)}
        </a>
      </td>
      <td class={`numeric ${share >= ATTENTION ? "error-text" : ""}`}>{percent(share)}</td>
      {[edge.p50, edge.p95, edge.p99].map((nanos, i) => (
        <td key={i} class="numeric">
          {duration(nanos ?? Number.NaN)}
        </td>
      ))}
    </tr>
  );
}
