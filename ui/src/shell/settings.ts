/** What this reader prefers, kept in this browser; a link never changes it. */
import { effect, signal } from "@preact/signals";

export type Theme = "system" | "dark" | "light";

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export const theme = signal<Theme>((stored("theme") as Theme | null) ?? "system");

/** Times in UTC instead of the zone of this machine. */
export const utc = signal(stored("utc") === "1");

/** Keeps settings over visits. */
export function keepSettings(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
    try {
      localStorage.setItem("theme", theme.value);
      localStorage.setItem("utc", utc.value ? "1" : "0");
    } catch {
      // Then they last as long as the page.
    }
  });
}
