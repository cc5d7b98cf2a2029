/** A trace: its skeleton in columns, and the details of single spans. */
import { get, getJson } from "./http.ts";
import type { AnyValue, Finding, Found, KeyValue, OtlpSpan, OtlpTraces, SkeletonHeader } from "./schema.ts";

/** Times during which a trace waited for a span itself, in columns; nanoseconds after the start of the trace. */
export interface Sections {
  readonly span: Uint32Array;
  readonly from: Float64Array;
  readonly to: Float64Array;
}

/** The shape of a trace; its format is documented in `crates/api/src/native/skeleton.rs`. */
export interface Skeleton {
  readonly traceId: string;
  /** Another one when the spans are others; empty where the server does not say. */
  readonly tag: string;
  readonly n: number;
  readonly startUnixNanos: bigint;
  readonly services: readonly string[];
  readonly names: readonly string[];
  /** Zeros as long as they have not come. */
  readonly ids: BigUint64Array;
  readonly hasIds: boolean;
  /** Nanoseconds after the start of the trace. */
  readonly starts: Float64Array;
  /** Nanoseconds. */
  readonly durations: Float64Array;
  /** Position of the parent; -1 for none. */
  readonly parents: Int32Array;
  readonly nameOf: Uint32Array;
  readonly serviceOf: Uint32Array;
  readonly events: Uint32Array;
  readonly flags: Uint8Array;
  /** What the first span waited for, newest first; empty for very large traces. */
  readonly critical: Sections;
  /** The same with clocks put right; empty when none was wrong. */
  readonly criticalAdjusted: Sections;
  /** How many spans name a parent that is not there. */
  readonly missingParents: number;
  /** What is wrong with the trace as a record. */
  readonly health: readonly Finding[];
  /** Spans at which errors began; `null` when the server does not say. */
  readonly errorOrigins: readonly number[] | null;
  /** Positions of spans whose clock was wrong, and by how many nanoseconds their times are to be moved. */
  readonly skew: readonly (readonly [number, number])[];
}

export const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;

export const kindOf = (flags: number) => KINDS[flags & 7] ?? "unspecified";
export const isError = (flags: number) => ((flags >> 3) & 3) === 2;
export const parentMissing = (flags: number) => (flags & 32) !== 0;
export const hasLinks = (flags: number) => (flags & 64) !== 0;

const padded = (length: number) => Math.ceil(length / 8) * 8;

