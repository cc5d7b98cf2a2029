// Rules of tail sampling: the form and the YAML are the same, and a simulation keeps what the search finds.
import assert from "node:assert/strict";

const encoded = encodeURIComponent;
const ERRORS =
  "policies:\n  - name: failed\n    type: status_code\n    status_code: { status_codes: [ERROR] }\n";

export async function checkSampling({ base, api, browser, check, shots }) {
  const to = Math.floor(Date.now() / 1e3) - 2;
  const from = to - 1800;
  const at = (rules, more = "") =>
    `${base}/admin?tab=sampling&from=${from}&to=${to}&rules=${encoded(rules)}${more}`;
  const result = (page, name) => page.locator(`[data-result="${name}"]`);
  const yaml = (page) => page.getByRole("textbox", { name: "Rules as YAML" });

  await check("simulating an error policy keeps the traces that a search finds", async (page) => {
    const find = (q) => api(`/tempo/api/search?limit=10000&q=${encoded(q)}&start=${from}&end=${to}`);
    const failed = new Set(
      (await find("{ status = error }")).traces.map(({ traceID }) => traceID.padStart(32, "0")),
    );
    const all = (await find("{ }")).traces.length;
    assert.ok(failed.size > 10 && failed.size < all, `${failed.size} of ${all} traces failed`);
    await page.goto(at(ERRORS));
    await page.getByRole("button", { name: "Simulate" }).click();
    await page.getByRole("button", { name: "Simulate" }).waitFor();
    const bar = result(page, "failed");
    await bar.locator(`[data-count="${failed.size}"]`).waitFor();
    assert.match(page.url(), /run=1/);
    await bar.getByRole("button").click();
    const links = async (name) => {
      const hrefs = bar.getByRole("region", { name, exact: true }).locator("a");
      return (await hrefs.evaluateAll((all) => all.map((link) => link.getAttribute("href")))).map((href) =>
        href.replace("/trace/", ""),
      );
    };
    const [kept, notKept] = [await links("Kept"), await links("Not kept")];
    assert.equal(kept.length, 10);
    for (const id of kept) assert.ok(failed.has(id), `${id} has an error`);
    for (const id of notKept) assert.ok(!failed.has(id), `${id} has no error`);
    // A copied address shows the same.
    const address = page.url();
    await page.goto("about:blank");
    await page.goto(address);
    await result(page, "failed").locator(`[data-count="${failed.size}"]`).waitFor();
  });

  await check("rules are the same as a form and as YAML, and nothing is lost", async (page) => {
    const text = `# why\nnum_traces: 5000\n${ERRORS}  - name: both\n    type: not\n    not: { not_sub_policy: { name: a, type: always_sample } }\n`;
    await page.goto(at(text));
    const rows = page.locator("li[data-policy]");
    await rows.nth(1).waitFor();
    await page.getByText("The YAML has comments").waitFor();
    await page.getByText("edited in the YAML alone: num_traces").waitFor();
    await page.getByText("YAML", { exact: true }).click();
    assert.equal(await yaml(page).inputValue(), text, "looking at the form changes nothing");
    await page.getByText("Form", { exact: true }).click();
    await rows.first().getByRole("checkbox", { name: "UNSET" }).check();
    // By keys: the first goes below the second, and keeps the focus.
    await rows.first().getByRole("textbox").focus();
    await page.keyboard.press("Alt+ArrowDown");
    await page.locator('li[data-policy="both"]:first-child').waitFor();
    await page.waitForFunction(
      () => document.activeElement?.closest("li[data-policy]")?.getAttribute("data-policy") === "failed",
    );
    await page.getByText("YAML", { exact: true }).click();
    const written = await yaml(page).inputValue();
    assert.match(written, /num_traces: 5000/);
    assert.match(written, /status_codes: \[ERROR, UNSET\]/);
    assert.ok(written.indexOf("not_sub_policy") < written.indexOf("status_codes"), written);
    const answer = await fetch(`${base}/api/ui/sampling/check`, { method: "POST", body: written });
    const { problems, policies } = await answer.json();
    assert.deepEqual([problems, policies.map(({ name }) => name)], [[], ["both", "failed"]]);
  });

  await check("a mistake in rules is told with its line, and not simulated", async (page) => {
    await page.goto(at(ERRORS.replace("[ERROR]", "[ERRORS]"), "&view=yaml"));
    await page.getByText("`ERRORS` is no status code").waitFor();
    assert.ok(await page.getByRole("button", { name: "Simulate" }).isDisabled());
    await page.getByRole("button", { name: "line 4" }).click();
    const selected = await yaml(page).evaluate((area) =>
      area.value.slice(area.selectionStart, area.selectionEnd),
    );
    assert.equal(selected, "    status_code: { status_codes: [ERRORS] }");
    await yaml(page).fill(ERRORS);
    await page.getByText("is no status code").waitFor({ state: "detached" });
    await page.keyboard.press("Control+Enter");
    await result(page, "failed").locator("[data-count]").waitFor();
  });

  for (const theme of ["dark", "light"]) {
    await check(`sampling rules, ${theme}: WCAG 2.2 AA`, async () => {
      const page = await browser.page({ theme });
      await page.goto(`${base}/admin?tab=sampling&run=1&from=${from}&to=${to}`);
      await result(page, "errors").getByRole("button").click();
      await page.getByRole("button", { name: "Simulate" }).waitFor();
      if (shots) await page.screenshot({ path: `${shots}/sampling-${theme}.png` });
      const violations = await browser.violations(page);
      await page.context().close();
      assert.deepEqual(violations, []);
    });
  }
}
