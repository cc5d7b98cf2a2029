// Traces whose facts are known, sent as OTLP in JSON: large ones, a wrong clock, missing parents, links, repeats.

const hex = (number, digits) => number.toString(16).padStart(digits, "0");

/** The same numbers for the same seed, from 0 to 1. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Every 997th span carries what the checks look for. */
export const WANTED = "value-77";
const isWanted = (i) => i % 997 === 77;

/** Nanoseconds for a call below which it has none of its own, and multiples of what times are rounded to. */
const SLOT_MIN = 1000;
const GRAINS_MIN = 20;

/**
 * A trace of so many spans: a chain as deep as `depth`, and groups of `fanOut` calls below all over it. Each runs
 * within its caller. Times are multiples of `grain` nanoseconds.
 */
export function sized({
  traceId,
  spans: count,
  startMillis,
  seed = 1,
  depth = 90,
  fanOut = 40,
  services = 24,
  grain = 1,
}) {
  const next = random(seed);
  const spans = [];
  const grained = (nanos) => Math.round(nanos / grain) * grain;
  const add = (parent, start, duration) => {
    const i = spans.length;
    const level = parent === null ? 0 : parent.level + 1;
    const isError = i > 0 && next() < 0.02;
    const span = {
      i,
      parent,
      level,
      start: grained(start),
      duration: grained(duration),
      service: `service-${String(parent === null ? 0 : Math.floor(next() * services)).padStart(2, "0")}`,
      name: `operation-${Math.floor(next() * 40)}`,
      isError,
      attributes: {
        "http.route": `/items/${i % 40}`,
        "http.status_code": isError ? 504 : 200,
        "some.key": isWanted(i) ? WANTED : `value-x${i % 61}`,
        "thread.id": i % 16,
      },
      events: isError
        ? [
            {
              name: "exception",
              attributes: { "exception.type": "TimeoutException", "exception.message": `no answer ${i % 9}` },
            },
          ]
        : [],
    };
    spans.push(span);
    return span;
  };
  let last = add(null, 0, 10e9);
  const parents = [last];
  while (spans.length < Math.min(depth, count)) {
    last = add(last, last.start + last.duration * 0.005, last.duration * 0.985);
    parents.push(last);
  }
  while (spans.length < count) {
    const parent = parents[Math.floor(next() * parents.length)];
    const slot = parent.duration / fanOut;
    if (parent.level + 1 >= depth || slot < Math.max(SLOT_MIN, GRAINS_MIN * grain)) continue;
    for (let k = 0; k < fanOut && spans.length < count; k++) {
      const child = add(parent, parent.start + slot * (k + 0.1 + 0.2 * next()), slot * (0.2 + 0.4 * next()));
      if (k % 10 === 3) parents.push(child);
    }
  }
  return trace(traceId, startMillis, spans);
}

/** A call whose server's clock is 50 ms behind: it ran in the middle of the caller's time, where adjusters put it. */
export const SKEW_NANOS = 50_000_000;
export function skewed({ traceId, startMillis }) {
  // Whose clock it was is told by the host.
  const host = (name) => ({ "host.name": name });
  const client = plain(0, null, {
    host: host("a"),
    start: 60e6,
    duration: 100e6,
    service: "front",
    name: "GET /orders",
    kind: 3,
  });
  const server = plain(1, client, {
    host: host("b"),
    start: 70e6 - SKEW_NANOS,
    duration: 80e6,
    service: "orders",
    name: "GET /orders",
    kind: 2,
  });
  const below = plain(2, server, {
    host: host("b"),
    start: 75e6 - SKEW_NANOS,
    duration: 20e6,
    service: "orders",
    name: "SELECT orders",
  });
  return trace(traceId, startMillis, [client, server, below]);
}

/** Four spans whose parents were never sent. */
export const ORPHANS = 4;
export function orphaned({ traceId, startMillis }) {
  const root = plain(0, null, { start: 0, duration: 200e6, service: "front", name: "GET /" });
  const known = plain(1, root, { start: 10e6, duration: 50e6, service: "cart", name: "load" });
  const lost = Array.from({ length: ORPHANS }, (_, k) => ({
    ...plain(2 + k, null, { start: (70 + 20 * k) * 1e6, duration: 15e6, service: "mail", name: `send ${k}` }),
    missingParent: 900 + (k >> 1),
  }));
  return trace(traceId, startMillis, [root, known, ...lost]);
}

/** How many equal calls the repeating trace has. */
export const REPEATS = 143;
export function repeated({ traceId, startMillis, links = [] }) {
  const root = plain(0, null, { start: 0, duration: 2e9, service: "checkout", name: "POST /pay" });
  root.links = links;
  const cart = plain(1, root, { start: 10e6, duration: 1.8e9, service: "cart", name: "load" });
  const calls = Array.from({ length: REPEATS }, (_, k) =>
    plain(2 + k, cart, {
      start: 20e6 + k * 12e6,
      duration: 1e6 + k * 1000,
      service: "cart",
      name: "SELECT items",
      kind: 3,
    }),
  );
  return trace(traceId, startMillis, [root, cart, ...calls]);
}

