/** `uplink job mode|reevaluate`: everything but exports, or exports too; and every object mapped anew without a read. */
import { Argument, type Command } from "commander";
import type { JobModeReply } from "../shared/contracts/admin/jobs.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { heldText } from "./admin-views.ts";
import { connect } from "./connection.ts";
import { findConfiguration } from "./find-configuration.ts";
import type { CommandContext } from "./terminal.ts";

interface Shown {
  readonly json?: boolean;
}

type Mode = JobModeReply["mode"];
const MODES: readonly Mode[] = ["normal", "staging"];

export function registerModeCommands(program: Command, context: CommandContext): void {
  // The other commands of jobs are registered elsewhere, under the same word.
  const job = program.commands.find((command) => command.name() === "job") ?? program.command("job");
  const command = (usage: string, description: string) =>
    job.command(usage).description(description).option("--json", "as JSON").addHelpText("after", ADMIN_HELP);
  command("mode <name>", "staging: do everything but exports; normal: export, with what was held.")
    .addArgument(new Argument("<mode>").choices(MODES))
    .action((name: string, mode: Mode, options: Shown) => setMode(name, mode, options, context));
  command("reevaluate <name>", "Map every object anew from what was read of it, without reading again.").action(
    (name: string, options: Shown) => reevaluate(name, options, context),
  );
}

async function setMode(name: string, mode: Mode, options: Shown, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const { jobId, displayName } = await findConfiguration(client, name);
  const reply = await client.setMode(jobId, mode);
  if (options.json) {
    terminal.out.write(`${JSON.stringify(reply, null, 2)}\n`);
    return;
  }
  const { exportsHeld, released } = reply;
  const words = released
    ? "exports what was held, and goes on exporting."
    : exportsHeld
      ? `exports nothing: ${heldText(exportsHeld)}.`
      : "exports, as before.";
  terminal.out.write(`${displayName} ${words}\n`);
}

async function reevaluate(name: string, options: Shown, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const { jobId, displayName } = await findConfiguration(client, name);
  const reply = await client.reevaluate(jobId);
  terminal.out.write(
    options.json ? `${JSON.stringify(reply, null, 2)}\n` : `${displayName} maps every object anew, without a read.\n`,
  );
}
