/** A row of values in the height of a line; errors in their color at the foot. */
const WIDTH = 144;
const HEIGHT = 20;

export function Sparkline({
  values,
  errors,
  label,
}: {
  values: readonly number[];
  errors: readonly number[];
  label: string;
}) {
  const max = Math.max(...values, Number.MIN_VALUE);
  const width = WIDTH / Math.max(1, values.length);
  const bars = (of: readonly number[]) =>
    of
      .map((value, i) => {
        const height = (value / max) * HEIGHT;
        const drawn = value > 0 ? Math.max(1, height) : 0;
        return `M${(i * width).toFixed(1)} ${HEIGHT}v${(-drawn).toFixed(1)}h${Math.max(1, width - 0.5).toFixed(1)}v${drawn.toFixed(1)}z`;
      })
      .join("");
  return (
    <svg width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <path d={bars(values)} fill="var(--border-control)" />
      <path d={bars(errors)} fill="var(--error)" />
    </svg>
  );
}
