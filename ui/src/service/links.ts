/** Links that keep the time range. */
import { href, place } from "../router.ts";

/** The parameters of the address that a link within the aggregates keeps. */
function kept(): { from: string | undefined; to: string | undefined } {
  const { query } = place.value;
  return { from: query.get("from") ?? undefined, to: query.get("to") ?? undefined };
}

/** The search for spans that pass the filter, in the same time. */
export function searchLink(filter: string): string {
  return href("/search", { q: `{ ${filter} }`, ...kept() });
}

/** The search for a whole query. */
export function queryLink(q: string): string {
  return href("/search", { q, ...kept() });
}

export function serviceLink(service: string, more: Record<string, string | undefined> = {}): string {
  return href(`/services/${encodeURIComponent(service)}`, { ...kept(), ...more });
}

export function operationLink(service: string, operation: string): string {
  return href(`/services/${encodeURIComponent(service)}/${encodeURIComponent(operation)}`, kept());
}

/** Another page, in the same time. */
export function pageLink(path: string, more: Record<string, string | undefined> = {}): string {
  return href(path, { ...more, ...kept() });
}