/** A span whose values are easily changed on the way to a reader. */
export function valued({ traceId, startMillis }) {
  const span = plain(0, null, { start: 0, duration: 5e6, service: "front", name: "GET /values" });
  span.attributes = {
    "text.lines": "one line\n  and another\twith a tab",
    "text.quotes": "she said \"no\" \\ 'yes' `perhaps` </td> &amp; %20",
    "text.blanks": "  blanks around  ",
    "text.letters": "größe 漢字 🚀 e\u0301",
    "text.long": "0123456789".repeat(400),
    "text.empty": "",
    "number.large": 9007199254740993n,
    "number.negative": -1,
    "number.fraction": 0.1,
    "truth.value": true,
  };
  return trace(traceId, startMillis, [span]);
}

function plain(i, parent, rest) {
  return { i, parent, level: 0, isError: false, attributes: {}, events: [], ...rest };
}

function trace(traceId, startMillis, spans) {
  return { traceId, startMillis, spans, startNanos: BigInt(startMillis) * 1_000_000n };
}

/** As random as those of SDKs, so that they compress as badly; the same for the same number. */
export const spanId = (i) => {
  const next = random(i + 1);
  return [1, 2].map(() => hex(Math.floor(next() * 4294967296), 8)).join("");
};

function value(it) {
  if (typeof it === "bigint" || Number.isInteger(it)) return { intValue: String(it) };
  if (typeof it === "number") return { doubleValue: it };
  return typeof it === "boolean" ? { boolValue: it } : { stringValue: it };
}
const keyValues = (record) => Object.entries(record).map(([key, it]) => ({ key, value: value(it) }));

function otlp({ traceId, startNanos }, span) {
  const at = (offset) => String(startNanos + BigInt(Math.round(offset)));
  const parent = span.missingParent ?? span.parent?.i;
  return {
    traceId,
    spanId: spanId(span.i),
    ...(parent === undefined ? {} : { parentSpanId: spanId(parent) }),
    name: span.name,
    kind: span.kind ?? (span.parent ? 1 : 2),
    startTimeUnixNano: at(span.start),
    endTimeUnixNano: at(span.start + span.duration),
    attributes: keyValues(span.attributes),
    events: span.events.map(({ name, attributes }) => ({
      timeUnixNano: at(span.start + span.duration),
      name,
      attributes: keyValues(attributes),
    })),
    links: span.links ?? [],
    status: span.isError ? { code: 2, message: "no answer" } : {},
  };
}

/** Spans of a trace as a request of OTLP in JSON. */
export function otlpRequest(made, spans = made.spans) {
  const byService = new Map();
  for (const span of spans) {
    if (!byService.has(span.service)) byService.set(span.service, []);
    byService.get(span.service).push(span);
  }
  // All spans of a service have run on the same host.
  const resourceSpans = [...byService].map(([service, spans]) => ({
    resource: { attributes: keyValues({ "service.name": service, ...spans[0].host }) },
    scopeSpans: [{ scope: { name: "fixtures" }, spans: spans.map((span) => otlp(made, span)) }],
  }));
  return { resourceSpans };
}

/** Sends a trace to an OTLP/HTTP endpoint, in requests of a few thousand spans; for a tenant of its own, if named. */
export async function send(endpoint, made, tenant) {
  const headers = { "content-type": "application/json", ...(tenant ? { "x-scope-orgid": tenant } : {}) };
  for (let first = 0; first < made.spans.length; first += 4000) {
    const response = await fetch(`${endpoint}/v1/traces`, {
      method: "POST",
      headers,
      body: JSON.stringify(otlpRequest(made, made.spans.slice(first, first + 4000))),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  }
}

/** The traces of the checks, by name; they began ten minutes ago. Sends them to an OTLP/HTTP endpoint. */
export async function sendAll(endpoint) {
  const traces = all();
  for (const trace of Object.values(traces)) await send(endpoint, trace);
  return traces;
}

function all() {
  const startMillis = Date.now() - 600_000;
  // Ids of this run: a server may have those of an earlier one.
  const of = (make, digit, rest = {}) =>
    make({ traceId: digit.repeat(20) + hex(startMillis, 12), startMillis, ...rest });
  const ten = of(sized, "1", { spans: 10, depth: 4, fanOut: 3, services: 3 });
  return {
    ten,
    thousand: of(sized, "2", { spans: 1000, depth: 20, fanOut: 12, services: 9 }),
    tenThousand: of(sized, "3", { spans: 10_000 }),
    hundredThousand: of(sized, "4", { spans: 100_000 }),
    skew: of(skewed, "5"),
    orphans: of(orphaned, "6"),
    repeats: of(repeated, "7", { links: [{ traceId: ten.traceId, spanId: spanId(3) }] }),
    values: of(valued, "8"),
    // In whole microseconds, as Jaeger and Zipkin have times.
    files: of(sized, "9", { spans: 120, depth: 9, fanOut: 7, services: 5, seed: 4, grain: 1000 }),
  };
}
