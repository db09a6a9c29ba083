/** `uplink job delete`: a job goes, once it is said what becomes of its objects. */
import { type Command, Option } from "commander";
import { deleteJob } from "../shared/contracts/admin/synchronization.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { findConfiguration } from "./find-configuration.ts";
import { quoted } from "./status-needs.ts";
import type { CommandContext } from "./terminal.ts";

interface Options {
  readonly objects?: "keep" | "delete";
  readonly json?: boolean;
}

const HELP = `
A job with linked objects is deleted only with an answer. keep: they stay in the target as they are, and whoever wants them next finds them by
matching. delete: everything that the job owns is staged for deletion as one set, however few they are, and nothing is made or changed any more. The
job goes once that set was approved and carried out; dropping it has the job go on as before. What is excluded or another job's stays.
The next job of the domain: uplink job create.`;

/** Belongs to `job`, which is registered elsewhere, before. */
export function registerJobDeleteCommands(program: Command, context: CommandContext): void {
  const job = program.commands.find((command) => command.name() === "job") ?? program.command("job");
  job
    .command("delete <name>")
    .description("Delete a job; its configuration, agents and log stay.")
    .addOption(new Option("--objects <fate>", "what becomes of its objects in the target").choices(["keep", "delete"]))
    .option("--json", "as JSON")
    .addHelpText("after", HELP)
    .addHelpText("after", ADMIN_HELP)
    .action((name: string, options: Options) => remove(name, options, context));
}

async function remove(name: string, { objects, json }: Options, { terminal }: CommandContext): Promise<void> {
  const { admin } = await connect(terminal);
  const { id, jobId, displayName } = await findConfiguration(admin, name);
  await admin.call(deleteJob, { params: { configurationId: id, jobId }, query: { objects } });
  const isEmptied = objects === "delete";
  const words = isEmptied
    ? `${displayName} makes and changes nothing more; the deletion of all that it owns is being staged. Nothing goes before you approve that:\n  uplink staged list ${quoted(displayName)} --members\n  uplink staged approve ${quoted(displayName)} deletes --digest …   (drop: the job goes on as before)\n`
    : `${displayName} is being deleted: it does nothing more, and goes piece by piece.\n`;
  const told = isEmptied ? { jobId, emptying: true } : { jobId, deleting: true };
  terminal.out.write(json ? `${JSON.stringify(told, null, 2)}\n` : words);
}
