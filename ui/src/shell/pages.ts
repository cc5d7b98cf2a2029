/** The pages that one can go to from anywhere. */
import type { IconName } from "./icons.tsx";

export interface PageLink {
  readonly path: string;
  readonly label: string;
  readonly icon: IconName;
}

export const PAGES: readonly PageLink[] = [
  { path: "/", label: "Services", icon: "services" },
  { path: "/search", label: "Search", icon: "search" },
  { path: "/map", label: "Service map", icon: "map" },
  { path: "/exceptions", label: "Exceptions", icon: "exceptions" },
];

/** Whether the page is where the reader is, or the part of the site that it is in. */
export function isCurrent({ path }: PageLink, here: string): boolean {
  return path === here || (path === "/" && here.startsWith("/services/"));
}
