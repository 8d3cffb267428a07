// The settings of an App: what is wrong stands at its field, what is saved is said, a keyring comes from its file.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { sample, startDemo } from "./support/demo.js";
import { openPage, startBrowser } from "./support/landfall.js";

let browser;
let demo;
let home;

before(async () => {
  home = mkdtempSync(join(tmpdir(), "landfall-gpg-"));
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
  execFileSync("gpgconf", ["--homedir", home, "--kill", "gpg-agent"]);
  rmSync(home, { recursive: true, force: true });
});

/** The binary keyring of a key that GnuPG makes. */
function keyring(name) {
  const gpg = (...args) => execFileSync("gpg", ["--quiet", "--batch", "--homedir", home, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  gpg("--passphrase", "", "--quick-gen-key", `${name} <${name.toLowerCase()}@example.com>`, "ed25519", "sign", "never");
  const file = join(home, "pubring.gpg");
  writeFileSync(file, gpg("--export"));
  return file;
}

async function signIn(page) {
  await page.goto(demo.signIn);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "App Environments" }).waitFor();
}

test("settings are changed, and what is wrong is told at its field", async () => {
  const { page, context, faults, close } = await openPage(browser, { viewport: { width: 1360, height: 900 } });
  await signIn(page);
  await page.goto(`${demo.url}/apps/${sample.app}`);
  await page.getByRole("navigation", { name: "Parcel" }).getByRole("link", { name: "Settings" }).click();
  await page.getByText("The keyring is empty.").waitFor();

  const wait = page.getByLabel("How long a deployment may take");
  await wait.fill("soon");
  await page.getByLabel(/^Paths of secret values/).fill("db..password\n**.token");
  await page.getByLabel("Only if one of these keys signed its chart").check();
  await page.getByRole("button", { name: "Save settings" }).click();
  const summary = page.getByRole("alert");
  await summary.getByText("2 fields need another look").waitFor();
  assert.equal(await wait.inputValue(), "soon");
  await summary.getByRole("link", { name: /cannot wait so long/ }).click();
  assert.equal(await wait.evaluate((field) => field === document.activeElement), true);
  assert.match(await page.locator("#masked_values-errors").textContent(), /a key is empty/);

  await wait.fill("120");
  await page.getByLabel(/^Paths of secret values/).fill("**.token");
  await page.getByLabel("Or its file").setInputFiles(keyring("Ann"));
  await page.waitForFunction(() => document.getElementById("keyring").value.length > 100);
  await page.getByRole("button", { name: "Save settings" }).click();
  await page.getByRole("status").getByText("The settings are saved.").waitFor();
  await page.getByText("Ann <ann@example.com>").waitFor();
  assert.equal(await wait.inputValue(), "120");
  const { settings } = await demo.call("GET", `/apps/${sample.app}`);
  assert.deepEqual(settings.masked_values, ["**.token"]);

  // Without JavaScript the keys are pasted, and can be taken away again.
  const plain = await openPage(browser, { javaScriptEnabled: false, storageState: await context.storageState() });
  await plain.page.goto(`${demo.url}/apps/${sample.app}/settings`);
  await plain.page.getByLabel("Whether its chart is signed or not").check();
  await plain.page.getByLabel("Trust none of these keys any more").check();
  await plain.page.getByRole("button", { name: "Save settings" }).click();
  await plain.page.getByText("The settings are saved.").waitFor();
  await plain.page.getByText("The keyring is empty.").waitFor();
  assert.equal(await plain.page.getByLabel("Or its file").isVisible(), false);
  assert.deepEqual([...faults, ...plain.faults], []);
  await plain.close();
  await close();
});
