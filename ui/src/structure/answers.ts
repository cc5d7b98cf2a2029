/** The roll-up of all matching traces: what the server answers. */
import { getJson } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import type { Structure } from "../api/schema.ts";
import { seconds } from "../compare/answers.ts";

export function fetchStructure(
  q: string,
  range: Range,
  limit: number,
  signal: AbortSignal,
): Promise<Structure> {
  const params = { q, limit: String(limit), ...seconds(range) };
  return getJson<Structure>("/api/ui/structure", params, signal);
}