/** Reads a skeleton. The columns are views of `buffer`. */
export function decodeSkeleton(buffer: ArrayBuffer, tag = ""): Skeleton {
  const magic = new TextDecoder().decode(buffer.slice(0, 4));
  if (magic !== "SPSK")
    throw new Error("The server's answer is no trace. Are page and server of the same version?");
  const headerLength = new DataView(buffer).getUint32(4, true);
  const header: SkeletonHeader = JSON.parse(
    new TextDecoder().decode(new Uint8Array(buffer, 8, headerLength)),
  );
  const n = header.nSpans;
  const facts = {
    health: header.health ?? [],
    errorOrigins: header.errorOrigins,
    skew: header.skew ?? [],
  };
  let at = padded(8 + headerLength);
  const column = <T>(make: (at: number) => T, width: number, count = n): T => {
    const made = make(at);
    at += padded(count * width);
    return made;
  };
  const sections = (count: number): Sections => ({
    span: column((at) => new Uint32Array(buffer, at, count), 4, count),
    from: column((at) => new Float64Array(buffer, at, count), 8, count),
    to: column((at) => new Float64Array(buffer, at, count), 8, count),
  });
  const columns = {
    traceId: header.traceId,
    tag,
    n,
    startUnixNanos: BigInt(header.startUnixNanos),
    services: header.services,
    names: header.names,
    hasIds: header.hasIds,
    ids: header.hasIds ? column((at) => new BigUint64Array(buffer, at, n), 8) : new BigUint64Array(n),
    starts: column((at) => new Float64Array(buffer, at, n), 8),
    durations: column((at) => new Float64Array(buffer, at, n), 8),
    parents: column((at) => new Int32Array(buffer, at, n), 4),
    nameOf: column((at) => new Uint32Array(buffer, at, n), 4),
    serviceOf: column((at) => new Uint32Array(buffer, at, n), 4),
    events: column((at) => new Uint32Array(buffer, at, n), 4),
    flags: column((at) => new Uint8Array(buffer, at, n), 1),
    critical: sections(header.nSections),
    criticalAdjusted: sections(header.nAdjustedSections),
  };
  return { ...columns, ...facts, missingParents: header.missingParents };
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The id of a span in hex: ids are bytes in the order in which they are written. */
export function spanIdAt(skeleton: Skeleton, position: number): string {
  const bytes = new Uint8Array(skeleton.ids.buffer, skeleton.ids.byteOffset + position * 8, 8);
  let id = "";
  for (const byte of bytes) id += HEX[byte];
  return id;
}

/** Where a span with this id is; of several, the first. */
export function positionOf(skeleton: Skeleton, spanId: string): number | null {
  if (!/^[0-9a-f]{16}$/i.test(spanId)) return null;
  const bytes = Uint8Array.from({ length: 8 }, (_, i) => Number.parseInt(spanId.slice(2 * i, 2 * i + 2), 16));
  const position = skeleton.ids.indexOf(new BigUint64Array(bytes.buffer)[0] ?? 0n);
  return position < 0 ? null : position;
}

export async function fetchSkeleton(
  traceId: string,
  signal: AbortSignal,
  { ids = true } = {},
): Promise<Skeleton> {
  return read(await get(`${pathOf(traceId)}/skeleton`, { ids: ids ? undefined : "0" }, signal));
}

const pathOf = (traceId: string) => `/api/ui/traces/${encodeURIComponent(traceId)}`;

async function read(response: Response): Promise<Skeleton> {
  return decodeSkeleton(await response.arrayBuffer(), response.headers.get("etag") ?? "");
}

/** Where a trace comes from: the pages of a trace know nothing else of it. */
export interface TraceSource {
  /** Without ids, where it can be had without and that is enough: they do not compress, and nothing is drawn of them. */
  skeleton(signal: AbortSignal, options?: { readonly ids: boolean }): Promise<Skeleton>;
  /** The ids that a skeleton lacks; `null` when the trace has other spans by now. */
  ids?(known: Skeleton, signal: AbortSignal): Promise<BigUint64Array | null>;
  /** The trace as it is now, `null` when its spans are still those of `known`; where spans can still arrive. */
  newer?(known: Skeleton, signal: AbortSignal): Promise<Skeleton | null>;
  /** Everything about the spans with these ids, at most `SPANS_MAX` at a time. */
  spans(ids: readonly string[], signal: AbortSignal): Promise<SpanDetail[]>;
  /** Whether each span passes a TraceQL filter or has a text: one byte per position. */
  find(q: string, signal: AbortSignal): Promise<Uint8Array>;
  /** The whole trace as OTLP in JSON, where it does not come from the server. */
  otlp?(): unknown;
}

/** Spans that one request may ask for. */
export const SPANS_MAX = 500;

/** A trace that the server has stored. */
export function storedTrace(traceId: string): TraceSource {
  const path = pathOf(traceId);
  return {
    skeleton: (signal, options) => fetchSkeleton(traceId, signal, options),
    async ids({ tag }, signal) {
      const response = await get(`${path}/span-ids`, {}, signal);
      if (response.headers.get("etag") !== tag) return null;
      return new BigUint64Array(await response.arrayBuffer());
    },
    async newer({ tag }, signal) {
      const headers = { "if-none-match": tag };
      const response = await get(`${path}/skeleton`, {}, signal, headers);
      return response.status === 304 ? null : read(response);
    },
    async spans(ids, signal) {
      const query = new URLSearchParams(ids.map((id) => ["id", id]));
      return spansOf(await getJson<OtlpTraces>(`${path}/spans?${query}`, {}, signal));
    },
    async find(q, signal) {
      const answer = await getJson<Found>(`${path}/find`, { q }, signal);
      return bytesOf(answer.bitmap, answer.total);
    },
  };
}

/** The bits of base64 as bytes of 0 and 1, lowest bit first. */
export function bytesOf(bitmap: string, n: number): Uint8Array {
  const bits = atob(bitmap);
  return Uint8Array.from({ length: n }, (_, i) => (bits.charCodeAt(i >> 3) >> (i & 7)) & 1);
}

/** Everything about a span. */
export interface SpanDetail {
  readonly span: OtlpSpan;
  readonly resource: readonly KeyValue[];
  readonly scope: { readonly name: string; readonly version: string };
}

function spansOf(answer: OtlpTraces): SpanDetail[] {
  return (answer.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) =>
      spans.map((span) => ({
        span,
        resource: resource?.attributes ?? [],
        scope: { name: scope?.name ?? "", version: scope?.version ?? "" },
      })),
    ),
  );
}

/** A value as text: lists and maps as JSON. */
export function valueText(value: AnyValue | undefined): string {
  if (!value) return "";
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.intValue !== undefined) return String(value.intValue);
  if (value.doubleValue !== undefined) return String(value.doubleValue);
  if (value.boolValue !== undefined) return String(value.boolValue);
  if (value.bytesValue !== undefined) return value.bytesValue;
  return JSON.stringify(plain(value));
}

function plain(value: AnyValue): unknown {
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(plain);
  if (value.kvlistValue) {
    return Object.fromEntries(
      (value.kvlistValue.values ?? []).map(({ key, value }) => [key, value ? plain(value) : null]),
    );
  }
  return (
    value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.intValue ?? value.bytesValue ?? null
  );
}

/** A value as TraceQL has it. */
export function valueLiteral(value: AnyValue | undefined): string {
  if (value?.intValue !== undefined || value?.doubleValue !== undefined || value?.boolValue !== undefined)
    return valueText(value);
  return JSON.stringify(valueText(value));
}
