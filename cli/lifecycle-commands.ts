/** `uplink job lifecycle`: what becomes of people who leave the scope or whose account expires, shown and set. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { LifecycleReply } from "../shared/contracts/admin/jobs.ts";
import type { LifecycleSettings } from "../shared/contracts/configuration.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { findConfiguration } from "./find-configuration.ts";
import { listOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

interface Options extends LifecycleSettings {
  readonly json?: boolean;
}

const OUT_OF_SCOPE = {
  delete: "is deleted, and restored when it comes back within 30 days",
  disable: "is disabled and changed no more, until it comes back; a group is kept",
  keep: "is kept as it is and changed no more, until it comes back",
};
const EXPIRED = { ignore: "stays as userAccountControl says", disable: "is disabled when the time comes" };

/** Belongs to `job`, which is registered elsewhere, before. */
export function registerLifecycleCommands(program: Command, context: CommandContext): void {
  const job = program.commands.find((command) => command.name() === "job") ?? program.command("job");
  job
    .command("lifecycle <name>")
    .description("What becomes in the target of who leaves the scope, and of who expires.")
    .addOption(
      new Option("--out-of-scope <fate>", "of who exists and is in scope no more").choices(Object.keys(OUT_OF_SCOPE)),
    )
    .addOption(
      new Option("--expired-accounts <fate>", "of who has an accountExpires in the past").choices(Object.keys(EXPIRED)),
    )
    .option(
      "--group-delete-delay-days <days>",
      "before a group is deleted, for a cloud that can't restore groups",
      days,
    )
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      "\nWithout options both are shown. Who was deleted in the directory is deleted in any case. Another choice has everything read again.",
    )
    .addHelpText("after", ADMIN_HELP)
    .action((name: string, options: Options) => lifecycle(name, options, context));
}

async function lifecycle(name: string, options: Options, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const { jobId, displayName } = await findConfiguration(client, name);
  const { json, ...asked } = options;
  const isAsked = Object.keys(asked).length > 0;
  const reply = isAsked ? await client.setLifecycle(jobId, asked) : await client.lifecycle(jobId);
  if (json) return void terminal.out.write(`${JSON.stringify(reply, null, 2)}\n`);
  terminal.out.write(shown(reply));
  if (reply.changed) terminal.out.write(`${displayName} reads everything again at the agent's next heartbeat.\n`);
}

function days(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= 30) return Number(text);
  throw new InvalidArgumentError("must be a number of days, 30 at most.");
}

function shown({ outOfScope, expiredAccounts, groupDeleteDelayDays }: LifecycleReply): string {
  return listOf([
    ["who leaves the scope", `${OUT_OF_SCOPE[outOfScope]} (${outOfScope})`],
    ["an expired account", `${EXPIRED[expiredAccounts]} (${expiredAccounts})`],
    ["a group's deletion", groupDeleteDelayDays === 0 ? "waits for nothing" : `waits for ${groupDeleteDelayDays} days`],
  ]);
}
