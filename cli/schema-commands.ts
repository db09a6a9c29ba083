/** `uplink schema check|diff|map|import|export|versions`: a job's schema, on this machine and in the service. */
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { AgentError } from "../agent/agent-error.ts";
import { unknownFields } from "../shared/contracts/unknown-schema-fields.ts";
import { defaultSchemaFor } from "../shared/domain/default-schema.ts";
import { checkSchema, hasErrors } from "../shared/domain/schema-check.ts";
import { diffSchemas } from "../shared/domain/schema-diff.ts";
import { type PreferredForm, settleDisagreements } from "../shared/domain/schema-settle.ts";
import { GRAPH, TARGET_NAMES, TARGETS, type Target } from "../shared/domain/targets.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { findConfiguration } from "./find-configuration.ts";
import { ShapeError } from "./json-source.ts";
import { readSchemaFile, readText } from "./read-schema.ts";
import { createObjectMapper, type FileObject, type MappedObject, objectOfLine } from "./schema-map.ts";
import { counted, wordsOfDiff, wordsOfFindings } from "./schema-words.ts";
import { moment, tableOf } from "./table.ts";
import type { CommandContext, Terminal } from "./terminal.ts";

/** What a schema command's status says beside what all commands share. */
const ERRORS_FOUND = 1;
const NO_OBJECT = 2;

const CHECK_HELP = `
Errors keep a job from starting; warnings say what it leaves out. Every fault is told in one run, with its place.
Exit codes: 0 no error, ${ERRORS_FOUND} errors, 2 the file can't be read or is no schema.`;

const DIFF_HELP = `
Two files, or with --job two versions of that job's schema by their numbers.
Examples:
  uplink schema diff before.json after.json
  uplink schema diff 1 2 --job corp.example`;

const MAP_HELP = `
The objects are lines of JSON: {"objectGUID", "objectClass", "dn", "attributes": {name: value}}, or the attributes alone.
A value is a text, a number, a Boolean, {"$binary": base64} or an array of these; without objectClass an object is a user.
A line for each is written: what would be sent if it were new, what is dropped and why. Nothing is sent. A line that
holds no object has {"line", "error"} in its place.
Exit codes: 0 every object can be sent or is out of scope, ${ERRORS_FOUND} an object fails or the schema has errors, ${NO_OBJECT} a line is no object.`;

interface TargetOption {
  readonly target: Target;
}

export function registerSchemaCommands(program: Command, context: CommandContext): void {
  const schema = program.command("schema").description("Synchronization schemas, in Microsoft Graph's form.");
  withTarget(schema.command("check <file>").description("Every fault of a schema: errors, and what is left out."))
    .option("--json", "as JSON")
    .addHelpText("after", CHECK_HELP)
    .action((file: string, options: TargetOption & { json?: boolean }) => check(file, options, context));
  schema
    .command("diff <before> <after>")
    .description("What differs between two schemas.")
    .option("--job <name>", "whose versions they are; without it they are files")
    .option("--json", "as JSON")
    .addHelpText("after", DIFF_HELP)
    .action((before: string, after: string, options: { job?: string; json?: boolean }) =>
      diff(before, after, options, context),
    );
  withTarget(schema.command("map <file>").description("What a schema would send for objects of a file, and what not."))
    .requiredOption("--objects <file>", "the objects, lines of JSON")
    .option("--domain <fqdn>", "the DNS name of their domain, for %DomainFQDN%", "example.com")
    .option("--table", "a line of text for each object, not of JSON")
    .addHelpText("after", MAP_HELP)
    .action((file: string, options: MapOptions) => map(file, options, context));
  schema
    .command("import <file>")
    .description(
      "Makes a schema that of a job; everybody is mapped by it, after a full read if it asks for what wasn't read.",
    )
    .requiredOption("--job <name>", "the job, by name, domain or id")
    .addOption(
      new Option("--prefer <form>", "what counts where an expression's text and its tree disagree").choices([
        "text",
        "tree",
      ]),
    )
    .option("--expect <version>", "refuse unless this version is in effect", versionNumber)
    .option("--json", "as JSON")
    .addHelpText("after", ADMIN_HELP)
    .action((file: string, options: ImportOptions) => importSchema(file, options, context));
  schema
    .command("export [file]")
    .description("Writes a job's schema, or the default one, to a file or to standard output.")
    .option("--job <name>", "the job, by name, domain or id")
    .option("--of <version>", "an older version of the job's schema", versionNumber)
    .addOption(new Option("--default <target>", "the schema that a new job begins with").choices(TARGET_NAMES))
    .addHelpText("after", ADMIN_HELP)
    .action((file: string | undefined, options: ExportOptions) => exportSchema(file, options, context));
  schema
    .command("versions <job>")
    .description("The versions of a job's schema, who brought them and when.")
    .option("--json", "as JSON")
    .option("--csv", "as comma-separated values")
    .addHelpText("after", ADMIN_HELP)
    .action((job: string, options: { json?: boolean; csv?: boolean }) => versions(job, options, context));
}

