/**
 * The lines of a log, which of them are shown, and how many rows each takes: what a view needs to put
 * 100,000 lines on a page of which only the visible ones exist. Pure; no document here.
 *
 * Lines wrap at the column, so the rows of a line follow from its length and the width, without measuring.
 */
import { plainText } from "./ansi";

export type Level = "info" | "warning" | "error";
export type Kind = "landfall" | "event" | "container";

/** As the server sends it; `t` in milliseconds since 1970. */
export interface LogLine {
  n: number;
  t: number;
  level: Level;
  kind: Kind;
  source: string;
  text: string;
}

export interface Filter {
  kinds: ReadonlySet<Kind>;
  warningsOnly: boolean;
  /** Compared without regard to case, with the text and the source. */
  text: string;
}

export const EVERYTHING: Filter = { kinds: new Set(), warningsOnly: false, text: "" };

export class LogModel {
  readonly lines: LogLine[] = [];
  private readonly plain: string[] = [];
  /** Indexes into `lines` of what the filter lets through. */
  private shown: number[] = [];
  /** `tops[i]` is the first row of the i-th shown line; one more entry than shown lines. */
  private tops: number[] = [0];
  private filter: Filter = EVERYTHING;
  private columns = 80;
  private lastSeq = 0;

  /** Adds lines in order; those seen before (after a reconnection) are left out. */
  append(lines: readonly LogLine[]): void {
    for (const line of lines) {
      if (line.n <= this.lastSeq) continue;
      this.lastSeq = line.n;
      const index = this.lines.push(line) - 1;
      this.plain.push(plainText(line.text));
      if (this.passes(index)) this.show(index);
    }
  }

  setFilter(filter: Filter): void {
    this.filter = filter;
    this.shown = [];
    this.tops = [0];
    for (let index = 0; index < this.lines.length; index++) if (this.passes(index)) this.show(index);
  }

  setColumns(columns: number): void {
    const wanted = Math.max(10, Math.floor(columns));
    if (wanted === this.columns) return;
    this.columns = wanted;
    const shown = this.shown;
    this.shown = [];
    this.tops = [0];
    for (const index of shown) this.show(index);
  }

  get shownCount(): number {
    return this.shown.length;
  }

  /** Rows of all shown lines together. */
  get rows(): number {
    return this.tops[this.shown.length] ?? 0;
  }

  line(position: number): LogLine | undefined {
    const index = this.shown[position];
    return index === undefined ? undefined : this.lines[index];
  }

  top(position: number): number {
    return this.tops[position] ?? 0;
  }

  height(position: number): number {
    return this.top(position + 1) - this.top(position);
  }

  /** The position of the shown line that covers `row`. */
  positionAt(row: number): number {
    let low = 0;
    let high = Math.max(0, this.shown.length - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.top(middle) <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The position of the line with sequence number `seq`, if it is shown. */
  positionOf(seq: number): number | undefined {
    let low = 0;
    let high = this.shown.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.line(middle)?.n ?? 0;
      if (found === seq) return middle;
      if (found < seq) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  private show(index: number): void {
    this.shown.push(index);
    const rows = Math.max(1, Math.ceil(width(this.plain[index] ?? "") / this.columns));
    this.tops.push((this.tops[this.tops.length - 1] ?? 0) + rows);
  }

  private passes(index: number): boolean {
    const line = this.lines[index];
    if (!line) return false;
    const { kinds, warningsOnly, text } = this.filter;
    if (kinds.size > 0 && !kinds.has(line.kind)) return false;
    if (warningsOnly && line.level === "info") return false;
    if (!text) return true;
    const wanted = text.toLowerCase();
    return (this.plain[index] ?? "").toLowerCase().includes(wanted) || line.source.toLowerCase().includes(wanted);
  }
}

/** Columns that a text takes: two for East Asian wide characters and emoji. */
function width(text: string): number {
  // Most lines are ASCII, and most logs are long: look twice only where it is needed.
  if (/^[\u0020-\u02ff]*$/.test(text)) return text.length;
  let columns = 0;
  for (const character of text) {
    columns += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(character) || character.length > 1 ? 2 : 1;
  }
  return columns;
}
