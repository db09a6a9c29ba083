/** `uplink provision`: one object of the directory through the pipeline now, shown as four ticks with what each step saw. */
import { type Command, InvalidArgumentError } from "commander";
import { AgentError, EXIT } from "../agent/agent-error.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import { OnDemandKey, OnDemandValue, provisionOnDemand } from "../shared/contracts/admin/provision-on-demand.ts";
import { COMMAND_MEMBERS } from "../shared/contracts/agent-commands.ts";
import type { AdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { findConfiguration } from "./find-configuration.ts";
import { provisionText } from "./provision-views.ts";
import type { CommandContext } from "./terminal.ts";

interface ProvisionOptions {
  readonly job?: string;
  readonly dryRun?: boolean;
  readonly member?: readonly string[];
  readonly json?: boolean;
}

const HELP = `
The object is named by its distinguished name, objectGUID or user principal name. It is read from the directory now, by
the agent that holds the domain's lease, and goes the way of every change: scope, match, mapping, guard, export.
Without --job the only job there is is meant. At most 5 objects in 10 seconds; an answer comes within 30 seconds.

Examples:
  uplink provision "CN=Ada,OU=Staff,DC=corp,DC=example" --dry-run
  uplink provision ada@corp.example --job corp
  uplink provision 6f1c0e3a-6c1b-4f5c-9d1e-0d5d1f3a2b4c --member ada@corp.example

Exit code ${EXIT.no} says that the object was refused on its way (its escrow tells why).`;

export function registerProvisionCommands(program: Command, context: CommandContext): void {
  program
    .command("provision <object>")
    .description("Take one object of the directory through the pipeline now, and show each step.")
    .option("--job <name>", "whose directory it is in")
    .option("--dry-run", "write nothing, and show what would be sent")
    .option("--member <object...>", `of a group: members that are taken along, ${COMMAND_MEMBERS} at most`, members)
    .option("--json", "as JSON")
    .addHelpText("after", HELP)
    .addHelpText("after", ADMIN_HELP)
    .action((object: string, options: ProvisionOptions) => provision(object, options, context));
}

async function provision(object: string, options: ProvisionOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const { admin: client } = await connect(terminal);
  const { id, jobId, displayName } = await jobOf(client, options.job);
  const members = (options.member ?? []).map((objectId) => ({ objectId }));
  const subject = { objectId: object, ...(members.length > 0 ? { links: { members } } : {}) };
  const reply = await client.call(provisionOnDemand, {
    params: { configurationId: id, jobId },
    body: { parameters: [{ subjects: [subject] }], dryRun: options.dryRun ?? false },
  });
  const key = OnDemandKey.parse(JSON.parse(reply.key));
  const value = OnDemandValue.parse(JSON.parse(reply.value));
  if (key.result === "Failure") context.setExit(EXIT.no);
  terminal.out.write(options.json ? `${JSON.stringify({ key, value }, null, 2)}\n` : provisionText(displayName, value));
}

async function jobOf(client: AdminClient, name: string | undefined): Promise<ConfigurationReply> {
  if (name !== undefined) return findConfiguration(client, name);
  const all = await client.configurations();
  const [only] = all;
  if (only && all.length === 1) return only;
  throw new AgentError(
    "config-invalid",
    all.length === 0
      ? "There is no job."
      : `There are ${all.length} jobs: it isn't clear which one's directory is meant.`,
    `Give --job with one of: ${all.map((one) => one.displayName).join(", ") || "none"}.`,
  );
}

/** commander calls it for each of several values. */
function members(text: string, before: readonly string[] | undefined): readonly string[] {
  const all = [...(before ?? []), text];
  if (all.length > COMMAND_MEMBERS) throw new InvalidArgumentError(`${COMMAND_MEMBERS} members at most.`);
  return all;
}
