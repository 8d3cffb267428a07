// What the pages say and offer where others work on the same release or its objects: real kubectl and helm, on a
// simulated cluster.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { parcel, startRepository } from "./support/charts.js";
import { openPage, startBrowser, startLandfall } from "./support/landfall.js";
import { startSimulator } from "./support/simulator.js";
import { addApp, addRelease, addSimulatedCluster, createEnvironment, opIs, setUp } from "./support/user.js";

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
