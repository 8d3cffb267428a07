import assert from "node:assert/strict";
import { test } from "node:test";
import { durationWords, relativeTime, runningWords } from "../src/time-words";

test("times are told relative to now, then by the reader's calendar", () => {
  const now = new Date(2026, 10, 23, 20, 0, 0).getTime();
  const at = (day: number, hour: number, minute = 0, second = 0) => new Date(2026, 10, day, hour, minute, second).getTime();
  assert.equal(relativeTime(at(23, 19, 59, 58), now), "just now");
  assert.equal(relativeTime(at(23, 19, 59, 12), now), "48 s ago");
  assert.equal(relativeTime(at(23, 19, 37), now), "23 min ago");
  assert.equal(relativeTime(at(23, 18), now), "2 h ago");
  assert.equal(relativeTime(at(22, 16, 4), now), "yesterday, 16:04");
  assert.equal(relativeTime(at(20, 9, 41), now), "Fri, 09:41");
  assert.equal(relativeTime(at(12, 9), now), "12 Nov 2026");
});

test("durations have tenths below ten seconds, running ones never", () => {
  assert.deepEqual([0, 120, 9_960, 35_400, 72_000, 3_840_000].map(durationWords), ["0 s", "0.1 s", "9.9 s", "35 s", "1 m 12 s", "1 h 4 m"]);
  assert.deepEqual([0, 9_960, 72_000, -5].map(runningWords), ["0 s", "9 s", "1 m 12 s", "0 s"]);
});
