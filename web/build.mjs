// Bundles src/ into dist/: one style sheet, `main` for every page, and modules loaded only where they are
// used (the editor, the log). Names carry a hash of their content, so that browsers may keep them for ever;
// `manifest.json` says which name belongs to which part. `.br` and `.gz` forms lie beside what compresses.
import { build } from "esbuild";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });

const result = await build({
  absWorkingDir: root,
  entryPoints: { main: "src/main.ts", style: "src/css/main.css" },
  outdir: dist,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  minify: true,
  legalComments: "none",
  target: ["es2022", "chrome123", "firefox128", "safari17.5"],
  loader: { ".woff2": "file", ".svg": "dataurl" },
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [file, output] of Object.entries(result.metafile.outputs)) {
  const name = relative(dist, join(root, file));
  const entry = output.entryPoint && basename(output.entryPoint);
  if (entry === "main.ts") manifest["main.js"] = name;
  if (entry === "main.css") manifest["style.css"] = name;
  if (name.endsWith(".woff2")) manifest[`${name.slice(0, name.lastIndexOf("-"))}.woff2`] = name;
  const bytes = await readFile(join(root, file));
  if (!name.endsWith(".woff2")) {
    await writeFile(join(dist, `${name}.gz`), gzipSync(bytes, { level: 9 }));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
    await writeFile(join(dist, `${name}.br`), brotliCompressSync(bytes, { params }));
  }
}
await writeFile(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