function withTarget(command: Command): Command {
  const option = new Option("--target <name>", "what the schema is for")
    .choices(TARGET_NAMES)
    .default(GRAPH, GRAPH.name);
  return command.addOption(option.argParser((name) => targetNamed(name)));
}

function targetNamed(name: string): Target {
  const found = [...TARGETS.values()].find((target) => target.name === name);
  if (!found) throw new InvalidArgumentError(`Allowed choices are ${TARGET_NAMES.join(", ")}.`);
  return found;
}

function versionNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("must be a version: a number from 1 on.");
  return Number(text);
}

async function check(file: string, options: TargetOption & { json?: boolean }, context: CommandContext): Promise<void> {
  const schema = await readSchemaFile(file);
  const findings = [...checkSchema(schema, { target: options.target }), ...unknownFields(schema)];
  if (hasErrors(findings)) context.setExit(ERRORS_FOUND);
  context.terminal.out.write(options.json ? jsonOf({ findings }) : wordsOfFindings(findings));
}

async function diff(
  before: string,
  after: string,
  { job, json }: { readonly job?: string; readonly json?: boolean },
  { terminal }: CommandContext,
): Promise<void> {
  const found =
    job === undefined
      ? diffSchemas(await readSchemaFile(before), await readSchemaFile(after))
      : await diffVersions(job, before, after, terminal);
  terminal.out.write(json ? jsonOf(found) : wordsOfDiff(found));
}

async function diffVersions(job: string, before: string, after: string, terminal: Terminal) {
  const numbers = [before, after].map((text) => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    const remedy = "List the versions: uplink schema versions. For two files leave --job out.";
    throw new AgentError("config-invalid", `'${text}' is no version of a schema.`, remedy);
  });
  const { admin } = await connect(terminal);
  const configuration = await findConfiguration(admin, job);
  return admin.schemaDiff(configuration.jobId, numbers[0] ?? 1, numbers[1] ?? 1);
}

interface MapOptions extends TargetOption {
  readonly objects: string;
  readonly domain: string;
  readonly table?: boolean;
}

async function map(file: string, options: MapOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const schema = await readSchemaFile(file);
  const findings = checkSchema(schema, { target: options.target });
  if (hasErrors(findings)) {
    context.setExit(ERRORS_FOUND);
    terminal.err.write(wordsOfFindings(findings.filter((finding) => finding.severity === "error")));
    return;
  }
  const mapObject = createObjectMapper(schema, {
    target: options.target,
    parameters: parametersOf(options.domain),
    now: () => Date.now(),
    random: () => randomBytes(4).readUInt32LE(0),
  });
  const lines = (await readText(options.objects)).split("\n");
  const rows: string[][] = [];
  let exit = 0;
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const mapped = mappedLine(line, mapObject);
    if ("error" in mapped) exit = NO_OBJECT;
    else if (mapped.failures.length > 0) exit ||= ERRORS_FOUND;
    const shown = "error" in mapped ? { line: index + 1, ...mapped } : mapped;
    if (options.table) rows.push("line" in shown ? [`line ${shown.line}`, "-", "-", "-", shown.error] : rowOf(shown));
    else terminal.out.write(`${JSON.stringify(shown)}\n`);
  }
  if (exit !== 0) context.setExit(exit);
  if (options.table) terminal.out.write(tableOf([["object", "goes to", "sent", "dropped", "why"], ...rows]));
}

