/** The words for times and durations. Pure; `view/time.rs` of the server writes the same. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `48 s ago`, `23 min ago`, `2 h ago`, then by the reader's calendar: `yesterday, 16:04`, `Fri, 09:41`, `12 Oct 2026`. */
export function relativeTime(then: number, now: number): string {
  const age = now - then;
  if (age < 5 * SECOND) return "just now";
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s ago`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  const date = new Date(then);
  const daysApart = Math.round((startOfDay(new Date(now)) - startOfDay(date)) / DAY);
  if (daysApart === 0 || age < 6 * HOUR) return `${Math.floor(age / HOUR)} h ago`;
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (daysApart === 1) return `yesterday, ${clock}`;
  if (daysApart < 7) return `${weekday.format(date)}, ${clock}`;
  return day.format(date);
}

/** `0.6 s`, `35 s`, `1 m 12 s`, `1 h 4 m`. `ms` in milliseconds. */
export function durationWords(ms: number): string {
  if (ms < 100) return "0 s";
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / SECOND);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`;
}

/** A span that still grows or shrinks: whole seconds. `ms` in milliseconds. */
export function runningWords(ms: number): string {
  return ms < MINUTE ? `${Math.floor(Math.max(0, ms) / SECOND)} s` : durationWords(ms);
}

/** The exact time in the reader's zone, the zone named. */
export function exactTime(then: number): string {
  return exact.format(new Date(then));
}

const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "short" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat("en-GB", {
  weekday: "long", day: "numeric", month: "long", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
