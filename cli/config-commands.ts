/** `uplink config export|plan|apply|schema`: the service's configuration as files that are kept, compared and carried out. */
import type { Command } from "commander";
import { AgentError, EXIT } from "../agent/agent-error.ts";
import { fileSchemas } from "../shared/contracts/configuration-file.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { type Applied, applyPlan } from "./config-apply.ts";
import { filesOf, writeFiles } from "./config-export.ts";
import { readConfigFiles } from "./config-files.ts";
import { type ConfigPlan, planConfiguration } from "./config-plan.ts";
import { readPresent } from "./config-present.ts";
import { readSecretsOf } from "./config-secrets.ts";
import { stepLine, wordsOfPlan } from "./config-words.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import type { CommandContext, Terminal } from "./terminal.ts";

const HELP = `
A folder holds NAME.configuration.yaml (one for each domain: its job's scope, lifecycle, guard, mode, schedule …), the schemas that these
name (NAME.schema.json, in Microsoft Graph's form) and exclusions.yaml; JSON serves as well. What a file leaves out stays as it is, and
nothing is deleted because no file is about it; only exclusions.yaml with 'prune: true' takes entries off the list.
Secrets are named, never written: 'secrets: { AppKey: { env: NAME } }' or '{ file: ../PATH }'. They are read when a plan is carried out.
Examples:
  uplink config export config
  uplink config plan config
  uplink config apply config --digest …`;

const SET_SECRETS = [
  "--set-secrets",
  "all secrets that the files refer to, and not only those that aren't set",
] as const;

interface Shown {
  readonly json?: boolean;
}

export function registerConfigCommands(program: Command, context: CommandContext): void {
  const config = program
    .command("config")
    .description("Configurations, jobs, schemas and exclusions as files.")
    .addHelpText("after", HELP)
    .addHelpText("after", ADMIN_HELP);
  const command = (usage: string, description: string) =>
    config.command(usage).description(description).addHelpText("after", HELP).addHelpText("after", ADMIN_HELP);
  command("export <folder>", "Writes what is there as files.")
    .option("--overwrite", "files with another content, too")
    .option("--json", "as JSON")
    .action((folder: string, options: Shown & { overwrite?: boolean }) => exportFiles(folder, options, context));
  command("plan <folder>", "What would be made, changed and removed, and the digest of just that.")
    .option(...SET_SECRETS)
    .option("--check", `end with ${EXIT.no} when there is something to do`)
    .option("--json", "as JSON")
    .option("--csv", "as comma-separated values, a line for each step")
    .action((folder: string, options: Shown & { check?: boolean; csv?: boolean; setSecrets?: boolean }) =>
      plan(folder, options, context),
    );
  command("apply <folder>", "Carries out what was planned, unless something changed since.")
    .requiredOption("--digest <digest>", "of the plan, as 'uplink config plan' names it")
    .option(...SET_SECRETS)
    .option("--json", "as JSON")
    .action((folder: string, options: Shown & { digest: string; setSecrets?: boolean }) =>
      apply(folder, options, context),
    );
  config
    .command("schema <kind>")
    .description("The JSON Schema of a kind of file, for editors: configuration or exclusions.")
    .action((kind: string) => printSchema(kind, context));
}

async function exportFiles(
  folder: string,
  options: Shown & { readonly overwrite?: boolean },
  { terminal }: CommandContext,
): Promise<void> {
  const { admin } = await connect(terminal);
  const files = await filesOf(await readPresent(admin), folder);
  const written = await writeFiles(folder, files, options.overwrite ?? false);
  if (options.json) return void terminal.out.write(jsonOf({ folder, files: [...files.keys()], written }));
  terminal.out.write(
    written.length === 0
      ? `${folder} has all of it already.\n`
      : `${written.map((name) => `${name}\n`).join("")}${written.length} files are in ${folder}; 'uplink config plan ${folder}' compares them.\n`,
  );
}

