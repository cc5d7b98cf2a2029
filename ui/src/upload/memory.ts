/** Traces of files: the server puts them into shape and forgets them, this page has them as long as it is open. */
import { signal } from "@preact/signals";
import { ApiError, ask } from "../api/http.ts";
import type { OtlpTraces, Upload, UploadedTrace } from "../api/schema.ts";
import {
  decodeSkeleton,
  type Skeleton,
  type SpanDetail,
  spanIdAt,
  type TraceSource,
  valueText,
} from "../api/trace.ts";

/** The traces of the last file. */
export const uploaded = signal<readonly UploadedTrace[]>([]);

/** What a server reads. */
export const BYTES_MAX = 64 << 20;

async function unpacked(file: File): Promise<Blob> {
  if (!/\.gz$/i.test(file.name)) return file;
  return await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).blob();
}

/** Reads the traces of a file. */
export async function readFile(file: File, signal: AbortSignal): Promise<readonly UploadedTrace[]> {
  const body = await unpacked(file);
  if (body.size > BYTES_MAX) throw new ApiError(413, "The file is larger than 64 MiB.");
  const headers = { "content-type": "application/octet-stream" };
  const response = await ask("/api/ui/transform", { method: "POST", body, headers, signal });
  const { traces } = (await response.json()) as Upload;
  return traces;
}

function bytesOf(base64: string): ArrayBuffer {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer;
}

export function detailsOf({ resourceSpans = [] }: OtlpTraces): SpanDetail[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) =>
      spans.map((span) => ({
        span,
        resource: resource?.attributes ?? [],
        scope: { name: scope?.name ?? "", version: scope?.version ?? "" },
      })),
    ),
  );
}

/** A trace in memory as the pages of a trace want it. */
export function memorySource(trace: UploadedTrace): TraceSource {
  const skeleton = decodeSkeleton(bytesOf(trace.skeleton));
  const byId = new Map<string, SpanDetail[]>();
  for (const detail of detailsOf(trace.otlp)) {
    const id = detail.span.spanId.toLowerCase();
    byId.set(id, [...(byId.get(id) ?? []), detail]);
  }
  return {
    skeleton: async () => skeleton,
    spans: async (ids) => ids.flatMap((id) => byId.get(id) ?? []),
    find: async (q) => {
      if (q.trim().startsWith("{"))
        throw new ApiError(
          400,
          "TraceQL is for stored traces; in a file, words and key=value are looked for.",
        );
      return found(skeleton, byId, q);
    },
    otlp: () => trace.otlp,
  };
}

/** Whether each span has the text: `key=value` is exact, `-` in front excludes. */
function found(skeleton: Skeleton, byId: ReadonlyMap<string, SpanDetail[]>, text: string): Uint8Array {
  const isExcluded = text.trim().startsWith("-");
  const words = text.trim().replace(/^-/, "").toLowerCase();
  const equality = /^([^=\s]+)=(.*)$/.exec(words);
  return Uint8Array.from({ length: skeleton.n }, (_, at) => {
    const id = spanIdAt(skeleton, at);
    const details = byId.get(id) ?? [];
    const has = equality
      ? details.some((detail) => hasValue(detail, equality[1] ?? "", equality[2] ?? ""))
      : id === words || details.some((detail) => textsOf(detail).some((text) => text.includes(words)));
    return has === isExcluded ? 0 : 1;
  });
}

const attributesOf = ({ span, resource }: SpanDetail) => [...(span.attributes ?? []), ...resource];

function hasValue(detail: SpanDetail, key: string, value: string): boolean {
  return attributesOf(detail).some(
    (attribute) => attribute.key.toLowerCase() === key && valueText(attribute.value).toLowerCase() === value,
  );
}

function textsOf(detail: SpanDetail): string[] {
  const { span } = detail;
  const events = (span.events ?? []).flatMap(({ name = "", attributes = [] }) => [
    name,
    ...attributes.flatMap(({ key, value }) => [key, valueText(value)]),
  ]);
  const own = attributesOf(detail).flatMap(({ key, value }) => [key, valueText(value)]);
  return [span.name ?? "", ...own, ...events].map((text) => text.toLowerCase());
}
