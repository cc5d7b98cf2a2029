/** Where the reader is: the address is the state, and changing it is the only way to another page. */
import { computed, signal } from "@preact/signals";
import { modernized } from "./legacy-urls.ts";

/** The address below the base of the site. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

const base = new URL(document.baseURI).pathname;

function here(): Place {
  const path = `/${location.pathname.slice(base.length)}`;
  const place = modernized({ path, query: new URLSearchParams(location.search) });
  if (place) {
    history.replaceState(null, "", href(place.path, place.query));
    return place;
  }
  return { path, query: new URLSearchParams(location.search) };
}

/** The current address. */
export const place = signal<Place>(here());

/** The path alone, for pages. */
export const path = computed(() => place.value.path);

/** A link within the site. */
export function href(path: string, query?: URLSearchParams | Record<string, string | undefined>): string {
  const params = query instanceof URLSearchParams ? query : new URLSearchParams();
  if (query && !(query instanceof URLSearchParams)) {
    for (const [name, value] of Object.entries(query))
      if (value !== undefined && value !== "") params.set(name, value);
  }
  const text = params.toString();
  return `${base}${path.slice(1)}${text ? `?${text}` : ""}`;
}

/** Goes there. With `replace`, the address before is not kept in the history. */
export function navigate(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  place.value = here();
}

/** Changes parameters of the current address; `undefined` takes one away. */
export function setQuery(changes: Record<string, string | undefined>, { replace = true } = {}): void {
  const query = new URLSearchParams(place.peek().query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  navigate(href(place.peek().path, query), { replace });
}

/** What the server itself answers; `/metrics` with a query is a page. */
function isServed({ pathname, searchParams }: URL): boolean {
  if (pathname === "/metrics") return !searchParams.has("q");
  return /^\/(api|s|tempo|jaeger|zipkin|status|metrics|ready)(\/|$)/.test(pathname);
}

/** Makes links within the site, and the browser's back and forward, change the place without a reload. */
export function listen(): void {
  addEventListener("popstate", () => {
    place.value = here();
  });
  addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey)
      return;
    const link = (event.target as Element | null)?.closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
    const to = new URL(link.href);
    const inside = to.origin === location.origin && to.pathname.startsWith(base);
    if (!inside || isServed(to)) return;
    event.preventDefault();
    // A frame of another page is for one trace.
    if (path.peek().startsWith("/embed/")) open(to.href, "_blank", "noopener");
    else navigate(to.pathname + to.search);
  });
}
