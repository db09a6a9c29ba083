/** `uplink job scope`: which units and groups an agent may send anything of, shown and set. */
import type { Command } from "commander";
import { AgentError } from "../agent/agent-error.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { findConfiguration } from "./find-configuration.ts";
import { guidArguments } from "./guid-argument.ts";
import { tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

interface ScopeOptions {
  readonly ou?: readonly string[];
  readonly group?: readonly string[];
  readonly everything?: boolean;
  readonly json?: boolean;
}

/** Belongs to `job`, which is registered elsewhere, before. */
export function registerScopeCommands(program: Command, context: CommandContext): void {
  const job = program.commands.find((command) => command.name() === "job") ?? program.command("job");
  job
    .command("scope <name>")
    .description("Whom the agent may send: objects below one of the units and in one of the groups, nested ones too.")
    .option("--ou <guid...>", "objectGUIDs of organizational units, all of them; none: anywhere", guidArguments)
    .option("--group <guid...>", "objectGUIDs of groups, all of them; none: in any or no group", guidArguments)
    .option("--everything", "no limit: the whole domain")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      "\nWithout --ou, --group or --everything the scope is shown. Another scope is read in full; who is outside it leaves.",
    )
    .addHelpText("after", ADMIN_HELP)
    .action((name: string, options: ScopeOptions) => scope(name, options, context));
}

async function scope(name: string, options: ScopeOptions, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const { ou = [], group = [], everything = false } = options;
  const isNamed = ou.length + group.length > 0;
  if (everything && isNamed) {
    throw new AgentError(
      "config-invalid",
      "--everything goes with neither --ou nor --group.",
      "Leave one of them out.",
    );
  }
  const configuration = await findConfiguration(client, name);
  const json = (value: unknown) => terminal.out.write(`${JSON.stringify(value, null, 2)}\n`);
  if (!everything && !isNamed) {
    const { scope: now } = await client.status(configuration.jobId);
    if (options.json) return void json(now);
    const rows = [
      ...now.organizationalUnits.map((guid) => ["unit", guid]),
      ...now.groups.map((guid) => ["group", guid]),
    ];
    terminal.out.write(rows.length === 0 ? "Everything in the domain.\n" : tableOf([["kind", "objectGUID"], ...rows]));
    return;
  }
  const reply = await client.setScope(configuration.jobId, {
    organizationalUnits: [...ou],
    groups: [...group],
  });
  if (options.json) return void json(reply);
  terminal.out.write(
    reply.changed
      ? `${configuration.displayName} has another scope and reads everything again at the agent's next heartbeat.\n`
      : `${configuration.displayName} had that scope already.\n`,
  );
}
