/** `uplink audit`: who changed what, newest first. */
import { type Command, InvalidArgumentError } from "commander";
import { type DirectoryAuditReply, listDirectoryAudits } from "../shared/contracts/admin/audit.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { moment, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

interface Options {
  readonly top: number;
  readonly json?: boolean;
  readonly csv?: boolean;
}

export function registerAuditCommands(program: Command, { terminal }: CommandContext): void {
  program
    .command("audit")
    .description("The audit log: who changed what, newest first.")
    .option("--top <n>", "how many entries", whole, 50)
    .option("--json", "as JSON")
    .option("--csv", "as comma-separated values")
    .addHelpText("after", ADMIN_HELP)
    .action(async (options: Options) => {
      const { admin } = await connect(terminal);
      const entries: DirectoryAuditReply[] = [];
      const query = { $top: Math.min(options.top, 1_000) };
      for await (const { value } of admin.pages(listDirectoryAudits, { query })) {
        entries.push(...value);
        if (entries.length >= options.top) break;
      }
      entries.splice(options.top);
      if (options.json) return void terminal.out.write(`${JSON.stringify(entries, null, 2)}\n`);
      if (options.csv) return void terminal.out.write(csvOf(rowsOf(entries, (at) => at)));
      terminal.out.write(
        entries.length === 0 ? "Nobody has changed anything yet.\n" : tableOf(rowsOf(entries, moment)),
      );
    });
}

function rowsOf(entries: readonly DirectoryAuditReply[], time: (at: string) => string): string[][] {
  const rows = entries.map((entry) => {
    const { user, app } = entry.initiatedBy;
    const who = user ? (user.userPrincipalName ?? user.id) : (app?.displayName ?? app?.servicePrincipalId ?? "");
    const [target] = entry.targetResources;
    const changes = (target?.modifiedProperties ?? []).map(
      ({ displayName, oldValue, newValue }) => `${displayName}: ${oldValue ?? "(none)"} → ${newValue ?? "(none)"}`,
    );
    const request = entry.additionalDetails.flatMap(({ key, value }) =>
      key.startsWith("request") ? [`${key}=${value}`] : [],
    );
    const what = changes.length > 0 ? changes : request;
    return [
      ...[time(entry.activityDateTime), who, entry.operationType, entry.result],
      ...[`${target?.type ?? ""} ${target?.displayName ?? target?.id ?? ""}`.trim(), what.join("; ")],
    ];
  });
  return [["time", "who", "operation", "result", "of", "what"], ...rows];
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0) throw new InvalidArgumentError("must be a whole number above 0.");
  return value;
}
