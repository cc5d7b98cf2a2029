/** All services at a glance: is anything wrong? */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import { href, place, setQuery } from "../router.ts";
import { Failure, Progress, Waiting } from "../shell/states.tsx";
import { refresh, timeRange } from "../shell/time-range.ts";
import { serviceColor } from "../text/colors.ts";
import { duration, exactDuration, percent, rate } from "../text/numbers.ts";
import { quoted } from "../traceql.ts";
import styles from "./page.module.css";
import { type ServiceFigures, SPANS, type SpanChoice, serviceFigures } from "./services.ts";
import { Sparkline } from "./sparkline.tsx";
import { Welcome } from "./welcome.tsx";

/** A share of errors from which a service is pointed out. */
const ATTENTION = 0.01;

type Column = "service" | "rate" | "errors" | "p50" | "p95" | "p99";

const COLUMNS: readonly (readonly [Column, string])[] = [
  ["rate", "Rate"],
  ["errors", "Errors"],
  ["p50", "p50"],
  ["p95", "p95"],
  ["p99", "p99"],
];

export function Home() {
  const { query } = place.value;
  const choice = (query.get("spans") ?? "entry") as SpanChoice;
  const spans: SpanChoice = choice in SPANS ? choice : "entry";
  const filter = useSignal("");
  const loader = useMemo(() => new Loader<ServiceFigures[]>(), []);
  const range = timeRange.value;
  const load = () => void loader.ask((signal) => serviceFigures(spans, range, signal));
  useEffect(load, [spans, range]);
  useEffect(() => {
    document.title = "Services · Spandrel";
  }, []);
  const { value, error, loading } = loader.state.value;
  const order = (query.get("order") ?? "errors") as Column;
  const words = filter.value.trim().toLowerCase();
  const services = (value ?? [])
    .filter(({ service }) => service.toLowerCase().includes(words))
    .sort(by(order));
  const attention = services.filter(({ errors }) => errors >= ATTENTION).length;
  if (value && value.length === 0 && !error && spans === "entry") return <Welcome retry={refresh} />;
  return (
    <>
      <Progress loading={loading} />
      <div class={styles.page}>
        <header class={styles.header}>
          <h1>Services {value && <span class="secondary">{services.length}</span>}</h1>
          {attention > 0 && (
            <span class="error-text">{attention === 1 ? "1 needs" : `${attention} need`} attention</span>
          )}
          <span class={styles.space} />
          <select
            class="field"
            aria-label="Which spans"
            value={spans}
            onChange={(event) =>
              setQuery({
                spans: event.currentTarget.value === "entry" ? undefined : event.currentTarget.value,
              })
            }
          >
            {Object.entries(SPANS).map(([key, { label }]) => (
              <option key={key} value={key}>
                {label}
              </option>
            ))}
          </select>
          <input
            class="field"
            type="search"
            placeholder="Filter"
            aria-label="Filter services"
            value={filter.value}
            onInput={(event) => {
              filter.value = event.currentTarget.value;
            }}
          />
        </header>
        {error && <Failure error={error} retry={load} />}
        {!value && !error && <Waiting lines={14} />}
        {value && <Table services={services} spans={spans} order={order} />}
        {value && services.length === 0 && (
          <p class="secondary">
            {words
              ? "No service has that in its name."
              : "No such spans in this time. Choose a wider range or other spans."}
          </p>
        )}
      </div>
    </>
  );
}

function by(order: Column): (a: ServiceFigures, b: ServiceFigures) => number {
  if (order === "service") return (a, b) => a.service.localeCompare(b.service);
  return (a, b) => b[order] - a[order] || b.rate - a.rate;
}

function Table({
  services,
  spans,
  order,
}: {
  services: readonly ServiceFigures[];
  spans: SpanChoice;
  order: Column;
}) {
  const head = (column: Column, label: string, numeric: boolean) => (
    <th
      key={column}
      class={numeric ? "numeric" : undefined}
      aria-sort={order === column ? (numeric ? "descending" : "ascending") : undefined}
    >
      <button type="button" onClick={() => setQuery({ order: column === "errors" ? undefined : column })}>
        {label}
        {order === column && (numeric ? " ↓" : " ↑")}
      </button>
    </th>
  );
  return (
    <table class="grid">
      <thead>
        <tr>
          {head("service", "Service", false)}
          {COLUMNS.map(([column, label]) => head(column, label, true))}
          <th>Trend</th>
        </tr>
      </thead>
      <tbody>
        {services.map((figures) => (
          <Line key={figures.service} figures={figures} spans={spans} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ figures, spans }: { figures: ServiceFigures; spans: SpanChoice }) {
  const { service, errors } = figures;
  const { query } = place.value;
  const search = (...conditions: string[]) => {
    const { filter } = SPANS[spans];
    const all = [
      `resource.service.name = ${quoted(service)}`,
      ...(spans === "all" ? [] : [`(${filter})`]),
      ...conditions,
    ];
    return href("/search", {
      q: `{ ${all.join(" && ")} }`,
      from: query.get("from") ?? undefined,
      to: query.get("to") ?? undefined,
    });
  };
  const slower = (nanos: number) => (
    <td class="numeric" title={exactDuration(nanos)}>
      <a class={styles.figure} href={search(`duration >= ${Math.floor(nanos)}ns`)}>
        {duration(nanos)}
      </a>
    </td>
  );
  return (
    <tr>
      <td>
        <a class={styles.service} href={search()}>
          <span class="swatch" style={{ background: serviceColor(service) }} />
          {service}
        </a>
      </td>
      <td class="numeric">{rate(figures.rate)}</td>
      <td class="numeric">
        <a class={errors >= ATTENTION ? "error-text" : styles.figure} href={search("status = error")}>
          {errors >= ATTENTION && "▲ "}
          {percent(errors)}
        </a>
      </td>
      {slower(figures.p50)}
      {slower(figures.p95)}
      {slower(figures.p99)}
      <td>
        <Sparkline values={figures.trend} errors={figures.errorTrend} label={`Rate of ${service}`} />
      </td>
    </tr>
  );
}
