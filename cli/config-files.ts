/**
 * A directory that says how the service is to be set up: `*.configuration.yaml` (one for each domain), the schemas that they name, and
 * `exclusions.yaml`; JSON serves as well. Everything that is wrong is told at once, by file, line and remedy.
 *
 * A file of YAML or JSON whose name says nothing is refused: passed over, a slip in its name would be an order that nobody carries out.
 */
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError } from "../agent/agent-error.ts";
import { ConfigurationFile, ExclusionsFile } from "../shared/contracts/configuration-file.ts";
import { checkSchema, hasErrors } from "../shared/domain/schema-check.ts";
import type { SynchronizationSchema } from "../shared/domain/synchronization-schema.ts";
import { FaultyFile, parseFile } from "./config-faults.ts";
import { misplacedSecrets } from "./config-secrets.ts";
import { readSchemaFile, readText } from "./read-schema.ts";

export interface WantedConfiguration extends ConfigurationFile {
  readonly file: string;
  readonly content: { readonly file: string; readonly schema: SynchronizationSchema } | undefined;
}

export interface Wanted {
  /** By domain. */
  readonly configurations: readonly WantedConfiguration[];
  readonly exclusions: (ExclusionsFile & { readonly file: string }) | undefined;
  /** Files that nobody names. */
  readonly unused: readonly string[];
}

export const CONFIGURATION = /\.configuration\.(?:yaml|yml|json)$/i;
export const EXCLUSIONS = /^exclusions\.(?:yaml|yml|json)$/i;
export const SCHEMA = /\.schema\.json$/i;
const DATA = /\.(?:yaml|yml|json)$/i;

/** Throws `AgentError` config-invalid with every fault of every file. */
export async function readConfigFiles(folder: string): Promise<Wanted> {
  const names = await namesIn(folder);
  const faults: string[] = [];
  /** What is made, or its faults to those of the others. */
  const collect = async <T>(make: () => Promise<T>): Promise<T[]> => {
    try {
      return [await make()];
    } catch (error) {
      if (error instanceof FaultyFile) faults.push(...error.faults);
      else if (error instanceof AgentError) faults.push(error.message);
      else throw error;
      return [];
    }
  };
  const all: WantedConfiguration[] = [];
  for (const name of names.filter((own) => CONFIGURATION.test(own)))
    all.push(...(await collect(() => readConfiguration(folder, name))));
  const lists = names.filter((own) => EXCLUSIONS.test(own));
  const exclusions = lists[0] === undefined ? [] : await collect(() => readExclusions(folder, lists[0] ?? ""));
  const schemas = names.filter((own) => SCHEMA.test(own));
  const used = new Set(all.flatMap(({ content }) => (content ? [content.file] : [])));
  faults.push(
    ...names
      .filter((own) => !CONFIGURATION.test(own) && !EXCLUSIONS.test(own) && !SCHEMA.test(own))
      .map(
        (own) =>
          `${own}: nothing is known by that name. Call it NAME.configuration.yaml, NAME.schema.json or exclusions.yaml, or move it elsewhere.`,
      ),
    ...(lists.length > 1 ? [`${lists.join(", ")}: there is one list of exclusions. Put them into one file.`] : []),
    ...twice(all),
  );
  if (faults.length > 0) throw new FaultyFile(faults);
  if (all.length + exclusions.length === 0)
    throw new AgentError(
      "config-invalid",
      `${folder} holds no NAME.configuration.yaml and no exclusions.yaml.`,
      "'uplink config export DIR' writes what is there now, to begin with.",
    );
  return {
    configurations: all.sort((one, other) => (one.domainFqdn < other.domainFqdn ? -1 : 1)),
    exclusions: exclusions[0],
    unused: schemas.filter((own) => !used.has(own)),
  };
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError(
      "config-invalid",
      `The folder ${folder} can't be read: ${why}.`,
      "Check the path and who may read it.",
    );
  });
  return entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith(".") && DATA.test(entry.name))
    .map((entry) => entry.name)
    .sort();
}

async function readConfiguration(folder: string, file: string): Promise<WantedConfiguration> {
  const parsed = parseFile(file, await readText(join(folder, file)), ConfigurationFile);
  const own = { ...parsed, domainFqdn: parsed.domainFqdn.toLowerCase(), file };
  const misplaced = misplacedSecrets(folder, file, own.secrets ?? {});
  if (misplaced.length > 0) throw new FaultyFile(misplaced);
  if (own.schema === undefined) return { ...own, content: undefined };
  const path = join(dirname(join(folder, file)), own.schema);
  const schema = await readSchemaFile(path);
  if (hasErrors(checkSchema(schema)))
    throw new FaultyFile([`${file}: its schema ${own.schema} has errors; 'uplink schema check ${path}' shows them.`]);
  return { ...own, content: { file: own.schema, schema } };
}

async function readExclusions(folder: string, file: string): Promise<ExclusionsFile & { readonly file: string }> {
  const parsed = parseFile(file, await readText(join(folder, file)), ExclusionsFile);
  const guids = parsed.exclusions.map(({ guid }) => guid);
  const repeated = [...new Set(guids.filter((guid, index) => guids.indexOf(guid) !== index))];
  if (repeated.length > 0)
    throw new FaultyFile(repeated.map((guid) => `${file}: ${guid} stands in it twice. Leave one.`));
  return { ...parsed, file };
}

function twice(all: readonly WantedConfiguration[]): string[] {
  return all.flatMap(({ domainFqdn, file }, index) => {
    const first = all.find((own) => own.domainFqdn === domainFqdn);
    return first === all[index]
      ? []
      : [
          `${file}: ${first?.file} is about ${domainFqdn}, too. A domain has one configuration: leave one of the files.`,
        ];
  });
}
