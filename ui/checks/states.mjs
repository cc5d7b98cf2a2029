// When the server says no, or nothing: what is told, what stays, and that another try helps. Where the server itself
// can be made to answer so, it does.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { repeated, send } from "./fixtures.mjs";

const encoded = encodeURIComponent;
/** Longer than the page waits for an answer. */
const PATIENCE = "01:00";

/** Of a process. */
const TAILS_MAX = 64;

/** What a server may answer that cannot be made to, and what the page has to say then. */
const FAILURES = {
  "an internal error": [{ status: 500, body: "the disk is gone" }, "the disk is gone (status 500)"],
  "too many requests": [
    { status: 429, body: "too many queries at once" },
    "too many queries at once (status 429)",
  ],
  "a deadline": [
    { status: 504, body: "the query took longer than 30 s" },
    "the query took longer than 30 s (status 504)",
  ],
  "a broken connection": ["timedout", "The server does not answer. Is it running?"],
};

/** Pages, what they ask for, and what they show of it. */
const PAGES = {
  "/": ["**/tempo/api/metrics/**", "main tbody tr"],
  // Results, and the picture and the values around them.
  [`/search?q=${encoded("{ status = error }")}`]: [
    "**/api/ui/search?*",
    "main tbody tr, main [role=img][aria-label^='Durations'], aside[aria-label=Facets] section",
  ],
  "/map": ["**/api/ui/service-map?*", "main tbody tr"],
  "/exceptions": ["**/api/ui/exceptions?*", "main tbody tr"],
  "/structure?q=%7B%7D": ["**/api/ui/structure?*", "main [data-at]"],
  [`/compare?q=${encoded("{ kind = server }")}&sel=${encoded("{ status = error }")}`]: [
    "**/api/ui/compare?*",
    "main [data-attribute]",
  ],
};

/** A page on which something was, and then asking again failed. */
async function opened(page, address, there) {
  await page.goto(address);
  await page.locator(there).first().waitFor();
  await page.waitForLoadState("networkidle");
  return page.locator(there).count();
}

async function keepsAndTries(page, { says, there, before, mend, path }) {
  const alert = page.getByRole("alert").filter({ hasText: says });
  await alert.first().waitFor();
  await alert.first().getByText("What is shown came before that.").waitFor();
  assert.equal(await page.locator(there).count(), before, `${path} keeps what it had`);
  await alert.first().getByRole("button", { name: "Copy the error" }).waitFor();
  await mend();
  await alert.first().getByRole("button", { name: "Try again" }).click();
  await alert.first().waitFor({ state: "detached" });
  await page.locator(there).first().waitFor();
}

const again = (page, path) =>
  page
    .getByRole("button", { name: path.startsWith("/trace/") ? "Load again" : "Refresh", exact: true })
    .click();

export async function checkStates({ check, base, browser, trace, otlp }) {
  const pages = { ...PAGES, [`/trace/${trace}`]: ["**/skeleton*", "[role=treegrid] [role=row]"] };

  for (const [what, [failure, says]] of Object.entries(FAILURES)) {
    await check(`${what}: is told, what was there stays, and another try helps`, async (page) => {
      browser.expect(/status of (500|429|504)|ERR_TIMED_OUT/);
      for (const [path, [asked, there]] of Object.entries(pages)) {
        const before = await opened(page, base + path, there);
        await page.route(asked, (route) =>
          typeof failure === "string" ? route.abort(failure) : route.fulfill(failure),
        );
        await again(page, path);
        await keepsAndTries(page, { says, there, before, mend: () => page.unroute(asked), path });
      }
    });
  }

  await check("no network: is told, what was there stays, and another try helps", async (page) => {
    browser.expect(/ERR_INTERNET_DISCONNECTED/);
    for (const [path, [, there]] of Object.entries(pages)) {
      const before = await opened(page, base + path, there);
      await page.context().setOffline(true);
      await again(page, path);
      const says = "The server does not answer. Is it running?";
      const mend = () => page.context().setOffline(false);
      await keepsAndTries(page, { says, there, before, mend, path });
    }
  });

  await check("no answer at all: is waited for no longer than it makes sense", async (page) => {
    await page.clock.install();
    for (const [path, [asked, there]] of Object.entries(pages)) {
      const before = await opened(page, base + path, there);
      const waiting = [];
      await page.route(asked, (route) => {
        waiting.push(route);
      });
      const request = page.waitForRequest(asked);
      await again(page, path);
      await request;
      await page.clock.fastForward(PATIENCE);
      await keepsAndTries(page, {
        says: "The server has not answered within 40 s.",
        there,
        before,
        mend: () => page.unroute(asked),
        path,
      });
    }
  });

  await check("a trace that is gone stays as long as it is shown", async (page) => {
    const there = "[role=treegrid] [role=row]";
    const before = await opened(page, `${base}/trace/${trace}`, there);
    await page.route("**/skeleton*", (route) => route.fulfill({ status: 404, body: "trace not found" }));
    await again(page, `/trace/${trace}`);
    const says = "The server has this trace no more. (status 404)";
    await keepsAndTries(page, {
      says,
      there,
      before,
      mend: () => page.unroute("**/skeleton*"),
      path: "trace",
    });
  });

  await check("more tails than the server serves are told, and another try helps", async (page) => {
    browser.expect(/status of 429/);
    const stop = new AbortController();
    const tails = Array.from({ length: TAILS_MAX }, () =>
      fetch(`${base}/api/ui/live`, { signal: stop.signal }),
    );
    for (const tail of await Promise.all(tails)) assert.ok(tail.ok || tail.status === 429, `${tail.status}`);
    await page.goto(`${base}/live`);
    const alert = page.locator("main [role=alert]").filter({ hasText: `${TAILS_MAX}` });
    await alert.waitFor();
    stop.abort();
    // The server notices at its own time that they are gone.
    const free = async () => {
      const one = new AbortController();
      const { ok } = await fetch(`${base}/api/ui/live`, { signal: one.signal });
      one.abort();
      return ok;
    };
    while (!(await free()));
    // By keys: under the pointer the list would stand still.
    await alert.getByRole("button", { name: "Try again" }).press("Enter");
    await page.getByRole("status").getByText("listening").waitFor();
    await alert.waitFor({ state: "detached" });
  });

  if (!otlp) return;
  await check("a trace that is not there is told, and is found once it has come", async (page) => {
    const traceId = randomBytes(16).toString("hex");
    await page.goto(`${base}/trace/${traceId}`);
    await page.getByRole("heading", { name: "There is no such trace yet" }).waitFor();
    // The page itself looks again for half a minute.
    await page.getByText("It may not have been received yet").waitFor({ timeout: 60_000 });
    await send(otlp, repeated({ traceId, startMillis: Date.now() - 5000 }));
    await page.getByRole("button", { name: "Look again" }).click();
    await page.locator("[role=treegrid] [role=row]").first().waitFor();
  });
}
