// The main job through the pages: set-up, sign-in, cluster, App, releases, environment, deploying with a live log, a
// deployment that fails, and the way back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { parcel, publicChart, startRepository } from "./support/charts.js";
import { startBrowser, startLandfall } from "./support/landfall.js";
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
const repositories = [];

before(async () => {
  landfall = await startLandfall();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await landfall?.stop();
  for (const repository of repositories) repository.stop();
});

async function repositoryOf(...folders) {
  const repository = await startRepository(folders);
  repositories.push(repository);
  return repository.url;
}

test("a chart becomes a release, a release becomes a running environment", async () => {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // What the server refused is shown on the page; the browser logs it, too.
    if (message.type() === "error" && !message.text().includes("status of 4")) faults.push(message.text());
  });

  await setUp(page, landfall);
  await signOutAndIn(page);
  await addSimulatedCluster(page, landfall, "lab");
  await page.getByText("simulated", { exact: false }).first().waitFor();
  await addApp(page, landfall, { name: "Parcel", repository: await repositoryOf(...parcel()), chart: "parcel", wait: 6 });
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
  await page.getByText("2.4.1", { exact: true }).first().click();
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
  await page.getByText("It cannot be deployed like this").first().waitFor();
  assert.ok(await page.getByRole("button", { name: "Deploy Now" }).isDisabled());
  await typeValues(page, "api:\n  replicas: many\n");
  await page.getByText(/got string, want integer/).first().waitFor();

  // One that does not come up: the culprit is named, in the Op and wherever the environment is listed.
  await typeValues(page, "worker:\n  podAnnotations:\n    simulator.landfall.dev/fault: image-pull\n");
  await changes.getByText("simulator.landfall.dev/fault").first().waitFor();
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await opIs(page, "Failed");
  await page.getByRole("alert").getByText("parcel/worker:2.4.1").first().waitFor();
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
  await page.getByText("rollback", { exact: false }).first().waitFor();

  assert.deepEqual(faults, []);
  await context.close();
});

for (const [name, chart] of [
  ["stefanprodan__podinfo__charts__podinfo", "podinfo"],
  ["bitnami__charts__bitnami__nginx", "nginx"],
]) {
  test(`${chart}, picked from its repository's list, is released and deployed`, async (t) => {
    const folder = publicChart(name);
    if (!folder) return t.diagnostic("left out");
    const page = await browser.newPage();
    await page.goto(`${landfall.url}/sign-in`);
    await page.getByLabel("E-mail address").fill("ada@example.com");
    await page.getByLabel("Password").fill("correct horse battery staple");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "App Environments" }).waitFor();
    await addApp(page, landfall, { name: chart, repository: await repositoryOf(folder), chart });
    await addRelease(page, landfall, { app: chart, tag: "first" });
    await createEnvironment(page, landfall, { name: `try-${chart}`, app: chart, cluster: "lab", release: "first" });
    await opIs(page, "Succeeded");
    await page.close();
  });
}
