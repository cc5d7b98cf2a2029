// What screens show, computed again the plain way from every span of the server.
import assert from "node:assert/strict";

const encoded = encodeURIComponent;
const AT_ONCE = 8;

/** A value of OTLP in JSON. */
const anyValue = ({ value = {} }) => Object.values(value)[0];

/** All spans of the range, out of whole traces. */
async function spansOf(api, range) {
  const { traces } = await api(`/tempo/api/search?q=${encoded("{}")}&limit=100000&${range}`);
  const spans = [];
  const ids = traces.map(({ traceID }) => traceID);
  const fetchSome = async () => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      const { trace } = await api(`/tempo/api/v2/traces/${id}`);
      for (const { resource, scopeSpans } of trace.resourceSpans)
        for (const one of scopeSpans.flatMap((scope) => scope.spans)) spans.push(spanOf(one, resource));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, fetchSome));
  return spans;
}

function spanOf(span, resource) {
  const attributes = new Map();
  for (const [scope, all] of [
    ["resource", resource.attributes],
    ["span", span.attributes],
  ])
    for (const one of all ?? []) attributes.set(`${scope}.${one.key}`, String(anyValue(one)));
  attributes.set("name", span.name);
  return {
    service: attributes.get("resource.service.name"),
    isRequest: ["SPAN_KIND_SERVER", "SPAN_KIND_CONSUMER"].includes(span.kind) || !span.parentSpanId,
    isError: span.status?.code === "STATUS_CODE_ERROR",
    seconds: Number(span.startTimeUnixNano) / 1e9,
    nanos: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)),
    attributes,
  };
}

function groupBy(all, keyOf) {
  const groups = new Map();
  for (const one of all) {
    const key = keyOf(one);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(one);
  }
  return groups;
}

const UNITS = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** `1.23 ms`, `2 m 14 s` in nanoseconds. */
function nanosOf(text) {
  const parts = [...text.matchAll(/([\d.,]+)\s*(ns|µs|ms|s|m|h)\b/g)];
  assert.ok(parts.length > 0, `a duration: ${text}`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number.replaceAll(",", "")) * UNITS[unit], 0);
}

const numberOf = (text) => Number(/-?[\d.,]+/.exec(text)?.[0].replaceAll(",", ""));

/** Shown with three digits. */
function same(shown, wanted, what) {
  const room = Math.abs(wanted) * 0.0051 + 0.0051;
  assert.ok(Math.abs(shown - wanted) <= room, `${what}: ${shown} shown, ${wanted} computed`);
}

