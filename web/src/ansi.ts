/** ANSI escape sequences in log lines: colours become classes, everything else is dropped. Pure. */

export interface Span {
  text: string;
  /** Class names, separated by spaces; empty for plain text. */
  className: string;
}

// CSI … final byte, OSC … BEL or ST, and two-character escapes.
const ESCAPE = /\u001b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/** The text as it is read and searched: without escapes, tabs as two spaces, other control characters gone. */
export function plainText(text: string): string {
  return clean(text.includes("\u001b") ? text.replace(ESCAPE, "") : text);
}

/** The text cut into runs of one look. The texts of the runs, joined, are [`plainText`]. */
export function spans(text: string): Span[] {
  const result: Span[] = [];
  let codes = new Set<number>();
  let last = 0;
  const push = (piece: string) => {
    const cleaned = clean(piece);
    if (cleaned) result.push({ text: cleaned, className: [...codes].map((code) => `ansi-${code}`).join(" ") });
  };
  for (const match of text.matchAll(ESCAPE)) {
    push(text.slice(last, match.index));
    last = match.index + match[0].length;
    if (match[2] === "m") codes = apply(codes, match[1] ?? "");
  }
  push(text.slice(last));
  return result;
}

function apply(before: Set<number>, parameters: string): Set<number> {
  let codes = new Set(before);
  const numbers = parameters.split(/[;:]/).map(Number);
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at] ?? 0;
    if (code === 0) codes = new Set();
    else if (code === 22) { codes.delete(1); codes.delete(2); }
    else if (code === 23 || code === 24 || code === 29) codes.delete(code - 20);
    else if (code >= 1 && code <= 9) codes.add(code);
    else if (code === 38 || code === 48) {
      // 256 colours and true colour: only the first sixteen have a class, the others stay plain.
      const colour = numbers[at + 1] === 5 ? (numbers[at + 2] ?? 16) : 16;
      at += numbers[at + 1] === 5 ? 2 : 4;
      clearGround(codes, code === 38 ? 30 : 40);
      if (colour < 16) codes.add((code === 38 ? 30 : 40) + (colour < 8 ? colour : colour + 52));
    } else if (code === 39 || code === 49) clearGround(codes, code - 9);
    else if (isGround(code, 30)) { clearGround(codes, 30); codes.add(code); }
    else if (isGround(code, 40)) { clearGround(codes, 40); codes.add(code); }
  }
  return codes;
}

function isGround(code: number, base: 30 | 40): boolean {
  return (code >= base && code < base + 8) || (code >= base + 60 && code < base + 68);
}

function clearGround(codes: Set<number>, base: number): void {
  for (const code of [...codes]) if (isGround(code, base as 30 | 40)) codes.delete(code);
}

function clean(text: string): string {
  return /[\u0000-\u001f\u007f]/.test(text) ? text.replace(/\t/g, "  ").replace(/[\u0000-\u001f\u007f]/g, "") : text;
}
