/** The blocks by age and level: drawn, and as a table. */
import { useSignal } from "@preact/signals";
import type { Block, Blocks } from "../api/schema.ts";
import { timeTicks } from "../charts/scale.ts";
import { utc } from "../shell/settings.ts";
import { bytes } from "../text/bytes.ts";
import { compact, counted } from "../text/numbers.ts";
import { ago, axisClock, clock } from "../text/times.ts";
import styles from "./page.module.css";
import { levelsOf, timelineOf } from "./timeline.ts";

const LANE = 22;
const ROWS_SHOWN = 100;
const TICKS = 8;
const DAY = 86_400_000;

export function BlocksPanel({ answer: { blocks, total } }: { answer: Blocks }) {
  const asTable = useSignal(false);
  return (
    <section class={styles.panel} aria-label="Blocks">
      <div class={styles.head}>
        <h2>
          Blocks <span class="secondary">{total.toLocaleString("en")}</span>
        </h2>
        {blocks.length < total && <span class="secondary">the newest {blocks.length} are shown</span>}
        <span class={styles.space} />
        <button
          type="button"
          class="button quiet"
          aria-pressed={asTable.value}
          onClick={() => {
            asTable.value = !asTable.value;
          }}
        >
          As a table
        </button>
      </div>
      {blocks.length === 0 ? (
        <p class="secondary">No block has been written yet; spans are in the log and live.</p>
      ) : asTable.value ? (
        <Table blocks={blocks} />
      ) : (
        <Drawing blocks={blocks} />
      )}
    </section>
  );
}

function Drawing({ blocks }: { blocks: readonly Block[] }) {
  const now = Date.now();
  const { placed, levels, from, to } = timelineOf(blocks, now);
  const counts = new Map(levelsOf(blocks).map((level) => [level.level, level]));
  const offset = utc.value ? 0 : -new Date(from).getTimezoneOffset() * 60_000;
  return (
    <div class={styles.timeline}>
      <ul class={styles.lanes}>
        {Array.from({ length: levels }, (_, level) => (
          <li key={level} style={{ height: `${LANE}px` }}>
            Level {level}
            <span class="secondary">
              {counts.get(level)?.count ?? 0} · {bytes(counts.get(level)?.bytes ?? 0)}
            </span>
          </li>
        ))}
      </ul>
      <div class={styles.time}>
        <svg
          width="100%"
          height={levels * LANE}
          role="img"
          aria-label="Blocks over time by level; the button shows them as a table"
        >
          {Array.from({ length: levels }, (_, level) => (
            <line
              key={level}
              x1="0"
              x2="100%"
              y1={(level + 1) * LANE - 0.5}
              y2={(level + 1) * LANE - 0.5}
              class={styles.lane}
            />
          ))}
          {placed.map(({ block, left, width, level, weight }) => (
            <rect
              key={block.id}
              class={styles.block}
              x={`${left * 100}%`}
              y={level * LANE + 4}
              height={LANE - 8}
              rx="2"
              style={{ width: `max(2px, ${width * 100}%)`, fillOpacity: 0.3 + 0.7 * Math.sqrt(weight) }}
            >
              <title>{`${block.id}\nlevel ${block.level}, ${counted(block.spans, "span")}, ${bytes(block.bytes)}\n${clock(millisOf(block.startUnixNanos), utc.value)} – ${clock(millisOf(block.endUnixNanos), utc.value)}\nwritten ${ago(millisOf(block.writtenUnixNanos), now)}`}</title>
            </rect>
          ))}
        </svg>
        <div class={styles.axis}>
          {timeTicks(from, to, TICKS, offset).map((tick) => (
            <span key={tick} style={{ left: `${((tick - from) / (to - from)) * 100}%` }}>
              {to - from > DAY ? clock(tick, utc.value, 0).slice(5, 16) : axisClock(tick, utc.value)}
            </span>
          ))}
        </div>
      </div>
    </div>
  );
}

const millisOf = (unixNanos: string) => Number(BigInt(unixNanos) / 1_000_000n);

function Table({ blocks }: { blocks: readonly Block[] }) {
  const now = Date.now();
  return (
    <div class={styles.scroll}>
      <table class="grid">
        <thead>
          <tr>
            <th>Block</th>
            <th class="numeric">Level</th>
            <th>From</th>
            <th>To</th>
            <th class="numeric">Spans</th>
            <th class="numeric">Size</th>
            <th class="numeric">Bytes per span</th>
            <th>Written</th>
          </tr>
        </thead>
        <tbody>
          {blocks.slice(0, ROWS_SHOWN).map((block) => (
            <tr key={block.id}>
              <td class="mono">{block.id}</td>
              <td class="numeric">{block.level}</td>
              <td class="secondary">{clock(millisOf(block.startUnixNanos), utc.value)}</td>
              <td class="secondary">{clock(millisOf(block.endUnixNanos), utc.value)}</td>
              <td class="numeric">{compact(block.spans)}</td>
              <td class="numeric">{bytes(block.bytes)}</td>
              <td class="numeric">{block.spans > 0 ? (block.bytes / block.spans).toFixed(1) : "–"}</td>
              <td class="secondary">{ago(millisOf(block.writtenUnixNanos), now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {blocks.length > ROWS_SHOWN && <p class="secondary">and {blocks.length - ROWS_SHOWN} more</p>}
    </div>
  );
}
