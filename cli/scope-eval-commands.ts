/**
 * `uplink scope eval|explain`: scoping filters, on this machine, without a service. Which units and groups an agent may
 * send is `uplink job scope`.
 */

import { type Command, InvalidArgumentError } from "commander";
import { AgentError, EXIT } from "../agent/agent-error.ts";
import { SynchronizationSchemaBody } from "../shared/contracts/synchronization-schema.ts";
import { allOf, textOfScalar } from "../shared/domain/expression/value.ts";
import { withinContainers } from "../shared/domain/scope/containers.ts";
import type { GroupExplanation, ScopeExplanation } from "../shared/domain/scope/verdict.ts";
import { compileScope, type Scope } from "../shared/domain/scope.ts";
import type { ReadAttribute } from "../shared/domain/source-object.ts";
import type { ObjectMapping, ScopeFilter } from "../shared/domain/synchronization-schema.ts";
import { jsonFilter } from "./json-filter.ts";
import { jsonSource } from "./json-source.ts";
import { convertLines, INTERRUPTED } from "./lines.ts";
import { readJson, shaped } from "./read-json.ts";
import { createScopeBatch } from "./scope-batch.ts";
import { factsOf, guidOf } from "./scope-facts.ts";
import { tableOf } from "./table.ts";
import type { CommandContext, Terminal } from "./terminal.ts";

interface ScopeOptions {
  readonly filter?: string;
  readonly schema?: string;
  readonly mapping?: string;
  readonly source?: string;
  readonly unit?: readonly string[];
  readonly group?: readonly string[];
  readonly batch?: boolean;
  readonly json?: boolean;
}

const FILES_HELP = `
A filter is {"groups": [{"name"?, "clauses": [{"attribute", "operator", "value"?}]}]}, or the same in Microsoft Graph's
words (sourceOperandName, operatorName, targetOperand.values). An object is in scope when every clause of one group
holds; without groups every object is. The object is JSON too: attribute name to text, number, Boolean, null, array.
Exit codes: ${EXIT.ok} in or out of scope; ${EXIT.config} the filter is refused, or can't be evaluated for this object.`;

const EVAL_HELP = `
Examples:
  uplink scope eval --filter filter.json --source ada.json
  uplink scope eval --batch < requests.ndjson > results.ndjson
${FILES_HELP}

--batch reads lines of {"id", "filter", "source", "facts"?: {"units"?, "groups"?}} and writes, in the same order, lines of
{"id", "inScope", "because"} or {"id", "kind": "error", "message"}. A line that is no such object has an error in its
place; the exit code is 0.`;

const EXPLAIN_HELP = `
Examples:
  uplink scope explain --filter filter.json --source ada.json
  uplink scope explain --schema schema.json --mapping user --source ada.json
${FILES_HELP}`;

export function registerScopeEvalCommands(program: Command, context: CommandContext): void {
  const scope = program.command("scope").description("Scoping filters, tried out on this machine.");
  withFiles(scope.command("eval").description("Whether an object is in the scope of a filter, and why."))
    .option("--batch", "lines of JSON from standard input to standard output, one for each")
    .addHelpText("after", EVAL_HELP)
    .action((options: ScopeOptions) => evaluate(options, context));
  withFiles(scope.command("explain").description("What every clause of a filter says of an object."))
    .addHelpText("after", EXPLAIN_HELP)
    .action((options: ScopeOptions) => explain(options, context));
}

function withFiles(command: Command): Command {
  return command
    .option("--filter <file>", "the filter, as JSON")
    .option("--schema <file>", "a synchronization schema that has the filter in it")
    .option("--mapping <name>", "which object mapping of the schema, by its name or source object")
    .option("--source <file>", "the object, as JSON; - is standard input")
    .option("--unit <guid...>", "objectGUIDs of the units that it is below, or none; not given: unknown", guids)
    .option("--group <guid...>", "objectGUIDs of the groups that it is in, or none; not given: unknown", guids)
    .option("--json", "as JSON");
}

async function evaluate(options: ScopeOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  if (options.batch) {
    if (!(await convertLines(terminal, createScopeBatch()))) context.setExit(INTERRUPTED);
    return;
  }
  const { scope, read } = await filesOf(options, terminal);
  const verdict = scope.evaluate(read, factsOf({ units: options.unit, groups: options.group }));
  if (verdict.failure) context.setExit(EXIT.config);
  if (options.json) return void terminal.out.write(`${JSON.stringify(verdict, null, 2)}\n`);
  terminal.out.write(`${verdict.explanation}\n`);
}

