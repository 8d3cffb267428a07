// A simulated cluster as a process of its own, which real kubectl and helm can reach beside Landfall.

import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { binary, lineMatching } from "./landfall.js";

const tools = join(import.meta.dirname, "../../../.cache/tools/bin");
const kubectlPath = process.env.LANDFALL_KUBECTL ?? join(tools, "kubectl");
const helmPath = process.env.LANDFALL_HELM ?? join(tools, "helm");

/** Ended and forgotten by `stop()`; `programs`: paths of what stands in for executed commands, by name. */
export async function startSimulator(programs = {}) {
  const folder = await mkdtemp(join(tmpdir(), "landfall-simulator-"));
  const kubeconfig = join(folder, "kubeconfig");
  const args = ["simulator", "--kubeconfig", kubeconfig, "--pace", "instant"];
  for (const [name, path] of Object.entries(programs)) args.push("--program", `${name}=${path}`);
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  await lineMatching(child, /listens on/);
  const run = (tool) => (...args) => execFileSync(tool, ["--kubeconfig", kubeconfig, ...args], { encoding: "utf8" });
  return {
    kubeconfig,
    kubectl: run(kubectlPath),
    helm: run(helmPath),
    /** Real helm, still at work when this returns. */
    start: (...args) => spawn(helmPath, ["--kubeconfig", kubeconfig, ...args], { stdio: "ignore" }),
    /** Connections are taken, and nothing is answered until `resume()`. */
    pause: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    async stop() {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
