// Every page of the server's table: at both widths and in both themes it fits, says nothing on the console, and is
// accessible.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { addBackup, addBatch, addDomain, addFailure, addLinks, addPreview, addRemoved, failed, sample, startDemo } from "./support/demo.js";
import { openPage, startBrowser, startLandfall } from "./support/landfall.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const environment = `/environments/${sample.environment}`;
const failure = `/environments/${failed.environment}/deployments/2`;

/** All there are. */
const table = JSON.parse(readFileSync(new URL("./support/pages.json", import.meta.url), "utf8"));

/** Of these, what is no page of its own: answers for machines, files to be saved, and the way to another page. */
const noPages = [
  "/",
  "/assets/{name}",
  "/audit/export",
  "/environments/{environment}/deployments/{number}/log",
  "/favicon.svg",
  "/healthz",
  "/ops/{op}/log",
  "/readyz",
];

/** What opens without being signed in. */
const outside = ["/sign-in", "/nowhere"];

/** The addresses of all other pages, with what shows that the page is complete. */
const inside = [
  ["/environments", "table"],
  ["/new/adoption", "h1"],
  ["/environments?search=nothing-like-it", ".empty"],
  ["/new/environment", ".cm-content"],
  [environment, ".timeline"],
  [`${environment}/deployments`, ".timeline"],
  [`${environment}/values`, "main .code"],
  [`${environment}/domain`, "table"],
  [`${environment}/domain/remove?host=pakete.xn--bcher-kva.example`, "h1"],
  [`/environments/${failed.environment}/domain`, ".empty"],
  [`${environment}/backups`, "table"],
  [`${environment}/backups/1`, ".steps"],
  [`${environment}/backups/1/restore`, "h1"],
  [`${environment}/backups/1/delete`, "h1"],
  [`/environments/${failed.environment}/backups`, ".empty"],
  [`${environment}/deploy`, "#verdict code"],
  [`${environment}/values/edit`, "#verdict code"],
  [`${environment}/values/why`, "h1"],
  [`${environment}/values/why?key=api.replicas`, "h1"],
  [`${environment}/comparison`, "h1"],
  [`${environment}/comparison?with=${failed.environment}`, "h2"],
  ["/batches", "table"],
  [`${environment}/remove`, "h1"],
  ["/environments?status=deleted", "table"],
  [`${environment}/deployments/1`, "[data-log] .row"],
  [`${environment}/deployments/1/content`, "h2"],
  [`${environment}/deployments/1/roll-back`, "h1"],
  [`/environments/${failed.environment}`, ".notice.bad"],
  [failure, ".notice.bad"],
  [`/environments/${failed.environment}/deploy?from=2`, "#verdict code"],
  ["/deployments", "table"],
  ["/releases", "table"],
  ["/new/release", ".picks .pick"],
  [`/releases/${sample.app}/${sample.release}`, "h2"],
  ["/apps", "table"],
  ["/new/app", ".cm-content"],
  [`/apps/${sample.app}`, "h1"],
  [`/apps/${sample.app}/values`, ".cm-content"],
  [`/apps/${sample.app}/settings`, "h2"],
  [`/apps/${sample.app}/backups`, "h2"],
  ["/clusters", "table"],
  ["/new/cluster", "h1"],
  ["/new/kubernetes-cluster", "h1"],
  ["/new/cluster-rights", "h1"],
  [`/clusters/${sample.cluster}`, "h1"],
  [`/clusters/${sample.cluster}/change`, "h1"],
  [`/environments/${sample.environment}/account`, "h1"],
  ["/tokens", "h1"],
  ["/settings", "h1"],
  ["/settings/sessions", "table"],
  ["/team", "table"],
  ["/team?search=nothing-like-it", ".empty"],
  ["/team/demo@example.com", "h1"],
  ["/team/demo@example.com/remove", "h1"],
  ["/new/invitation", "h1"],
  ["/audit", "table"],
  ["/audit?search=nothing-like-it", ".empty"],
  ["/find?q=prod", ".found a"],
  ["/find?q=nothing-like-it", ".found p"],
  ["/nowhere", "h1"],
];