async function planned(folder: string, setSecrets: boolean, terminal: Terminal) {
  const wanted = await readConfigFiles(folder);
  const { admin, url } = await connect(terminal);
  const withSecrets = wanted.configurations.filter(({ secrets = {} }) => Object.keys(secrets).length > 0);
  const present = await readPresent(admin, (domain) => withSecrets.some(({ domainFqdn }) => domainFqdn === domain));
  return { admin, url, wanted, present, plan: planConfiguration(wanted, present, url, setSecrets) };
}

async function plan(
  folder: string,
  options: Shown & { readonly check?: boolean; readonly csv?: boolean; readonly setSecrets?: boolean },
  context: CommandContext,
): Promise<void> {
  const { terminal } = context;
  const { setSecrets = false } = options;
  const { plan: found, wanted } = await planned(folder, setSecrets, terminal);
  if (options.check && found.steps.length > 0) context.setExit(EXIT.no);
  if (options.json) return void terminal.out.write(jsonOf(found));
  if (options.csv) return void terminal.out.write(csvOf(planRows(found)));
  terminal.out.write(wordsOfPlan(found, `uplink config apply ${folder}${setSecrets ? " --set-secrets" : ""}`));
  for (const file of wanted.unused) terminal.err.write(`${file}: no configuration names it, so it has no effect.\n`);
}

function planRows({ steps, digest }: ConfigPlan): string[][] {
  const rows = steps.map((step) => [
    "domainFqdn" in step ? step.domainFqdn : step.guid,
    step.kind,
    stepLine(step),
    digest,
  ]);
  return [["of", "step", "what", "digest"], ...rows];
}

async function apply(
  folder: string,
  { digest, json, setSecrets = false }: Shown & { readonly digest: string; readonly setSecrets?: boolean },
  context: CommandContext,
): Promise<void> {
  const { terminal } = context;
  const { admin, url, present, plan: found } = await planned(folder, setSecrets, terminal);
  if (found.digest !== digest)
    throw new AgentError(
      "conflict",
      `The plan of ${folder} for ${url} has the digest ${found.digest}, not ${digest}: the files or what is there changed since, or it was planned for another service, or one of both has --set-secrets. Nothing was done.`,
      `Look at it again: uplink config plan ${folder}`,
    );
  const secrets = await readSecretsOf(found, folder, terminal);
  const applied = await applyPlan(admin, found, present, secrets, terminal.stop, (step) => {
    if (!json) terminal.out.write(`${stepLine(step)}\n`);
  });
  if (json) terminal.out.write(jsonOf(replyOf(applied)));
  const { done, failed, left } = applied;
  if (!failed) {
    if (!json) terminal.out.write(done.length === 0 ? "There was nothing to do.\n" : `All done.\n`);
    return;
  }
  // With nothing done it is as if only that step had been asked for.
  if (done.length === 0) throw failed.error;
  context.setExit(EXIT.partly);
  terminal.err.write(
    [
      `Not done: ${stepLine(failed.step)}`,
      ...left.map((step) => `Not done: ${stepLine(step)}`),
      `${failed.error.message}\n${failed.error.remedy}`,
      `What is above was done and stays. When the cause is gone: uplink config plan ${folder}\n`,
    ].join("\n"),
  );
}

function replyOf({ done, failed, left }: Applied) {
  return {
    done: done.map(stepLine),
    failed: failed ? { step: stepLine(failed.step), message: failed.error.message, remedy: failed.error.remedy } : null,
    notDone: [...(failed ? [failed.step] : []), ...left].map(stepLine),
  };
}

function printSchema(kind: string, { terminal }: CommandContext): void {
  const schemas = fileSchemas();
  if (kind !== "configuration" && kind !== "exclusions")
    throw new AgentError(
      "config-invalid",
      `There is no kind of file called '${kind}'.`,
      `There are: ${Object.keys(schemas).join(", ")}.`,
    );
  terminal.out.write(jsonOf(schemas[kind]));
}

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
