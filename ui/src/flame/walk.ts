/** From box to box by keys. */
import { type Boxes, firstAfter, rowCount } from "./boxes.ts";

export type Step = "up" | "down" | "left" | "right";

/** The box beside one: in its row, or the nearest in the next row that has one above or below it. */
export function neighbor(boxes: Boxes, id: number | null, step: Step): number | null {
  const index = id === null ? -1 : (boxes.indexOf[id] ?? -1);
  if (id === null || index < 0) return boxes.ids[0] ?? null;
  const row = boxes.rowOf[id] ?? 0;
  if (step === "left") return index > (boxes.rowStarts[row] ?? 0) ? (boxes.ids[index - 1] ?? id) : id;
  if (step === "right")
    return index + 1 < (boxes.rowStarts[row + 1] ?? 0) ? (boxes.ids[index + 1] ?? id) : id;
  const [from, to] = [boxes.from[index] ?? 0, boxes.to[index] ?? 0];
  const by = step === "up" ? -1 : 1;
  for (let other = row + by; other >= 0 && other < rowCount(boxes); other += by) {
    const found = firstAfter(boxes, other, from);
    if (found < (boxes.rowStarts[other + 1] ?? 0) && (boxes.from[found] ?? 0) <= to)
      return boxes.ids[found] ?? id;
  }
  return id;
}
