// A tenant that has nothing yet: how its first trace comes to be, and what is said when it cannot.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { focusOmnibox } from "./browser.mjs";
import { send, sized } from "./fixtures.mjs";
import { clockWhen, median, within } from "./times.mjs";

const newTenant = () => `empty-${randomBytes(4).toString("hex")}`;
const button = (page) => page.getByRole("button", { name: "Send a test trace" });
const rows = (page) => page.locator("[role=treegrid] [role=row]");

export async function checkOnboarding({ check, base, browser, otlp }) {
  const visit = async (tenant, look) => {
    const page = await browser.page({ tenant });
    try {
      return await look(page);
    } finally {
      await page.context().close();
    }
  };
  const welcome = async (page) => {
    await page.goto(base);
    await button(page).waitFor();
  };

  await check("an empty tenant is led to its first trace, which opens within three seconds", async () => {
    const millis = await median(() =>
      visit(newTenant(), async (page) => {
        await welcome(page);
        await page.getByRole("heading", { name: "No data yet. Send your first span" }).waitFor();
        await page.evaluate(() => {
          addEventListener("click", () => (window.clicked = performance.now()), {
            once: true,
            capture: true,
          });
        });
        await button(page).click();
        await page.waitForURL(/\/trace\/[0-9a-f]{32}$/);
        const took = await clockWhen(page, () => {
          const grid = document.querySelector("[role=treegrid]");
          const row = grid?.querySelector("[role=row]");
          return row && performance.now() - window.clicked;
        });
        assert.equal(await page.locator("[role=treegrid]").getAttribute("aria-rowcount"), "9");
        await page.getByRole("heading", { level: 1, name: "test-web POST /checkout" }).waitFor();
        // It says that it is a test, and shows what a failed call looks like.
        await page.keyboard.press("e");
        const panel = page.locator("aside[aria-label=Span]");
        await panel.getByText("spandrel-test").first().waitFor();
        await panel.locator("[data-tab=events]").click();
        await panel.getByText("shop.DeadlineExceeded").first().waitFor();
        // The tenant is empty no more.
        await page.goto(base);
        await page.getByRole("link", { name: "test-checkout", exact: true }).waitFor();
        return took;
      }),
    );
    within(millis, 3000, "from the click to the rows");
  });

  await check("a test trace can be asked for from anywhere, by keys", () =>
    visit(newTenant(), async (page) => {
      await page.goto(`${base}/exceptions`);
      await focusOmnibox(page);
      await page.keyboard.type("> test trace");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/trace\/[0-9a-f]{32}$/);
      await rows(page).first().waitFor();
    }),
  );

  await check("an empty tenant sees the first span by itself", async () => {
    if (!otlp) return;
    const tenant = newTenant();
    await visit(tenant, async (page) => {
      await welcome(page);
      await page.getByText("This page notices the first span by itself").waitFor();
      assert.equal(await page.locator("main ol > li").count(), 3);
      await page.getByRole("tab", { name: "Go", exact: true }).click();
      assert.match(await page.locator("main pre").textContent(), /otlptracehttp/);
      const traceId = randomBytes(16).toString("hex");
      const small = { spans: 10, depth: 4, fanOut: 3, services: 3, startMillis: Date.now() - 5000 };
      await send(otlp, sized({ traceId, ...small }), tenant);
      const link = page.getByRole("link", { name: "Open the trace" });
      await link.waitFor();
      assert.equal(await link.getAttribute("href"), `/trace/${traceId}`);
      await page.getByText("10 spans").waitFor();
    });
  });

  await check("a limit that keeps the test trace out is told, and another try helps", async () => {
    const tenant = newTenant();
    const overrides = (method, version, body) =>
      fetch(`${base}/api/overrides`, {
        method,
        headers: { "x-scope-orgid": tenant, "content-type": "application/json", "if-match": version },
        body,
      });
    const set = await overrides("POST", "0", JSON.stringify({ ingestion: { rate_limit_spans: 0 } }));
    if (set.status === 404)
      return console.log("SKIPPED: the server has no API for overrides (--overrides-api)");
    assert.ok(set.ok, await set.text());
    browser.expect(/status of 429/);
    await visit(tenant, async (page) => {
      await welcome(page);
      await button(page).click();
      const alert = page.getByRole("alert").filter({ hasText: `tenant ${tenant}` });
      await alert.getByText(/\(status 429\)/).waitFor();
      // On another page somebody who asks for one is told as well.
      await page.goto(`${base}/live`);
      await focusOmnibox(page);
      await page.keyboard.type("> test trace");
      await page.keyboard.press("Enter");
      await page.getByText(/^No test trace: /).waitFor();
      await welcome(page);
      await button(page).click();
      await alert.waitFor();
      const lifted = await overrides("DELETE", set.headers.get("etag"));
      assert.ok(lifted.ok, await lifted.text());
      await alert.getByRole("button", { name: "Try again" }).click();
      await page.waitForURL(/\/trace\/[0-9a-f]{32}$/);
      await rows(page).first().waitFor();
    });
  });

  await check("without a network the test trace fails in words, and another try helps", () =>
    visit(newTenant(), async (page) => {
      browser.expect(/ERR_INTERNET_DISCONNECTED/);
      await welcome(page);
      await page.context().setOffline(true);
      await button(page).click();
      const alert = page.getByRole("alert").filter({ hasText: "The server does not answer." });
      await alert.getByRole("button", { name: "Try again" }).waitFor();
      // The page that listens says so too, and goes on by itself.
      await page.getByText("This page goes on asking.").waitFor();
      await page.context().setOffline(false);
      await page.getByText("This page notices the first span by itself").waitFor();
      await alert.getByRole("button", { name: "Try again" }).click();
      await page.waitForURL(/\/trace\/[0-9a-f]{32}$/);
      await rows(page).first().waitFor();
    }),
  );
}
