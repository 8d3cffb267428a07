// What a user does on the pages, in the words of the pages.

/** Sets the Administrator up with the printed code. */
export async function setUp(page, landfall) {
  await page.goto(`${landfall.url}/`);
  await page.getByLabel("Code").fill(landfall.setupCode);
  await page.getByLabel("E-mail address").fill("ada@example.com");
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("Password").fill("correct horse battery staple");
  await page.getByRole("button", { name: "Set up and sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "App Environments" }).waitFor();
}

/** Signs out and in again with the password. */
export async function signOutAndIn(page) {
  await page.locator("summary", { hasText: "Account" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("E-mail address").fill("ada@example.com");
  await page.getByLabel("Password").fill("correct horse battery staple");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "App Environments" }).waitFor();
}

export async function addSimulatedCluster(page, landfall, name) {
  await page.goto(`${landfall.url}/clusters`);
  await page.getByRole("link", { name: "Add simulated cluster" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Production and sandbox").check();
  await page.getByRole("button", { name: "Add simulated cluster" }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Adds an App whose chart comes from this repository; `wait`: seconds until a deployment that does not come up has failed. */
export async function addApp(page, landfall, { name, repository, chart, wait }) {
  await page.goto(`${landfall.url}/apps`);
  await page.getByRole("link", { name: "New App" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Chart repository").fill(repository);
  await page.getByLabel("Chart", { exact: true }).fill(chart);
  if (wait) await page.getByLabel(/^Wait for objects/).fill(String(wait));
  await page.getByRole("button", { name: "Add App" }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Adds a release; the chart version is picked from the list that the registry offers. */
export async function addRelease(page, landfall, { app, tag, version, changelog }) {
  await page.goto(`${landfall.url}/releases`);
  await page.getByRole("link", { name: "Add release" }).first().click();
  await page.getByLabel("App", { exact: true }).selectOption({ label: app });
  await page.getByLabel("Release tag").fill(tag);
  if (changelog) await page.getByLabel(/^Changelog/).fill(changelog);
  const offered = page.getByRole("radiogroup", { name: "Helm chart version" });
  const wanted = version ? new RegExp(`^${version.replaceAll(".", "\\.")} `) : /./;
  await offered.getByRole("radio", { name: wanted }).first().check();
  await page.getByRole("button", { name: "Add release" }).click();
  await page.getByRole("heading", { level: 1, name: tag }).waitFor();
}

export async function createEnvironment(page, landfall, { name, app, cluster, release, production }) {
  await page.goto(`${landfall.url}/environments`);
  await page.getByRole("link", { name: "New environment" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("App", { exact: true }).selectOption({ label: app });
  await page.getByLabel("Release to begin with").selectOption(release);
  if (production) await page.getByLabel(/^Production/).check();
  await page.getByLabel("Cluster").selectOption(cluster);
  await page.getByRole("button", { name: "Create environment" }).click();
}

/** Waits on an Op's page until its state is this word, without reloading. */
export async function opIs(page, word) {
  await page.locator(".head .state", { hasText: word }).waitFor({ timeout: 60_000 });
}

/** Types into a YAML editor as a person does. */
export async function typeValues(page, text) {
  const editor = page.locator(".cm-content").first();
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
}
