/** `uplink exclusion list|add|remove`: what is never touched, whatever the directory says. */
import type { Command } from "commander";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import type { ExclusionReply } from "../shared/contracts/admin/exclusions.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { guidArgument } from "./guid-argument.ts";
import { moment, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

interface Shown {
  readonly json?: boolean;
}

const HELP = `
GUID is the objectGUID of a directory's object or the id of a target object; the list holds for all jobs.
An object on it is filtered (excluded), and its target object is neither matched nor written, in no group added or removed.`;

export function registerExclusionCommands(program: Command, { terminal }: CommandContext): void {
  const exclusion = program
    .command("exclusion")
    .description("Objects that are never touched: break-glass accounts, above all.")
    .addHelpText("after", HELP)
    .addHelpText("after", ADMIN_HELP);
  const command = (usage: string, description: string) =>
    exclusion.command(usage).description(description).option("--json", "as JSON").addHelpText("after", ADMIN_HELP);
  const json = (value: unknown) => void terminal.out.write(`${JSON.stringify(value, null, 2)}\n`);

  command("list", "What is on the list, by whom, since when and why.")
    .option("--csv", "as comma-separated values")
    .action(async (options: Shown & { csv?: boolean }) => {
      const { admin } = await connect(terminal);
      const listed = await admin.exclusions();
      if (options.json) return json(listed);
      if (listed.length === 0 && !options.csv) return void terminal.out.write("Nothing is on the exclusion list.\n");
      const jobs = await admin.configurations();
      const rowsWith = (time: (at: string) => string) => [
        ["guid", "since", "by", "what", "why"],
        ...listed.map((own) => [own.guid, time(own.at), own.by, wordsOf(own, jobs), own.reason]),
      ];
      terminal.out.write(options.csv ? csvOf(rowsWith((at) => at)) : tableOf(rowsWith(moment)));
    });

  command("add", "Put an object on the list.")
    .argument("<guid>", "objectGUID, or id of a target object", guidArgument)
    .requiredOption("--reason <text>", "why; it stands in the list")
    .action(async (id: string, options: Shown & { reason: string }) => {
      const { admin } = await connect(terminal);
      const added = await admin.exclude(id, options.reason);
      if (options.json) return json(added);
      const what = wordsOf(added, await admin.configurations());
      terminal.out.write(`${id} is on the exclusion list: ${what}.\n`);
    });

  command("remove", "Take an object off the list: it is mapped anew, and what differs goes out.")
    .argument("<guid>", "as the list has it", guidArgument)
    .action(async (id: string, options: Shown) => {
      const { admin } = await connect(terminal);
      const removed = await admin.removeExclusion(id);
      if (options.json) return json(removed);
      terminal.out.write(`${id} is off the exclusion list; it stood there for: ${removed.reason}.\n`);
    });
}

/** Which objects an entry is about, as far as the jobs know them. */
function wordsOf({ guid: id, objects }: ExclusionReply, jobs: readonly ConfigurationReply[]): string {
  const words = objects.map(({ jobId, objectGuid, targetId }) => {
    const job = jobs.find((own) => own.jobId === jobId)?.displayName ?? jobId;
    if (objectGuid !== id) return `target object of ${objectGuid} of ${job}`;
    return targetId === null
      ? `object of ${job}, without target object`
      : `object of ${job}, target object ${targetId}`;
  });
  return words.length === 0 ? "no job's object and no job's target object" : words.join("; ");
}
