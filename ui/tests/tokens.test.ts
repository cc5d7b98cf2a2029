/** Contrasts of the colors as WCAG 2.2 computes them; a theme that follows the system has the same colors. */
import { expect, test } from "vitest";
import css from "../src/styles/tokens.css?raw";

type Colors = Readonly<Record<string, string>>;

const BLOCKS: Colors[] = [...css.matchAll(/\{([^{}]*)\}/g)].map(([, body = ""]) =>
  Object.fromEntries(
    [...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, color]) => [name, color]),
  ),
);
const [dark = {}, light = {}, system = {}] = BLOCKS;

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a = "", b = ""): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

test.each([
  ["dark", dark],
  ["light", light],
])("what is read in %s has enough contrast wherever it stands", (_, colors) => {
  const on = (name: string, ground: string) => contrast(colors[name], colors[ground]);
  for (const ground of ["canvas", "surface", "raised"]) {
    for (const name of ["text", "text-2", "text-3", "accent", "error", "warning", "success"])
      expect(on(name, ground), `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    expect(on("border-control", ground), `border-control on ${ground}`).toBeGreaterThanOrEqual(3);
  }
  expect(on("on-accent", "accent")).toBeGreaterThanOrEqual(4.5);
  expect(on("on-match", "match")).toBeGreaterThanOrEqual(4.5);
  for (let slot = 0; slot < 12; slot++)
    expect(on(`service-${slot}`, "canvas"), `${slot}`).toBeGreaterThanOrEqual(3);
});

test("the contrasts are those that the colors were chosen for", () => {
  const rounded = (a = "", b = "") => Math.round(contrast(a, b) * 10) / 10;
  expect([rounded(dark.text, dark.canvas), rounded(light.text, light.canvas)]).toEqual([15.6, 17.5]);
  expect([rounded(dark.error, dark.canvas), rounded(light.error, light.canvas)]).toEqual([6.8, 5.6]);
});

test("the system's light theme is the light theme", () => {
  expect(system).toEqual(light);
  expect(Object.keys(light)).toEqual(Object.keys(dark));
});
