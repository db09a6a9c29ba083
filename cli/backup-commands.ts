/** `uplink backup list`: the nightly backups of object rows and index that are whole. */
import type { Command } from "commander";
import { listBackups } from "../shared/contracts/admin/backups.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { moment, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

export function registerBackupCommands(program: Command, { terminal }: CommandContext): void {
  const backup = program
    .command("backup")
    .description("Nightly backups of what is known of objects and links.")
    .addHelpText("after", ADMIN_HELP);
  backup
    .command("list")
    .description("Those that are whole, newest first.")
    .option("--json", "as JSON")
    .option("--csv", "as comma-separated values")
    .addHelpText("after", ADMIN_HELP)
    .action(async (options: { readonly json?: boolean; readonly csv?: boolean }) => {
      const { admin } = await connect(terminal);
      const { value } = await admin.call(listBackups, {});
      if (options.json) return void terminal.out.write(`${JSON.stringify(value, null, 2)}\n`);
      if (value.length === 0 && !options.csv)
        return void terminal.out.write("There is no whole backup yet: one is made every night.\n");
      const rowsWith = (time: (at: string) => string) => [
        ["backup", "begun", "finished", "objects", "values"],
        ...value.map(({ id, startedAt, finishedAt, objects, claims }) => [
          ...[id, time(startedAt), time(finishedAt), String(objects), String(claims)],
        ]),
      ];
      terminal.out.write(options.csv ? csvOf(rowsWith((at) => at)) : tableOf(rowsWith(moment)));
    });
}
