// Sends the spans that every sender of the end-to-end tests sends, through the OpenTelemetry SDK
// for Node.js, and prints what it sent: the trace id, the start and the span ids by name.

import { parseArgs } from "node:util";
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

const OTHER = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  isRemote: true,
  traceFlags: TraceFlags.SAMPLED,
};

const { values: args } = parseArgs({
  options: {
    endpoint: { type: "string" },
    protocol: { type: "string" },
    run: { type: "string" },
  },
});

function exporter() {
  const url = `http://${args.endpoint}`;
  switch (args.protocol) {
    case "grpc":
      return new GrpcExporter({ url });
    case "http/json":
      return new JsonExporter({ url: `${url}/v1/traces`, compression: "gzip" });
    case "http/protobuf":
      return new ProtobufExporter({ url: `${url}/v1/traces` });
    default:
      throw new Error(`unknown protocol ${args.protocol}`);
  }
}

/** Passes spans on, and remembers what went wrong instead of logging it. */
class Strict {
  constructor(inner, failures) {
    this.inner = inner;
    this.failures = failures;
  }

  export(spans, done) {
    this.inner.export(spans, (result) => {
      if (result.code !== 0) {
        this.failures.push(result.error ?? new Error("spans were not accepted"));
      }
      done(result);
    });
  }

  shutdown() {
    return this.inner.shutdown();
  }

  forceFlush() {
    return this.inner.forceFlush?.() ?? Promise.resolve();
  }
}

const failures = [];
const providers = [];

function tracer(service) {
  const described = resourceFromAttributes({
    "service.name": service,
    "service.version": "1.2.3",
    "e2e.run": args.run,
  });
  const provider = new NodeTracerProvider({
    resource: defaultResource().merge(described),
    spanProcessors: [new SimpleSpanProcessor(new Strict(exporter(), failures))],
  });
  providers.push(provider);
  return provider.getTracer("e2e", "0.1");
}

const startMillis = Date.now();
const spans = {};

/** A time as the SDK keeps it without loss: whole seconds and nanoseconds. */
function after(millis) {
  const at = startMillis + millis;
  return [Math.floor(at / 1000), (at % 1000) * 1_000_000];
}

function begin(owner, name, millis, kind, parent, options = {}) {
  const context = parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
  const span = owner.startSpan(name, { kind, startTime: after(millis), ...options }, context);
  spans[name] = span.spanContext().spanId;
  return span;
}

const front = tracer("e2e-front");
const back = tracer("e2e-back");
const root = begin(front, "GET /checkout", 0, SpanKind.SERVER, undefined, {
  attributes: {
    "e2e.text": 'caf\u00e9 "quoted"',
    "e2e.empty": "",
    "e2e.int": -42,
    "e2e.double": 2.5,
    "e2e.bool": true,
    "e2e.texts": ["a", "b"],
    "e2e.ints": [1, 2, 3],
    "e2e.doubles": [0.5, 1.5],
    "e2e.bools": [true, false],
  },
});
root.addEvent("cache.miss", { "cache.key": "cart:7", "cache.size": 3 }, after(1));
const links = [{ context: OTHER, attributes: { "link.reason": "retry" } }];
const charge = begin(front, "charge card", 2, SpanKind.CLIENT, root, { links });
charge.recordException(new RangeError("card declined"), after(8));
charge.setStatus({ code: SpanStatusCode.ERROR, message: "card declined" });
const post = begin(back, "POST /charge", 3, SpanKind.SERVER, charge);
begin(back, "work", 4, SpanKind.INTERNAL, post).end(after(5));
const publish = begin(back, "publish", 5, SpanKind.PRODUCER, post);
publish.end(after(6));
begin(back, "consume", 6, SpanKind.CONSUMER, publish).end(after(7));
post.setStatus({ code: SpanStatusCode.OK });
post.end(after(8));
charge.end(after(9));
root.end(after(10));

for (const provider of providers) {
  await provider.shutdown();
}
if (failures.length > 0) {
  throw failures[0];
}
const report = {
  traceId: root.spanContext().traceId,
  startUnixNano: `${BigInt(startMillis) * 1_000_000n}`,
  spans,
};
console.log(JSON.stringify(report));
