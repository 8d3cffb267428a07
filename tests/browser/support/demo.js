// `landfall demo` with what the sample leaves out: a second App whose newest deployment fails, with its culprit.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { binary, lineMatching } from "./landfall.js";

/** Names that the sample's pages have in their addresses. */
export const sample = { app: "Parcel", cluster: "demo", environment: "northwind-prod", release: "2.4.1" };

/** The environment whose newest deployment, `#2`, failed. */
export const failed = { app: "Label Desk", environment: "labels-staging" };

/** A demo that stays up, with a link to sign in by; ended and forgotten by `stop()`. */
export async function startDemo({ pace = "instant" } = {}) {
  const data = await mkdtemp(join(tmpdir(), "landfall-demo-"));
  const args = ["demo", "--listen", "127.0.0.1:0", "--data", data, "--pace", pace];
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  const signIn = lineMatching(child, /(http:\S+\/sign-in\/link\/\S+)/);
  const access = lineMatching(child, /LANDFALL_SERVER=(\S+) LANDFALL_TOKEN=(\S+)/);
  const [, url, token] = await access;
  return {
    url,
    signIn: (await signIn)[1],
    call: (method, path, body) => call(`${url}/api/v1${path}`, token, method, body),
    async stop() {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      child.kill("SIGINT");
      await ended;
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function call(url, token, method, body) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** Adds an environment of the second App and removes it; the addresses of its page and of the removal's. */
export async function addRemoved(demo) {
  const made = { name: "labels-gone", app: failed.app, kind: "sandbox", cluster: sample.cluster, release: "1.0.0" };
  const { environment } = await demo.call("POST", "/environments", made);
  const { id } = await demo.call("DELETE", `/environments/${environment.name}?reason=no longer needed`);
  return { environment: `/environments/${environment.id}`, removal: `/ops/${id}` };
}

/** Lets the sample take custom domains, and adds one to its environment. */
export async function addDomain(demo) {
  const template = "ingress:\n  host: {{ host }}\n  tls:\n    secretName: {{ tls_secret }}\n";
  await demo.call("PATCH", `/apps/${sample.app}/settings`, { domains: { template, issuer: "letsencrypt" } });
  await demo.call("POST", `/environments/${sample.environment}/domains`, { host: "pakete.bücher.example" });
}

/** Adds the second App, its environment, and a deployment that does not come up. */
export async function addFailure(demo) {
  const { chart } = await demo.call("GET", `/apps/${sample.app}`);
  await demo.call("POST", "/apps", { name: failed.app, chart_kind: "repository", chart_url: chart.url, chart_name: chart.chart, wait_seconds: 5 });
  await demo.call("POST", "/releases", { app: failed.app, tag: "1.0.0", chart_version: "0.31.0" });
  const made = { name: failed.environment, app: failed.app, kind: "sandbox", cluster: sample.cluster, release: "1.0.0" };
  await demo.call("POST", "/environments", made);
  const values = "worker:\n  podAnnotations:\n    simulator.landfall.dev/fault: image-pull\n";
  await demo.call("POST", `/environments/${failed.environment}/deployments`, { release: "1.0.0", values, on_failure: "leave" });
}

/** Backs the sample's environment up, whose App declares no method. */
export async function addBackup(demo) {
  await demo.call("POST", `/environments/${sample.environment}/backups`, { note: "before the audit" });
}

/** Links that open a page to whoever has them, and the demo's own token; the pages' addresses and the token's id. */
export async function addLinks(demo) {
  const path = ({ url }) => new URL(url).pathname;
  const invited = await demo.call("POST", "/invitations", { email: "grace@example.com", name: "Grace", role: "qa" });
  const joining = await demo.call("POST", "/invitations", { email: "hedy@example.com", name: "Hedy", role: "qa" });
  const body = new URLSearchParams({ name: "Hedy", password: "correct horse battery staple" });
  await fetch(joining.url, { method: "POST", body, headers: { Origin: demo.url }, redirect: "manual" });
  const reset = await demo.call("POST", "/people/hedy@example.com/password-reset", {});
  const { items } = await demo.call("GET", "/tokens");
  return { invitation: path(invited), reset: path(reset), token: items[0].id };
}

const busier = "api:\n  replicas: 4\n";

/** Previews new values of the sample App; the preview's id, and a group of it. */
export async function addPreview(demo) {
  const begun = await demo.call("POST", `/apps/${sample.app}/values/previews`, { values: busier });
  for (;;) {
    const preview = await demo.call("GET", `/fleet-previews/${begun.id}`);
    if (preview.state !== "running" && preview.state !== "queued") return { preview: begun.id, group: preview.groups[0].key };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Saves new values of the sample App; the id of the batch that deploys them. */
export async function addBatch(demo) {
  const { batch } = await demo.call("PUT", `/apps/${sample.app}/values`, { values: busier });
  return batch;
}
