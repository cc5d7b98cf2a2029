/** Where a service runs: figures by instance, pod, host and version. */
import type { Range } from "../api/metrics.ts";
import { quoted } from "../traceql.ts";
import { type Figures, figuresBy } from "./figures.ts";
import styles from "./instances.module.css";
import { Answered, useAnswer } from "./loading.tsx";
import { NoSpans } from "./no-spans.tsx";
import { all, ofService, type SpanChoice } from "./spans.ts";
import { type FiguresRow, FiguresTable } from "./table.tsx";

export const INSTANCE = [
  "resource.k8s.pod.name",
  "resource.host.name",
  "resource.service.instance.id",
  "resource.service.version",
] as const;

const isPresent = (value: string) => value !== "" && value !== "nil";

/** What people call an instance: its pod, else its host, else its id. */
export function instanceName(values: readonly string[]): string {
  return values.slice(0, 3).find(isPresent) ?? "unnamed";
}

/** The condition that only the spans of this instance pass. */
export function instanceFilter(values: readonly string[]): string {
  const conditions = INSTANCE.flatMap((name, i) => {
    const value = values[i] ?? "";
    return isPresent(value) ? [`${name} = ${quoted(value)}`] : [];
  });
  return all(...conditions);
}

export function Instances({ service, choice, range }: { service: string; choice: SpanChoice; range: Range }) {
  const filter = ofService(service, choice);
  const answer = useAnswer(
    (signal) => figuresBy(filter, INSTANCE, range, signal, { trend: true }),
    [filter, range],
  );
  return (
    <Answered
      answer={answer}
      show={(instances) => {
        if (instances.length === 0) return <NoSpans choice={choice} />;
        const rows = instances.map(
          (figures): FiguresRow => ({
            key: figures.values.join("\n"),
            name: instanceName(figures.values),
            cell: <Name figures={figures} />,
            filter: all(filter, instanceFilter(figures.values)),
            figures,
          }),
        );
        return <FiguresTable label={`Instance (${rows.length})`} rows={rows} />;
      }}
    />
  );
}

function Name({ figures: { values } }: { figures: Figures }) {
  const name = instanceName(values);
  const [, host = "", , version = ""] = values;
  return (
    <span title={INSTANCE.map((attribute, i) => `${attribute} ${values[i] || "nil"}`).join("\n")}>
      <span class={styles.name}>{name}</span>
      {isPresent(version) && <span class={`mono ${styles.version}`}>{version}</span>}
      {isPresent(host) && host !== name && <span class="secondary">{host}</span>}
    </span>
  );
}
