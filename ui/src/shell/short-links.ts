/** Short links: addresses of this site that the server keeps, and those of them that have a name. */
import { signal } from "@preact/signals";
import { ask, getJson, postJson } from "../api/http.ts";
import { Loader } from "../api/loaded.ts";
import type { Link, NewLink, SavedLinks } from "../api/schema.ts";
import { href, place } from "../router.ts";
import { announce, copy } from "./copying.tsx";

const LINKS = "/api/ui/links";

/** Where the reader is, from the base of the site on. */
export function addressHere(): string {
  const { path, query } = place.peek();
  const text = query.toString();
  return `${path}${text ? `?${text}` : ""}`;
}

/** The whole address of a short link. */
export function shortAddress({ short }: Link): string {
  return new URL(href(`/s/${short}`), location.origin).href;
}

/** Has the server keep the address, and copies what leads there. */
export async function copyShortLink(): Promise<void> {
  try {
    const body: NewLink = { path: addressHere() };
    const address = shortAddress(await postJson<Link>(LINKS, body));
    await copy(address);
    announce(`Copied ${address.replace(/^https?:\/\//, "")}`);
  } catch (error) {
    announce(`No short link: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Addresses with a name, of everybody in the tenant. */
export const saved = new Loader<readonly Link[]>();

/** What went wrong with the last change. */
export const saveFailure = signal<string | null>(null);

export function loadSaved(): Promise<void> {
  return saved.ask(async (signal) => (await getJson<SavedLinks>(LINKS, {}, signal)).links);
}

async function change(what: () => Promise<unknown>): Promise<boolean> {
  saveFailure.value = null;
  try {
    await what();
  } catch (error) {
    saveFailure.value = error instanceof Error ? error.message : String(error);
    return false;
  }
  await loadSaved();
  return true;
}

/** Keeps where the reader is under a name; says whether it is kept. */
export function saveHere(name: string): Promise<boolean> {
  const body: NewLink = { path: addressHere(), name };
  return change(() => postJson<Link>(LINKS, body));
}

export function forget({ short }: Link): Promise<boolean> {
  return change(() => ask(`${LINKS}/${short}`, { method: "DELETE" }));
}
