// What the colors of a trace's spans stand for: the legend counts as a plain computation does, and filters.
import assert from "node:assert/strict";

const param = (page, name) => new URL(page.url()).searchParams.get(name);
const legend = (page) => page.getByRole("group", { name: "Colors" });
const tag = (span, name) => span.tags.find(({ key }) => key === name)?.value;

/** How many spans have each value. */
function countsBy(spans, of) {
  const counts = new Map();
  for (const span of spans) counts.set(of(span), (counts.get(of(span)) ?? 0) + 1);
  return counts;
}

/** The labels of the legend with their counts. */
async function shown(page) {
  const texts = await legend(page).locator("[class*=color]").allInnerTexts();
  return new Map(texts.map((text) => [text.trim().split(/\s+/)[0], Number(text.trim().split(/\s+/).at(-1))]));
}

/** `trace` is an id, `spans` are its spans as Jaeger's API has them. */
export async function checkColoring({ check, base, trace, spans }) {
  const attribute = "http.request.method";
  const open = async (page, query) => {
    await page.goto(`${base}/trace/${trace}${query}`);
    await legend(page).getByRole("button").first().waitFor();
  };

  await check(
    "colors are those of kinds or of an attribute's values, and the legend counts and filters",
    async (page) => {
      await open(page, "");
      await page.getByRole("combobox", { name: "Color" }).selectOption("kind");
      await page.waitForURL(/color=kind/);
      assert.deepEqual(
        await shown(page),
        countsBy(spans, (span) => tag(span, "span.kind") ?? "unspecified"),
      );
      await open(page, `?view=flame&color=span.${attribute}`);
      const values = countsBy(spans, (span) => tag(span, attribute) ?? "none");
      assert.ok(values.size > 1, `${values.size} values of ${attribute}`);
      await legend(page).getByRole("button", { name: "none" }).waitFor();
      assert.deepEqual(await shown(page), values);
      await legend(page).getByRole("button", { name: "POST" }).click();
      await page.waitForURL(/f=/);
      assert.equal(param(page, "f"), `{ span.${attribute} = "POST" }`);
      await page
        .getByRole("search")
        .getByRole("status")
        .getByText(new RegExp(`^${values.get("POST")}$`))
        .waitFor();
      await legend(page).getByRole("button", { name: "POST", pressed: true }).click();
      await page.waitForURL((url) => !url.searchParams.has("f"));
      assert.equal(param(page, "color"), `span.${attribute}`);
    },
  );

  await check("an attribute that nothing has colors nothing, and a mistake is told", async (page) => {
    await open(page, "?color=span.nobody.has.this");
    await legend(page).getByRole("button", { name: "none" }).waitFor();
    assert.deepEqual(await shown(page), new Map([["none", spans.length]]));
    await page.goto(`${base}/trace/${trace}?color=no%20attribute`);
    await legend(page).locator(".error-text").waitFor();
  });
}
