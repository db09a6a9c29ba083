/** `uplink quarantine clear`: lets a job go on that was stopped for what went wrong. Who is stopped, and why: `uplink status`. */
import type { Command } from "commander";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { findConfiguration } from "./find-configuration.ts";
import type { CommandContext } from "./terminal.ts";

interface Shown {
  readonly json?: boolean;
}

export function registerQuarantineCommands(program: Command, context: CommandContext): void {
  program
    .command("quarantine")
    .description("Jobs that were stopped for what went wrong.")
    .addHelpText("after", ADMIN_HELP)
    .command("clear <job>")
    .description("Let it go on at once; the same fault stops it again.")
    .option("--json", "as JSON")
    .addHelpText("after", ADMIN_HELP)
    .action((name: string, options: Shown) => clear(name, options, context));
}

async function clear(name: string, options: Shown, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const { jobId, displayName } = await findConfiguration(client, name);
  const reply = await client.clearQuarantine(jobId);
  const words = reply.cleared ? "goes on: its quarantine is cleared." : "is not in quarantine.";
  terminal.out.write(options.json ? `${JSON.stringify(reply, null, 2)}\n` : `${displayName} ${words}\n`);
}
