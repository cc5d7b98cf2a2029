/** The pages that one can go to from anywhere. */
import { href } from "../router.ts";
import type { IconName } from "./icons.tsx";

export interface PageLink {
  readonly path: string;
  readonly label: string;
  readonly icon: IconName;
  /** What the address has besides. */
  readonly query?: Readonly<Record<string, string>>;
}

export const PAGES: readonly PageLink[] = [
  { path: "/", label: "Services", icon: "services" },
  { path: "/search", label: "Search", icon: "search" },
  { path: "/map", label: "Service map", icon: "map" },
  { path: "/exceptions", label: "Exceptions", icon: "exceptions" },
  // Without a query this is the address of the process's own metrics.
  { path: "/metrics", label: "Metrics", icon: "metrics", query: { q: "" } },
  { path: "/sql", label: "SQL", icon: "sql" },
  { path: "/live", label: "Live", icon: "live" },
  { path: "/admin", label: "Administration", icon: "admin" },
];

/** Pages that are not on the rail. */
export const OTHER_PAGES: readonly PageLink[] = [
  { path: "/structure", label: "Structure of traces", icon: "structure" },
  { path: "/compare", label: "Compare a selection with the rest", icon: "compare" },
  { path: "/admin", label: "Sampling rules", icon: "admin", query: { tab: "sampling" } },
  { path: "/upload", label: "Open traces of a file", icon: "upload" },
];

/** The address of a page. */
export function addressOf({ path, query }: PageLink): string {
  return href(path, new URLSearchParams(query));
}

/** Whether the page is where the reader is, or the part of the site that it is in. */
export function isCurrent({ path }: PageLink, here: string): boolean {
  return path === here || (path === "/" && here.startsWith("/services/"));
}
