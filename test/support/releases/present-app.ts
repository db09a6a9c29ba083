/** The functions app as the sources are now, built for a test and loaded once: nothing of `dist/` is used. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Path of the bundle, and how to let go of it. */
export async function buildPresentApp(): Promise<{ readonly appPath: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "uplink-present-"));
  const appPath = join(folder, "main.cjs");
  await build({
    absWorkingDir: root,
    entryPoints: ["functions/main.ts"],
    outfile: appPath,
    bundle: true,
    format: "cjs",
    platform: "node",
    external: ["@azure/functions-core"],
    define: { "import.meta.url": "importMetaUrl" },
    banner: { js: 'const importMetaUrl=require("node:url").pathToFileURL(__filename).href;' },
    logLevel: "error",
  });
  return { appPath, remove: () => rm(folder, { recursive: true, force: true }) };
}
