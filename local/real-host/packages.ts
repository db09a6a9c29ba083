/**
 * Fetches the real Functions host, its Node worker and the extension bundle as NuGet packages, into a cache folder,
 * through `dotnet restore`. Where the machine has no dotnet, or its registry not all of the packages, that is the
 * answer: a reason to skip, no error.
 */

import { spawn } from "node:child_process";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

export type RealHostFiles = {
  /** The self-contained program. */
  readonly program: string;
  readonly workerDir: string;
  readonly bundleDir: string;
};

export type Restored = { readonly files: RealHostFiles } | { readonly skipped: string };

const packages = {
  host: { id: "Azure.Functions.Cli.Workloads.Host.linux-x64", version: "4.1048.200-preview.1" },
  worker: { id: "Azure.Functions.Cli.Workloads.Workers.Node", version: "3.13.0-preview.1" },
  bundle: { id: "Azure.Functions.Cli.Workloads.ExtensionBundles", version: "4.35.0" },
} as const;

type Name = keyof typeof packages;

const restoreLimitMs = 9 * 60_000;

/** One project for each package, so that a missing one doesn't hide the others. Files only: no dependency graph. */
function projectText(name: Name, packagesDir: string): string {
  const { id, version } = packages[name];
  return `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net8.0</TargetFramework>
    <NuGetAudit>false</NuGetAudit>
    <RestorePackagesPath>${packagesDir}</RestorePackagesPath>
  </PropertyGroup>
  <ItemGroup><PackageDownload Include="${id}" Version="[${version}]" /></ItemGroup>
</Project>
`;
}

function run(program: string, args: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: "1", DOTNET_NOLOGO: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: restoreLimitMs,
    });
    let output = "";
    child.stdout.on("data", (text) => {
      output += String(text);
    });
    child.stderr.on("data", (text) => {
      output += String(text);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function restoreOne(name: Name, cacheDir: string): Promise<{ dir: string } | { skipped: string }> {
  const { id, version } = packages[name];
  const packagesDir = join(cacheDir, "packages");
  const dir = join(packagesDir, id.toLowerCase(), version);
  if (await exists(join(dir, "tools"))) return { dir };
  const project = join(cacheDir, name);
  await mkdir(project, { recursive: true });
  await writeFile(join(project, `${name}.csproj`), projectText(name, packagesDir));
  let result: { code: number | null; output: string };
  try {
    result = await run("dotnet", ["restore", "--nologo"], project);
  } catch {
    return { skipped: "this machine has no dotnet" };
  }
  if (result.code === 0 && (await exists(join(dir, "tools")))) return { dir };
  const fault =
    /error [A-Z]+\d+: .*?(?=\. |\n|$)/.exec(result.output)?.[0] ?? `dotnet restore ended with ${String(result.code)}`;
  return { skipped: `package ${id} ${version} cannot be had (${fault})` };
}

/** Folders below `tools/` differ between releases of the packages (`any`, `linux-x64`): the one that holds the file. */
async function toolsDirWith(packageDir: string, file: string): Promise<string | undefined> {
  for (const name of await readdir(join(packageDir, "tools"))) {
    const dir = join(packageDir, "tools", name);
    if (await exists(join(dir, file))) return dir;
  }
  return undefined;
}

export async function restoreRealHost(cacheDir: string): Promise<Restored> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { skipped: "the real host is fetched for Linux on x64 only" };
  }
  await mkdir(cacheDir, { recursive: true });
  const dirs = new Map<Name, string>();
  for (const name of ["host", "worker", "bundle"] as const) {
    const restored = await restoreOne(name, cacheDir);
    if ("skipped" in restored) return restored;
    dirs.set(name, restored.dir);
  }
  const programName = "Azure.Functions.Cli.Workloads.Host";
  const hostDir = await toolsDirWith(dirs.get("host") ?? "", programName);
  const workerDir = await toolsDirWith(dirs.get("worker") ?? "", "worker.config.json");
  const bundleDir = await toolsDirWith(dirs.get("bundle") ?? "", packages.bundle.version);
  if (hostDir === undefined || workerDir === undefined || bundleDir === undefined) {
    return { skipped: `the packages in ${cacheDir} have another layout than expected` };
  }
  // NuGet drops the right to execute, and the host looks for a folder that its package may lack.
  await chmod(join(hostDir, programName), 0o755);
  await mkdir(join(hostDir, "workers"), { recursive: true });
  return { files: { program: join(hostDir, programName), workerDir, bundleDir } };
}
