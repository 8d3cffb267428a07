// The main path without a pointer: finding an environment, deploying a new version to it, following the Op and going back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { sample, startDemo } from "./support/demo.js";
import { openPage, startBrowser } from "./support/landfall.js";
import { opIs } from "./support/user.js";

let browser;
let demo;

before(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** What has the focus: its name as it is read out, and whether one sees that it has it. */
function focused() {
  const element = document.activeElement;
  const label = element.labels?.[0]?.innerText ?? element.getAttribute("aria-label") ?? element.innerText ?? "";
  const { width, height } = element.getBoundingClientRect();
  // What frames a control may show it in its place: the card of a choice, the editor around its text.
  const frames = [element, element.closest("label"), element.parentElement, element.closest(".cm-editor")?.parentElement];
  const isFramed = (frame) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(frame);
    return outlineStyle !== "none" && outlineWidth !== "0px";
  };
  return {
    label: label.trim().replaceAll(/\s+/g, " "),
    seen: width > 0 && height > 0 && frames.filter(Boolean).some(isFramed),
    none: element === document.body,
    html: element.outerHTML.slice(0, 120),
  };
}

/** Presses Tab until something of this name has the focus; every stop on the way can be seen. */
async function tabTo(page, name, key = "Tab") {
  const passed = [];
  for (let presses = 0; presses < 120; presses += 1) {
    const { label, seen, html, none } = await page.evaluate(focused);
    assert.ok(none || seen, `one does not see that this has the focus: ${html}`);
    if (!none && name.test(label)) return;
    passed.push(label.slice(0, 30));
    await page.keyboard.press(key);
  }
  assert.fail(`${name} is not reached by ${key}: ${passed.join(", ")}`);
}

test("finding, deploying, following and going back, with the keyboard alone", async () => {
  const { page, faults, close } = await openPage(browser, { viewport: { width: 1360, height: 900 } });
  await page.goto(demo.signIn);
  await tabTo(page, /^Sign in$/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "App Environments" }).waitFor();

  // The first stop of a page leads past its navigation.
  await page.keyboard.press("Tab");
  assert.match((await page.evaluate(focused)).label, /^Skip/);

  await page.keyboard.press("Control+k");
  await page.keyboard.type(sample.environment, { delay: 20 });
  await page.getByRole("option", { name: new RegExp(sample.environment) }).first().waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: sample.environment }).waitFor();

  await tabTo(page, /^Deploy new version$/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: /Deploy/ }).waitFor();
  await page.locator(".cm-content").waitFor();
  await tabTo(page, /^2\.4\.1/);
  await page.keyboard.press("Space");
  // The editor takes Tab for itself only until Escape.
  await tabTo(page, /values/i);
  await page.keyboard.press("Escape");
  await tabTo(page, /^Deploy Now/);
  await page.locator("[data-deploy-now]:enabled").waitFor();
  await page.keyboard.press("Enter");
  await opIs(page, "Succeeded");

  await page.goto(`${demo.url}/environments/${sample.environment}/deployments`);
  await tabTo(page, /^Roll back to/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: /^Roll back to #/ }).waitFor();
  await tabTo(page, /^Why/);
  await page.keyboard.type("tried without a mouse");
  await tabTo(page, /^Roll back to #/);
  await page.keyboard.press("Enter");
  await opIs(page, "Succeeded");

  assert.deepEqual(faults, []);
  await close();
});
