// Packs `dist` for the binary: every file compressed, nothing twice.
import { readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const DIST = new URL("../dist/", import.meta.url).pathname;

function* files(dir) {
  for (const name of readdirSync(dir).sort()) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else yield path;
  }
}

// What the first page of a new reader needs: what the document names, and nothing that is loaded later.
const document = readFileSync(join(DIST, "index.html"), "utf8");
const first = new Set([...document.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, name]) => name));

let total = 0;
let atOnce = 0;
for (const path of files(DIST)) {
  const packed = gzipSync(readFileSync(path), { level: 9 });
  writeFileSync(`${path}.gz`, packed);
  unlinkSync(path);
  total += packed.length;
  if (first.has(path.slice(DIST.length))) atOnce += packed.length;
}
// What a reader on a slow line waits for: on the first page, and in all.
const AT_ONCE_MAX = 90_000;
const TOTAL_MAX = 380_000;
if (atOnce > AT_ONCE_MAX)
  throw new Error(`${atOnce} bytes at once, compressed, are more than ${AT_ONCE_MAX}`);
if (total > TOTAL_MAX) throw new Error(`${total} bytes, compressed, are more than ${TOTAL_MAX}`);
console.log(`${(atOnce / 1000).toFixed(1)} kB at once, ${(total / 1000).toFixed(1)} kB in all, compressed`);
