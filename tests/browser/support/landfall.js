// Starts the real binary on a folder of its own, and real Chromium to look at its pages.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const binary = process.env.LANDFALL ?? join(import.meta.dirname, "../../../target/debug/landfall");
const browserPath = process.env.LANDFALL_CHROMIUM ?? "/usr/bin/chromium";

/** Reads a child's standard output until a line matches; fails with all that was printed when it ends first. */
export function lineMatching(child, pattern) {
  return new Promise((resolve, reject) => {
    let seen = "";
    const look = (chunk) => {
      seen += chunk;
      const match = seen.match(pattern);
      if (match) resolve(match);
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.on("exit", (code) => reject(new Error(`ended with ${code} before printing ${pattern}:\n${seen}`)));
  });
}

/** A server with an empty database, ended and forgotten by `stop()`. */
export async function startLandfall(...extra) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run make test-browser, or set LANDFALL`);
  const data = await mkdtemp(join(tmpdir(), "landfall-browser-"));
  const args = ["serve", "--listen", "127.0.0.1:0", "--data", data, "--allow-network", "127.0.0.0/8", ...extra];
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  const code = lineMatching(child, /code\s+([a-zA-Z0-9-]{8,})/);
  const address = lineMatching(child, /listens on (http:\/\/\S+)/);
  return {
    url: (await address)[1],
    setupCode: (await code)[1],
    async stop() {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      await rm(data, { recursive: true, force: true });
    },
  };
}

/**
 * A page of its own, and what went wrong on it: errors that its scripts threw, and what the console calls an error.
 * Something that does not appear within 15 seconds is a failure, not a wait of half a minute.
 */
export async function openPage(browser, options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error}`));
  page.on("console", (message) => {
    // What the server refused is shown on the page; the browser logs it, too.
    if (message.type() !== "error" || message.text().includes("status of 4")) return;
    faults.push(`${page.url()}: ${message.text()}`);
  });
  return { page, context, faults, close: () => context.close() };
}

/** Headless Chromium that talks to nobody but the server under test. */
export function startBrowser() {
  if (!existsSync(browserPath)) {
    throw new Error(`${browserPath} is missing: run scripts/install-test-tools, or set LANDFALL_CHROMIUM`);
  }
  return chromium.launch({
    executablePath: browserPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
