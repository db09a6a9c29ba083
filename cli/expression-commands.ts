/** `uplink expression eval|explain|check`: the mapping language, on this machine, without a service. */

import { type Command, InvalidArgumentError } from "commander";
import { AgentError, EXIT } from "../agent/agent-error.ts";
import { ACTIVE_DIRECTORY } from "../shared/domain/active-directory.ts";
import { checkExpression } from "../shared/domain/expression/check.ts";
import { compileExpression } from "../shared/domain/expression/compile.ts";
import type { EvaluationContext } from "../shared/domain/expression/definition.ts";
import { type ExplainedOutcome, explainExpression } from "../shared/domain/expression/explain.ts";
import type { CompileFailure } from "../shared/domain/expression/failure.ts";
import type { ObjectDefinition } from "../shared/domain/object-definition.ts";
import { createExpressionBatch } from "./expression-batch.ts";
import { contextOf, instantOf } from "./expression-context.ts";
import { failureResult, type Result, resultOf } from "./expression-result.ts";
import { jsonSource } from "./json-source.ts";
import { convertLines, INTERRUPTED } from "./lines.ts";
import { readJson, shaped } from "./read-json.ts";
import { tableOf } from "./table.ts";
import type { CommandContext, Terminal } from "./terminal.ts";

interface EvaluationOptions {
  readonly source?: string;
  readonly parameter?: ReadonlyMap<string, string>;
  readonly now?: number;
  readonly existing?: readonly string[];
  readonly batch?: boolean;
  readonly json?: boolean;
}

interface CheckOptions {
  readonly class?: string;
  readonly parameter?: readonly string[];
  readonly json?: boolean;
}

const clock = () => Date.now();

/** What a check's status says beside what all commands share, as that of a schema's check does. */
const ERRORS_FOUND = 1;

const SOURCE_HELP = `
The object is JSON: attribute name to text, number, Boolean, null, array (several values), {"$binary": "base64"}, or an
object for an app role assignment. An attribute that isn't there is null.
Exit codes: ${EXIT.ok} there is a result; ${EXIT.config} the expression is wrong, or failed for this object (the reason is on standard error).`;

const EVAL_HELP = `
Examples:
  uplink expression eval 'Join(", ", [sn], [givenName])' --source ada.json
  echo '{"sn":"Lovelace"}' | uplink expression eval 'ToUpper([sn])' --source -
  uplink expression eval 'Join("@", [sAMAccountName], %DomainFQDN%)' --source ada.json --parameter DomainFQDN=corp.example
  uplink expression eval --batch < requests.ndjson > results.ndjson
${SOURCE_HELP}
Several values are printed one on a line. Without a value nothing is printed; --json tells null, ignored and "" apart.

--batch reads lines of {"id", "expression", "source", "context"?: {"now"?, "existing"?, "parameters"?}} and writes, in the
same order, lines of {"id", "kind": "value"|"multi"|"absent"|"error", "value", "flow"?, "errorClass"?, "message"?}. Values
are texts: True, False, decimal integers, dates as M/d/yyyy h:mm:ss tt in UTC; what role functions make is an object. A
line that is no such object has an error in its place; the exit code is 0 whatever the results are.`;

const EXPLAIN_HELP = `
Example:
  uplink expression explain 'IIF(IsPresent([displayName]), [displayName], [cn])' --source ada.json
${SOURCE_HELP}
Every part of the expression has a line with what it came to; branches that weren't taken are shown as not evaluated.`;

const CHECK_HELP = `
Examples:
  uplink expression check 'Jion([a], , "b")'
  uplink expression check 'Trim([extensionAtribute1])' --class user

Every fault is told in one run, with its place. Exit codes: ${EXIT.ok} no error (there may be warnings), ${ERRORS_FOUND} errors, ${EXIT.config} the command line is wrong.`;

export function registerExpressionCommands(program: Command, context: CommandContext): void {
  const expression = program.command("expression").description("The mapping language, tried out on this machine.");
  evaluated(expression.command("eval [expression]").description("What an expression comes to for an object."))
    .option("--batch", "lines of JSON from standard input to standard output, one for each")
    .addHelpText("after", EVAL_HELP)
    .action((text: string | undefined, options: EvaluationOptions) => evaluate(text, options, context));
  evaluated(expression.command("explain <expression>").description("What every part of an expression comes to."))
    .addHelpText("after", EXPLAIN_HELP)
    .action((text: string, options: EvaluationOptions) => explain(text, options, context));
  expression
    .command("check <expression>")
    .description("Every fault of an expression.")
    .option(
      "--class <name>",
      `look attributes up in a class of Active Directory: ${[...ACTIVE_DIRECTORY.keys()].join(", ")}`,
    )
    .option("--parameter <name...>", "the parameters that the job has, all of them, for %Name%")
    .option("--json", "as JSON")
    .addHelpText("after", CHECK_HELP)
    .action((text: string, options: CheckOptions) => check(text, options, context));
}

function evaluated(command: Command): Command {
  return command
    .option("--source <file>", "the object, as JSON; - is standard input")
    .option("--parameter <name=value...>", "what %Name% stands for", parameters)
    .option("--now <time>", "the clock, ISO 8601; without an offset in UTC", instant)
    .option("--existing <value...>", "what the target has already, for SelectUniqueValue")
    .option("--json", "as JSON");
}

