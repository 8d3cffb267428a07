/** The log of an Op: only the visible lines are in the page; filters, follow, links to a line, ANSI colours. */
import { spans } from "./ansi";
import { type Filter, type Kind, type LogLine, LogModel } from "./log-model";

const ROW = 21; // pixels; `.log` in code.css sets the same line height
const OVERSCAN = 15;
const TOUCH = 1500; // milliseconds that a scroll may go on after its last touch

/** `early` are the log events that came before this module did. */
export function startLog(early: Event[]): void {
  const scroller = document.querySelector<HTMLElement>("[data-log]");
  if (!scroller) return;
  const view = new LogView(scroller);
  for (const event of early) view.receive(event);
}

class LogView {
  private readonly model = new LogModel();
  private readonly rows = document.createElement("div");
  private readonly drawn = new Map<number, HTMLElement>();
  private readonly tools: HTMLElement | null;
  private readonly count: HTMLElement | null;
  private readonly followButton: HTMLButtonElement | null;
  private follow = true;
  private lastTop = 0;
  /** When someone last did something that scrolls; what scrolls without it does not end following. */
  private touchedAt = 0;
  private wanted = "";
  private picked: number | undefined;
  private frame = 0;

  constructor(private readonly scroller: HTMLElement) {
    this.tools = document.querySelector("[data-log-tools]");
    this.count = document.querySelector("[data-log-count]");
    this.followButton = this.tools?.querySelector<HTMLButtonElement>("[data-follow]") ?? null;
    this.rows.className = "rows";
    scroller.classList.remove("static");
    scroller.replaceChildren(this.rows);
    if (this.tools) this.tools.hidden = false;

    const line = /^#line-(\d+)$/.exec(location.hash);
    if (line) {
      this.picked = Number(line[1]);
      this.setFollow(false);
    }
    document.addEventListener("log", (event) => this.receive(event));
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    for (const act of ["wheel", "touchmove", "keydown", "pointerdown"]) {
      this.scroller.addEventListener(act, () => (this.touchedAt = performance.now()), { passive: true });
    }
    new ResizeObserver(() => this.resized()).observe(scroller);
    this.scroller.addEventListener("click", (event) => this.pick(event));
    document.addEventListener("selectionchange", () => this.selected());
    this.listenToTools();
    this.resized();
  }

  receive(event: Event): void {
    const { data } = (event as CustomEvent<{ data: string }>).detail;
    const before = this.model.shownCount;
    this.model.append(JSON.parse(data) as LogLine[]);
    if (this.picked !== undefined && !this.follow) this.reveal(this.picked, before);
    this.draw();
  }

  /** Scrolls to a line once, when it has arrived. */
  private reveal(seq: number, shownBefore: number): void {
    const position = this.model.positionOf(seq);
    if (position === undefined || position < shownBefore) return;
    this.rows.style.height = `${this.model.rows * ROW}px`;
    this.scroller.scrollTop = Math.max(0, this.model.top(position) * ROW - this.scroller.clientHeight / 3);
    this.scroller.scrollIntoView({ block: "nearest" });
  }

  private listenToTools(): void {
    this.tools?.addEventListener("input", () => this.filter());
    this.tools?.addEventListener("change", () => this.filter());
    this.followButton?.addEventListener("click", () => {
      this.setFollow(!this.follow);
      this.draw();
    });
  }

  private filter(): void {
    const kinds = new Set<Kind>();
    let warningsOnly = false;
    for (const box of this.tools?.querySelectorAll<HTMLInputElement>("input:checked") ?? []) {
      if (box.value === "warnings") warningsOnly = true;
      else if (box.value !== "all") kinds.add(box.value as Kind);
    }
    this.wanted = this.tools?.querySelector<HTMLInputElement>("input[type=search]")?.value.trim() ?? "";
    const filter: Filter = { kinds, warningsOnly, text: this.wanted };
    this.model.setFilter(filter);
    this.redraw();
  }

  private setFollow(follow: boolean): void {
    this.follow = follow;
    this.followButton?.setAttribute("aria-pressed", String(follow));
  }

  private scrolled(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    const touched = performance.now() - this.touchedAt < TOUCH;
    if (touched && scrollTop < this.lastTop - 2 && scrollHeight - scrollTop - clientHeight > ROW) this.setFollow(false);
    else if (scrollHeight - scrollTop - clientHeight < 2 && scrollTop > this.lastTop) this.setFollow(true);
    this.lastTop = scrollTop;
    this.draw();
  }

