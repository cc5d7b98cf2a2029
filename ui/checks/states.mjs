// When the server says no, or nothing; and for readers whose system chooses the colors.
import assert from "node:assert/strict";

const encoded = encodeURIComponent;

/** What a server may answer, what the page has to say then, and what the browser itself writes into its console. */
const FAILURES = {
  "an internal error": [{ status: 500, body: "the disk is gone" }, "the disk is gone"],
  "too many requests": [{ status: 429, body: "too many queries at once" }, "too many queries at once"],
  "a deadline": [{ status: 504, body: "the query took longer than 30 s" }, "the query took longer than 30 s"],
  "no answer": ["timedout", "does not answer"],
  "no network": ["internetdisconnected", "does not answer"],
};

export async function checkStates({ check, base, browser }) {
  browser.expect(/status of (500|429|504)|ERR_(TIMED_OUT|INTERNET_DISCONNECTED)/);
  const PAGES = {
    "/": ["**/tempo/api/metrics/**", "main tbody tr"],
    [`/search?q=${encoded("{ status = error }")}`]: ["**/tempo/api/search?*", "main tbody tr"],
    "/map": ["**/api/ui/service-map?*", "main tbody tr"],
    "/exceptions": ["**/api/ui/exceptions?*", "main tbody tr"],
    "/structure?q=%7B%7D": ["**/api/ui/structure?*", "main [data-at]"],
  };
  for (const [what, [failure, says]] of Object.entries(FAILURES)) {
    await check(`${what}: is told, what was there stays, and another try helps`, async (page) => {
      for (const [path, [asked, there]] of Object.entries(PAGES)) {
        await page.goto(base + path);
        await page.locator(there).first().waitFor();
        await page.waitForLoadState("networkidle");
        const before = await page.locator(there).count();
        await page.route(asked, (route) =>
          typeof failure === "string" ? route.abort(failure) : route.fulfill(failure),
        );
        await page.getByRole("button", { name: "Refresh", exact: true }).click();
        const alert = page.getByRole("alert").filter({ hasText: says });
        await alert.first().waitFor();
        assert.equal(await page.locator(there).count(), before, `${path} keeps what it had`);
        await page.unroute(asked);
        await page.getByRole("button", { name: "Try again" }).first().click();
        await alert.first().waitFor({ state: "detached" });
      }
    });
  }

  await check("with the system's colors, bars and the focus can be seen", async (page) => {
    await page.emulateMedia({ forcedColors: "active" });
    await page.goto(`${base}/search?q=${encoded("{ status = error }")}`);
    await page.locator("tbody tr a").first().click();
    await page.locator("[role=treegrid] [role=row]").first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const { outline, drawn } = await page.evaluate(() => {
      const frame = document.querySelector("[role=treegrid]").parentElement.parentElement;
      const canvas = frame.querySelector(":scope > canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let drawn = 0;
      for (let i = 3; i < data.length; i += 4) if (data[i] > 0) drawn++;
      const name = document.activeElement.firstElementChild;
      return { outline: getComputedStyle(name).outlineStyle, drawn };
    });
    assert.notEqual(outline, "none");
    assert.ok(drawn > 100, `${drawn} pixels of bars`);
  });
}
