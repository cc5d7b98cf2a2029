/** Reading an answer while it arrives: its rows one by one, however the bytes are cut. */

export interface Column {
  readonly name: string;
  /** As SQL has it: `text`, `bigint`, `timestamptz`. */
  readonly type: string;
}

/** What JSON has; whole numbers that JavaScript cannot hold are texts. */
export type Value = null | boolean | number | string | readonly unknown[] | Readonly<Record<string, unknown>>;
export type Row = readonly Value[];

const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_BRACE, CLOSE_BRACE] = Array.from('"\\[]{}', (c) =>
  c.charCodeAt(0),
);

/** Texts, and whole numbers of so many digits that they may not be exact. */
const LARGE = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+])-?\d{16,}(?![\d.eE])/g;
const MAY_BE_LARGE = /\d{16}/;

/** A row out of its JSON. */
export function rowOf(json: string): Row {
  if (!MAY_BE_LARGE.test(json)) return JSON.parse(json);
  const exact = (part: string) =>
    part.startsWith('"') || Number.isSafeInteger(Number(part)) ? part : `"${part}"`;
  return JSON.parse(json.replace(LARGE, exact));
}

/** Takes `{"columns":[...],"rows":[[...],...],"error":"..."}` in pieces. */
export class AnswerReader {
  columns: readonly Column[] = [];
  readonly rows: Row[] = [];
  /** What went wrong behind the first rows. */
  error: string | null = null;
  /** Whether the end has come. */
  isWhole = false;
  private text = "";
  private at = 0;
  private depth = 0;
  private inText = false;
  /** Where the part begins that is being read. */
  private start = 0;
  /** Lists directly in the answer that have begun: columns, then rows. */
  private lists = 0;

  push(piece: string): void {
    this.text += piece;
    for (; this.at < this.text.length; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (this.inText) {
        // What follows may be in the next piece: then its first character is passed over there.
        if (code === BACKSLASH) this.at++;
        else if (code === QUOTE) this.inText = false;
      } else if (code === QUOTE) this.inText = true;
      else if (code === OPEN || code === OPEN_BRACE) this.open();
      else if (code === CLOSE || code === CLOSE_BRACE) this.close();
    }
    const read = Math.min(this.start, this.text.length);
    this.text = this.text.slice(read);
    this.at -= read;
    this.start -= read;
  }

  private open(): void {
    this.depth++;
    if (this.depth === 2) this.lists++;
    const begins = this.depth === 2 || (this.depth === 3 && this.lists === 2);
    if (begins) this.start = this.at;
  }

  private close(): void {
    this.depth--;
    const end = this.at + 1;
    if (this.depth === 2 && this.lists === 2) {
      this.rows.push(rowOf(this.text.slice(this.start, end)));
      this.start = end;
    } else if (this.depth === 1 && this.lists === 1) {
      this.columns = JSON.parse(this.text.slice(this.start, end));
    } else if (this.depth === 1) this.start = end;
    else if (this.depth === 0) {
      const rest = this.text.slice(this.start, end).replace(/^\s*,/, "");
      this.error = JSON.parse(`{${rest}`).error ?? null;
      this.isWhole = true;
    }
  }
}