  /** Someone who selects text wants it to stay where it is. */
  private selected(): void {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && this.scroller.contains(selection.anchorNode)) this.setFollow(false);
  }

  private pick(event: MouseEvent): void {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a.at");
    if (!link) return;
    event.preventDefault();
    this.picked = Number(link.dataset["n"]);
    history.replaceState(history.state, "", `#line-${this.picked}`);
    this.setFollow(false);
    this.redraw();
  }

  private resized(): void {
    const probe = document.createElement("span");
    probe.textContent = "0".repeat(100);
    probe.style.cssText = "position:absolute;visibility:hidden;white-space:pre";
    const row = document.createElement("div");
    row.className = "row";
    const text = document.createElement("span");
    text.className = "text";
    row.append(document.createElement("span"), ...this.sourceCell(""), text);
    this.rows.append(probe, row);
    const width = text.getBoundingClientRect().width;
    const columns = width / (probe.getBoundingClientRect().width / 100);
    probe.remove();
    row.remove();
    // Not laid out at the moment: the next resize tells the width.
    if (width === 0 || !Number.isFinite(columns)) return;
    const anchor = this.model.positionAt(this.scroller.scrollTop / ROW);
    this.model.setColumns(columns);
    if (!this.follow) this.scroller.scrollTop = this.model.top(anchor) * ROW;
    this.redraw();
  }

  private redraw(): void {
    for (const row of this.drawn.values()) row.remove();
    this.drawn.clear();
    this.draw();
  }

  private draw(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.drawNow();
    });
  }

  private drawNow(): void {
    this.rows.style.height = `${this.model.rows * ROW}px`;
    if (this.follow) {
      this.scroller.scrollTop = this.scroller.scrollHeight;
      this.lastTop = this.scroller.scrollTop;
    }
    const firstRow = this.scroller.scrollTop / ROW - OVERSCAN;
    const lastRow = (this.scroller.scrollTop + this.scroller.clientHeight) / ROW + OVERSCAN;
    const first = this.model.positionAt(Math.max(0, firstRow));
    const last = this.model.shownCount === 0 ? -1 : this.model.positionAt(Math.max(0, lastRow));
    const keep = new Set<number>();
    for (let position = first; position <= last; position++) {
      const line = this.model.line(position);
      if (!line) continue;
      keep.add(line.n);
      if (!this.drawn.has(line.n)) {
        const row = this.row(line, position);
        this.drawn.set(line.n, row);
        this.rows.append(row);
      }
    }
    for (const [seq, row] of this.drawn) {
      if (keep.has(seq)) continue;
      row.remove();
      this.drawn.delete(seq);
    }
    this.showCount();
  }

  private showCount(): void {
    if (!this.count) return;
    const all = this.model.lines.length;
    const shown = this.model.shownCount;
    const format = (n: number) => n.toLocaleString("en-US");
    const text = shown === all ? `${format(all)} ${all === 1 ? "line" : "lines"}` : `${format(shown)} of ${format(all)} lines`;
    if (this.count.textContent !== text) this.count.textContent = text;
  }

  private row(line: LogLine, position: number): HTMLElement {
    const row = document.createElement("div");
    row.className = line.n === this.picked ? "row picked" : "row";
    row.style.top = `${this.model.top(position) * ROW}px`;
    row.style.height = `${this.model.height(position) * ROW}px`;
    const at = document.createElement("a");
    at.className = "at";
    at.href = `#line-${line.n}`;
    at.dataset["n"] = String(line.n);
    at.textContent = clock(line.t);
    at.title = `Line ${line.n}, ${new Date(line.t).toISOString()}`;
    const text = document.createElement("span");
    text.className = line.level === "info" ? "text" : `text ${line.level}`;
    for (const span of spans(line.text)) text.append(...this.marked(span.text, span.className));
    row.append(at, ...this.sourceCell(line.source), text);
    return row;
  }

  private sourceCell(source: string): HTMLElement[] {
    const cell = document.createElement("span");
    cell.className = "src";
    cell.textContent = source;
    cell.title = source;
    return [cell];
  }

  /** The text of one look, with what the filter looks for marked in it. */
  private marked(text: string, className: string): Node[] {
    const pieces: Node[] = [];
    const wanted = this.wanted.toLowerCase();
    const lower = text.toLowerCase();
    let at = 0;
    while (wanted) {
      const found = lower.indexOf(wanted, at);
      if (found < 0) break;
      pieces.push(document.createTextNode(text.slice(at, found)));
      const mark = document.createElement("mark");
      mark.textContent = text.slice(found, found + wanted.length);
      pieces.push(mark);
      at = found + wanted.length;
    }
    pieces.push(document.createTextNode(text.slice(at)));
    if (!className) return pieces;
    const span = document.createElement("span");
    span.className = className;
    span.append(...pieces);
    return [span];
  }
}

function clock(time: number): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${Math.floor(date.getMilliseconds() / 100)}`;
}
