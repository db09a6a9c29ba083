/** `uplink link show|join|move|unlink|rebuild`: what ties source objects to target objects, mended by hand. */
import { type Command, Option } from "commander";
import type { LinkReply } from "../shared/contracts/admin/links.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { withNames } from "./admin-views.ts";
import { connect } from "./connection.ts";
import { findConfiguration } from "./find-configuration.ts";
import { guidArgument } from "./guid-argument.ts";
import { REBUILD_SOURCES, type RebuildOptions, rebuild } from "./link-rebuild.ts";
import { listOf, moment } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

interface Shown {
  readonly json?: boolean;
}

export function registerLinkCommands(program: Command, context: CommandContext): void {
  const link = program
    .command("link")
    .description("Which target object belongs to which object of the directory.")
    .addHelpText("after", ADMIN_HELP);
  const command = (usage: string, description: string) =>
    link.command(usage).description(description).option("--json", "as JSON").addHelpText("after", ADMIN_HELP);
  const ofObject = (name: string, description: string) =>
    command(name, description).argument("<job>").argument("<guid>", "its objectGUID", guidArgument);
  ofObject("show", "One object's link, and who has its unique values.").action(
    (job: string, guid: string, options: Shown) => show(job, guid, options, context),
  );
  ofObject("join", "Take over a target object that nobody owns.")
    .argument("<targetId>", "the target object's id", guidArgument)
    .action((job: string, guid: string, targetId: string, options: Shown) =>
      change(job, guid, options, context, (client, jobId) =>
        client.changeLink(jobId, guid, { action: "join", targetId }),
      ),
    );
  ofObject("move", "Give the target object to another object of the directory.")
    .argument("<toGuid>", "the other one's objectGUID", guidArgument)
    .option("--to-job <name>", "the job that has that object, where it is another one")
    .action((job: string, guid: string, toGuid: string, options: Shown & { toJob?: string }) =>
      change(job, guid, options, context, async (client, jobId) => {
        const other = options.toJob === undefined ? undefined : await findConfiguration(client, options.toJob);
        const to = { toObjectGuid: toGuid, ...(other ? { toJobId: other.jobId } : {}) };
        return client.changeLink(jobId, guid, { action: "move", ...to });
      }),
    );
  ofObject("unlink", "Let go of the target object, which stays as it is.").action(
    (job: string, guid: string, options: Shown) =>
      change(job, guid, options, context, (client, jobId) => client.changeLink(jobId, guid, { action: "unlink" })),
  );
  command(
    "rebuild <job>",
    "Enter all links in the index again, and look for objects without one in the target; or find lost rows again.",
  )
    .addOption(
      new Option("--from <source>", "from the rows, at once; or lost rows from a backup, or from the target")
        .choices(REBUILD_SOURCES)
        .default("rows"),
    )
    .option("--backup <id>", "which backup; left out: the newest whole one")
    .option("--apply", "do what was shown; the job has to be paused, the backup named")
    .action((job: string, options: RebuildOptions, own: Command) => {
      const refused = faultOf(options);
      if (refused !== undefined) own.error(`error: ${refused}`);
      return rebuild(job, options, context);
    });
}

/** Options that would do nothing: whoever gave one meant something else than what would be done. */
function faultOf({ from, backup, apply }: RebuildOptions): string | undefined {
  if (backup !== undefined && from !== "backup") return `--backup needs --from backup, and this is from ${from}.`;
  if (apply && from === "rows") return "--apply needs --from backup or target: from the rows it is done at once.";
  return undefined;
}

type Client = Awaited<ReturnType<typeof connect>>["admin"];

async function show(name: string, guid: string, options: Shown, context: CommandContext): Promise<void> {
  return change(name, guid, options, context, (client, jobId) => client.link(jobId, guid));
}

async function change(
  name: string,
  guid: string,
  options: Shown,
  { terminal }: CommandContext,
  order: (client: Client, jobId: string) => Promise<LinkReply>,
): Promise<void> {
  const { admin: client } = await connect(terminal);
  const configuration = await findConfiguration(client, name);
  const reply = await order(client, configuration.jobId);
  terminal.out.write(
    options.json
      ? `${JSON.stringify(reply, null, 2)}\n`
      : // Holders are told by their configuration's id.
        withNames(linkView(guid, reply), await client.configurations()),
  );
}

function linkView(guid: string, reply: LinkReply): string {
  const { link, unlinked, lastOutcome } = reply;
  const facts: [string, string | null][] = [
    ["object", guid.toLowerCase()],
    ["class", reply.objectClass],
    ["name", reply.dn],
    ["state", `${reply.state}. ${reply.scope}`],
    ["target object", link?.targetId ?? "none"],
    ["since", link ? link.origin : null],
    ["deleted", link?.deletedAt ? moment(link.deletedAt) : null],
    ["in doubt", link && link.inDoubt.length > 0 ? link.inDoubt.join(", ") : null],
    ["handed over to", reply.handedOverTo],
    ["unlinked", unlinked ? `by ${unlinked.by}, ${moment(unlinked.at)}` : null],
    [
      "last outcome",
      lastOutcome ? [lastOutcome.outcome, lastOutcome.code, lastOutcome.message].filter(Boolean).join(": ") : null,
    ],
  ];
  const values = reply.values.map((own): [string, string] => [
    own.kind,
    own.heldBy === null ? `${own.value} (in nobody's name)` : `${own.value} (held by ${own.heldBy})`,
  ]);
  const known = facts.flatMap(([name, value]): [string, string][] => (value === null ? [] : [[name, value]]));
  return listOf([...known, ...values]);
}
