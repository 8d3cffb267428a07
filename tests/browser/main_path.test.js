// The main job through the pages: set-up, sign-in, cluster, App, releases, environment, deploying with a live log, a
// deployment that fails, and the way back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { parcel, startRepository } from "./support/charts.js";
import { openPage, startBrowser, startLandfall } from "./support/landfall.js";
import {
  addApp,
  addRelease,
  addSimulatedCluster,
  createEnvironment,
  opIs,
  setUp,
  signOutAndIn,
  typeValues,
} from "./support/user.js";

let browser;
let landfall;
let repository;

before(async () => {
  repository = await startRepository(parcel());
  landfall = await startLandfall();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await landfall?.stop();
  repository?.stop();
});

test("a chart becomes a release, a release becomes a running environment", async () => {
  const { page, faults, close } = await openPage(browser, { viewport: { width: 1360, height: 900 } });

  await setUp(page, landfall);
  await signOutAndIn(page);
  await addSimulatedCluster(page, landfall, "lab");
  await page.locator(".head").getByText("simulated").first().waitFor();
  await addApp(page, landfall, { name: "Parcel", repository: repository.url, chart: "parcel", wait: 6 });
  await addRelease(page, landfall, { app: "Parcel", tag: "2.4.0", version: "0.31.0", changelog: "Returns page." });
  await addRelease(page, landfall, { app: "Parcel", tag: "2.4.1", version: "0.31.2", changelog: "**Fixes** retries." });

  // The environment's first deployment: followed live, without touching the page.
  await createEnvironment(page, landfall, { name: "staging", app: "Parcel", cluster: "lab", release: "2.4.0" });
  await opIs(page, "Succeeded");
  await page.getByText("ready, accepting connections on port 8080").first().waitFor();
  assert.match(await page.title(), /✓/);

  // A new version with a value of its own: the changes are shown while typing, then carried out.
  await page.goto(`${landfall.url}/environments/staging`);
  await page.getByRole("link", { name: "Deploy new version" }).click();
  await page.getByRole("radio", { name: /^2\.4\.1/ }).check();
  await typeValues(page, "api:\n  replicas: 3\n");
  const changes = page.locator("#shown");
  await changes.getByText("PodDisruptionBudget").first().waitFor();
  await changes.getByText("replicas: 3").first().waitFor();
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await opIs(page, "Succeeded");
  await page.goto(`${landfall.url}/environments/staging`);
  await page.locator(".head").getByText("2.4.1").waitFor();

  // Broken values are told at their line, and cannot be deployed.
  await page.getByRole("link", { name: "Deploy new version" }).click();
  await typeValues(page, "api:\n  replicas: [1\n");
  await changes.getByText("It cannot be deployed like this").waitFor();
  await page.locator("[data-deploy-now]:disabled").waitFor();
  await page.locator(".cm-lint-marker-error").first().waitFor();
  await typeValues(page, "api:\n  replicas: many\n");
  await page.getByText(/got string, want integer/).first().waitFor();

  // One that does not come up: the culprit is named, in the Op and wherever the environment is listed.
  await typeValues(page, "worker:\n  podAnnotations:\n    simulator.landfall.dev/fault: image-pull\n");
  await changes.getByText("simulator.landfall.dev/fault").first().waitFor();
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await opIs(page, "Failed");
  await page.getByRole("alert").getByText("parcel/worker:2.4.1").first().waitFor();
  await page.locator(".state.bad", { hasText: "worker" }).waitFor();
  assert.equal(await page.locator("#live .state.busy").count(), 0, "nothing is shown as under way after the end");
  await page.goto(`${landfall.url}/environments`);
  await page.getByRole("row", { name: /staging/ }).getByText("parcel/worker:2.4.1").waitFor();

  // Back, from the list of deployments.
  await page.goto(`${landfall.url}/environments/staging/deployments`);
  await page.getByRole("link", { name: /Roll back to/ }).last().click();
  await page.getByRole("heading", { level: 1, name: "Roll back to #1" }).waitFor();
  await page.getByLabel("Why").fill("the worker's image is missing");
  await page.getByRole("button", { name: /Roll back to #1/ }).click();
  await opIs(page, "Succeeded");
  await page.goto(`${landfall.url}/environments/staging`);
  await page.locator(".head").getByText("2.4.0").waitFor();
  await page.goto(`${landfall.url}/deployments`);
  await page.getByRole("row", { name: /staging #4/ }).getByText("rollback").waitFor();

  assert.deepEqual(faults, []);
  await close();
});
