import assert from "node:assert/strict";
import { test } from "node:test";
import { EVERYTHING, type LogLine, LogModel } from "../src/log-model";

function line(n: number, text: string, rest: Partial<LogLine> = {}): LogLine {
  return { n, t: n, level: "info", kind: "container", source: "worker", text, ...rest };
}

function shown(model: LogModel): number[] {
  return Array.from({ length: model.shownCount }, (_, position) => model.line(position)?.n ?? 0);
}

test("lines seen before, after a reconnection, are left out", () => {
  const model = new LogModel();
  model.append([line(1, "a"), line(2, "b")]);
  model.append([line(2, "b"), line(3, "c")]);
  assert.deepEqual(shown(model), [1, 2, 3]);
});

test("rows follow from the length of a line and the width", () => {
  const model = new LogModel();
  model.setColumns(10);
  model.append([line(1, "x".repeat(10)), line(2, "x".repeat(11)), line(3, ""), line(4, "日本語日本語")]);
  assert.deepEqual([0, 1, 2, 3].map((at) => model.height(at)), [1, 2, 1, 2]);
  assert.equal(model.rows, 6);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((row) => model.positionAt(row)), [0, 1, 1, 2, 3, 3]);
  model.setColumns(20);
  assert.equal(model.rows, 4);
});

test("filters by source, level and text work together, on what came and on what comes", () => {
  const model = new LogModel();
  model.append([line(1, "Fatal: QUEUE"), line(2, "queue ready", { kind: "landfall" }), line(3, "x", { level: "error" })]);
  model.setFilter({ ...EVERYTHING, text: "queue" });
  assert.deepEqual(shown(model), [1, 2]);
  model.append([line(4, "other"), line(5, "\u001b[31mqueue\u001b[0m full", { level: "warning" })]);
  assert.deepEqual(shown(model), [1, 2, 5]);
  model.setFilter({ kinds: new Set(["container"]), warningsOnly: true, text: "" });
  assert.deepEqual(shown(model), [3, 5]);
  model.setFilter(EVERYTHING);
  assert.deepEqual(shown(model), [1, 2, 3, 4, 5]);
});

test("a line is found by its number, if the filter lets it through", () => {
  const model = new LogModel();
  model.append(Array.from({ length: 1000 }, (_, at) => line(at + 1, at % 2 ? "odd" : "even")));
  model.setFilter({ ...EVERYTHING, text: "odd" });
  assert.equal(model.positionOf(500), 249);
  assert.equal(model.positionOf(501), undefined);
});
