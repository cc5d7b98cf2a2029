// Where spans lead outside of this server, when it was told (--link-templates).
import assert from "node:assert/strict";

export async function checkOutside({ check, base, api, trace, spans }) {
  const { patterns, explore } = await api("/api/ui/link-templates");
  if (patterns.length + explore.length === 0) {
    console.log("skipped links to elsewhere: the server was started without --link-templates");
    return;
  }
  const { data } = await api(`/jaeger/api/traces/${trace}`);
  const span = spans.find(({ references }) => references.length > 0);
  const service = data[0].processes[span.processID].serviceName;

  await check("a span leads to where the operator said", async (page) => {
    await page.goto(`${base}/trace/${trace}?span=${span.spanID}`);
    const panel = page.locator("aside[aria-label=Span]");
    const runbook = panel.getByRole("link", { name: `Runbook of ${service}` });
    assert.equal(
      await runbook.getAttribute("href"),
      `https://runbooks.example/${encodeURIComponent(service)}`,
    );
    assert.equal(await runbook.getAttribute("rel"), "noreferrer");
    const ofTrace = panel.getByRole("link", { name: "Trace elsewhere" });
    assert.equal(await ofTrace.getAttribute("href"), `https://other.example/${trace}`);
    const logs = new URL(await panel.getByRole("link", { name: "Logs in Loki" }).getAttribute("href"));
    assert.equal(logs.origin + logs.pathname, "https://grafana.example/explore");
    const [{ queries, range }] = Object.values(JSON.parse(logs.searchParams.get("panes")));
    assert.equal(queries[0].expr, `{service_name="${service}"} |= "${trace}"`);
    const startMillis = Math.floor(span.startTime / 1e3);
    assert.equal(Number(range.from), startMillis - 3_600_000);
  });
}
