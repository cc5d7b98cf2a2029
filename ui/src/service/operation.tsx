/** One operation of a service: over time, how its durations are spread, who calls it, what it calls, examples. */
import { useEffect } from "preact/hooks";
import { href, navigate, place, setQuery } from "../router.ts";
import { Heatmap } from "../search/heatmap.tsx";
import { timeRange } from "../shell/time-range.ts";
import { serviceColor } from "../text/colors.ts";
import { newest, slowest } from "./examples.ts";
import { Examples } from "./examples-table.tsx";
import { QUANTILES } from "./figures.ts";
import { pageLink, searchLink, serviceLink } from "./links.ts";
import { Neighbors } from "./neighbors.tsx";
import styles from "./page.module.css";
import { RedCharts } from "./red-charts.tsx";
import { all, ofOperation } from "./spans.ts";

export function OperationPage({ service, operation }: { service: string; operation: string }) {
  const range = timeRange.value;
  const filter = ofOperation(service, operation);
  const q = `{ ${filter} }`;
  const { query } = place.value;
  // What is asked of a box of the heatmap is a search, unless it is about all of the operation's durations.
  const narrowed = query.get("q");
  const isOnly = query.has("only");
  useEffect(() => {
    if (narrowed === q) setQuery({ q: undefined });
    else if (narrowed !== null || isOnly) {
      const search = new URLSearchParams(query);
      search.set("q", narrowed ?? q);
      navigate(href("/search", search), { replace: true });
    }
  }, [narrowed, isOnly, q]);
  useEffect(() => {
    document.title = `${service} ${operation} · Spandrel`;
  }, [service, operation]);
  return (
    <div class={styles.page}>
      <header class={styles.header}>
        <a href={pageLink("/")} class="secondary">
          Services
        </a>
        <span class="secondary" aria-hidden="true">
          /
        </span>
        <a href={serviceLink(service)}>
          <span class="swatch" style={{ background: serviceColor(service) }} />
          {service}
        </a>
        <span class="secondary" aria-hidden="true">
          /
        </span>
        <h1>{operation}</h1>
        <span class={styles.space} />
        <a class="button" href={searchLink(filter)}>
          Traces
        </a>
        <a class="button" href={pageLink("/structure", { q })}>
          Structure
        </a>
        <a class="button" href={pageLink("/metrics", { q: `${q} | ${QUANTILES}` })}>
          Metrics
        </a>
        <a class="button" href={href("/live", { q })}>
          Live
        </a>
      </header>
      <RedCharts filter={filter} range={range} />
      <section class={`${styles.section} ${styles.spread}`} aria-label="Spread of durations">
        <h2>Durations</h2>
        <Heatmap q={q} range={range} />
      </section>
      <div class={styles.columns}>
        <Neighbors title="Callers" q={`${q} < { }`} count={filter} none="It has no parent in this time." />
        <Neighbors title="Calls" q={`${q} > { }`} count={filter} none="It has no children in this time." />
        <Examples title="Slowest" filter={filter} find={slowest} none="No spans in this time." />
        <Examples
          title="Failed"
          filter={all(filter, "status = error")}
          find={newest}
          none="None has failed in this time."
        />
      </div>
    </div>
  );
}
