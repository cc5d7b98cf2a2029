/** What the server says about rules. */
import { ask } from "../../api/http.ts";
import type { SamplingCheck, SamplingSimulation } from "../../api/schema.ts";
import type { TimeRange } from "../../shell/time-range.ts";

async function post<T>(path: string, body: string, signal: AbortSignal): Promise<T> {
  const headers = { "content-type": "application/yaml" };
  const response = await ask(path, { method: "POST", headers, body, signal });
  return (await response.json()) as T;
}

export const fetchCheck = (text: string, signal: AbortSignal) =>
  post<SamplingCheck>("/api/ui/sampling/check", text, signal);

export function fetchSimulation(
  text: string,
  { from, to }: TimeRange,
  limit: number,
  signal: AbortSignal,
): Promise<SamplingSimulation> {
  const nanos = (millis: number) => `${Math.floor(millis)}000000`;
  const query = new URLSearchParams({ start: nanos(from), end: nanos(to), limit: String(limit) });
  return post(`/api/ui/sampling/simulate?${query}`, text, signal);
}
