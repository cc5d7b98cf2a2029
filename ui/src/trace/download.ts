/** A trace as a file. */
import { get, getJson } from "../api/http.ts";
import type { TempoTrace } from "../api/schema.ts";
import { KINDS } from "../api/trace.ts";

/** Offers something to be saved. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const jsonFile = (value: unknown) => new Blob([JSON.stringify(value)], { type: "application/json" });

type Json = Record<string, unknown>;

/** The trace in OTLP's JSON: Tempo's, with ids in hex and kinds as numbers. */
export async function otlpJson(traceId: string, signal: AbortSignal): Promise<Json> {
  const answer = await getJson<TempoTrace>(`/tempo/api/v2/traces/${traceId}`, {}, signal);
  return { resourceSpans: asOtlp(answer.trace?.resourceSpans ?? []) as Json[] };
}

/** Changes what differs between protobuf's JSON and OTLP's. */
export function asOtlp(value: unknown, key = ""): unknown {
  if (typeof value === "string") {
    if (key === "traceId" || key === "spanId" || key === "parentSpanId") return hexOf(value);
    if (key === "kind" && value.startsWith("SPAN_KIND_"))
      return KINDS.indexOf(value.slice("SPAN_KIND_".length).toLowerCase() as (typeof KINDS)[number]);
    if (key === "code") return ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"].indexOf(value);
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => asOtlp(item));
  if (value === null || typeof value !== "object") return value;
  const isAttribute = "key" in value && "value" in value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, isAttribute ? inner : asOtlp(inner, name)]),
  );
}

const hexOf = (base64: string) =>
  Array.from(atob(base64), (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");

/** The trace as Jaeger's API has it. */
export async function jaegerJson(traceId: string, signal: AbortSignal): Promise<Blob> {
  return (await get(`/jaeger/api/traces/${traceId}`, {}, signal)).blob();
}
