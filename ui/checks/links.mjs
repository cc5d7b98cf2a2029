// Addresses that are kept on the server, and texts that lead somewhere.
import assert from "node:assert/strict";
import { focusOmnibox } from "./browser.mjs";

const encoded = encodeURIComponent;

export async function checkLinks({ check, base, browser, api, trace }) {
  await check("a short link opens the same elsewhere", async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const address = `${base}/search?q=${encoded("{ status = error }")}&view=spans&from=now-2h`;
    await page.goto(address);
    await page.locator("tbody tr").first().waitFor();
    await focusOmnibox(page);
    await page.keyboard.type("> short link");
    await page.keyboard.press("Enter");
    await page.getByText(/^Copied .*\/s\/[0-9a-z]{10}$/).waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(link, new RegExp(`^${base}/s/[0-9a-z]{10}$`));
    const theirs = await browser.page();
    await theirs.goto(link);
    await theirs.locator("tbody tr").first().waitFor();
    const params = (url) => Object.fromEntries(new URL(url).searchParams);
    assert.deepEqual(params(theirs.url()), params(address));
    await theirs.context().close();
    // The same again is the same, and below a base path it holds too.
    await page.getByRole("button", { name: "Copy short link" }).click();
    await page.getByText(/^Copied /).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
    const { headers } = await fetch(link, { redirect: "manual" });
    assert.match(headers.get("location"), /^\.\.\/search\?/);
  });

  await check("what is shown is saved under a name, opened, and forgotten", async (page) => {
    const name = `what fails ${Date.now()}`;
    await page.goto(`${base}/search?q=${encoded("{ status = error }")}`);
    await page.getByRole("button", { name: "Saved" }).click();
    await page.getByLabel("Name for what is shown").fill(name);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name }).waitFor();
    await page.goto(`${base}/search`);
    await page.getByRole("button", { name: "Saved" }).click();
    await page.getByRole("link", { name }).click();
    await page.waitForURL((url) => url.searchParams.get("q") === "{ status = error }");
    await page.getByRole("button", { name: "Saved" }).click();
    await page.getByRole("button", { name: `Forget ${name}` }).click();
    await page.getByRole("link", { name }).waitFor({ state: "detached" });
    const { links } = await api("/api/ui/links");
    assert.ok(!links.some((link) => link.name === name));
  });

  const panes = encoded(JSON.stringify({ x: { queries: [{ query: trace }] } }));
  const TYPED = [
    [trace, `/trace/${trace}`],
    [trace.toUpperCase(), `/trace/${trace}`],
    [`00-${trace}-00f067aa0ba902b7-01`, `/trace/${trace}`],
    [Buffer.from(trace, "hex").toString("base64"), `/trace/${trace}`],
    [trace.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"), `/trace/${trace}`],
    [`https://jaeger.example/trace/${trace}?uiFind=x`, `/trace/${trace}?f=x`],
    [`https://zipkin.example/zipkin/traces/${trace}`, `/trace/${trace}`],
    [`https://grafana.example/explore?schemaVersion=1&panes=${panes}&orgId=1`, `/trace/${trace}`],
    ["{ status = error }", "/search?q={ status = error }"],
    ["slow payment", "/search?q={ name =~ "],
  ];
  await check(
    "ids, addresses, queries and words lead from the box on top to where they belong",
    async (page) => {
      for (const [typed, where] of TYPED) {
        await page.goto(`${base}/admin`);
        await focusOmnibox(page);
        await page.keyboard.insertText(typed);
        await page.keyboard.press("Enter");
        await page.waitForURL((url) => url.pathname !== "/admin");
        const url = new URL(page.url());
        const there = url.pathname + decodeURIComponent(url.search).replaceAll("+", " ");
        assert.ok(there.startsWith(where), `${typed} leads to ${there}`);
      }
    },
  );
}