export async function checkNumbers({ base, api, check }) {
  // A time that is over: nothing arrives while pages and spans are read.
  const to = Math.floor(Date.now() / 1e3) - 1;
  const from = to - 1800;
  let fetched;
  const all = () => {
    // Traces come whole, and spans count where they start.
    fetched ??= spansOf(api, `start=${from}&end=${to}`).then((spans) =>
      spans.filter(({ seconds }) => seconds >= from && seconds < to),
    );
    return fetched;
  };
  const address = (path, params) => `${base}${path}?${new URLSearchParams({ ...params, from, to })}`;

  await check("figures of every service are those of its spans", async (page) => {
    const spans = await all();
    await page.goto(address("/", {}));
    await page.locator("main tbody tr").first().waitFor();
    const rows = await page
      .locator("main tbody tr")
      .evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.textContent.trim())));
    const requests = groupBy(
      spans.filter(({ isRequest }) => isRequest),
      ({ service }) => service,
    );
    assert.deepEqual(rows.map(([service]) => service).sort(), [...requests.keys()].sort());
    for (const [service, rate, errors, ...percentiles] of rows) {
      const own = requests.get(service);
      const failed = own.filter(({ isError }) => isError).length;
      same(numberOf(rate), own.length / (to - from), `rate of ${service}`);
      const share = (failed / own.length) * 100;
      assert.ok(Math.abs(numberOf(errors) - share) <= 0.051, `errors of ${service}: ${errors}, ${share} %`);
      const sorted = own.map(({ nanos }) => nanos).sort((a, b) => a - b);
      [0.5, 0.95, 0.99].forEach((p, i) => {
        const exact = sorted[Math.ceil(p * sorted.length) - 1];
        const shown = nanosOf(percentiles[i]);
        // TraceQL's quantiles are known to a power of two, as Tempo's are.
        assert.ok(shown >= exact / 2 && shown <= exact * 2, `p${p} of ${service}: ${shown} for ${exact}`);
      });
    }
  });

  await check("the heatmap counts every span once, where it belongs", async (page) => {
    const spans = await all();
    await page.goto(address("/search", { q: "{}" }));
    await page.getByText("as a table").click();
    const table = page.locator("table", { hasText: "Choose" });
    await table.locator("tbody tr").first().waitFor();
    const rows = await table
      .locator("tbody tr")
      .evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.textContent.trim())));
    const boundOf = (nanos) => 2 ** Math.ceil(Math.log2(nanos));
    const bounds = groupBy(spans, ({ nanos }) => boundOf(nanos));
    const wanted = [...bounds].sort(([a], [b]) => b - a);
    assert.equal(rows.length, wanted.length);
    for (const [i, [bound, own]] of wanted.entries()) {
      const [durations, count, failed] = rows[i];
      const [low, high] = durations.split(" to ").map(nanosOf);
      same(low / (bound / 2), 1, `the lower bound of ${durations}`);
      same(high / bound, 1, `the upper bound of ${durations}`);
      assert.equal(numberOf(count), own.length, durations);
      const errors = own.filter(({ isError }) => isError).length;
      assert.equal(failed === "–" ? 0 : numberOf(failed), errors, durations);
    }
  });

  await check("what facets count are the spans", async (page) => {
    const spans = await all();
    await page.goto(address("/search", { q: "{}" }));
    const facets = page.locator("aside[aria-label=Facets]");
    await facets.getByTitle("Only error").waitFor();
    const shown = await facets
      .getByTitle(/^Only /)
      .evaluateAll((all) => all.map((one) => [one.title.slice("Only ".length), one.textContent]));
    const counted = (of) => spans.filter(of).length;
    let n = 0;
    for (const [value, text] of shown) {
      const wanted =
        value === "error"
          ? counted(({ isError }) => isError)
          : counted(({ service }) => service === value) ||
            counted(({ attributes }) => attributes.get("name") === value);
      if (wanted === 0) continue;
      const [, digits, unit] = /([\d.,]+)\s*([kM]?)\s*$/.exec(text);
      same(
        Number(digits.replaceAll(",", "")) * { "": 1, k: 1e3, M: 1e6 }[unit],
        wanted,
        `spans with ${value}`,
      );
      n++;
    }
    assert.ok(n >= 10, `${n} values`);
  });

  await check("shares of a comparison are those of the spans", async (page) => {
    const spans = await all();
    await page.goto(address("/compare", { q: "{}", sel: "{ status = error }" }));
    await page.locator("[data-attribute]").first().waitFor();
    const cards = await page.locator("section > ol > [data-attribute]").evaluateAll((all) =>
      all.map((card) => ({
        attribute: card.dataset.attribute,
        values: [...card.querySelectorAll("li[data-kind=value]")].map((row) =>
          [...row.children].map((cell) => cell.textContent.trim()),
        ),
      })),
    );
    const selection = spans.filter(({ isError }) => isError);
    const baseline = spans.filter(({ isError }) => !isError);
    const share = (of, name, value) =>
      (of.filter(({ attributes }) => attributes.get(name) === value).length / of.length) * 100;
    let n = 0;
    for (const { attribute, values } of cards) {
      if (!/^(span\.|resource\.|name$)/.test(attribute)) continue;
      for (const [value, , shares] of values) {
        const wanted = [selection, baseline].map((of) => share(of, attribute, value));
        if (wanted[0] + wanted[1] === 0) continue;
        // `<0.1 %` is what is there and would round to nothing.
        const shown = [...shares.matchAll(/(<?)([\d.]+) %/g)].map(([, less, n]) => (less ? 0.05 : Number(n)));
        wanted.forEach((one, i) => {
          const isShown = Math.abs(shown[i] - one) <= 0.051;
          assert.ok(isShown, `${attribute} = ${value}: ${shares}, ${one} % computed`);
        });
        n++;
      }
    }
    assert.ok(n >= 10, `${n} values`);
  });
}
