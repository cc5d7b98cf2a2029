/** What a service offers: its operations with their figures. */
import type { Range } from "../api/metrics.ts";
import { quoted } from "../traceql.ts";
import { figuresBy } from "./figures.ts";
import { operationLink } from "./links.ts";
import { Answered, useAnswer } from "./loading.tsx";
import { NoSpans } from "./no-spans.tsx";
import styles from "./page.module.css";
import { all, ofService, type SpanChoice } from "./spans.ts";
import { type FiguresRow, FiguresTable } from "./table.tsx";

export function Operations({
  service,
  choice,
  range,
}: {
  service: string;
  choice: SpanChoice;
  range: Range;
}) {
  const filter = ofService(service, choice);
  const answer = useAnswer(
    (signal) => figuresBy(filter, ["name"], range, signal, { trend: true }),
    [filter, range],
  );
  return (
    <Answered
      answer={answer}
      show={(operations) => {
        if (operations.length === 0) return <NoSpans choice={choice} />;
        const rows = operations.map((figures): FiguresRow => {
          const [name = ""] = figures.values;
          return {
            key: name,
            name,
            cell: (
              <a class={styles.name} href={operationLink(service, name)} title={name}>
                {name || "without a name"}
              </a>
            ),
            filter: all(filter, `name = ${quoted(name)}`),
            figures,
          };
        });
        return <FiguresTable label={`Operation (${rows.length})`} rows={rows} />;
      }}
    />
  );
}
