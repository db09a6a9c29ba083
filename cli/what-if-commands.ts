/** `uplink whatif run|list|show|approve`: what a change would do, before it is made, and the word that makes it. */
import { type Command, InvalidArgumentError } from "commander";
import { AgentError } from "../agent/agent-error.ts";
import { rest } from "../agent/rest.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import type { WhatIfDetailReply, WhatIfReply, WhatIfRequest } from "../shared/contracts/admin/what-ifs.ts";
import type { AdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { withNames } from "./admin-views.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { findConfiguration } from "./find-configuration.ts";
import { guidArguments } from "./guid-argument.ts";
import { createProgressLine } from "./progress-line.ts";
import { readSchemaFile } from "./read-schema.ts";
import type { CommandContext, Terminal } from "./terminal.ts";
import { detailCsv, whatIfCsv, whatIfTable, whatIfText } from "./what-if-views.ts";

const CAME_TO_NOTHING = 1;
const POLL_MS = 1_000;
const ID = /^\d{14}-[0-9a-f]{8}$/;

const RUN_HELP = `
Without an option the job is tried as it is: before its first export, or to see what is left to do. Nothing is written
anywhere but the result; 'uplink whatif approve' names it by its digest.
Exit codes with --wait: 0 done, ${CAME_TO_NOTHING} it came to nothing.
Examples:
  uplink whatif run corp.example --wait
  uplink whatif run corp.example --schema new.json --wait
  uplink whatif run corp.example --ou 4f0e… --wait`;

interface Shown {
  readonly json?: boolean;
  readonly csv?: boolean;
}

interface RunOptions extends Shown {
  readonly schema?: string;
  readonly schemaVersion?: number;
  readonly ou?: readonly string[];
  readonly group?: readonly string[];
  readonly everything?: boolean;
  readonly wait?: boolean;
}

export function registerWhatIfCommands(program: Command, context: CommandContext): void {
  const whatIf = program
    .command("whatif")
    .description("What a change would do, to whom, before it is made.")
    .addHelpText("after", ADMIN_HELP);
  const command = (usage: string, description: string) =>
    whatIf.command(usage).description(description).option("--json", "as JSON");
  command("run <job>", "Tries a schema, a scope or the job as it is on everybody who is known.")
    .option("--schema <file>", "a new schema, as 'uplink schema import' would take it")
    .option("--schema-version <version>", "a version of the job's schema", versionNumber)
    .option("--ou <guid...>", "another scope of its agents: objectGUIDs of organizational units", guidArguments)
    .option("--group <guid...>", "another scope of its agents: objectGUIDs of groups", guidArguments)
    .option("--everything", "another scope of its agents: no limit")
    .option("--wait", "until the result is there, and show it")
    .addHelpText("after", RUN_HELP)
    .addHelpText("after", ADMIN_HELP)
    .action((job: string, options: RunOptions) => run(job, options, context));
  command("list [job]", "What was tried: when, by whom, what came of it, and its digest.")
    .option("--csv", "as comma-separated values")
    .addHelpText("after", ADMIN_HELP)
    .action((job: string | undefined, options: Shown) => list(job, options, context));
  command("show <id>", "One result, by its id, or the newest of a job by the job's name.")
    .option("--csv", "as comma-separated values")
    .addHelpText("after", ADMIN_HELP)
    .action((id: string, options: Shown) => show(id, options, context));
  command("approve <job>", "Does what was tried: the schema or scope comes into effect, exports that wait go out.")
    .requiredOption("--digest <digest>", "of the newest result, as 'uplink whatif show' names it")
    .addHelpText("after", ADMIN_HELP)
    .action((job: string, options: Shown & { readonly digest: string }) => approve(job, options, context));
}

async function run(name: string, options: RunOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const request = await requestOf(options);
  const { admin: client } = await connect(terminal);
  const configuration = await findConfiguration(client, name);
  const { jobId, displayName } = configuration;
  const asked = await client.runWhatIf(jobId, request);
  if (!options.wait) {
    if (options.json) terminal.out.write(jsonOf(asked));
    else
      terminal.out.write(
        `${displayName}: what-if ${asked.id} is tried; see it with 'uplink whatif show ${asked.id}'.\n`,
      );
    return;
  }
  const done = await waitFor(client, asked, terminal);
  if (done.state === "failed") context.setExit(CAME_TO_NOTHING);
  write(configuration, done, options, terminal, await client.configurations());
}

async function waitFor(
  client: AdminClient,
  { jobId, id }: WhatIfReply,
  { stop, err }: Terminal,
): Promise<WhatIfDetailReply> {
  const line = createProgressLine({ err });
  try {
    for (;;) {
      const shown = await client.whatIf(jobId, id);
      if (shown.state === "done" || shown.state === "failed" || stop.aborted) return shown;
      line.show(shown.state === "waiting" ? "it waits for what agents sent" : "everybody is mapped", 0);
      await rest(POLL_MS, stop);
    }
  } finally {
    line.clear();
  }
}

async function list(name: string | undefined, options: Shown, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const all = await listed(
    client,
    name === undefined ? await client.configurations() : [await findConfiguration(client, name)],
  );
  const rows = all.map(({ configuration, whatIf }) => ({ job: configuration.displayName, ...whatIf }));
  if (options.json) terminal.out.write(jsonOf(rows));
  else if (options.csv) terminal.out.write(csvOf(whatIfCsv(rows)));
  else terminal.out.write(rows.length === 0 ? "Nothing was tried.\n" : whatIfTable(rows));
}

async function show(idOrJob: string, options: Shown, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const isId = ID.test(idOrJob);
  const all = await listed(client, isId ? await client.configurations() : [await findConfiguration(client, idOrJob)]);
  const found = isId ? all.find(({ whatIf }) => whatIf.id === idOrJob) : all[0];
  if (!found)
    throw new AgentError(
      "not-found",
      isId ? `There is no what-if ${idOrJob}.` : `Nothing was tried of '${idOrJob}'.`,
      "'uplink whatif list' shows what is kept; 'uplink whatif run' tries something.",
    );
  const { jobId } = found.configuration;
  write(
    found.configuration,
    await client.whatIf(jobId, found.whatIf.id),
    options,
    terminal,
    await client.configurations(),
  );
}

async function approve(
  name: string,
  options: Shown & { readonly digest: string },
  { terminal }: CommandContext,
): Promise<void> {
  const { admin: client } = await connect(terminal);
  const { jobId, displayName } = await findConfiguration(client, name);
  const reply = await client.approveWhatIf(jobId, options.digest);
  if (options.json) {
    terminal.out.write(jsonOf(reply));
    return;
  }
  const effect = {
    schema: `its schema is version ${reply.schemaVersion}; everybody is mapped by it, with the guard and all, after a full read if it asks for what wasn't read`,
    scope: "its agents have that scope; everything is read in full, with the guard and all",
    exports: "what waited for it goes out",
    none: "it is noted; nothing waited for it",
  }[reply.effect];
  terminal.out.write(`${displayName}: what-if ${reply.id} is approved: ${effect}.\n`);
}

/** Newest first, job by job. */
async function listed(client: AdminClient, configurations: readonly ConfigurationReply[]) {
  const all = await Promise.all(
    configurations.map(async (configuration) =>
      (await client.whatIfs(configuration.jobId)).map((whatIf) => ({ configuration, whatIf })),
    ),
  );
  return all.flat();
}

async function requestOf({ schema, schemaVersion, ou, group, everything }: RunOptions): Promise<WhatIfRequest> {
  const hasScope = ou !== undefined || group !== undefined || everything === true;
  if ([schema !== undefined, schemaVersion !== undefined, hasScope].filter((given) => given).length > 1)
    throw new AgentError(
      "config-invalid",
      "One change at a time: a schema, a version of it, or a scope.",
      "Leave out all but one of --schema, --schema-version and --ou, --group, --everything.",
    );
  if (everything && (ou ?? group) !== undefined)
    throw new AgentError(
      "config-invalid",
      "--everything goes with neither --ou nor --group.",
      "Leave one of them out.",
    );
  if (schema !== undefined) return { kind: "schema", schema: await readSchemaFile(schema) };
  if (schemaVersion !== undefined) return { kind: "schemaVersion", version: schemaVersion };
  if (hasScope) return { kind: "scope", scope: { organizationalUnits: [...(ou ?? [])], groups: [...(group ?? [])] } };
  return { kind: "present" };
}

function write(
  { displayName }: ConfigurationReply,
  whatIf: WhatIfDetailReply,
  options: Shown,
  { out }: Terminal,
  all: readonly ConfigurationReply[],
): void {
  if (options.json) out.write(jsonOf(whatIf));
  else if (options.csv) out.write(csvOf(detailCsv(whatIf)));
  else out.write(withNames(whatIfText(displayName, whatIf), all));
}

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function versionNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("must be a version: a number from 1 on.");
  return Number(text);
}
