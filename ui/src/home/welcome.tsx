/** What is shown before the first span: how to send it, and that somebody is listening. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { search } from "../api/search.ts";
import { href } from "../router.ts";
import { PRESETS } from "../shell/time-range.ts";
import styles from "./welcome.module.css";

const host = location.hostname || "localhost";
const GRPC = `http://${host}:4317`;
const HTTP = `http://${host}:4318`;

const SNIPPETS: readonly (readonly [string, string])[] = [
  [
    "Any SDK",
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${HTTP}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\nexport OTEL_SERVICE_NAME=my-service`,
  ],
  [
    "Java",
    `java -javaagent:opentelemetry-javaagent.jar \\\n  -Dotel.exporter.otlp.endpoint=${HTTP} \\\n  -Dotel.service.name=my-service -jar app.jar`,
  ],
  [
    "Python",
    `pip install opentelemetry-distro opentelemetry-exporter-otlp\nopentelemetry-bootstrap -a install\nOTEL_EXPORTER_OTLP_ENDPOINT=${GRPC} OTEL_SERVICE_NAME=my-service \\\n  opentelemetry-instrument python app.py`,
  ],
  [
    "Node.js",
    `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\nOTEL_EXPORTER_OTLP_ENDPOINT=${HTTP} OTEL_SERVICE_NAME=my-service \\\n  node --require @opentelemetry/auto-instrumentations-node/register app.js`,
  ],
  ["Collector", `exporters:\n  otlp/spandrel:\n    endpoint: ${host}:4317\n    tls: { insecure: true }`],
  ["Demo", "spandrel demo"],
];

const POLL_MILLIS = 2000;

export function Welcome({ retry }: { retry: () => void }) {
  const shown = useSignal(0);
  const found = useSignal<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const look = async () => {
      const now = Date.now();
      const request = {
        q: "{}",
        from: now - 7 * 86_400_000,
        to: now + 60_000,
        limit: 1,
        order: "start",
      } as const;
      const [trace] = await search(request, stop.signal).catch(() => []);
      if (trace) found.value = trace.traceId;
      else if (!stop.signal.aborted) timer = setTimeout(look, POLL_MILLIS);
    };
    let timer = setTimeout(look, 0);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [found]);
  const [, snippet] = SNIPPETS[shown.value] ?? ["", ""];
  return (
    <div class={styles.page}>
      <h1>{found.value ? "Spans have arrived" : "Send your first span"}</h1>
      {found.value ? (
        <p class="notice" role="status">
          <span>They may be older than the time that is shown.</span>
          <a href={href(`/trace/${found.value}`)}>Open the newest trace</a>
          <a href={href("/", { from: PRESETS.at(-1)?.[0] })}>Show the last 7 days</a>
          <button type="button" class="button" onClick={retry}>
            Look again
          </button>
        </p>
      ) : (
        <p class="secondary" role="status">
          <span class={styles.pulse} aria-hidden="true" /> Listening for spans. This page notices the first
          one by itself.
        </p>
      )}
      <p>
        OTLP over gRPC <code>{GRPC}</code> · OTLP over HTTP <code>{HTTP}</code>
      </p>
      <div role="tablist" aria-label="How to send" class={styles.tabs}>
        {SNIPPETS.map(([name], i) => (
          <button
            key={name}
            type="button"
            role="tab"
            class="button quiet"
            aria-selected={shown.value === i}
            onClick={() => {
              shown.value = i;
            }}
          >
            {name}
          </button>
        ))}
      </div>
      <pre class={styles.snippet}>{snippet}</pre>
      <button type="button" class="button" onClick={() => void navigator.clipboard?.writeText(snippet)}>
        Copy
      </button>
    </div>
  );
}
