// Contrast as WCAG defines it, of two colors given as red, green and blue from 0 to 255.

const linear = (channel) => {
  const share = channel / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};
const luminance = ([red, green, blue]) =>
  0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);

export function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

/** `#1f5fd6` or `#fff` as red, green and blue. */
export function rgb(hex) {
  const [, written] = /^#([0-9a-f]{6}|[0-9a-f]{3})$/i.exec(hex.trim()) ?? [];
  if (!written) throw new Error(`${hex} is no color`);
  const digits = written.length === 3 ? written.replace(/./g, "$&$&") : written;
  return [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16));
}

/** How many pixels of two pictures of one size differ so much that it is seen. */
export function seenDifferences(before, after, least = 3) {
  let count = 0;
  for (let i = 0; i < after.data.length; i += 4) {
    const a = before.data.subarray(i, i + 3);
    const b = after.data.subarray(i, i + 3);
    if (a.equals(b)) continue;
    if (contrast([...a], [...b]) >= least) count++;
  }
  return count;
}
