// Backups through the pages: how data is backed up is declared, a backup is made, what was lost is put back.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { parcel, startRepository } from "./support/charts.js";
import { openPage, startBrowser, startLandfall } from "./support/landfall.js";
import { startSimulator } from "./support/simulator.js";
import { addApp, addRelease, addSimulatedCluster, opIs, setUp, typeValues } from "./support/user.js";

const folder = mkdtempSync(join(tmpdir(), "landfall-backups-"));
/** What the environment's data is. */
const data = join(folder, "data");

let browser;
let landfall;
let repository;
let simulator;

function script(name, text) {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

before(async () => {
  repository = await startRepository(parcel());
  const programs = { dump: script("dump", `cat ${data}`), load: script("load", `cat > ${data}; echo loaded`) };
  simulator = await startSimulator(programs);
  landfall = await startLandfall("--simulated-cluster", `lab=${simulator.kubeconfig}`);
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await landfall?.stop();
  await simulator?.stop();
  repository?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A new environment whose worker's pods have programs that answer for commands. */
async function createEnvironment(page) {
  await page.goto(`${landfall.url}/new/environment`);
  await page.getByLabel("Name", { exact: true }).fill("eu");
  await page.getByLabel("App", { exact: true }).selectOption({ label: "Parcel" });
  await page.getByLabel("Release to begin with").selectOption("2.4.0");
  await page.getByLabel("Cluster").selectOption("lab");
  await typeValues(page, "worker:\n  podAnnotations:\n    simulator.landfall.dev/exec: dump=dump load=load\n");
  await page.getByRole("button", { name: "Create environment" }).click();
}

test("what was lost is put back from a backup", async () => {
  const { page, faults, close } = await openPage(browser, { viewport: { width: 1360, height: 900 } });
  await setUp(page, landfall);
  await addSimulatedCluster(page, landfall, "lab");
  await addApp(page, landfall, { name: "Parcel", repository: repository.url, chart: "parcel" });
  await addRelease(page, landfall, { app: "Parcel", tag: "2.4.0", version: "0.31.0" });
  await createEnvironment(page);
  await opIs(page, "Succeeded");

  // How data is backed up is told once for all environments; what is wrong is told at its field.
  await page.goto(`${landfall.url}/apps/Parcel/backups`);
  await page.getByLabel("Name", { exact: true }).fill("Worker data");
  await page.getByLabel("Labels", { exact: true }).fill("app.kubernetes.io/instance={release},app.kubernetes.io/component=worker");
  await page.getByLabel(/^Command that backs up/).fill("dump\n--all");
  await page.getByLabel(/^Command that restores/).fill("load");
  await page.getByRole("button", { name: "Save methods" }).click();
  await page.getByRole("alert").getByText("This is not a method's name.").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("worker-data");
  await page.getByRole("button", { name: "Save methods" }).click();
  await page.getByRole("status").getByText("The methods are saved.").waitFor();

  writeFileSync(data, "parcels of today\n");
  await page.goto(`${landfall.url}/environments/eu`);
  await page.getByRole("navigation", { name: "eu" }).getByRole("link", { name: "Backups" }).click();
  await page.getByRole("heading", { name: "No backups yet" }).waitFor();
  await page.getByLabel("Every so many hours").fill("24");
  await page.getByRole("button", { name: "Save schedule" }).click();
  await page.getByText(/^next /).waitFor();
  await page.getByLabel("Note").fill("before the clean-up");
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByRole("heading", { level: 1, name: "Backup 1" }).waitFor();
  await opIs(page, "Complete");
  await page.getByRole("row", { name: /worker-data/ }).getByText("17 B").first().waitFor();

  // Restoring asks for the name of where the data goes.
  writeFileSync(data, "");
  await page.getByRole("link", { name: "Restore" }).click();
  await page.getByLabel("Where it goes, to confirm").fill("us");
  await page.getByRole("button", { name: "Restore backup" }).click();
  await page.getByRole("alert").getByText("This is not the name of where the data goes").waitFor();
  await page.getByLabel("Where it goes, to confirm").fill("eu");
  await page.getByRole("button", { name: "Restore backup" }).click();
  await page.getByRole("heading", { level: 1, name: /2\.4\.0/ }).waitFor();
  await opIs(page, "Succeeded");
  assert.equal(readFileSync(data, "utf8"), "parcels of today\n");
  await page.goto(`${landfall.url}/environments/eu/deployments`);
  await page.getByText("backup 1 restored").waitFor();

  await page.goto(`${landfall.url}/environments/eu/backups/1/delete`);
  await page.getByLabel("Its number, to confirm").fill("1");
  await page.getByRole("button", { name: "Delete backup" }).click();
  await page.getByRole("heading", { name: "No backups yet" }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});
