/**
 * What the service has, as the files that `uplink config plan` reads: planned at once, there is nothing to do. Beside them, in a folder
 * whose name begins with a dot, lie the JSON Schemas by which editors check them.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { AgentError } from "../agent/agent-error.ts";
import { type ConfigurationFile, type ExclusionsFile, fileSchemas } from "../shared/contracts/configuration-file.ts";
import { type OwnFiles, readOwnFiles } from "./config-own-files.ts";
import type { Present, PresentConfiguration } from "./config-present.ts";

const SCHEMAS = ".schemas";

/**
 * By their names: those of the folder's own files about the same, in their format. Of secrets there is nothing but the references that
 * these have already. Throws `AgentError` config-invalid where the folder doesn't say which file is about what.
 */
export async function filesOf(present: Present, folder: string): Promise<ReadonlyMap<string, string>> {
  const there = await readOwnFiles(folder);
  const files = new Map<string, string>();
  for (const own of present.configurations) {
    const domain = own.settings.domainFqdn;
    const known = there.configurations.get(domain.toLowerCase());
    const file = known?.file ?? freeName(`${domain}.configuration.yaml`, there);
    const schema = known?.schema ?? freeName(`${domain}.schema.json`, there);
    const content = { ...configurationOf(own, schema), ...(known?.secrets ? { secrets: known.secrets } : {}) };
    files.set(file, textOf(file, "configuration", content));
    files.set(schema, `${JSON.stringify(own.schema, null, 2)}\n`);
  }
  const exclusions = present.exclusions.map(({ guid, reason }) => ({ guid, reason }));
  const { file = "exclusions.yaml", prune = false } = there.exclusions ?? {};
  files.set(file, textOf(file, "exclusions", { prune, exclusions }));
  for (const [name, schema] of Object.entries(fileSchemas()))
    files.set(join(SCHEMAS, `${name}.json`), `${JSON.stringify(schema, null, 2)}\n`);
  return files;
}

/** Throws where another domain's file is called so. */
function freeName(name: string, { configurations }: OwnFiles): string {
  for (const [domain, { file, schema }] of configurations)
    if (file === name || schema === name)
      throw new AgentError(
        "config-invalid",
        `${name} belongs to ${domain} in this folder, by what ${file} says.`,
        "Call it otherwise, or export into another folder.",
      );
  return name;
}

/** Throws `AgentError` when a file is there with another content and nobody said that it may be overwritten. */
export async function writeFiles(
  folder: string,
  files: ReadonlyMap<string, string>,
  overwrite: boolean,
): Promise<string[]> {
  const other: string[] = [];
  const missing: string[] = [];
  for (const [name, text] of files) {
    const there = await readIfThere(join(folder, name));
    if (there === text) continue;
    missing.push(name);
    // The schemas are this program's own.
    if (there !== undefined && !name.startsWith(SCHEMAS)) other.push(name);
  }
  if (other.length > 0 && !overwrite)
    throw new AgentError(
      "config-invalid",
      `${folder} has ${other.join(", ")} with another content.`,
      "Export into another folder and compare, or overwrite them with --overwrite.",
    );
  try {
    await mkdir(join(folder, SCHEMAS), { recursive: true });
    for (const name of missing) await writeFile(join(folder, name), files.get(name) ?? "");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError(
      "config-invalid",
      `${folder} can't be written: ${why}.`,
      "Check the path and who may write it.",
    );
  }
  return missing;
}

function configurationOf({ settings, mode }: PresentConfiguration, schema: string): ConfigurationFile {
  const { domainFqdn, domainNetBios, displayName } = settings;
  const { scope, trustVisibility, lifecycle, guard, suffixPolicy, signIn, defaultUsageLocation, redact } = settings;
  return {
    domainFqdn,
    domainNetBios,
    displayName,
    schema,
    settings: {
      scope,
      trustVisibility: trustVisibility !== null,
      lifecycle,
      guard,
      suffixPolicy,
      signIn,
      defaultUsageLocation,
      redact,
      mode,
      firstExport: settings.firstExport,
      fullSync: settings.fullSync,
    },
  };
}

function textOf(file: string, kind: "configuration" | "exclusions", value: ConfigurationFile | ExclusionsFile): string {
  const $schema = `${SCHEMAS}/${kind}.json`;
  if (/\.json$/i.test(file)) return `${JSON.stringify({ $schema, ...value }, null, 2)}\n`;
  return `# yaml-language-server: $schema=${$schema}\n${stringify(value, { lineWidth: 0 })}`;
}

/** What is there and can't be read is no file that is missing: it would be written over without a word. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new AgentError(
      "config-invalid",
      `${path} can't be read: ${error instanceof Error ? error.message : String(error)}.`,
      "Check the path and who may read it, or export into another folder.",
    );
  }
}
