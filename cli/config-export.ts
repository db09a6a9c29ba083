/**
 * What the service has, as the files that `uplink config plan` reads: planned at once, there is nothing to do. Beside them, in a folder
 * whose name begins with a dot, lie the JSON Schemas by which editors check them.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { AgentError } from "../agent/agent-error.ts";
import { type ConfigurationFile, type ExclusionsFile, fileSchemas } from "../shared/contracts/configuration-file.ts";
import type { Present, PresentConfiguration } from "./config-present.ts";
import { referencesIn } from "./config-secrets.ts";

const SCHEMAS = ".schemas";

/** By their names. Of secrets there is nothing but the references that the folder's own files have already. */
export async function filesOf(present: Present, folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const own of present.configurations) {
    const name = own.settings.domainFqdn;
    const schema = `${name}.schema.json`;
    const file = `${name}.configuration.yaml`;
    const secrets = await referencesIn(join(folder, file));
    const content = { ...configurationOf(own, schema), ...(secrets ? { secrets } : {}) };
    files.set(file, yamlOf("configuration", content));
    files.set(schema, `${JSON.stringify(own.schema, null, 2)}\n`);
  }
  const exclusions = present.exclusions.map(({ guid, reason }) => ({ guid, reason }));
  const list: ExclusionsFile = { prune: false, exclusions };
  files.set("exclusions.yaml", yamlOf("exclusions", list));
  for (const [name, schema] of Object.entries(fileSchemas()))
    files.set(join(SCHEMAS, `${name}.json`), `${JSON.stringify(schema, null, 2)}\n`);
  return files;
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

function yamlOf(schema: "configuration" | "exclusions", value: ConfigurationFile | ExclusionsFile): string {
  return `# yaml-language-server: $schema=${SCHEMAS}/${schema}.json\n${stringify(value, { lineWidth: 0 })}`;
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