async function evaluate(text: string | undefined, options: EvaluationOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  if (options.batch) {
    if (text !== undefined) {
      const remedy = "Leave the expression out, or --batch.";
      throw new AgentError("config-invalid", "With --batch the expressions come from standard input.", remedy);
    }
    if (!(await convertLines(terminal, createExpressionBatch(clock)))) context.setExit(INTERRUPTED);
    return;
  }
  if (text === undefined) {
    const remedy = "uplink expression eval '[mail]' --source object.json, or --batch for many.";
    throw new AgentError("config-invalid", "There is no expression.", remedy);
  }
  const evaluation = await contextFrom(options, terminal);
  const compiled = compileExpression(text);
  const result = compiled.ok ? resultOf(compiled.program.evaluate(evaluation)) : failureResult(compiled.failure);
  if (result.kind === "error") context.setExit(EXIT.config);
  if (options.json) return void terminal.out.write(`${JSON.stringify(result, null, 2)}\n`);
  if (!compiled.ok) return void terminal.err.write(wordsOfFailure(compiled.failure));
  const { lines, note } = linesOf(result);
  terminal.out.write(lines.map((line) => `${line}\n`).join(""));
  if (note !== undefined) terminal.err.write(`${note}\n`);
}

function linesOf(result: Result): { lines: readonly string[]; note?: string } {
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  switch (result.kind) {
    case "value":
      return { lines: [text(result.value)] };
    case "multi":
      return { lines: result.value.map(text) };
    case "absent":
      return { lines: [], note: result.flow === "null" ? "null: there is no value." : "The attribute is left out." };
    case "error":
      return { lines: [], note: `${result.message} (${result.errorClass})` };
  }
}

async function explain(text: string, options: EvaluationOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const explanation = explainExpression(text, await contextFrom(options, terminal));
  if (!explanation.ok || explanation.outcome.kind === "error") context.setExit(EXIT.config);
  if (!explanation.ok) {
    if (options.json) terminal.out.write(`${JSON.stringify(failureResult(explanation.failure), null, 2)}\n`);
    else terminal.err.write(wordsOfFailure(explanation.failure));
    return;
  }
  const parts = explanation.parts.map(({ outcome, ...part }) => ({ ...part, result: explained(outcome) }));
  if (options.json) {
    const whole = { result: explained(explanation.outcome), parts };
    return void terminal.out.write(`${JSON.stringify(whole, null, 2)}\n`);
  }
  // A constant alone has no parts.
  const shown = parts.length > 0 ? parts : [{ text, depth: 0, result: explained(explanation.outcome) }];
  const rows = shown.map((part) => [`${"  ".repeat(part.depth)}${shortened(part.text)}`, shownResult(part.result)]);
  terminal.out.write(tableOf([["part", "value"], ...rows]));
}

type Explained = Result | { readonly kind: "not-evaluated" | "redacted" };

function explained(outcome: ExplainedOutcome): Explained {
  return outcome.kind === "not-evaluated" || outcome.kind === "redacted" ? outcome : resultOf(outcome);
}

function shownResult(result: Explained): string {
  switch (result.kind) {
    case "value":
    case "multi":
      return JSON.stringify(result.value);
    case "absent":
      return result.flow === "null" ? "null" : "left out of the flow";
    case "error":
      return `error (${result.errorClass}): ${result.message}`;
    case "not-evaluated":
      return "not evaluated";
    case "redacted":
      return "[Redact]";
  }
}

const WIDEST_PART = 72;

function shortened(text: string): string {
  return text.length > WIDEST_PART ? `${text.slice(0, WIDEST_PART - 1)}…` : text;
}

function check(text: string, options: CheckOptions, context: CommandContext): void {
  const { terminal } = context;
  const { findings } = checkExpression(text, {
    source: definitionOf(options.class),
    parameters: options.parameter && new Set(options.parameter),
  });
  if (findings.some(({ severity }) => severity === "error")) context.setExit(ERRORS_FOUND);
  if (options.json) return void terminal.out.write(`${JSON.stringify({ findings }, null, 2)}\n`);
  const words = findings.map((finding) => `${finding.severity}: ${wordsOfFailure(finding)}`);
  terminal.out.write(words.length > 0 ? words.join("\n") : "No fault found.\n");
}

function definitionOf(name: string | undefined): ObjectDefinition | undefined {
  if (name === undefined) return undefined;
  const [found] = [...ACTIVE_DIRECTORY].filter(([own]) => own.toLowerCase() === name.toLowerCase());
  if (found) return found[1];
  const known = [...ACTIVE_DIRECTORY.keys()].join(", ");
  throw new AgentError("config-invalid", `The class '${name}' is not described here.`, `Give one of: ${known}.`);
}

function wordsOfFailure({ code, message, remedy, position, excerpt }: WordedFailure): string {
  return `${message} (${code}, at character ${position + 1})\n${excerpt}\n${remedy}\n`;
}

interface WordedFailure extends Pick<CompileFailure, "message" | "remedy" | "position" | "excerpt"> {
  readonly code: string;
}

async function contextFrom(options: EvaluationOptions, terminal: Terminal): Promise<EvaluationContext> {
  const { source, parameter = new Map(), now, existing = [] } = options;
  const json = source === undefined ? {} : await readJson(source, terminal);
  const read = shaped(source ?? "", () => jsonSource(json));
  return contextOf(read, { now, existing: new Set(existing), parameters: parameter }, clock);
}

/** commander calls these for each value. */
function parameters(text: string, before: ReadonlyMap<string, string> | undefined): ReadonlyMap<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("must be Name=value.");
  return new Map([...(before ?? []), [text.slice(0, at), text.slice(at + 1)]]);
}

function instant(text: string): number {
  const now = instantOf(text);
  if (now === undefined) throw new InvalidArgumentError("must be a date and time such as 2026-01-15T10:20:30Z.");
  return now;
}
