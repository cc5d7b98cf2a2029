/** Scrolling through more rows than a browser can stack. */

/** Browsers cap the height of elements; above it the scroll position is a share. */
export const SCROLL_HEIGHT_MAX = 12_000_000;

/** How far down the rows are for a scroll position: the same, unless they are taller than browsers allow. */
export function offsetOf(scrollTop: number, visible: number, height: number): number {
  if (height <= SCROLL_HEIGHT_MAX) return scrollTop;
  return (scrollTop / Math.max(1, SCROLL_HEIGHT_MAX - visible)) * (height - visible);
}

/** The other way around. */
export function scrollTopOf(offset: number, visible: number, height: number): number {
  if (height <= SCROLL_HEIGHT_MAX) return offset;
  return (offset / (height - visible)) * (SCROLL_HEIGHT_MAX - visible);
}

/** Rows beside those in sight, and by how many rows what exists moves at once. */
const MARGIN = 8;

/** The rows that exist at a place: all in sight and a few more. */
export function rowsInSight(offset: number, visible: number, rowHeight: number, count: number) {
  const first = Math.floor(offset / rowHeight / MARGIN) * MARGIN - MARGIN;
  const last = Math.ceil((offset + visible) / rowHeight / MARGIN) * MARGIN + MARGIN;
  return { first: Math.max(0, Math.min(first, count)), last: Math.min(count, last) };
}
