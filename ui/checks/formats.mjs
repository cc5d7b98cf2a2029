// A trace as files of other programs have it, written here and not by the server that reads them.
import { otlpRequest, spanId } from "./fixtures.mjs";

/** The same trace in each of the forms of file that can be opened, by name. */
export const FORMS = {
  "OTLP JSON": (trace) => Buffer.from(JSON.stringify(otlpRequest(trace))),
  "OTLP protobuf": (trace) => message(otlpRequest(trace), TRACES),
  "Jaeger JSON": (trace) => Buffer.from(JSON.stringify(jaeger(trace))),
  "Zipkin v2 JSON": (trace) => Buffer.from(JSON.stringify(zipkin(trace))),
};

const microsAt = ({ startMillis }, nanos) => startMillis * 1000 + nanos / 1000;

function jaeger(trace) {
  const { traceId, spans } = trace;
  const services = [...new Set(spans.map(({ service }) => service))];
  const tag = ([key, value]) => ({
    key,
    type: typeof value === "number" ? "int64" : typeof value === "boolean" ? "bool" : "string",
    value,
  });
  const tagged = (record) => Object.entries(record).map(tag);
  const written = spans.map((span) => ({
    traceID: traceId,
    spanID: spanId(span.i),
    operationName: span.name,
    references: span.parent ? [{ refType: "CHILD_OF", traceID: traceId, spanID: spanId(span.parent.i) }] : [],
    startTime: microsAt(trace, span.start),
    duration: span.duration / 1000,
    processID: `p${services.indexOf(span.service)}`,
    tags: tagged({
      ...span.attributes,
      "span.kind": span.parent ? "internal" : "server",
      ...(span.isError ? { error: true } : {}),
    }),
    logs: span.events.map(({ name, attributes }) => ({
      timestamp: microsAt(trace, span.start + span.duration),
      fields: tagged({ event: name, ...attributes }),
    })),
  }));
  const processes = services.map((serviceName, i) => [`p${i}`, { serviceName, tags: [] }]);
  return { data: [{ traceID: traceId, spans: written, processes: Object.fromEntries(processes) }] };
}

function zipkin(trace) {
  const texts = (record) => Object.fromEntries(Object.entries(record).map(([key, it]) => [key, String(it)]));
  return trace.spans.map((span) => ({
    traceId: trace.traceId,
    id: spanId(span.i),
    ...(span.parent ? { parentId: spanId(span.parent.i) } : { kind: "SERVER" }),
    name: span.name,
    timestamp: microsAt(trace, span.start),
    duration: span.duration / 1000,
    localEndpoint: { serviceName: span.service },
    tags: texts({ ...span.attributes, ...(span.isError ? { error: "no answer" } : {}) }),
    annotations: span.events.map(({ name }) => ({
      timestamp: microsAt(trace, span.start + span.duration),
      value: name,
    })),
  }));
}

// What OTLP's JSON has by name, protobuf has by number: [number, how it is written].
const ANY = { stringValue: [1, "text"], boolValue: [2, "varint"], intValue: [3, "varint"] };
const KEY_VALUE = { key: [1, "text"], value: [2, ANY] };
const EVENT = { timeUnixNano: [1, "fixed64"], name: [2, "text"], attributes: [3, KEY_VALUE] };
const SPAN = {
  traceId: [1, "hex"],
  spanId: [2, "hex"],
  parentSpanId: [4, "hex"],
  name: [5, "text"],
  kind: [6, "varint"],
  startTimeUnixNano: [7, "fixed64"],
  endTimeUnixNano: [8, "fixed64"],
  attributes: [9, KEY_VALUE],
  events: [11, EVENT],
  links: [13, { traceId: [1, "hex"], spanId: [2, "hex"] }],
  status: [15, { message: [2, "text"], code: [3, "varint"] }],
};
const SCOPE_SPANS = { scope: [1, { name: [1, "text"] }], spans: [2, SPAN] };
const RESOURCE_SPANS = { resource: [1, { attributes: [1, KEY_VALUE] }], scopeSpans: [2, SCOPE_SPANS] };
const TRACES = { resourceSpans: [1, RESOURCE_SPANS] };

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

function fixed64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function field(number, form, value) {
  const tag = (wire) => varint((number << 3) | wire);
  if (form === "varint") return Buffer.concat([tag(0), varint(value)]);
  if (form === "fixed64") return Buffer.concat([tag(1), fixed64(value)]);
  const bytes =
    typeof form === "object" ? message(value, form) : Buffer.from(value, form === "hex" ? "hex" : "utf8");
  return Buffer.concat([tag(2), varint(bytes.length), bytes]);
}

function message(value, fields) {
  const written = Object.entries(value).flatMap(([name, inner]) => {
    const [number, form] = fields[name];
    return [inner].flat().map((one) => field(number, form, one));
  });
  return Buffer.concat(written);
}