let browser;
let demo;
let fresh;
let signedIn;

before(async () => {
  [demo, fresh, browser] = await Promise.all([startDemo(), startLandfall(), startBrowser()]);
  await addFailure(demo);
  await addDomain(demo);
  await addBackup(demo);
  const { invitation, reset, token } = await addLinks(demo);
  outside.push(invitation, reset);
  const { preview, group } = await addPreview(demo);
  inside.push(
    [`/tokens/${token}/revoke`, "h1"],
    [`/apps/${sample.app}/values?preview=${preview}`, "#fleet details"],
    [`/apps/${sample.app}/values/preview/${preview}/${group}`, "h1"],
    [`/batches/${await addBatch(demo)}`, "table"],
  );
  const { page, context, close } = await openPage(browser);
  await page.goto(demo.signIn);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "App Environments" }).waitFor();
  await page.goto(`${demo.url}${failure}`);
  await page.locator(".head .state", { hasText: "Failed" }).waitFor();
  const removed = await addRemoved(demo);
  await page.goto(`${demo.url}${removed.removal}`);
  await page.locator(".head .state", { hasText: "Removed" }).waitFor();
  inside.push([removed.removal, "[data-log] .row"], [removed.environment, ".notice"]);
  signedIn = await context.storageState();
  await close();
});

after(async () => {
  await browser?.close();
  await Promise.all([demo?.stop(), fresh?.stop()]);
});

/** A page of this width; what moves would have axe-core measure colours half-way. */
function open(width, storageState) {
  return openPage(browser, { viewport: { width, height: 900 }, reducedMotion: "reduce", storageState });
}

/** How far the page itself scrolls sideways, and what sticks out: wide content scrolls inside its own frame. */
function overhang() {
  const room = document.documentElement.clientWidth;
  const wide = document.documentElement.scrollWidth;
  if (wide <= room) return "";
  const out = [...document.querySelectorAll("main *")].filter((element) => element.getBoundingClientRect().right > room + 1);
  return `${wide} px in ${room} px: ${out.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)).join(" | ")}`;
}

/** What axe-core finds wrong, in a line each. */
async function barriers(page) {
  const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
  return violations
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

/** What is wrong with each page; a fault that many pages share is told once, with where it was found. */
class Findings {
  places = new Map();

  add(problem, path) {
    this.places.set(problem, [...(this.places.get(problem) ?? []), path]);
  }

  async examine(page, base, path, complete) {
    await page.goto(`${base}${path}`);
    await page.locator(complete).first().waitFor({ timeout: 20_000 }).catch(() => assert.fail(`${path} never has ${complete}`));
    await page.evaluate(axe);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const barrier of await barriers(page)) this.add(`${colorScheme}: ${barrier}`, path);
    }
    const over = await page.evaluate(overhang);
    if (over) this.add(`scrolls sideways: ${over}`, path);
  }

  told() {
    return [...this.places].map(([problem, paths]) => `${problem}, on ${paths.join(" ")}`);
  }
}

test("no page of the table is left out", () => {
  const addresses = [...inside.map(([path]) => path), ...outside, "/set-up"].map((path) => path.split("?")[0]);
  const isLookedAt = (path) => {
    const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    return addresses.some((address) => pattern.test(address));
  };
  assert.deepEqual(table.filter((path) => !noPages.includes(path) && !isLookedAt(path)), ["/sign-in/link/{token}"]);
});

for (const width of [1360, 390]) {
  test(`every page is in order ${width} px wide, in both themes`, async () => {
    const found = new Findings();
    const inner = await open(width, signedIn);
    for (const [path, complete] of inside) await found.examine(inner.page, demo.url, path, complete);
    await inner.close();

    const outer = await open(width);
    for (const path of outside) await found.examine(outer.page, demo.url, path, "h1");
    await found.examine(outer.page, fresh.url, "/set-up", "h1");
    await outer.close();
    assert.deepEqual([...found.told(), ...inner.faults, ...outer.faults], []);
  });
}
