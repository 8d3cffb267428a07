// With JavaScript off all of the main job works; only live updates and the editor's comfort are missing.

import { after, before, test } from "node:test";

import { parcel, startRepository } from "./support/charts.js";
import { openPage, startBrowser, startLandfall } from "./support/landfall.js";
import { addApp, addRelease, addSimulatedCluster, createEnvironment, setUp, signOutAndIn } from "./support/user.js";

let browser;
let landfall;
let repository;

before(async () => {
  repository = await startRepository(parcel());
  landfall = await startLandfall("--simulated-pace", "instant");
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await landfall?.stop();
  repository?.stop();
});

/** Reloads an Op's page until it says this, as one does without live updates. */
async function reloadUntil(page, word) {
  const state = page.locator(".head .state").first();
  for (let tries = 0; tries < 200; tries++) {
    if ((await state.textContent()) === word) return;
    await page.reload();
  }
  throw new Error(`the Op is still ${await state.textContent()}, not ${word}`);
}

test("a product is set up, released and deployed with JavaScript off", async () => {
  const { page, close } = await openPage(browser, { javaScriptEnabled: false, viewport: { width: 1360, height: 900 } });
  await setUp(page, landfall);
  await signOutAndIn(page);
  await addSimulatedCluster(page, landfall, "lab");
  await addApp(page, landfall, { name: "Parcel", repository: repository.url, chart: "parcel" });
  await addRelease(page, landfall, { app: "Parcel", tag: "2.4.0", version: "0.31.0", changelog: "Returns page." });
  await addRelease(page, landfall, { app: "Parcel", tag: "2.4.1", version: "0.31.2", changelog: "**Fixes** retries." });
  await createEnvironment(page, landfall, { name: "staging", app: "Parcel", cluster: "lab", release: "2.4.0" });
  await reloadUntil(page, "Succeeded");
  await page.locator("[data-log] .row", { hasText: "landfall" }).first().waitFor();

  // Show what will change, then exactly that.
  await page.goto(`${landfall.url}/environments/staging`);
  await page.getByRole("link", { name: "Deploy new version" }).click();
  await page.getByRole("radio", { name: /^2\.4\.1/ }).check();
  await page.getByRole("textbox", { name: /Helm values/ }).fill("api:\n  replicas: many\n");
  await page.getByRole("button", { name: "Show what will change" }).click();
  await page.getByRole("alert").getByText(/got string, want integer/).first().waitFor();
  await page.getByRole("textbox", { name: /Helm values/ }).fill("api:\n  replicas: 3\n");
  await page.getByRole("button", { name: "Show what will change" }).click();
  await page.locator("#shown").getByText("replicas: 3").first().waitFor();
  await page.locator("#verdict").getByText(/are created|is created/).waitFor();
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await page.getByRole("heading", { level: 1, name: /^#2/ }).waitFor();
  await reloadUntil(page, "Succeeded");

  // What was typed after the last preview is shown first, not carried out unseen.
  await page.goto(`${landfall.url}/environments/staging/deploy`);
  await page.getByRole("textbox", { name: /Helm values/ }).fill("api:\n  replicas: 1\n");
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await page.getByText(/press Deploy Now again/).waitFor();
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await page.getByRole("heading", { level: 1, name: /^#3/ }).waitFor();
  await reloadUntil(page, "Succeeded");

  // Lists are searched with a button.
  for (const [path, wanted] of [["/environments", "staging"], ["/releases", "2.4.1"], ["/deployments", "staging"]]) {
    await page.goto(`${landfall.url}${path}`);
    const search = page.getByRole("main").getByRole("search");
    await search.getByRole("searchbox").fill(wanted);
    await search.getByRole("button", { name: "Show" }).click();
    await page.getByRole("row", { name: new RegExp(wanted) }).first().waitFor();
    await search.getByRole("searchbox").fill("nothing-like-it");
    await search.getByRole("button", { name: "Show" }).click();
    await page.getByRole("heading", { name: "Nothing matches these filters" }).waitFor();
  }

  // Removed once its name is typed; what it was stays readable.
  await page.goto(`${landfall.url}/environments/staging`);
  await page.getByRole("link", { name: "Remove environment" }).click();
  await page.getByRole("button", { name: "Remove environment" }).waitFor();
  await page.getByRole("textbox", { name: /Its name/ }).fill("production");
  await page.getByRole("button", { name: "Remove environment" }).click();
  await page.getByRole("link", { name: /not the environment's name/ }).waitFor();
  await page.getByRole("textbox", { name: /Its name/ }).fill("staging");
  await page.getByRole("button", { name: "Remove environment" }).click();
  await page.getByRole("heading", { level: 1, name: "Removal of staging" }).waitFor();
  await reloadUntil(page, "Removed");
  await page.getByRole("link", { name: "Its history" }).click();
  await page.getByText(/This environment was removed/).waitFor();
  await page.getByRole("link", { name: "2.4.0 → 2.4.1" }).click();
  await page.getByRole("heading", { level: 1, name: /^#2/ }).waitFor();
  await close();
});
