/**
 * The Bicep compiler, as a NuGet package through `dotnet restore` into NuGet's own folder. Where the machine has no dotnet, or its registry
 * not the package, that is the answer: a reason, no error.
 */
import { spawnSync } from "node:child_process";
import { accessSync, chmodSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PACKAGE = "Azure.Bicep.CommandLine.linux-x64";
const VERSION = "0.49.2";
const LIMIT_MS = 5 * 60_000;
const DOTNET = { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: "1", DOTNET_NOLOGO: "1" };

const PROJECT = `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net8.0</TargetFramework><NuGetAudit>false</NuGetAudit></PropertyGroup>
  <ItemGroup><PackageDownload Include="${PACKAGE}" Version="[${VERSION}]" /></ItemGroup>
</Project>
`;

/** `{ program }`, or `{ skipped }` with the reason. UPLINK_BICEP names a compiler that is there already. */
export function findBicep() {
  const own = process.env.UPLINK_BICEP;
  if (own) return existsSync(own) ? { program: own } : { skipped: `UPLINK_BICEP names ${own}, which isn't there` };
  if (process.platform !== "linux" || process.arch !== "x64")
    return { skipped: "the compiler is fetched for Linux on x64 only; UPLINK_BICEP may name one" };
  const dotnet = (...args) =>
    spawnSync("dotnet", args, { encoding: "utf8", env: DOTNET, timeout: LIMIT_MS, stdio: ["ignore", "pipe", "pipe"] });
  const listed = dotnet("nuget", "locals", "global-packages", "--list");
  if (listed.error || listed.status !== 0) return { skipped: "this machine has no dotnet" };
  const folder = /global-packages:\s*(.+)/.exec(listed.stdout)?.[1]?.trim() ?? "";
  const program = join(folder, PACKAGE.toLowerCase(), VERSION, "tools", "bicep");
  if (!existsSync(program)) {
    const project = mkdtempSync(join(tmpdir(), "uplink-bicep-"));
    writeFileSync(join(project, "bicep.csproj"), PROJECT);
    const restored = dotnet("restore", "--nologo", project);
    rmSync(project, { recursive: true, force: true });
    const fault = /error [A-Z]+\d+: .*?(?=\. |\n|$)/.exec(`${restored.stdout}${restored.stderr}`)?.[0];
    if (!existsSync(program))
      return { skipped: `package ${PACKAGE} ${VERSION} cannot be had (${fault ?? "dotnet restore failed"})` };
  }
  try {
    accessSync(program, constants.X_OK);
  } catch {
    // NuGet drops the right to execute.
    chmodSync(program, 0o755);
  }
  return { program };
}

/** Runs it: `{ ok, out, said }`. Warnings are said on standard error, which is why nothing may be said. */
export function runBicep(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    // Debian's slim images have no ICU.
    env: { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: "1" },
  });
  return { ok: status === 0, out: stdout, said: stderr.trim() };
}
