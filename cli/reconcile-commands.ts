/** `uplink reconcile run|list|show`: what of the target is not as it was exported, and what becomes of it. */
import { type Command, Option } from "commander";
import { AgentError } from "../agent/agent-error.ts";
import { rest } from "../agent/rest.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import {
  RECONCILE_POLICIES,
  type ReconcileFindingReply,
  type ReconcileReply,
} from "../shared/contracts/admin/reconciles.ts";
import type { AdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { findConfiguration } from "./find-configuration.ts";
import { createProgressLine } from "./progress-line.ts";
import { listOf, moment, tableOf } from "./table.ts";
import type { CommandContext, Terminal } from "./terminal.ts";

const FAILED = 1;
const POLL_MS = 1_000;
/** Findings that a screen shows; `--json` and `--csv` have all. */
const SHOWN = 20;
const HEAD = ["kind", "type", "object", "target", "property", "expected", "actual", "member", "done", "note"];

const RUN_HELP = `
Policies: 'report' changes nothing; 'repair' has the target get again what the source says, removals through the guard;
'adopt' leaves the target as it is, until the source says something else. What is nobody's is never touched.
What differs is looked at twice, some minutes apart. Exit codes with --wait: 0 done, ${FAILED} it failed.
Examples:
  uplink reconcile run corp.example --wait
  uplink reconcile run corp.example --policy repair --wait
  uplink reconcile show 20260105080000-1a2b3c4d --csv > drift.csv`;

interface Shown {
  readonly json?: boolean;
  readonly csv?: boolean;
}

interface RunOptions extends Shown {
  readonly policy: ReconcileReply["policy"];
  readonly wait?: boolean;
}

export function registerReconcileCommands(program: Command, context: CommandContext): void {
  const reconcile = program
    .command("reconcile")
    .description("What of the target is not as it was exported.")
    .addHelpText("after", ADMIN_HELP);
  const command = (usage: string, description: string) =>
    reconcile
      .command(usage)
      .description(description)
      .option("--json", "as JSON")
      .option("--csv", "as comma-separated values");
  command("run <job>", "Reads the target and compares it with what was exported.")
    .addOption(
      new Option("--policy <policy>", "what becomes of what differs").choices(RECONCILE_POLICIES).default("report"),
    )
    .option("--wait", "until it is over, and show what it found")
    .addHelpText("after", RUN_HELP)
    .addHelpText("after", ADMIN_HELP)
    .action((job: string, options: RunOptions) => run(job, options, context));
  command("list [job]", "Reconciles of a job, or of all: when, by whom, how far, what they found.")
    .addHelpText("after", ADMIN_HELP)
    .action((job: string | undefined, options: Shown) => list(job, options, context));
  command("show <id>", "One of them, by its id, or the newest of a job by the job's name, with what it found.")
    .addHelpText("after", ADMIN_HELP)
    .action((id: string, options: Shown) => show(id, options, context));
}

async function run(name: string, options: RunOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const { admin: client } = await connect(terminal);
  const { jobId, displayName } = await findConfiguration(client, name);
  let reply = await client.reconcile(jobId, options.policy);
  if (!options.wait) {
    if (options.json) terminal.out.write(`${JSON.stringify(reply, null, 2)}\n`);
    else terminal.out.write(`${displayName}: reconcile ${reply.id} has begun ('uplink reconcile show ${reply.id}').\n`);
    return;
  }
  const line = createProgressLine(terminal);
  while (reply.state !== "done" && reply.state !== "failed" && !terminal.stop.aborted) {
    line.show(progressOf(reply), 0);
    await rest(POLL_MS, terminal.stop);
    reply = await client.reconcileOf(jobId, reply.id);
  }
  line.clear();
  await print(terminal, client, displayName, reply, options);
  if (reply.state !== "done") context.setExit(FAILED);
}

function progressOf({ state, counts }: ReconcileReply): string {
  const read = `${counts.users} users, ${counts.groups} groups, ${counts.members} members`;
  return state === "confirming" ? `${read}; what differs is looked at again` : `${read} read`;
}

async function list(name: string | undefined, options: Shown, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const configurations = name === undefined ? await client.configurations() : [await findConfiguration(client, name)];
  const all = (await Promise.all(configurations.map((own) => ofJob(client, own)))).flat();
  if (options.json) terminal.out.write(`${JSON.stringify(all, null, 2)}\n`);
  else if (options.csv) terminal.out.write(csvOf(listRows(all, (at) => at)));
  else terminal.out.write(all.length === 0 ? "Nothing was reconciled yet.\n" : tableOf(listRows(all, moment)));
}

async function ofJob(client: AdminClient, { jobId, displayName }: ConfigurationReply) {
  return (await client.reconciles(jobId)).map((own) => ({ job: displayName, ...own }));
}

async function show(id: string, options: Shown, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const configurations = await client.configurations();
  const all = (await Promise.all(configurations.map((own) => ofJob(client, own)))).flat();
  const named = all.find((own) => own.id === id);
  if (named) return print(terminal, client, named.job, named, options);
  const { jobId, displayName } = await findConfiguration(client, id);
  const [newest] = await client.reconciles(jobId);
  if (!newest)
    throw new AgentError(
      "not-found",
      `${displayName} was never reconciled.`,
      "'uplink reconcile run' does it; nothing is changed without a policy.",
    );
  return print(terminal, client, displayName, newest, options);
}

async function print(
  { out }: Terminal,
  client: AdminClient,
  job: string,
  reply: ReconcileReply,
  options: Shown,
): Promise<void> {
  const findings: ReconcileFindingReply[] = [];
  const most = options.json || options.csv ? Number.POSITIVE_INFINITY : SHOWN;
  for await (const page of client.findings(reply.jobId, reply.id)) {
    findings.push(...page);
    if (findings.length >= most) break;
  }
  if (options.json) out.write(`${JSON.stringify({ job, ...reply, findings }, null, 2)}\n`);
  else if (options.csv) out.write(csvOf([HEAD, ...findings.map(findingRow)]));
  else out.write(textOf(job, reply, findings.slice(0, SHOWN)));
}

function textOf(job: string, reply: ReconcileReply, findings: readonly ReconcileFindingReply[]): string {
  const { counts } = reply;
  const members = counts.missingMembers + counts.foreignMembers;
  const found = counts.attributes + counts.missing + counts.foreign + members + counts.unreadable;
  const head = listOf([
    ["job", job],
    ["reconcile", `${reply.id} (${reply.policy}, by ${reply.by})`],
    ["state", reply.message === null ? reply.state : `${reply.state}: ${reply.message}`],
    ["asked", moment(reply.askedAt)],
    ["ended", reply.endedAt === null ? null : moment(reply.endedAt)],
    ["read", `${counts.users} users, ${counts.groups} groups, ${counts.members} members; ${counts.linked} of ours`],
    ["changed", counts.changed > 0 ? `${counts.attributes} values of ${counts.changed} objects` : null],
    ["missing", some(counts.missing, "objects")],
    ["foreign", some(counts.foreign, "objects of nobody")],
    ["members", membersOf(counts)],
    ["unreadable", some(counts.unreadable, "objects, refused by the target")],
    ["repaired", some(counts.repaired)],
    ["adopted", some(counts.adopted)],
    ["left", some(counts.left)],
    ["unsettled", some(counts.unsettled)],
    ["found", reply.state === "done" && found === 0 ? "nothing" : null],
  ]);
  const more = found - findings.length;
  const rest = more > 0 && findings.length === SHOWN ? `and ${more} more (--csv or --json shows what is listed)\n` : "";
  return findings.length === 0 ? head : `${head}\n${tableOf([HEAD, ...findings.map(findingRow)])}${rest}`;
}

function some(count: number, what?: string): string | null {
  return count === 0 ? null : what === undefined ? String(count) : `${count} ${what}`;
}

function membersOf({ missingMembers, foreignMembers }: ReconcileReply["counts"]): string | null {
  if (missingMembers + foreignMembers === 0) return null;
  return `${missingMembers} missing, ${foreignMembers} foreign`;
}

function findingRow(own: ReconcileFindingReply): string[] {
  return [
    own.kind,
    own.type,
    own.objectGuid ?? "",
    own.targetId,
    own.property ?? "",
    shown(own.expected),
    shown(own.actual),
    own.memberGuid ?? "",
    own.done,
    own.note ?? "",
  ];
}

function shown(value: ReconcileFindingReply["expected"]): string {
  if (value === null) return "";
  return typeof value === "object" ? value.join("; ") : String(value);
}

function listRows(
  all: readonly (ReconcileReply & { readonly job: string })[],
  time: (at: string) => string,
): string[][] {
  const rows = all.map(({ job, id, policy, state, by, askedAt, counts }) => [
    job,
    id,
    policy,
    state,
    String(counts.attributes),
    String(counts.missing),
    String(counts.foreign),
    String(counts.missingMembers + counts.foreignMembers),
    String(counts.repaired + counts.adopted),
    String(counts.left),
    time(askedAt),
    by,
  ]);
  const counts = ["changed", "missing", "foreign", "members", "mended", "left"];
  return [["job", "id", "policy", "state", ...counts, "asked", "by"], ...rows];
}
