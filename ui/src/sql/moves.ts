/** Which cell a key goes to. */

interface Cell {
  readonly row: number;
  readonly column: number;
}

interface Extent {
  readonly rows: number;
  readonly columns: number;
  /** Rows in sight. */
  readonly page: number;
}

const limited = (value: number, count: number) => Math.min(count - 1, Math.max(0, value));

/** The cell after a key; `null` for keys that go nowhere. The first key goes to the first cell. */
export function movedCell(
  { key, ctrlKey, metaKey, altKey }: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">,
  from: Cell | null,
  { rows, columns, page }: Extent,
): Cell | null {
  if (rows === 0 || columns === 0 || altKey) return null;
  const isFar = ctrlKey || metaKey;
  const { row, column } = from ?? { row: 0, column: 0 };
  const steps: Readonly<Record<string, readonly [number, number]>> = {
    ArrowDown: [isFar ? rows : 1, 0],
    ArrowUp: [isFar ? -rows : -1, 0],
    ArrowRight: [0, isFar ? columns : 1],
    ArrowLeft: [0, isFar ? -columns : -1],
    PageDown: [page, 0],
    PageUp: [-page, 0],
    Home: [isFar ? -rows : 0, -columns],
    End: [isFar ? rows : 0, columns],
  };
  const step = steps[key];
  if (!step) return null;
  return from
    ? { row: limited(row + step[0], rows), column: limited(column + step[1], columns) }
    : { row, column };
}
