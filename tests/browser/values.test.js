// The Helm values of an App: what they change everywhere is seen before they are saved, and the batch is followed to its end.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { sample, startDemo } from "./support/demo.js";
import { openPage, startBrowser } from "./support/landfall.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser;
let demo;
let session;

before(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
  const made = { name: "narrow", app: sample.app, kind: "sandbox", cluster: sample.cluster, release: sample.release };
  const { op } = await demo.call("POST", "/environments", { ...made, values: "worker:\n  queue: ''\n" }).then((answer) => answer.started ?? answer);
  await ended(op.id);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

async function ended(op) {
  for (;;) {
    const { state } = await demo.call("GET", `/ops/${op}`);
    if (state === "succeeded") return;
    assert.ok(["queued", "running"].includes(state), `the Op ${state}`);
  }
}

/** The link works once: whoever comes later brings the session along. */
async function signIn(page) {
  if (session) {
    await page.context().addCookies(session.cookies);
    return;
  }
  await page.goto(demo.signIn);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "App Environments" }).waitFor();
  session = await page.context().storageState();
}

async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa"] }));
  assert.deepEqual(violations.map((found) => `${found.id}: ${found.nodes[0]?.html}`), []);
}

/** Types into the editor as a person would, in place of what stands there. */
async function type(page, text) {
  const editor = page.locator(".cm-content");
  await editor.waitFor();
  await editor.click();
  await page.keyboard.press("Control+A");
  // Chromium would give text that replaces coloured text an inline style, which the policy forbids and tells.
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
}

test("App values: seen by groups, saved, and followed to the end of their batch", async () => {
  const { page, context, faults, close } = await openPage(browser, { viewport: { width: 1360, height: 900 } });
  await signIn(page);
  await page.goto(`${demo.url}/apps/${sample.app}/values`);
  const save = page.locator("[data-save]");

  // What is no YAML stands at its line, and cannot be saved.
  await type(page, "global: [\n");
  await page.getByText("It cannot be saved like this").waitFor();
  assert.equal(await save.isDisabled(), true);

  await type(page, "global:\n  logLevel: warn\n");
  await page.getByText(/4 of 4 previewed/).waitFor();
  const group = page.locator("#fleet details").first();
  await group.getByText(/environments?: LOG_LEVEL/).waitFor();
  await group.locator("summary").first().click();
  await group.getByText("LOG_LEVEL: warn").first().waitFor();
  await accessible(page);
  await page.getByText("4 deployments would be made.").waitFor();
  assert.match(page.url(), /preview=fpv_/);

  await page.getByLabel("Why").fill("Quieter logs");
  await page.getByRole("button", { name: "Save and deploy 4" }).click();
  await page.getByRole("heading", { level: 1, name: "App values r2 of Parcel" }).waitFor();
  await page.getByRole("status").getByText("Done").waitFor();
  await page.getByText("4 of 4 over: 4 succeeded").waitFor();
  assert.match(await page.title(), /^✓ App values r2/);
  await accessible(page);

  // The cause is told wherever the deployments are listed.
  await page.getByRole("row", { name: /narrow/ }).getByRole("link", { name: /^#/ }).click();
  await page.getByRole("link", { name: "App values r2 updated" }).waitFor();
  await page.goto(`${demo.url}/deployments?trigger=values_updated`);
  assert.equal(await page.getByRole("link", { name: "App values r2 updated" }).count(), 4);

  // Without JavaScript: show, then save; what was not shown is shown first.
  const plain = await openPage(browser, { javaScriptEnabled: false, storageState: await context.storageState() });
  await plain.page.goto(`${demo.url}/apps/${sample.app}/values`);
  await plain.page.getByRole("textbox", { name: "Values" }).fill("global:\n  logLevel: loud\n");
  await plain.page.getByRole("button", { name: "Show what changes" }).last().click();
  await plain.page.getByRole("status").getByText("of 4 previewed").waitFor();
  for (let n = 0; n < 50 && !(await plain.page.getByText("4 of 4 previewed in").isVisible()); n += 1) await plain.page.reload();
  await plain.page.getByText("4 environments cannot be rendered").waitFor();
  await plain.page.getByText("4 deployments would be made; 4 would fail.").waitFor();
  await plain.page.getByText("4 environments cannot be rendered").click();
  await plain.page.getByRole("link", { name: "All 4 environments" }).click();
  await plain.page.getByRole("link", { name: "narrow" }).waitFor();
  assert.deepEqual([...faults, ...plain.faults], []);
  await plain.close();
  await close();
});

test("one environment's own values are edited, seen and saved", async () => {
  const { page, faults, close } = await openPage(browser, { viewport: { width: 390, height: 844 } });
  await signIn(page);
  await page.goto(`${demo.url}/environments/narrow/values`);
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByRole("heading", { level: 1, name: "Edit values" }).waitFor();
  await type(page, "web:\n  replicas: 3\n");
  await page.getByText(/objects? changes?, /).first().waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Save and deploy" }).click();
  await page.getByRole("heading", { level: 1, name: /^#\d+: 2.4.1, values/ }).waitFor();
  await page.getByText("its values updated by").waitFor();
  await page.getByRole("status").getByText("Succeeded").waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("a rollback makes its environment hold, and it follows again", async () => {
  const { page, faults, close } = await openPage(browser, { viewport: { width: 1360, height: 900 } });
  await signIn(page);
  await page.goto(`${demo.url}/environments/narrow/deployments/1/roll-back`);
  await page.getByRole("button", { name: /Roll back/ }).click();
  await page.getByRole("status").getByText("Succeeded").waitFor();
  await page.goto(`${demo.url}/environments/narrow`);
  await page.getByText("It holds App values r1").waitFor();
  await page.getByRole("link", { name: "Follow again" }).click();
  await page.getByLabel(/The newest, revision 2/).waitFor();
  await page.getByText(/objects? changes?, /).first().waitFor();
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await page.getByRole("status").getByText("Succeeded").waitFor();
  await page.goto(`${demo.url}/environments/narrow`);
  await page.getByRole("heading", { level: 1, name: "narrow" }).waitFor();
  assert.equal(await page.getByText("It holds App values").count(), 0);
  assert.deepEqual(faults, []);
  await close();
});
