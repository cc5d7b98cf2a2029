// What is drawn on the screen: screenshots, decoded by the browser itself, and canvases.

/** A page of its own that turns PNGs into pixels. */
export class Decoder {
  static async start(browser) {
    const decoder = new Decoder();
    decoder.page = await browser.page();
    return decoder;
  }

  /**
   * Of named parts of a picture: how many pixels of each line have ink, which are not of the ground, nor as faint as
   * lines of a grid. With `isText`, only those without a color, as letters are and bars are not.
   */
  async ink(png, parts) {
    return this.page.evaluate(countInk, { png: png.toString("base64"), parts });
  }

  async stop() {
    await this.page.context().close();
  }
}

async function countInk({ png, parts }) {
  const bytes = Uint8Array.from(atob(png), (char) => char.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const options = { willReadFrequently: true };
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", options);
  context.drawImage(bitmap, 0, 0);
  const inkOf = ({ x, y, width, height, isText = false }) => {
    const { data } = context.getImageData(x, y, width, height);
    const counts = new Map();
    // The most frequent color, by every tenth pixel.
    for (let i = 0; i < data.length; i += 40) {
      const color = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
      counts.set(color, (counts.get(color) ?? 0) + 1);
    }
    const [[ground]] = [...counts].sort((a, b) => b[1] - a[1]);
    const [red, green, blue] = [ground >> 16, (ground >> 8) & 255, ground & 255];
    const hasInk = (i) => {
      const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
      const far = Math.max(Math.abs(r - red), Math.abs(g - green), Math.abs(b - blue));
      return far > 64 && (!isText || Math.max(r, g, b) - Math.min(r, g, b) < 48);
    };
    return Array.from({ length: height }, (_, line) => {
      let inked = 0;
      for (let i = line * width * 4; i < (line + 1) * width * 4; i += 4) if (hasInk(i)) inked++;
      return inked;
    });
  };
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, inkOf(part)]));
}
