// Charts that anyone may bring: picked from their repository's list, released, and deployed through the pages.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { publicChart, startRepository } from "./support/charts.js";
import { openPage, startBrowser, startLandfall } from "./support/landfall.js";
import { addApp, addRelease, addSimulatedCluster, createEnvironment, opIs, setUp } from "./support/user.js";

let browser;
let landfall;
let opened;

before(async () => {
  landfall = await startLandfall();
  browser = await startBrowser();
  opened = await openPage(browser, { viewport: { width: 1360, height: 900 } });
  await setUp(opened.page, landfall);
  await addSimulatedCluster(opened.page, landfall, "lab");
});

after(async () => {
  await browser?.close();
  await landfall?.stop();
});

for (const [folder, chart] of [
  ["stefanprodan__podinfo__charts__podinfo", "podinfo"],
  ["bitnami__charts__bitnami__nginx", "nginx"],
]) {
  test(`${chart} is released and deployed`, async (t) => {
    const source = publicChart(folder);
    if (!source) return t.skip("LEFT OUT: LANDFALL_CHARTS names no folder of public charts");
    const { page, faults } = opened;
    const repository = await startRepository([source]);
    t.after(() => repository.stop());
    await addApp(page, landfall, { name: chart, repository: repository.url, chart });
    await addRelease(page, landfall, { app: chart, tag: "first" });
    await createEnvironment(page, landfall, { name: `try-${chart}`, app: chart, cluster: "lab", release: "first" });
    await opIs(page, "Succeeded");
    assert.deepEqual(faults, []);
  });
}
