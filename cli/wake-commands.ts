/** `uplink job wake`: fresh runs for one job, or for all; the step after a deployment was rolled back. */
import type { Command } from "commander";
import { AgentError } from "../agent/agent-error.ts";
import { type WakeReply, wakeAnew } from "../shared/contracts/admin/jobs.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { findConfiguration } from "./find-configuration.ts";
import type { CommandContext } from "./terminal.ts";

interface Options {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function registerWakeCommands(program: Command, context: CommandContext): void {
  // The other commands of jobs are registered elsewhere, under the same word.
  const job = program.commands.find((command) => command.name() === "job") ?? program.command("job");
  job
    .command("wake [name]")
    .description(
      "Have fresh runs take over from those that stand still; with --all --force, from all of every job: after a version was rolled back.",
    )
    .option("--all", "every job")
    .option("--force", "also from runs that moved in the last two minutes: where nobody is at them any more")
    .option("--json", "as JSON")
    .addHelpText("after", ADMIN_HELP)
    .action((name: string | undefined, options: Options) => wake(name, options, context));
}

async function wake(name: string | undefined, options: Options, { terminal }: CommandContext): Promise<void> {
  if ((name === undefined) !== (options.all === true))
    throw new AgentError("config-invalid", "Which job is to be woken?", "Name one job, or give --all.");
  const { admin: client } = await connect(terminal);
  const jobs = name === undefined ? await client.configurations() : [await findConfiguration(client, name)];
  const replies = [];
  for (const { jobId, displayName } of jobs) {
    const reply = await client.call(wakeAnew, {
      params: { jobId },
      ...(options.force ? { body: { force: true } } : {}),
    });
    replies.push(reply);
    if (!options.json) terminal.out.write(`${displayName} is awake: ${inWords(reply)}.\n`);
  }
  if (options.json) terminal.out.write(`${JSON.stringify(replies, null, 2)}\n`);
}

function inWords({ replaced, left }: WakeReply): string {
  const words = [
    ...(replaced.length === 0 ? [] : [`a fresh run for ${replaced.join(" and ")}`]),
    ...(left.length === 0 ? [] : [`the run for ${left.join(" and ")} moves and was left (--force takes it over too)`]),
  ];
  return words.length === 0 ? "no run was under way" : words.join("; ");
}
