/**
 * Makes `dist/`: `main.cjs` (the functions app as Azure gets it, with host.json and package.json beside it) and
 * `uplink.cjs` (the `uplink` program as it goes to a machine next to a directory).
 *
 * Both are CommonJS in one file: native ES modules can't name the exports of `@azure/functions`, and the real worker
 * offers `@azure/functions-core` through `require`. What esbuild really took in is checked: the agent must carry no
 * Functions code.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const common = {
  absWorkingDir: root,
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  sourcemap: true,
  metafile: true,
  write: false,
  logLevel: "warning",
  // Whitespace is half of the bundle; names stay, so that a stack says something without the map.
  minifyWhitespace: true,
  minifySyntax: true,
  // CommonJS has no `import.meta.url`, and some Azure packages ask for it while they load.
  define: { "import.meta.url": "importMetaUrl" },
};
const importMetaUrl = 'const importMetaUrl=require("node:url").pathToFileURL(__filename).href;';
/** Beginnings of paths that must not be in the agent's program. */
const NOT_IN_AGENT = [
  "functions/",
  "orchestrations/",
  "local/",
  "node_modules/@azure/functions",
  "node_modules/durable-functions/",
];

/** Throws with esbuild's messages, or when the agent's program holds what it must not. */
export async function buildAll() {
  const [main, uplink, hostJson] = await Promise.all([
    build({
      ...common,
      entryPoints: ["functions/main.ts"],
      outfile: "dist/main.cjs",
      external: ["@azure/functions-core"],
      banner: { js: importMetaUrl },
    }),
    build({
      ...common,
      entryPoints: ["cli/main.ts"],
      outfile: "dist/uplink.cjs",
      banner: { js: `#!/usr/bin/env node\n${importMetaUrl}` },
    }),
    readFile(join(root, "host.json")),
  ]);
  const foreign = Object.keys(uplink.metafile.inputs).filter((path) =>
    NOT_IN_AGENT.some((beginning) => path.startsWith(beginning)),
  );
  if (foreign.length > 0) {
    throw new Error(
      `dist/uplink.cjs must hold no Functions code, but holds ${foreign.join(", ")}. See who imports it: the agent and the cloud side meet in shared/ only.`,
    );
  }
  await mkdir(dist, { recursive: true });
  const packageJson = `${JSON.stringify({ name: "directory-uplink", main: "main.cjs" })}\n`;
  await Promise.all([
    ...[...main.outputFiles, ...uplink.outputFiles].map((file) =>
      put(file.path, file.contents, file.path.endsWith("uplink.cjs") ? 0o755 : 0o644),
    ),
    put(join(dist, "host.json"), hostJson, 0o644),
    put(join(dist, "package.json"), Buffer.from(packageJson), 0o644),
  ]);
}

/** Writes only what changed, whole: a host that loads the bundle at this moment must not meet half of it. */
async function put(path, contents, mode) {
  const before = await readFile(path).catch(() => undefined);
  if (before?.equals(contents)) return;
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, contents, { mode });
  await rename(temporary, path);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  buildAll().catch((error) => {
    // esbuild has printed its own errors already.
    if (error.errors === undefined) process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
