/** Colors of the theme for canvases, and canvases as sharp as the screen. */
import { signal } from "@preact/signals";
import { SLOT_NAMES } from "../text/colors.ts";

/** What a canvas paints with. */
export interface Palette {
  readonly canvas: string;
  readonly surface: string;
  readonly raised: string;
  readonly text: string;
  readonly text2: string;
  readonly text3: string;
  readonly border: string;
  readonly accent: string;
  readonly error: string;
  readonly match: string;
  /** Of services, and of what else spans are colored by (`coloring.ts`). */
  readonly slots: readonly string[];
  /** Whether the system chooses the colors: then nothing lies between a bar and what is behind it. */
  readonly isForced: boolean;
}

function read(): Palette {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    canvas: value("canvas"),
    surface: value("surface"),
    raised: value("raised"),
    text: value("text"),
    text2: value("text-2"),
    text3: value("text-3"),
    border: value("border"),
    accent: value("accent"),
    error: value("error"),
    match: value("match"),
    slots: SLOT_NAMES.map(value),
    isForced: matchMedia("(forced-colors: active)").matches,
  };
}

/** The colors in force; changes with the theme. */
export const palette = signal<Palette>(read());

/** Follows the theme: the page's own choice, and the system's. */
export function followTheme(): void {
  const update = () => {
    palette.value = read();
  };
  new MutationObserver(update).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  for (const media of ["(prefers-color-scheme: light)", "(forced-colors: active)"])
    matchMedia(media).addEventListener("change", update);
  update();
}

/** Fits a canvas to its box and the screen; the context measures in CSS pixels. */
export function sharp(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const scale = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}
