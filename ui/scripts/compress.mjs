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

let total = 0;
for (const path of files(DIST)) {
  const packed = gzipSync(readFileSync(path), { level: 9 });
  writeFileSync(`${path}.gz`, packed);
  unlinkSync(path);
  total += packed.length;
}
// What a reader on a slow line waits for; the whole interface is one file so far.
const TOTAL_MAX = 100_000;
if (total > TOTAL_MAX) throw new Error(`${total} bytes, compressed, are more than ${TOTAL_MAX}`);
console.log(`${(total / 1000).toFixed(1)} kB in all, compressed`);
