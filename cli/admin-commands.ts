/** `uplink job|agent list|escrow`: what admins ask and order, over the admin API. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { EXIT, exitHelp } from "../agent/agent-error.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import { RESET_SCOPES } from "../shared/contracts/admin/jobs.ts";
import { listServicePrincipals } from "../shared/contracts/admin/synchronization.ts";
import type { AdminClient, JobAction } from "./admin-client.ts";
import {
  agentRows,
  cycleList,
  emptyingText,
  heldText,
  jobRows,
  quarantineLines,
  scopeText,
  withNames,
} from "./admin-views.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { findConfiguration } from "./find-configuration.ts";
import { guidArgument } from "./guid-argument.ts";
import { waitForJob } from "./job-wait.ts";
import { listOf, moment, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

export const ADMIN_HELP = `
Names of jobs are their configuration's name, domain or job id; without one, all are meant.
${exitHelp("ok", "no", "config", "unreachable", "refused", "notFound", "conflict", "approval", "partly", "defect")}
Without a setting: the local runtime of the working folder, or the service of 'uplink login'. Environment: UPLINK_HOME (the local
runtime's folder), or UPLINK_URL and UPLINK_ADMIN_TOKEN (a deployed service).`;

interface Shown {
  readonly json?: boolean;
}

interface Listed extends Shown {
  readonly csv?: boolean;
}

interface Acted extends Shown {
  readonly resetWatermark?: boolean;
  readonly reset?: string;
  readonly wait?: boolean;
}

export function registerAdminCommands(program: Command, context: CommandContext): void {
  const job = program.command("job").description("The jobs, one for each directory.").addHelpText("after", ADMIN_HELP);
  admin(job.command("list").description("All jobs."))
    .option("--csv", "as comma-separated values")
    .action((options: Listed) => jobList(options, context));
  admin(job.command("show <name>").description("One job: what waits, what the last read brought.")).action(
    (name: string, options: Shown) => jobShow(name, options, context),
  );
  const actions: readonly (readonly [JobAction, string])[] = [
    ["start", "Let a paused job go on."],
    ["pause", "Read and export nothing more until it is started."],
    ["restart", "Read everything again."],
  ];
  for (const [action, description] of actions) {
    const command = admin(job.command(`${action} <name>`).description(description));
    if (action !== "pause") command.option("--wait", "until it has nothing more to do by itself");
    if (action === "restart")
      command
        .option(
          "--reset-watermark",
          "and take what the directory shows then for all there is, though it was ahead once",
        )
        .addOption(
          new Option(
            "--reset <scope>",
            "what is done beside reading, as Graph's resetScope: None, or of Escrows, QuarantineState and Watermark some, by commas (Escrows,QuarantineState)",
          )
            .conflicts("resetWatermark")
            .argParser(resetScope),
        );
    command.action((name: string, options: Acted) => act(name, action, options, context));
  }

  // The agent's own commands are registered elsewhere, under the same word.
  const agent = program.commands.find((command) => command.name() === "agent") ?? program.command("agent");
  admin(agent.command("list [job]").description("Admins: the agents of a job, or of all."))
    .option("--csv", "as comma-separated values")
    .action((name: string | undefined, options: Listed) => agentList(name, options, context));
  const escrow = program
    .command("escrow")
    .description("Objects whose last attempt failed.")
    .addHelpText("after", ADMIN_HELP);
  admin(escrow.command("list [job]").description("Why each of them waits, and what to do."))
    .option("--csv", "as comma-separated values")
    .action((name: string | undefined, options: Listed) => escrowList(name, options, context));
  admin(escrow.command("retry").description("Try all of them again at once, or one."))
    .argument("<job>")
    .argument("[guid]", "the objectGUID of the one", guidArgument)
    .action((name: string, guid: string | undefined, options: Shown) => escrowRetry(name, guid, options, context));
}

/** In Graph's spelling, whatever the case. What the service has no reset for, it refuses with the way there. */
function resetScope(text: string): string {
  const words = text.split(",").map((word) => word.trim());
  const known = words.map((word) => RESET_SCOPES.find((own) => own.toLowerCase() === word.toLowerCase()));
  const other = words.find((_, at) => known[at] === undefined);
  if (other === undefined) return known.join(",");
  throw new InvalidArgumentError(`has '${other}'; there are None, Escrows, QuarantineState, Watermark and Full.`);
}

function admin(command: Command): Command {
  return command.option("--json", "as JSON").addHelpText("after", ADMIN_HELP);
}

async function jobList(options: Listed, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const configurations = await client.configurations();
  const jobs = await Promise.all(configurations.map((one) => client.status(one.jobId)));
  if (options.json) return json(terminal.out, jobs);
  const rows = jobRows(configurations, jobs);
  terminal.out.write(options.csv ? csvOf(rows) : tableOf(rows));
}

