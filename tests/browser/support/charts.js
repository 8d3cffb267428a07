// A chart repository over HTTP, filled by real helm, as a company would publish its charts.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const root = join(import.meta.dirname, "../../..");
const helm = process.env.LANDFALL_HELM ?? join(root, ".cache/tools/bin/helm");

/** Folders of the sample product's two chart versions; the second is the first with what differs laid over it. */
export function parcel() {
  const next = mkdtempSync(join(tmpdir(), "landfall-parcel-"));
  cpSync(join(root, "demo/parcel/0.31.0"), next, { recursive: true });
  cpSync(join(root, "demo/parcel/0.31.2"), next, { recursive: true });
  return [join(root, "demo/parcel/0.31.0"), next];
}

/** The folder of a public chart, or nothing where LANDFALL_CHARTS names none. */
export function publicChart(name) {
  const folder = process.env.LANDFALL_CHARTS;
  return folder && join(folder, name);
}

/** Packs the charts and serves them with their index; ended by `stop()`. */
export async function startRepository(folders) {
  if (!existsSync(helm)) throw new Error(`${helm} is missing: run scripts/install-test-tools, or set LANDFALL_HELM`);
  const data = mkdtempSync(join(tmpdir(), "landfall-repository-"));
  for (const folder of folders) execFileSync(helm, ["package", folder, "--destination", data], { stdio: "ignore" });
  execFileSync(helm, ["repo", "index", data]);
  const server = createServer((request, response) => {
    const file = join(data, basename(request.url));
    if (!existsSync(file)) return response.writeHead(404).end();
    response.end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop() {
      server.close();
      server.closeAllConnections();
      rmSync(data, { recursive: true, force: true });
    },
  };
}
