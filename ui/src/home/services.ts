/** Figures of every service, now and in the time before. */
import type { Range } from "../api/metrics.ts";
import { before, type Figures, figuresBy } from "../service/figures.ts";
import { SERVICE, SPANS, type SpanChoice } from "../service/spans.ts";

export async function serviceFigures(
  choice: SpanChoice,
  range: Range,
  signal: AbortSignal,
): Promise<Figures[]> {
  return figuresBy(SPANS[choice].filter, [SERVICE], range, signal, { trend: true });
}

/** The same length of time before, by the name of the service; `null` when nothing was received in it. */
export async function figuresBefore(
  choice: SpanChoice,
  range: Range,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Figures> | null> {
  const found = await figuresBy(SPANS[choice].filter, [SERVICE], before(range), signal);
  return found.length > 0 ? new Map(found.map((figures) => [figures.values[0] ?? "", figures])) : null;
}
