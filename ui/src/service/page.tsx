/** One service: how it does over time, what it offers, whom it depends on, what fails, where it runs. */
import { useEffect } from "preact/hooks";
import { instantQuery } from "../api/metrics.ts";
import { href, place, setQuery } from "../router.ts";
import { timeRange } from "../shell/time-range.ts";
import { serviceColor } from "../text/colors.ts";
import { Dependencies } from "./dependencies.tsx";
import { Errors } from "./errors.tsx";
import { Instances } from "./instances.tsx";
import { pageLink, searchLink } from "./links.ts";
import { useAnswer } from "./loading.tsx";
import { Operations } from "./operations.tsx";
import styles from "./page.module.css";
import { RedCharts } from "./red-charts.tsx";
import { ofService, SPANS, type SpanChoice, spanChoice } from "./spans.ts";
import { Choices, Tabs } from "./tabs.tsx";

const TABS = [
  ["operations", "Operations"],
  ["dependencies", "Dependencies"],
  ["errors", "Errors"],
  ["instances", "Instances"],
] as const;
type Tab = (typeof TABS)[number][0];

const CHOICES = Object.entries(SPANS).map(([key, { label }]) => [key as SpanChoice, label] as const);
const VERSIONS_SHOWN = 3;

export function ServicePage({ service }: { service: string }) {
  const { query } = place.value;
  const choice = spanChoice(query.get("spans"));
  const tab: Tab = TABS.find(([key]) => key === query.get("tab"))?.[0] ?? "operations";
  const range = timeRange.value;
  const filter = ofService(service, choice);
  useEffect(() => {
    document.title = `${service} · Spandrel`;
  }, [service]);
  return (
    <div class={styles.page}>
      <header class={styles.header}>
        <a href={pageLink("/")} class="secondary">
          Services
        </a>
        <span class="secondary" aria-hidden="true">
          /
        </span>
        <h1>
          <span class="swatch" style={{ background: serviceColor(service) }} />
          {service}
        </h1>
        <Versions service={service} />
        <span class={styles.space} />
        <Choices
          label="Which spans"
          choices={CHOICES}
          current={choice}
          choose={(key) => setQuery({ spans: key === "entry" ? undefined : key })}
        />
        <a class="button" href={searchLink(filter)}>
          Traces
        </a>
        <a class="button" href={pageLink("/map", { focus: service })}>
          Map
        </a>
        <a class="button" href={href("/live", { q: `{ ${filter} }` })}>
          Live
        </a>
      </header>
      <RedCharts filter={filter} range={range} />
      <Tabs label={`Parts of ${service}`} tabs={TABS} current={tab} />
      <div role="tabpanel" aria-label={TABS.find(([key]) => key === tab)?.[1] ?? ""} class={styles.panel}>
        {tab === "operations" && <Operations service={service} choice={choice} range={range} />}
        {tab === "dependencies" && <Dependencies service={service} range={range} />}
        {tab === "errors" && <Errors service={service} range={range} />}
        {tab === "instances" && <Instances service={service} choice={choice} range={range} />}
      </div>
    </div>
  );
}

/** The versions that run in this time, the busiest first. */
function Versions({ service }: { service: string }) {
  const range = timeRange.value;
  const { value } = useAnswer(
    async (signal) => {
      const q = `{ ${ofService(service)} } | count_over_time() by (resource.service.version)`;
      const series = await instantQuery(q, range, signal);
      return series
        .map(({ labels, values }) => ({
          version: labels["resource.service.version"] ?? "",
          count: values[0] ?? 0,
        }))
        .filter(({ version }) => version !== "" && version !== "nil")
        .sort((a, b) => b.count - a.count);
    },
    [service, range],
  );
  if (!value || value.length === 0) return null;
  return (
    <span class="secondary mono" title={value.map(({ version }) => version).join("\n")}>
      {value
        .slice(0, VERSIONS_SHOWN)
        .map(({ version }) => version)
        .join(", ")}
      {value.length > VERSIONS_SHOWN && ` and ${value.length - VERSIONS_SHOWN} more`}
    </span>
  );
}