async function explain(options: ScopeOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const { scope, read } = await filesOf(options, terminal);
  const explanation = scope.explain(read, factsOf({ units: options.unit, groups: options.group }));
  if (explanation.verdict.failure) context.setExit(EXIT.config);
  if (options.json) return void terminal.out.write(`${JSON.stringify(explanation, null, 2)}\n`);
  terminal.out.write(shown(explanation));
}

function shown({ verdict, groups }: ScopeExplanation): string {
  const rows = groups.flatMap((group) => rowsOf(group));
  if (rows.length === 0) return `${verdict.explanation}\n`;
  return `${verdict.explanation}\n\n${tableOf([["group", "clause", "value", "answer"], ...rows])}`;
}

function rowsOf({ name, answer, clauses }: GroupExplanation): string[][] {
  // A group without clauses holds for every object.
  if (clauses.length === 0) return [[name, "(no clause)", "", answer]];
  return clauses.map((clause) => [
    name,
    shortened(clause.clause),
    shortened(JSON.stringify(clause.value)),
    `${clause.answer}${clause.isDecisive ? " (decided)" : ""}${clause.message === undefined ? "" : `: ${clause.message}`}`,
  ]);
}

const WIDEST = 72;

function shortened(text: string): string {
  return text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text;
}

async function filesOf(options: ScopeOptions, terminal: Terminal): Promise<{ scope: Scope; read: ReadAttribute }> {
  const { source } = options;
  if (source === undefined) {
    throw new AgentError(
      "config-invalid",
      "There is no object.",
      "Give --source with a file, or - for standard input.",
    );
  }
  const json = await readJson(source, terminal);
  const read = shaped(source, () => jsonSource(json));
  const compiled = compileScope(await filterOf(options, read, terminal));
  if (compiled.ok) return { scope: compiled.scope, read };
  const words = compiled.failures.map(({ message, remedy }) => `${message} ${remedy}`);
  throw new AgentError("config-invalid", words.join("\n"), "Correct the filter.");
}

async function filterOf(options: ScopeOptions, read: ReadAttribute, terminal: Terminal): Promise<ScopeFilter> {
  const { filter, schema } = options;
  if ((filter === undefined) === (schema === undefined)) {
    const remedy = "Name a file that holds the filter alone, or a schema that has it.";
    throw new AgentError("config-invalid", "One of --filter and --schema is needed.", remedy);
  }
  if (filter !== undefined) {
    const json = await readJson(filter, terminal);
    return shaped(filter, () => jsonFilter(json));
  }
  const path = schema ?? "";
  const parsed = SynchronizationSchemaBody.safeParse(await readJson(path, terminal));
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new AgentError("config-invalid", `${path} is no synchronization schema.`, faults.join("\n"));
  }
  const mappings = parsed.data.synchronizationRules.flatMap((rule) =>
    rule.objectMappings.map((mapping) => withinContainers(mapping, rule)),
  );
  return mappingOf(mappings, options.mapping, read).scope ?? {};
}

/** The one that is named; else the only one, or the one of the object's class. */
function mappingOf(mappings: readonly ObjectMapping[], name: string | undefined, read: ReadAttribute): ObjectMapping {
  const classes = allOf(read("objectClass")).map((one) => textOfScalar(one).toLowerCase());
  const wanted = (name ?? classes.at(-1))?.toLowerCase();
  const found = mappings.filter((mapping) =>
    [mapping.name, mapping.sourceObjectName].some((own) => own?.toLowerCase() === wanted),
  );
  const candidates = found.length === 0 && name === undefined ? mappings : found;
  const [only] = candidates;
  if (only && candidates.length === 1) return only;
  const names = mappings.map((mapping) => mapping.name ?? mapping.sourceObjectName ?? "(no name)").join(", ");
  const what =
    name === undefined
      ? "It isn't clear which object mapping is meant."
      : `'${name}' is not the name of one object mapping.`;
  throw new AgentError("config-invalid", what, `Give --mapping; the schema has: ${names || "none"}.`);
}

/** commander calls it for each of several values. */
function guids(text: string, before: readonly string[] | undefined): readonly string[] {
  if (text.toLowerCase() === "none") return before ?? [];
  const guid = guidOf(text);
  if (guid === undefined) throw new InvalidArgumentError("must be an objectGUID, 8-4-4-4-12, or none.");
  return [...(before ?? []), guid];
}
