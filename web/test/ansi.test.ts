import assert from "node:assert/strict";
import { test } from "node:test";
import { plainText, spans } from "../src/ansi";

const ESC = "\u001b";

test("colours become classes, and end where the line says", () => {
  assert.deepEqual(spans(`${ESC}[31mfatal${ESC}[0m: no ${ESC}[1;33mqueue`), [
    { text: "fatal", className: "ansi-31" },
    { text: ": no ", className: "" },
    { text: "queue", className: "ansi-1 ansi-33" },
  ]);
});

test("the sixteen colours of the 256 have a class, the others stay plain", () => {
  assert.equal(spans(`${ESC}[38;5;1mx`)[0]?.className, "ansi-31");
  assert.equal(spans(`${ESC}[38;5;9mx`)[0]?.className, "ansi-91");
  assert.equal(spans(`${ESC}[38;5;200mx`)[0]?.className, "");
  assert.equal(spans(`${ESC}[38;2;1;2;3mx`)[0]?.className, "");
});

test("cursor movements, titles and control characters are dropped", () => {
  assert.equal(plainText(`${ESC}[2K${ESC}]0;title\u0007a\tb\u0008c${ESC}(`), "a  bc(");
});

test("the runs joined are the plain text", () => {
  const line = `${ESC}[32m✓${ESC}[39m done ${ESC}[4min${ESC}[24m 3 s`;
  assert.equal(spans(line).map((span) => span.text).join(""), plainText(line));
});
