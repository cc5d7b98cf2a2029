/** What the server says about a tenant and about itself. */
import { get, getJson } from "../api/http.ts";
import type { Blocks, Tenant } from "../api/schema.ts";

const BLOCKS_MAX = 1000;

export const fetchTenant = (signal: AbortSignal) => getJson<Tenant>("/api/ui/tenant", {}, signal);

export const fetchBlocks = (signal: AbortSignal) =>
  getJson<Blocks>("/api/ui/blocks", { limit: String(BLOCKS_MAX) }, signal);

/** A part of the process and how it is. */
export interface Part {
  readonly name: string;
  readonly status: string;
  readonly failure: string;
}

/** The rows of the text table that `/status/services` is. */
export function partsOf(text: string): Part[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(1)
    .map((line) => {
      const [name = "", status = "", failure = ""] = line
        .split("|")
        .slice(1)
        .map((cell) => cell.trim());
      return { name, status, failure };
    });
}

export async function fetchParts(signal: AbortSignal): Promise<Part[]> {
  return partsOf(await (await get("/status/services", {}, signal)).text());
}

/** Why spans are not stored, and what helps. */
const REASONS: Readonly<Record<string, string>> = {
  invalid_trace_id: "The trace id is not 16 bytes, or all zeros. The sender has a fault.",
  invalid_span_id: "The span id is not 8 bytes, or all zeros. The sender has a fault.",
  invalid_parent_span_id: "The parent's id has neither 0 nor 8 bytes. The sender has a fault.",
  start_time_out_of_range: "The start is too far from now. Look at the sender's clock.",
  malformed: "The bytes break their protocol. Look at sender and proxies.",
  too_large: "The request is larger than can ever be taken. Make the sender's batches smaller.",
  trace_bytes: "The trace has as many bytes as max_bytes_per_trace allows.",
  trace_spans: "The trace has as many spans as max_spans_per_trace allows.",
  attribute_bytes: "A value is longer than max_attribute_bytes allows.",
  span_attributes: "It has more attributes than max_attributes_per_span allows.",
  wal_full: "The log is full. Is the storage reachable?",
  memory: "Memory is full. Give more with --memory-limit, or send to more processes.",
  tenant_rate: "The tenant sends faster than rate_limit_bytes or rate_limit_spans allows.",
  tenant_live_bytes: "Live spans have reached max_live_bytes.",
  shutting_down: "The process was going down; senders tried again.",
  disk_full: "The disk is full.",
};

export interface Loss {
  readonly reason: string;
  readonly fate: "rejected" | "refused" | "failed";
  readonly spans: number;
  readonly why: string;
}

/** What was received and is not stored, most first. */
export function lossesOf({ rejected, refused, failed }: Tenant): Loss[] {
  const of = (fate: Loss["fate"], counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([reason, spans]) => ({ reason, fate, spans, why: REASONS[reason] ?? "" }));
  const broken = { storing: failed ?? 0 };
  return [...of("rejected", rejected), ...of("refused", refused), ...of("failed", broken)]
    .map((loss) =>
      loss.fate === "failed" ? { ...loss, why: "Storing failed; the process's log says why." } : loss,
    )
    .filter(({ spans }) => spans > 0)
    .sort((a, b) => b.spans - a.spans);
}

/** A second look gives a rate; `null` before, and when the process has started anew. */
export function perSecond(
  before: { spans: number; at: number } | null,
  now: { spans: number; at: number },
): number | null {
  if (!before || now.at <= before.at || now.spans < before.spans) return null;
  return ((now.spans - before.spans) / (now.at - before.at)) * 1e3;
}
