// A custom domain through the pages: added, told which records are missing, proved, deployed, and taken back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { parcel, startRepository } from "./support/charts.js";
import { startDns } from "./support/dns.js";
import { openPage, startBrowser, startLandfall } from "./support/landfall.js";
import { addApp, addRelease, addSimulatedCluster, createEnvironment, opIs, setUp } from "./support/user.js";

const TEMPLATE = `ingress:
  host: {{ host }}
  tls:
    secretName: {{ tls_secret }}
  annotations:
    cert-manager.io/cluster-issuer: {{ issuer }}
`;

let browser;
let dns;
let landfall;
let repository;

before(async () => {
  [repository, dns] = await Promise.all([startRepository(parcel()), startDns()]);
  landfall = await startLandfall("--dns-server", dns.address, "--simulated-pace", "instant");
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await landfall?.stop();
  repository?.stop();
  dns?.stop();
});

/** The record of a type, as its row tells it. */
function row(page, kind) {
  return page.getByRole("row").filter({ has: page.locator(".tag", { hasText: new RegExp(`^${kind}$`) }) });
}

test("an environment answers on a host of its own, and on its default host again", async () => {
  const { page, context, faults, close } = await openPage(browser, { viewport: { width: 1360, height: 900 } });
  await setUp(page, landfall);
  await addSimulatedCluster(page, landfall, "lab");
  await addApp(page, landfall, { name: "Parcel", repository: repository.url, chart: "parcel" });
  await addRelease(page, landfall, { app: "Parcel", tag: "2.4.0", version: "0.31.0" });
  await createEnvironment(page, landfall, { name: "eu", app: "Parcel", cluster: "lab", release: "2.4.0" });
  await opIs(page, "Succeeded");

  // Nothing is set up: the page says so, and leads to where it is done.
  await page.goto(`${landfall.url}/environments/eu`);
  await page.getByRole("navigation", { name: "eu" }).getByRole("link", { name: "Domain" }).click();
  await page.getByRole("link", { name: "Set it up" }).click();
  await page.getByLabel(/^Template of domain values/).fill("ingress:\n  host: {{ hots }}\n");
  await page.getByRole("button", { name: "Save settings" }).click();
  await page.getByRole("alert").getByText("There is no place `{{ hots }}`").waitFor();
  await page.getByLabel(/^Template of domain values/).fill(TEMPLATE);
  await page.getByLabel("Default host").fill("{{ environment }}.parcel.example.net");
  await page.getByLabel("Issuer", { exact: true }).fill("letsencrypt");
  await page.getByRole("button", { name: "Save settings" }).click();
  await page.getByRole("status").getByText("The settings are saved.").waitFor();

  await page.goto(`${landfall.url}/environments/eu/domain`);
  await page.getByLabel("Host", { exact: true }).fill("*.bücher.example");
  await page.getByRole("button", { name: "Add domain" }).click();
  await page.locator("#host-errors").getByText("it is a wildcard").waitFor();
  await page.getByLabel("Host", { exact: true }).fill("shop.bücher.example");
  await page.getByRole("button", { name: "Add domain" }).click();
  const title = page.getByRole("heading", { name: /shop\.bücher\.example/ });
  await title.getByText("Not checked").waitFor();
  await title.getByText("shop.xn--bcher-kva.example").waitFor();
  assert.equal(await page.getByRole("button", { name: "Deploy domain" }).isDisabled(), true);
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await row(page, "TXT").getByText("Missing").waitFor();
  await title.getByText("Not proved").waitFor();

  // The records are made as the page says; without JavaScript, too.
  for (const kind of ["TXT", "CNAME"]) {
    const [name, value] = await row(page, kind).locator("code").allTextContents();
    dns.set(name, kind, [value]);
  }
  const plain = await openPage(browser, { javaScriptEnabled: false, storageState: await context.storageState() });
  await plain.page.goto(`${landfall.url}/environments/eu/domain`);
  await plain.page.getByRole("button", { name: "Check", exact: true }).click();
  await plain.page.getByRole("heading", { name: /shop\.bücher\.example/ }).getByText("Proved").waitFor();
  await plain.page.getByRole("button", { name: "Deploy domain" }).click();
  await plain.page.getByRole("heading", { level: 1, name: "Deploy shop.bücher.example" }).waitFor();
  await plain.page.getByText("host: shop.xn--bcher-kva.example").first().waitFor();
  // The other page, which is still open, shows it without being touched.
  await title.getByText("Proved").waitFor();
  await page.getByRole("button", { name: "Deploy domain" }).click();
  await page.locator("#shown").getByText("host: shop.xn--bcher-kva.example").first().waitFor();
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await opIs(page, "Succeeded");
  await page.getByText("Prove domain").first().waitFor();

  await page.goto(`${landfall.url}/environments/eu/domain`);
  await page.getByRole("link", { name: "shop.xn--bcher-kva.example" }).waitFor();
  await page.goto(`${landfall.url}/environments/eu/deployments`);
  await page.getByText("custom domain deployed by Ada").waitFor();

  await page.goto(`${landfall.url}/environments/eu/domain`);
  await page.getByRole("button", { name: "Reset to the default host" }).click();
  await page.getByRole("heading", { level: 1, name: "Reset to the default host" }).waitFor();
  await page.getByRole("button", { name: "Deploy Now" }).click();
  await opIs(page, "Succeeded");
  await page.goto(`${landfall.url}/environments/eu/domain`);
  await page.getByRole("link", { name: "eu.parcel.example.net" }).waitFor();
  await page.goto(`${landfall.url}/environments/eu/deployments/2/roll-back`);
  await page.getByText("It answers on shop.xn--bcher-kva.example, as #2 did.").waitFor();
  await page.goto(`${landfall.url}/environments/eu/domain`);
  await page.getByRole("link", { name: "Remove", exact: true }).click();
  await page.getByLabel("Its name, to confirm").fill("shop.bücher.example");
  await page.getByRole("button", { name: "Remove domain" }).click();
  await page.getByRole("heading", { name: "No custom domain yet" }).waitFor();

  assert.deepEqual([...faults, ...plain.faults], []);
  await plain.close();
  await close();
});
