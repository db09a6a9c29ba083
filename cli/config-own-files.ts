/**
 * The files that a folder has already, by what they are about: an export writes each under its own name and in its own format. A second
 * file about the same would be one that no plan takes.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { AgentError } from "../agent/agent-error.ts";
import { SecretsInFile } from "../shared/contracts/configuration-file.ts";
import { CONFIGURATION, EXCLUSIONS, SCHEMA } from "./config-files.ts";
import { readText } from "./read-schema.ts";

interface OwnFile {
  readonly file: string;
  /** Of its schema: a file of this folder that nobody else names. */
  readonly schema?: string;
  readonly secrets?: SecretsInFile;
}

export interface OwnFiles {
  /** By domain. */
  readonly configurations: ReadonlyMap<string, OwnFile>;
  readonly exclusions: { readonly file: string; readonly prune: boolean } | undefined;
}

type Shape = Readonly<Record<string, unknown>>;

/** Throws `AgentError` config-invalid where a file doesn't say what it is about. */
export async function readOwnFiles(folder: string): Promise<OwnFiles> {
  const names = await namesIn(folder);
  const configurations = new Map<string, OwnFile>();
  const schemas = new Set<string>();
  for (const file of names.filter((name) => CONFIGURATION.test(name))) {
    const own = await shapeOf(folder, file);
    const domain = typeof own?.["domainFqdn"] === "string" ? own["domainFqdn"].toLowerCase() : domainByName(file);
    if (domain === undefined)
      throw new AgentError(
        "config-invalid",
        `${file} doesn't say which domain it is about, so nothing can be written beside it.`,
        "Mend it ('uplink config plan' tells where it is at fault), or export into another folder.",
      );
    const first = configurations.get(domain);
    if (first)
      throw new AgentError(
        "config-invalid",
        `${first.file} and ${file} are both about ${domain}. A domain has one configuration.`,
        "Leave one of the files, or export into another folder.",
      );
    const schema = own?.["schema"];
    const isOwn = typeof schema === "string" && SCHEMA.test(schema) && !/[\\/]/.test(schema) && !schemas.has(schema);
    if (isOwn) schemas.add(schema);
    const secrets = SecretsInFile.safeParse(own?.["secrets"]).data;
    configurations.set(domain, { file, ...(isOwn ? { schema } : {}), ...(secrets ? { secrets } : {}) });
  }
  const list = names.find((name) => EXCLUSIONS.test(name));
  if (list === undefined) return { configurations, exclusions: undefined };
  return { configurations, exclusions: { file: list, prune: (await shapeOf(folder, list))?.["prune"] === true } };
}

async function namesIn(folder: string): Promise<string[]> {
  // Whether it can be made, or written, is told when it is.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => (entry.isDirectory() ? [] : [entry.name])).sort();
}

/** Undefined: it can't be understood. */
async function shapeOf(folder: string, file: string): Promise<Shape | undefined> {
  const text = await readText(join(folder, file));
  try {
    const own: unknown = parse(text);
    return typeof own === "object" && own !== null ? (own as Shape) : undefined;
  } catch {
    return undefined;
  }
}

/** `corp.example.configuration.yaml` is what an export calls it, whatever became of its content. */
function domainByName(file: string): string | undefined {
  const name = file.replace(CONFIGURATION, "").toLowerCase();
  return name.includes(".") ? name : undefined;
}