async function jobShow(name: string, options: Shown, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const configuration = await findConfiguration(client, name);
  const job = await client.status(configuration.jobId);
  if (options.json) return json(terminal.out, job);
  const { waiting, openRead } = job;
  terminal.out.write(
    listOf([
      ["name", job.displayName],
      ["domain", configuration.domainFqdn],
      ["job", job.jobId],
      ["configuration", configuration.id],
      ["state", job.state],
      [
        "reading",
        openRead ? `read ${openRead.readNo}, ${openRead.kind}, ${openRead.objects} objects so far` : "nothing",
      ],
      [
        "waiting",
        `${waiting.batches} batches (${waiting.changes} changes, ${waiting.processed} processed), ${waiting.readsEnding} ends of reads, ${waiting.work} other work`,
      ],
      ["accepted", moment(job.acceptedWatermarkAt)],
      ["committed", moment(job.committedWatermarkAt)],
      ["full read wanted", job.fullReadWanted],
      ["scope", scopeText(job.scope)],
      ["trouble", job.trouble ? `${job.trouble.code} since ${moment(job.trouble.at)}: ${job.trouble.message}` : null],
      ...quarantineLines(job.quarantine),
      ["exports held", job.exportsHeld ? heldText(job.exportsHeld) : null],
      ["being deleted", job.emptying ? emptyingText(job) : null],
      ["steady state", moment(job.steadyStateAt)],
      ["escrowed", String(job.escrowed)],
      ["staged", String(job.staged)],
    ]),
  );
  if (job.lastCycle) terminal.out.write(`\n${cycleList(job.lastCycle)}`);
}

async function act(name: string, action: JobAction, options: Acted, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const { admin: client } = await connect(terminal);
  const configuration = await findConfiguration(client, name);
  const resetScope = options.resetWatermark ? "Escrows,QuarantineState,Watermark" : options.reset;
  await client.act(configuration, action, resetScope === undefined ? undefined : { criteria: { resetScope } });
  if (options.wait) {
    const { isOver, needs } = await waitForJob(client, configuration, terminal);
    if (needs.length > 0) context.setExit(EXIT.approval);
    else if (!isOver) context.setExit(terminal.stop.aborted ? EXIT.interrupted : EXIT.no);
    if (options.json) return json(terminal.out, { jobId: configuration.jobId, action, isOver, needs });
    const told = needs.map(({ what, command }) => `  ${what}\n    ${command}\n`).join("");
    terminal.out.write(
      `${configuration.displayName} ${isOver ? "has nothing more to do by itself" : "waits"}.\n${told}`,
    );
    return;
  }
  if (options.json) return json(terminal.out, { jobId: configuration.jobId, action });
  const words = {
    start: "goes on",
    pause: "is paused",
    restart: "reads everything again at the agent's next heartbeat",
  };
  terminal.out.write(`${configuration.displayName} ${words[action]}.\n`);
}

async function agentList(name: string | undefined, options: Listed, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const configurations = await withAgents(client, name);
  const agents = await Promise.all(configurations.map((one) => client.agents(one.id)));
  if (options.json) return json(terminal.out, agents.flat());
  const rows = agentRows(configurations, agents);
  terminal.out.write(options.csv ? csvOf(rows) : tableOf(rows));
}

async function escrowList(name: string | undefined, options: Listed, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const all = await client.configurations();
  const configurations = name === undefined ? all : [await findConfiguration(client, name)];
  const lists = await Promise.all(configurations.map((one) => client.escrows(one.jobId)));
  if (options.json)
    return json(
      terminal.out,
      configurations.flatMap((one, index) =>
        (lists[index] ?? []).map((escrow) => ({ job: one.displayName, ...escrow })),
      ),
    );
  if (options.csv) {
    const rows = configurations.flatMap((one, index) =>
      (lists[index] ?? []).map(({ objectGuid, code, message, remedy, attempts, firstAt, nextAttemptAt }) => [
        ...[one.displayName, objectGuid, code, message, remedy],
        ...[String(attempts), firstAt, nextAttemptAt],
      ]),
    );
    const head = ["job", "object", "code", "message", "remedy", "attempts", "since", "next"];
    terminal.out.write(csvOf([head, ...rows]));
    return;
  }
  const words = configurations.flatMap((one, index) =>
    (lists[index] ?? []).map((escrow) =>
      listOf([
        ["job", one.displayName],
        ["object", escrow.objectGuid],
        ["code", escrow.code],
        ["why", withNames(escrow.message, all)],
        ["remedy", escrow.remedy],
        ["attempts", `${escrow.attempts} since ${moment(escrow.firstAt)}, next ${moment(escrow.nextAttemptAt)}`],
      ]),
    ),
  );
  terminal.out.write(words.length === 0 ? "Nothing is in escrow.\n" : words.join("\n"));
}

async function escrowRetry(
  name: string,
  guid: string | undefined,
  options: Shown,
  { terminal }: CommandContext,
): Promise<void> {
  const { admin: client } = await connect(terminal);
  const { jobId, displayName } = await findConfiguration(client, name);
  const reply = await client.retryEscrows(jobId, guid?.toLowerCase());
  if (options.json) return json(terminal.out, reply);
  const what =
    reply.objects === 0
      ? "nothing is in escrow"
      : `${reply.objects === 1 ? "1 object is" : `${reply.objects} objects are`} tried again now`;
  terminal.out.write(`${displayName}: ${what}.\n`);
}

/** Configurations whose job was deleted are among them: their agents are still enrolled. */
async function withAgents(
  client: AdminClient,
  name: string | undefined,
): Promise<readonly Pick<ConfigurationReply, "id" | "displayName">[]> {
  const { value: all } = await client.call(listServicePrincipals, {});
  if (name === undefined) return all;
  const wanted = name.toLowerCase();
  const found = all.filter((own) => [own.displayName, own.id].some((word) => word.toLowerCase() === wanted));
  return found.length === 1 ? found : [await findConfiguration(client, name)];
}

function json(out: { write(text: string): unknown }, value: unknown): void {
  out.write(`${JSON.stringify(value, null, 2)}\n`);
}
