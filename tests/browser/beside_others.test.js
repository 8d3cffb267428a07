// What the pages say and offer where others work on the same release or its objects: real kubectl and helm, on a
// simulated cluster.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { parcel, startRepository } from "./support/charts.js";
import { openPage, startBrowser, startLandfall } from "./support/landfall.js";
import { startSimulator } from "./support/simulator.js";
import { addApp, addRelease, addSimulatedCluster, createEnvironment, opIs, setUp } from "./support/user.js";

/** The worker's image cannot be pulled. */
const FAULT = 'worker.podAnnotations={"simulator.landfall.dev/fault":"image-pull"}';

let browser;
let cluster;
let landfall;
let repository;
let view;

before(async () => {
  [repository, cluster, browser] = await Promise.all([startRepository(parcel()), startSimulator(), startBrowser()]);
  landfall = await startLandfall("--simulated-cluster", `lab=${cluster.kubeconfig}`);
  view = await openPage(browser, { viewport: { width: 1360, height: 900 } });
  const { page } = view;
  await setUp(page, landfall);
  await addSimulatedCluster(page, landfall, "lab");
  await addApp(page, landfall, { name: "Parcel", repository: repository.url, chart: "parcel", wait: 6 });
  await addRelease(page, landfall, { app: "Parcel", tag: "2.4.0", version: "0.31.0" });
  await createEnvironment(page, landfall, { name: "staging", app: "Parcel", cluster: "lab", release: "2.4.0" });
  await opIs(page, "Succeeded");
});

after(async () => {
  await browser?.close();
  await landfall?.stop();
  await cluster?.stop();
  repository?.stop();
});

test("fields that others own are taken over where the form says so", async () => {
  const { page, faults } = view;
  const patch = JSON.stringify({ spec: { replicas: 4 } });
  cluster.kubectl("patch", "deployment", "staging-api", "-n", "parcel-staging", "-p", patch);

  await page.goto(`${landfall.url}/environments/staging/deploy`);
  await page.locator("#shown").getByText("Take fields over").waitFor();
  await page.locator("[data-deploy-now]:disabled").waitFor();
  await page.getByLabel("Take fields over").check();
  await page.locator("[data-deploy-now]:enabled").waitFor();
  await page.locator("#shown").getByText("scales from 4").first().waitFor();
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await opIs(page, "Succeeded");
  await page.locator(".head").getByText("takes fields over").waitFor();
  const replicas = ["get", "deployment", "staging-api", "-n", "parcel-staging", "-o", "jsonpath={.spec.replicas}"];
  assert.notEqual(cluster.kubectl(...replicas), "4");
  assert.deepEqual(faults, []);
});

test("an environment is not made over a Helm release of others", async () => {
  const { page, faults } = view;
  const [chart] = parcel();
  cluster.helm("install", "theirs", chart, "-n", "parcel-theirs", "--create-namespace");
  await createEnvironment(page, landfall, { name: "theirs", app: "Parcel", cluster: "lab", release: "2.4.0" });
  const told = page.getByRole("alert").getByText("There is a Helm release `theirs` in namespace `parcel-theirs` already");
  await told.waitFor();
  await page.getByText("landfall env adopt theirs -n parcel-theirs").first().waitFor();
  assert.equal(await page.getByLabel("Helm release name").getAttribute("aria-invalid"), "true");
  assert.deepEqual(faults, []);
});

test("a deployment waits for a revision of others until someone says that nobody works on it", async () => {
  const { page, faults } = view;
  await createEnvironment(page, landfall, { name: "stuck", app: "Parcel", cluster: "lab", release: "2.4.0" });
  await opIs(page, "Succeeded");
  const helm = cluster.start("upgrade", "stuck", parcel()[1], "-n", "parcel-stuck", "--wait", "--set-json", FAULT);
  while (!cluster.helm("history", "stuck", "-n", "parcel-stuck").includes("pending-upgrade"));
  helm.kill("SIGKILL");

  await page.goto(`${landfall.url}/environments/stuck/deploy`);
  await page.locator("#shown").getByText("It is pending-upgrade").waitFor();
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await page.getByRole("alert").getByText("Waits for Helm revision 2, which is pending-upgrade").waitFor();
  await page.locator("[data-log]").getByText("waiting for it to end, until").first().waitFor();
  await page.getByRole("button", { name: "Recover now" }).click();
  await opIs(page, "Succeeded");
  await page.locator("[data-log]").getByText("Ada says that nobody works on revision 2").first().waitFor();
  assert.deepEqual(faults, []);
});

test("a drift check that takes its time tells how far it is, and goes on when it is left", async () => {
  const { page, faults } = view;
  await page.goto(`${landfall.url}/environments/staging`);
  cluster.pause();
  await page.getByRole("button", { name: "Check now" }).click();
  await page.locator("#drift-run progress").waitFor();
  await page.locator("#drift button:disabled").waitFor();
  await page.goto(`${landfall.url}/environments`);
  await page.goto(`${landfall.url}/environments/staging`);
  await page.locator("#drift-run").getByText("It goes on when you leave this page").waitFor();
  cluster.resume();
  await page.locator("#drift").getByText("As deployed").waitFor();
  await page.locator("#drift-run").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
});