/** One line of many: what is wrong with it keeps nobody else from being shown. */
function mappedLine(line: string, mapObject: (object: FileObject) => MappedObject): MappedObject | { error: string } {
  try {
    return mapObject(objectOfLine(line));
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return { error: error.message };
  }
}

function rowOf(mapped: MappedObject): string[] {
  const { objectGuid, objectClass, target, sends, references, dropped, failures, warnings, because } = mapped;
  const sent = Object.keys(sends).length + Object.keys(references).length;
  const why = [...failures.map((text) => `fails: ${text}`), ...(target === null ? [because] : []), ...warnings];
  return [
    `${objectClass} ${objectGuid}`,
    target ?? "-",
    target === null ? "-" : String(sent),
    String(dropped.length),
    why.join(" "),
  ];
}

function parametersOf(domain: string): Record<string, string> {
  const netBios = (domain.split(".")[0] ?? "").toUpperCase();
  return {
    DomainFQDN: domain,
    DomainNetBios: netBios,
    ForestFQDN: domain,
    ForestNetBios: netBios,
    ConfigurationId: "configuration",
  };
}

interface ImportOptions {
  readonly job: string;
  readonly expect?: number;
  readonly prefer?: PreferredForm;
  readonly json?: boolean;
}

async function importSchema(file: string, options: ImportOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const content = await readSchemaFile(file);
  const schema = options.prefer ? settleDisagreements(content, options.prefer) : content;
  // What is wrong with it is told here already, without a service.
  const findings = checkSchema(schema);
  if (hasErrors(findings)) {
    context.setExit(ERRORS_FOUND);
    return void terminal.out.write(options.json ? jsonOf({ findings }) : wordsOfFindings(findings));
  }
  const { admin } = await connect(terminal);
  const configuration = await findConfiguration(admin, options.job);
  const reply = await admin.putSchema(configuration, schema, options.expect);
  if (options.json) return void terminal.out.write(jsonOf(reply));
  const said = `${counted(reply.warnings.length, "warning")}; uplink schema check shows them.`;
  terminal.out.write(
    reply.changed
      ? `${configuration.displayName} has version ${reply.version} of its schema; everybody is mapped by it, after a full read if it asks for what wasn't read (${said})\n`
      : `${configuration.displayName} had that schema already, as version ${reply.version}.\n`,
  );
}

interface ExportOptions {
  readonly job?: string;
  readonly of?: number;
  readonly default?: (typeof TARGET_NAMES)[number];
}

async function exportSchema(
  file: string | undefined,
  options: ExportOptions,
  { terminal }: CommandContext,
): Promise<void> {
  if ((options.job === undefined) === (options.default === undefined)) {
    const remedy = `Name a job with --job, or a target with --default (${TARGET_NAMES.join(", ")}).`;
    throw new AgentError("config-invalid", "Either --job or --default says which schema.", remedy);
  }
  const schema = options.default ? defaultSchemaFor(options.default) : await schemaOfJob(options, terminal);
  const text = jsonOf(schema);
  if (file === undefined || file === "-") return void terminal.out.write(text);
  await writeFile(file, text).catch((error: unknown) => {
    const message = `${file} can't be written: ${error instanceof Error ? error.message : String(error)}`;
    throw new AgentError("config-invalid", message, "Check the path and who may write it.");
  });
  terminal.err.write(`The schema is in ${file}.\n`);
}

async function schemaOfJob({ job = "", of }: ExportOptions, terminal: Terminal): Promise<unknown> {
  const { admin } = await connect(terminal);
  return admin.schema(await findConfiguration(admin, job), of);
}

async function versions(
  job: string,
  { json, csv }: { readonly json?: boolean; readonly csv?: boolean },
  { terminal }: CommandContext,
): Promise<void> {
  const { admin } = await connect(terminal);
  const found = await admin.schemaVersions((await findConfiguration(admin, job)).jobId);
  if (json) return void terminal.out.write(jsonOf(found));
  const rows = found.map(({ version, by, at, isInEffect }) => [
    ...[String(version), csv ? at : moment(at), by ?? "(default)", isInEffect ? "in effect" : ""],
  ]);
  const all = [["version", "since", "by", "state"], ...rows];
  terminal.out.write(csv ? csvOf(all) : tableOf(all));
}

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
