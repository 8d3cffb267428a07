/** Relative times and running durations, kept true while a page is open. The server writes the same words first. */
import { exactTime, relativeTime, runningWords } from "./time-words";

function update(): void {
  const now = Date.now();
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-relative]")) {
    const then = Date.parse(element.dateTime);
    if (Number.isNaN(then)) continue;
    setText(element, relativeTime(then, now));
    if (!element.dataset["exact"]) {
      element.dataset["exact"] = "yes";
      element.title = exactTime(then);
    }
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-since], [data-until]")) {
    // The server's clock decides: `data-now` is what it read when it wrote the element.
    const skew = Number(element.dataset["skew"] ?? measureSkew(element, now));
    const since = Number(element.dataset["since"] ?? NaN);
    const span = Number.isNaN(since) ? Number(element.dataset["until"]) - (now + skew) : now + skew - since;
    setText(element, runningWords(span));
  }
}

function measureSkew(element: HTMLElement, now: number): number {
  const skew = Number(element.dataset["now"] ?? now) - now;
  element.dataset["skew"] = String(skew);
  return skew;
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function startTimes(): void {
  update();
  setInterval(update, 1000);
  document.addEventListener("htmx:after:swap", () => {
    // Morphing puts the server's attributes back; read its clock and the exact time again.
    for (const element of document.querySelectorAll<HTMLElement>("[data-skew]")) delete element.dataset["skew"];
    for (const element of document.querySelectorAll<HTMLElement>("[data-exact]")) delete element.dataset["exact"];
    update();
  });
}
