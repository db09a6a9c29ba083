/** `uplink staged list|approve|drop`: what the guard held back, and an admin's decision on exactly that. */
import { Argument, type Command } from "commander";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import type { StagedObjectReply, StagedSetReply } from "../shared/contracts/admin/staged.ts";
import type { AdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { findConfiguration } from "./find-configuration.ts";
import { listOf, moment, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

const CLASSES: readonly StagedSetReply["class"][] = ["deletes", "disables", "blanks", "names", "memberships"];

interface Shown {
  readonly json?: boolean;
}

interface Listed extends Shown {
  readonly csv?: boolean;
  readonly members?: boolean;
}

interface StagedSet extends StagedSetReply {
  readonly job: string;
  /** With names, and each membership, where all were asked for. */
  readonly objects?: readonly StagedObjectReply[];
}

export function registerStagedCommands(program: Command, context: CommandContext): void {
  const staged = program
    .command("staged")
    .description("Removals that the guard held back.")
    .addHelpText("after", ADMIN_HELP);
  const command = (usage: string, description: string) =>
    staged.command(usage).description(description).option("--json", "as JSON").addHelpText("after", ADMIN_HELP);
  command("list [job]", "Sets by job, class and cycle: how many, why, and the digest that a decision names.")
    .option("--members", "all objects with their names, not some of them; of memberships each")
    .option("--csv", "as comma-separated values; with --members a line for each object or membership")
    .action((job: string | undefined, options: Listed) => list(job, options, context));
  const actions = [
    ["approve", "Carry out exactly that set; who is back meanwhile stays."],
    ["drop", "Forget exactly that set, until a read brings evidence anew."],
  ] as const;
  for (const [action, description] of actions)
    command(`${action} <job>`, description)
      .addArgument(new Argument("<class>", "what would be removed").choices(CLASSES))
      .requiredOption("--digest <digest>", "of the set, as 'uplink staged list' shows it")
      .action((job: string, of: StagedSetReply["class"], options: Shown & { digest: string }) =>
        decide(action, job, of, options, context),
      );
}

async function list(name: string | undefined, options: Listed, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const configurations = name === undefined ? await client.configurations() : [await findConfiguration(client, name)];
  const members = options.members ?? false;
  const setsOf = async ({ jobId, displayName }: ConfigurationReply): Promise<StagedSet[]> => {
    const sets: StagedSet[] = [];
    for (const own of await client.staged(jobId, { members })) {
      const objects = members ? { objects: await objectsOf(client, jobId, own) } : {};
      sets.push({ job: displayName, ...own, ...objects });
    }
    return sets;
  };
  const sets = (await Promise.all(configurations.map(setsOf))).flat();
  if (options.json) terminal.out.write(`${JSON.stringify(sets, null, 2)}\n`);
  else if (options.csv) terminal.out.write(csvOf(options.members ? memberRows(sets) : setRows(sets)));
  else terminal.out.write(sets.length === 0 ? "Nothing is staged.\n" : sets.map(viewOf).join("\n"));
}

async function objectsOf(client: AdminClient, jobId: string, set: StagedSetReply): Promise<StagedObjectReply[]> {
  const objects: StagedObjectReply[] = [];
  for await (const page of client.stagedObjects(jobId, set)) objects.push(...page);
  return objects;
}

async function decide(
  action: "approve" | "drop",
  name: string,
  of: StagedSetReply["class"],
  options: Shown & { readonly digest: string },
  { terminal }: CommandContext,
): Promise<void> {
  const { admin: client } = await connect(terminal);
  const { jobId, displayName } = await findConfiguration(client, name);
  const reply = await client.decideStaged(jobId, of, action, options.digest);
  if (options.json) {
    terminal.out.write(`${JSON.stringify(reply, null, 2)}\n`);
    return;
  }
  const what =
    reply.decision === "approved"
      ? "are carried out now, for those whose evidence still stands; 'uplink logs' tells of each"
      : "are forgotten, until a read brings evidence anew";
  terminal.out.write(`${displayName}: ${reply.objects} ${reply.class} ${what}.\n`);
}

function viewOf(set: StagedSet): string {
  const more = set.objects ? 0 : set.count - set.sample.length;
  const head = listOf([
    ["job", set.job],
    ["class", set.isApproved ? `${set.class}, approved and being carried out` : set.class],
    ["failed", failureOf(set)],
    ["cycle", set.cycleId],
    ["count", set.class === "memberships" ? `${set.memberships ?? 0} of ${set.count} groups` : String(set.count)],
    ["why", set.reason],
    ["since", moment(set.since)],
    ["digest", set.digest],
    ...(set.objects ? [] : set.sample).map((guid, index): [string, string] => [index === 0 ? "objects" : " ", guid]),
    [" ", more > 0 ? `and ${more} more (--members shows them all, with names)` : null],
  ]);
  return set.objects ? `${head}\n${objectTable(set, set.objects)}` : head;
}

function failureOf({ lastFailure }: StagedSet): string | null {
  if (!lastFailure) return null;
  const { approvedBy, at, code } = lastFailure;
  return `${approvedBy} approved it, and it was not carried out (${code}, ${moment(at)}): approve it again once the cause is mended`;
}

/** Only the columns that a set of its class has something for. */
function objectTable({ class: of }: StagedSet, objects: readonly StagedObjectReply[]): string {
  if (of === "memberships")
    return tableOf([
      ["group", "name", "member", "name", "dn"],
      ...objects.map((own) => [
        own.objectGuid,
        own.displayName ?? "",
        own.member?.objectGuid ?? "(not known)",
        own.member?.displayName ?? "",
        own.member?.dn ?? "",
      ]),
    ]);
  const becomes = of === "names" ? ["becomes"] : [];
  return tableOf([
    ["object", "name", ...becomes, "dn"],
    ...objects.map((own) => [
      own.objectGuid,
      own.displayName ?? "",
      ...becomes.map(() => wordsOf(own.becomes)),
      own.dn ?? "",
    ]),
  ]);
}

function wordsOf(values: StagedObjectReply["becomes"]): string {
  return Object.entries(values ?? {})
    .map(([property, value]) => `${property} ${value ?? "empty"}`)
    .join(", ");
}

function setRows(sets: readonly StagedSet[]): string[][] {
  const rows = sets.map((set) => [
    set.job,
    set.class,
    set.cycleId,
    String(set.count),
    set.reason,
    set.digest,
    set.since,
    String(set.isApproved),
    set.lastFailure?.code ?? "",
    set.lastFailure?.at ?? "",
    set.lastFailure?.approvedBy ?? "",
  ]);
  const failed = ["failed", "failedAt", "failedBy"];
  return [["job", "class", "cycle", "count", "reason", "digest", "since", "approved", ...failed], ...rows];
}

function memberRows(sets: readonly StagedSet[]): string[][] {
  const rows = sets.flatMap((set) =>
    (set.objects ?? []).map(({ objectGuid, displayName, dn, member, becomes }) => [
      ...[set.job, set.class, set.cycleId, set.digest, objectGuid, displayName ?? "", dn ?? ""],
      ...[member?.objectGuid ?? "", member?.displayName ?? "", member?.dn ?? "", wordsOf(becomes)],
    ]),
  );
  const head = ["job", "class", "cycle", "digest", "object", "displayName", "dn"];
  return [[...head, "member", "memberDisplayName", "memberDn", "becomes"], ...rows];
}
