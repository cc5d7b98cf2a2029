// Pictures of every screen, in both themes and on a desk's and a phone's display, to be looked at by people:
// node checks/tour.mjs http://127.0.0.1:3200 [FOLDER, shots by default] [PART OF NAMES]
// The server should have received `spandrel demo` for some minutes. What a picture would not show is told at the end:
// errors, requests elsewhere, and pages that are wider than the display.
import { mkdirSync } from "node:fs";
import { Browser, executable } from "./browser.mjs";
import { open, screens } from "./screens.mjs";

const [base, folder = "shots", part = ""] = process.argv.slice(2);
if (!base) throw new Error("which server? node checks/tour.mjs http://127.0.0.1:3200");
if (!executable) throw new Error("no Chromium is installed; CHROMIUM names one");
mkdirSync(folder, { recursive: true });

const DISPLAYS = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const encoded = encodeURIComponent;
const api = async (path) => {
  const answer = await fetch(base + path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};
const q = "{ status = error && rootName = `POST /checkout` }";
const { traces } = await api(`/tempo/api/search?limit=1&q=${encoded(q)}`);
if (!traces?.length) throw new Error(`no trace has ${q}: is this the data of \`spandrel demo\`?`);
const trace = traces[0].traceID.padStart(32, "0");
const { spans } = (await api(`/jaeger/api/traces/${trace}`)).data[0];

const browser = await Browser.start(base);
const wide = [];
let taken = 0;
const given = { base, api, browser, trace, spans };
for (const screen of (await screens(given)).filter(({ name }) => name.includes(part))) {
  for (const theme of ["dark", "light"]) {
    for (const [display, size] of Object.entries(DISPLAYS)) {
      const page = await browser.page({ theme, ...size, tenant: screen.tenant });
      await open(page, screen, given);
      await page.screenshot({ path: `${folder}/${screen.name}-${theme}-${display}.png` });
      taken++;
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > size.width)
        wide.push(`${screen.path} is ${width} pixels wide on a display of ${size.width}`);
      await page.context().close();
      browser.over();
    }
  }
}
await browser.stop();
const problems = [...new Set([...browser.problems, ...wide])];
for (const problem of problems) console.error(problem);
console.log(`${taken} pictures in ${folder}, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
