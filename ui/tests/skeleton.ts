/** Skeletons for tests, written as the server does. */

/** A span: name, service, depth, start and duration in nanoseconds. */
export interface Made {
  readonly name: string;
  readonly service?: string;
  readonly parent?: number;
  readonly start: number;
  readonly duration: number;
  readonly error?: boolean;
  readonly orphan?: boolean;
  /** As in `KINDS`; 2, a server's, without. */
  readonly kind?: number;
  /** The last byte of its id; without, its position and one. */
  readonly id?: number;
}

export function skeletonBytes(spans: readonly Made[], { hasIds = true } = {}): ArrayBuffer {
  const names = [...new Set(spans.map(({ name }) => name))];
  const services = [...new Set(spans.map(({ service = "web" }) => service))];
  // The second half of the first span, as if nothing below it had run then.
  const half = (spans[0]?.duration ?? 0) / 2;
  const header = {
    traceId: `${"0".repeat(31)}1`,
    nSpans: spans.length,
    nSections: 1,
    nAdjustedSections: 1,
    hasIds,
    startUnixNanos: "1700000000000000001",
    services,
    names,
    missingParents: spans.filter(({ orphan }) => orphan).length,
    health: null,
    errorOrigins: null,
    skew: null,
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = new Uint8Array(8 + text.length);
  start.set(new TextEncoder().encode("SPSK"));
  new DataView(start.buffer).setUint32(4, text.length, true);
  start.set(text, 8);
  const ids = new Uint8Array(spans.length * 8);
  spans.forEach(({ id }, i) => {
    ids[i * 8 + 7] = id ?? i + 1;
  });
  const flags = spans.map(({ error, orphan, kind = 2 }) => (error ? 2 << 3 : 0) | (orphan ? 32 : 0) | kind);
  const columns = [
    start,
    ...(hasIds ? [ids] : []),
    new Uint8Array(Float64Array.from(spans, ({ start }) => start).buffer),
    new Uint8Array(Float64Array.from(spans, ({ duration }) => duration).buffer),
    new Uint8Array(Int32Array.from(spans, ({ parent = -1 }) => parent).buffer),
    new Uint8Array(Uint32Array.from(spans, ({ name }) => names.indexOf(name)).buffer),
    new Uint8Array(Uint32Array.from(spans, ({ service = "web" }) => services.indexOf(service)).buffer),
    new Uint8Array(new Uint32Array(spans.length).buffer),
    Uint8Array.from(flags),
    new Uint8Array(Uint32Array.of(0).buffer),
    new Uint8Array(Float64Array.of(half).buffer),
    new Uint8Array(Float64Array.of(2 * half).buffer),
    // With clocks put right, of the last span.
    new Uint8Array(Uint32Array.of(spans.length - 1).buffer),
    new Uint8Array(Float64Array.of(half).buffer),
    new Uint8Array(Float64Array.of(2 * half).buffer),
  ];
  const length = columns.reduce((sum, column) => sum + Math.ceil(column.length / 8) * 8, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const column of columns) {
    bytes.set(column, at);
    at += Math.ceil(column.length / 8) * 8;
  }
  return bytes.buffer;
}
