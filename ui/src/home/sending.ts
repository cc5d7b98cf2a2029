/** How to send spans to this server: its endpoints, and what to type in each language. */

export interface Endpoints {
  /** `host:port`. */
  readonly grpc: string;
  readonly http: string;
  /** Whether other machines cannot reach them. */
  readonly onlyHere: boolean;
}

const isLocal = (host: string) => /^(localhost|127\.|\[?::1)/.test(host);

/** The endpoints out of `/status/config`, at the host under which the reader sees the server. */
export function endpointsOf(config: string, host: string): Endpoints {
  const listen = (name: string) => new RegExp(`^${name}: "?(.*):(\\d+)"?$`, "m").exec(config);
  const [grpc, http] = [listen("otlp_grpc"), listen("otlp_http")];
  return {
    grpc: `${host}:${grpc?.[2] ?? "4317"}`,
    http: `${host}:${http?.[2] ?? "4318"}`,
    onlyHere: grpc !== null && isLocal(grpc[1] ?? ""),
  };
}

/** A language or a program, and what to do in it. */
export function snippets({ grpc, http }: Endpoints): readonly (readonly [string, string])[] {
  const environment = `export OTEL_EXPORTER_OTLP_ENDPOINT=http://${http}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_SERVICE_NAME=my-service`;
  return [
    [
      "curl",
      `now=$(date +%s)
curl http://${http}/v1/traces -H 'content-type: application/json' -d '{
  "resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my-service"}}]},
    "scopeSpans": [{"spans": [{
      "traceId": "'$(openssl rand -hex 16)'", "spanId": "'$(openssl rand -hex 8)'",
      "name": "hello", "kind": 2,
      "startTimeUnixNano": "'$now'000000000", "endTimeUnixNano": "'$now'250000000"
    }]}]
  }]
}'`,
    ],
    [
      "Collector",
      `exporters:
  otlp/spandrel:
    endpoint: ${grpc}
    tls: { insecure: true }
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp/spandrel]`,
    ],
    [
      "Java",
      `java -javaagent:opentelemetry-javaagent.jar \\
  -Dotel.exporter.otlp.endpoint=http://${http} \\
  -Dotel.service.name=my-service -jar app.jar`,
    ],
    [
      "Go",
      `${environment}
go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp

exporter, err := otlptracehttp.New(ctx) // reads the environment
provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
otel.SetTracerProvider(provider)`,
    ],
    [
      "Python",
      `pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install
OTEL_EXPORTER_OTLP_ENDPOINT=http://${grpc} OTEL_SERVICE_NAME=my-service \\
  opentelemetry-instrument python app.py`,
    ],
    [
      "Node.js",
      `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node
OTEL_EXPORTER_OTLP_ENDPOINT=http://${http} OTEL_SERVICE_NAME=my-service \\
  node --require @opentelemetry/auto-instrumentations-node/register app.js`,
    ],
    [
      ".NET",
      `${environment}
dotnet add package OpenTelemetry.Extensions.Hosting
dotnet add package OpenTelemetry.Instrumentation.AspNetCore
dotnet add package OpenTelemetry.Exporter.OpenTelemetryProtocol

builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing
    .AddAspNetCoreInstrumentation()
    .AddOtlpExporter());`,
    ],
    [
      "Rust",
      `${environment}
cargo add opentelemetry opentelemetry_sdk
cargo add opentelemetry-otlp --features http-proto,reqwest-client

let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()
    .with_batch_exporter(exporter)
    .build();
opentelemetry::global::set_tracer_provider(provider);`,
    ],
    [
      "PHP",
      `${environment}
pecl install opentelemetry
composer require open-telemetry/sdk open-telemetry/exporter-otlp
OTEL_PHP_AUTOLOAD_ENABLED=true php app.php`,
    ],
    [
      "Ruby",
      `${environment}
bundle add opentelemetry-sdk opentelemetry-exporter-otlp opentelemetry-instrumentation-all

OpenTelemetry::SDK.configure { |c| c.use_all }`,
    ],
    ["Environment", environment],
  ];
}

/** What plays the traffic of a web shop. */
export const demoCommand = ({ grpc }: Endpoints) =>
  grpc.endsWith(":4317") && isLocal(grpc) ? "spandrel demo" : `spandrel demo --endpoint http://${grpc}`;
