/** All services at a glance: is anything wrong? */
import { useEffect } from "preact/hooks";
import { place, setQuery } from "../router.ts";
import type { Figures } from "../service/figures.ts";
import { serviceLink } from "../service/links.ts";
import { useAnswer } from "../service/loading.tsx";
import { notable } from "../service/notable.ts";
import { ofService, SPANS, type SpanChoice, spanChoice } from "../service/spans.ts";
import { ATTENTION, type FiguresRow, FiguresTable } from "../service/table.tsx";
import { Choices } from "../service/tabs.tsx";
import { Failure, Progress, Waiting } from "../shell/states.tsx";
import { refresh, timeRange } from "../shell/time-range.ts";
import { serviceColor } from "../text/colors.ts";
import styles from "./page.module.css";
import { figuresBefore, serviceFigures } from "./services.ts";
import { Welcome } from "./welcome.tsx";

const CHOICES = Object.entries(SPANS).map(([key, { label }]) => [key as SpanChoice, label] as const);

export function Home() {
  const { query } = place.value;
  const spans = spanChoice(query.get("spans"));
  const words = (query.get("filter") ?? "").trim().toLowerCase();
  const range = timeRange.value;
  const now = useAnswer((signal) => serviceFigures(spans, range, signal), [spans, range]);
  const then = useAnswer((signal) => figuresBefore(spans, range, signal), [spans, range]);
  useEffect(() => {
    document.title = "Services · Spandrel";
  }, []);
  const { value, error, loading, retry } = now;
  if (value?.length === 0 && !error && spans === "entry") return <Welcome retry={refresh} />;
  const services = (value ?? []).filter(({ values }) => (values[0] ?? "").toLowerCase().includes(words));
  const attention = services.filter(({ errors }) => errors >= ATTENTION).length;
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
          <Choices
            label="Which spans"
            choices={CHOICES}
            current={spans}
            choose={(key) => setQuery({ spans: key === "entry" ? undefined : key })}
          />
          <input
            class="field"
            type="search"
            placeholder="Filter"
            aria-label="Filter services"
            value={query.get("filter") ?? ""}
            onInput={(event) => setQuery({ filter: event.currentTarget.value })}
          />
        </header>
        {error && <Failure error={error} retry={retry} kept={value !== null} />}
        {!value && !error && <Waiting lines={14} />}
        {value && services.length > 0 && (
          <FiguresTable
            label="Service"
            first="errors"
            hasChange
            rows={services.map((figures) => row(figures, spans, then.value))}
          />
        )}
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

function row(figures: Figures, spans: SpanChoice, then: ReadonlyMap<string, Figures> | null): FiguresRow {
  const [service = ""] = figures.values;
  return {
    key: service,
    name: service,
    cell: (
      <a class={styles.service} href={serviceLink(service, { spans: spans === "entry" ? undefined : spans })}>
        <span class="swatch" style={{ background: serviceColor(service) }} />
        {service}
      </a>
    ),
    filter: ofService(service, spans),
    figures,
    change: then && notable(figures, then.get(service)),
  };
}
