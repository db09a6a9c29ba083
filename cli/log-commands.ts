/** `uplink logs`: the provisioning log, newest first, or as it grows (`follow-log.ts`). */
import { type Command, InvalidArgumentError } from "commander";
import { AgentError } from "../agent/agent-error.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import { listProvisioningLog, type ProvisioningLogReply, shownAction } from "../shared/contracts/provisioning-log.ts";
import type { AdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { withNames } from "./admin-views.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { findConfiguration } from "./find-configuration.ts";
import { followLog, type LogRange, newestFirst, type UnderWay } from "./follow-log.ts";
import { guidArgument } from "./guid-argument.ts";
import { moment, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

interface LogOptions {
  readonly job?: string;
  readonly object?: string;
  readonly failed?: boolean;
  readonly since?: string;
  readonly filter?: string;
  readonly top: number;
  readonly follow?: boolean;
  readonly window: number;
  readonly json?: boolean;
  readonly csv?: boolean;
}

const LOG_HELP = `
--filter takes OData as Microsoft Graph does: jobId eq '…', sourceIdentity/id eq '…', provisioningStatusInfo/status eq 'failure',
activityDateTime ge 2026-01-05T08:00:00Z (gt, le, lt, eq), joined by 'and'. The service refuses what it has no index for.
--follow shows the newest entries and then what is added, oldest first, until Ctrl+C; with --json a line for each entry.
An entry stands at the time at which its change was accepted. It is seen if it is written up to --window minutes behind the newest, and
however late while its job has such a change under way.
${ADMIN_HELP}`;

const PAGE = 1_000;
const EVERY_MS = 5_000;
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

export function registerLogCommands(program: Command, context: CommandContext): void {
  program
    .command("logs")
    .description("The provisioning log, newest first.")
    .option("--job <name>", "of one job")
    .option("--object <guid>", "of one source object, by its objectGUID", guidArgument)
    .option("--failed", "failures only")
    .option("--since <when>", "from a moment on: 30m, 2h, 3d, or 2026-01-05T08:00:00Z", since)
    .option("--filter <odata>", "as the API takes it")
    .option("--top <n>", "how many entries", whole, 20)
    .option("--follow", "go on with what is added")
    .option("--window <minutes>", "with --follow: how late an entry may come", whole, 15)
    .option("--json", "as JSON")
    .option("--csv", "as comma-separated values, a line for each entry")
    .addHelpText("after", LOG_HELP)
    .action((options: LogOptions) => logs(options, context));
}

async function logs(options: LogOptions, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const all = await client.configurations();
  const scopes = await scopesOf(client, all, options);
  const read = async (range: LogRange, top?: number) => {
    const lists = await Promise.all(termsOf(scopes, range).map((terms) => readTerms(client, terms, top)));
    // Each list is sorted.
    return (lists.length > 1 ? newestFirst(lists.flat()) : lists.flat()).slice(0, top);
  };
  const show = { options, all, out: terminal.out };
  if (!options.follow) return write(await read({}, options.top), show);
  if (options.csv) terminal.out.write(csvOf([CSV_HEAD]));
  await followLog(
    {
      read,
      underWay: () => underWay(client, options.job),
      show: (entries) => writeLines(entries, show),
      complain: (message) => terminal.err.write(`${message}\n`),
      wait: (ms) => waitUnless(terminal.stop, ms),
      now: () => performance.now(),
      stop: terminal.stop,
    },
    { top: options.top, windowMs: options.window * 60_000, everyMs: EVERY_MS },
  );
}

/** A question of its own: an object without a job may be any job's, and the service wants to know which. */
interface Scope {
  readonly terms: readonly string[];
  /** Absent: of whatever job the terms name, or of all. */
  readonly jobId?: string;
  /** The terms name a job that nobody here knows of. */
  readonly isBound?: boolean;
}

async function scopesOf(
  client: AdminClient,
  all: readonly ConfigurationReply[],
  { job, object, failed, since: from, filter }: LogOptions,
): Promise<Scope[]> {
  const terms = [
    ...(object === undefined ? [] : [`sourceIdentity/id eq ${quoted(object)}`]),
    ...(failed ? ["provisioningStatusInfo/status eq 'failure'"] : []),
    ...(from === undefined ? [] : [`activityDateTime ge ${from}`]),
    ...(filter === undefined ? [] : [`(${filter})`]),
  ];
  const ofJob = ({ jobId }: ConfigurationReply) => ({ jobId, terms: [isOfJob(jobId), ...terms] });
  if (job !== undefined) return [ofJob(await findConfiguration(client, job))];
  const isBound = filter?.includes("jobId") ?? false;
  return object === undefined || isBound ? [{ terms, isBound }] : all.map(ofJob);
}

/** What is asked for a part of the log. */
function termsOf(scopes: readonly Scope[], { jobId, since: from, before }: LogRange): string[][] {
  const own = scopes.filter((scope) => jobId === undefined || scope.jobId === undefined || scope.jobId === jobId);
  return own.map(({ terms, jobId: named, isBound }) => [
    ...(jobId === undefined || named !== undefined || isBound ? [] : [isOfJob(jobId)]),
    ...terms,
    ...(from === undefined ? [] : [`activityDateTime ge ${from}`]),
    ...(before === undefined ? [] : [`activityDateTime lt ${before}`]),
  ]);
}

/** Of the jobs that are asked for; also of those that were made since it began. */
async function underWay(client: AdminClient, job: string | undefined): Promise<UnderWay> {
  const jobs = job === undefined ? await client.configurations() : [await findConfiguration(client, job)];
  const since = await Promise.all(
    jobs.filter(({ jobId }) => jobId !== "").map(async ({ jobId }) => [jobId, await oldestOf(client, jobId)] as const),
  );
  return new Map(since.flatMap(([jobId, at]) => (at === undefined ? [] : [[jobId, at]])));
}

async function oldestOf(client: AdminClient, jobId: string): Promise<string | undefined> {
  try {
    return (await client.status(jobId)).waiting.oldestAt;
  } catch (error) {
    // It was deleted meanwhile: nothing is written for it any more.
    if (error instanceof AgentError && error.code === "not-found") return undefined;
    throw error;
  }
}

async function readTerms(
  client: AdminClient,
  terms: readonly string[],
  top: number | undefined,
): Promise<ProvisioningLogReply[]> {
  const query = {
    $top: Math.min(PAGE, top ?? PAGE),
    ...(terms.length === 0 ? {} : { $filter: terms.join(" and ") }),
  };
  const entries: ProvisioningLogReply[] = [];
  for await (const page of client.pages(listProvisioningLog, { query })) {
    entries.push(...page.value);
    if (top !== undefined && entries.length >= top) break;
  }
  return entries.slice(0, top);
}

function isOfJob(jobId: string): string {
  return `jobId eq ${quoted(jobId)}`;
}

interface Showing {
  readonly options: LogOptions;
  readonly all: readonly ConfigurationReply[];
  readonly out: { write(text: string): unknown };
}

function write(entries: readonly ProvisioningLogReply[], { options, all, out }: Showing): void {
  if (options.json) out.write(`${JSON.stringify(entries, null, 2)}\n`);
  else if (options.csv) out.write(csvOf([CSV_HEAD, ...entries.map(csvRow)]));
  else if (entries.length === 0) out.write("The log has no entry for that.\n");
  else {
    const rows = entries.map((entry) => tableRow(entry, all));
    out.write(tableOf([["time", "action", "status", "object", "what"], ...rows]));
  }
}

function writeLines(entries: readonly ProvisioningLogReply[], { options, all, out }: Showing): void {
  if (options.json) for (const entry of entries) out.write(`${JSON.stringify(entry)}\n`);
  else if (options.csv) out.write(csvOf(entries.map(csvRow)));
  else out.write(tableOf(entries.map((entry) => tableRow(entry, all))));
}

function tableRow(entry: ProvisioningLogReply, all: readonly ConfigurationReply[]): string[] {
  const { status: outcome, errorInformation } = entry.provisioningStatusInfo;
  const changes = entry.modifiedProperties.map((one) => `${one.displayName}=${one.newValue ?? "(none)"}`).join(", ");
  const last = entry.provisioningSteps.at(-1)?.description ?? "";
  const error = errorInformation ? `${errorInformation.errorCode}: ${errorInformation.reason}` : undefined;
  const what = withNames(error ?? (changes || last), all);
  return [moment(entry.activityDateTime), shownAction(entry), outcome, entry.sourceIdentity.displayName, what];
}

const CSV_HEAD = [
  ...["time", "job", "cycle", "change", "action", "status", "object", "dn", "target"],
  ...["code", "reason", "remedy", "properties"],
];

function csvRow(entry: ProvisioningLogReply): string[] {
  const { status: outcome, errorInformation } = entry.provisioningStatusInfo;
  return [
    ...[entry.activityDateTime, entry.jobId, entry.cycleId, entry.changeId, shownAction(entry), outcome],
    ...[entry.sourceIdentity.id, entry.sourceIdentity.displayName, entry.targetIdentity.id ?? ""],
    ...[errorInformation?.errorCode ?? "", errorInformation?.reason ?? "", errorInformation?.recommendedAction ?? ""],
    // One cell, of old and new values: how many there are differs from line to line.
    entry.modifiedProperties.length === 0 ? "" : JSON.stringify(entry.modifiedProperties),
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Resolves early when it is stopped. */
function waitUnless(stop: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      stop.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stop.addEventListener("abort", done);
  });
}

/** A moment, as the API wants it. */
function since(text: string): string {
  const [, amount, unit = ""] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const ms = UNITS[unit];
  const at = amount !== undefined && ms !== undefined ? Date.now() - Number(amount) * ms : Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError("must be 30m, 2h, 3d, or a moment as 2026-01-05T08:00:00Z.");
  return new Date(at).toISOString();
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0) throw new InvalidArgumentError("must be a whole number above 0.");
  return value;
}
