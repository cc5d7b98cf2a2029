/** Where the blocks are in time, one lane per level. */
import type { Block } from "../api/schema.ts";

export interface Placed {
  readonly block: Block;
  /** Shares of the whole time, of one. */
  readonly left: number;
  readonly width: number;
  readonly level: number;
  /** The share of the largest block's bytes that it has. */
  readonly weight: number;
}

export interface Timeline {
  readonly placed: readonly Placed[];
  readonly levels: number;
  /** Milliseconds. */
  readonly from: number;
  readonly to: number;
}

const millis = (unixNanos: string) => Number(BigInt(unixNanos) / 1_000_000n);

export function timelineOf(blocks: readonly Block[], now: number): Timeline {
  const from = Math.min(now - 1, ...blocks.map(({ startUnixNanos }) => millis(startUnixNanos)));
  const to = Math.max(now, ...blocks.map(({ endUnixNanos }) => millis(endUnixNanos)));
  const largest = Math.max(1, ...blocks.map(({ bytes }) => bytes));
  return {
    from,
    to,
    levels: Math.max(0, ...blocks.map(({ level }) => level + 1)),
    placed: blocks.map((block) => {
      const [start, end] = [millis(block.startUnixNanos), millis(block.endUnixNanos)];
      return {
        block,
        left: (start - from) / (to - from),
        width: Math.max(0, end - start) / (to - from),
        level: block.level,
        weight: block.bytes / largest,
      };
    }),
  };
}

/** What the blocks of a level come to. */
export interface Level {
  readonly level: number;
  readonly count: number;
  readonly spans: number;
  readonly bytes: number;
}

export function levelsOf(blocks: readonly Block[]): Level[] {
  const levels = new Map<number, Level>();
  for (const { level, spans, bytes } of blocks) {
    const found = levels.get(level) ?? { level, count: 0, spans: 0, bytes: 0 };
    levels.set(level, {
      level,
      count: found.count + 1,
      spans: found.spans + spans,
      bytes: found.bytes + bytes,
    });
  }
  return [...levels.values()].sort((a, b) => a.level - b.level);
}
