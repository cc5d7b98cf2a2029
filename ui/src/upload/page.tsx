/** Looking at a trace of a file: nothing of it is stored. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import type { UploadedTrace } from "../api/schema.ts";
import { href, navigate, place } from "../router.ts";
import { Failure, Progress } from "../shell/states.tsx";
import { serviceColor } from "../text/colors.ts";
import { counted, duration } from "../text/numbers.ts";
import { TracePage } from "../trace/page.tsx";
import { memorySource, readFile, uploaded } from "./memory.ts";
import styles from "./upload.module.css";

export function Upload() {
  const id = place.value.query.get("trace");
  const trace = uploaded.value.find(({ traceId }) => traceId === id);
  if (trace) return <FromMemory key={trace.traceId} trace={trace} />;
  return <Choose missing={id} />;
}

function FromMemory({ trace }: { trace: UploadedTrace }) {
  const source = useMemo(() => memorySource(trace), [trace]);
  return (
    <div class={styles.frame}>
      <p class={styles.banner} role="status">
        From a file, not stored: a link to this page is of no use to others.{" "}
        <a href={href("/upload")}>Other traces and files</a>
      </p>
      <div class={styles.trace}>
        <TracePage id={trace.traceId} source={source} />
      </div>
    </div>
  );
}

function Choose({ missing }: { missing: string | null }) {
  const loader = useMemo(() => new Loader<readonly UploadedTrace[]>(), []);
  const isOver = useSignal(false);
  useEffect(() => {
    document.title = "Open a file · Spandrel";
  }, []);
  const open = (file: File | undefined) => {
    if (!file) return;
    void loader
      .ask((signal) => readFile(file, signal))
      .then(() => {
        const traces = loader.state.peek().value;
        if (!traces || loader.state.peek().error) return;
        uploaded.value = traces;
        const only = traces.length === 1 ? traces[0] : undefined;
        if (only) navigate(href("/upload", { trace: only.traceId }));
      });
  };
  const { error, loading, value } = loader.state.value;
  return (
    <div class={styles.page}>
      <Progress loading={loading} />
      <h1>Open a file</h1>
      {missing && (
        <div class="notice warning" role="status">
          This trace came from a file and is not kept. Choose the file again.
        </div>
      )}
      <label
        class={styles.zone}
        data-over={isOver.value}
        onDragOver={(event) => {
          event.preventDefault();
          isOver.value = true;
        }}
        onDragLeave={() => {
          isOver.value = false;
        }}
        onDrop={(event) => {
          event.preventDefault();
          isOver.value = false;
          open(event.dataTransfer?.files[0]);
        }}
      >
        <b>{loading ? "Reading…" : "Drop a file here, or choose one"}</b>
        <span class="secondary">
          OTLP in JSON or protobuf, Jaeger's JSON, Zipkin's JSON; also compressed with gzip. Up to 64 MiB. The
          server puts it into shape and stores nothing.
        </span>
        <input
          type="file"
          aria-label="File with traces"
          accept=".json,.jsonl,.pb,.bin,.otlp,.gz,application/json,application/x-protobuf"
          onChange={(event) => open(event.currentTarget.files?.[0])}
        />
      </label>
      {error && <Failure error={error} />}
      {value && !error && value.length === 0 && <p>There is no span in this file.</p>}
      {uploaded.value.length > 0 && <Traces traces={uploaded.value} />}
    </div>
  );
}

function Traces({ traces }: { traces: readonly UploadedTrace[] }) {
  return (
    <>
      <h2>{counted(traces.length, "trace")}</h2>
      <table class="grid">
        <thead>
          <tr>
            <th>Root</th>
            <th class="numeric">Spans</th>
            <th class="numeric">Duration</th>
            <th>Trace id</th>
          </tr>
        </thead>
        <tbody>
          {traces.map(({ traceId, root, spans, durationNanos }) => (
            <tr key={traceId}>
              <td>
                <a href={href("/upload", { trace: traceId })}>
                  {root && <span class="swatch" style={{ background: serviceColor(root.service) }} />}
                  <b>{root?.service ?? "root not received"}</b> {root?.name}
                </a>
              </td>
              <td class="numeric">{spans.toLocaleString("en")}</td>
              <td class="numeric">{duration(durationNanos)}</td>
              <td class="mono secondary">{traceId}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
