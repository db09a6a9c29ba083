/**
 * What one job needs of somebody, and the command that deals with it; and whether it is in sync: from what the service says to
 * what an admin does next. The most pressing comes first.
 */
import type { AgentReply } from "../shared/contracts/admin/agents.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import type { EscrowReply } from "../shared/contracts/admin/escrows.ts";
import type { FindingCode, FindingReply } from "../shared/contracts/admin/health.ts";
import type { JobStatusReply } from "../shared/contracts/admin/jobs.ts";
import type { StagedSetReply } from "../shared/contracts/admin/staged.ts";
import type { AdminClient } from "./admin-client.ts";
import { moment } from "./table.ts";

export interface JobFacts {
  readonly configuration: ConfigurationReply;
  readonly status: JobStatusReply;
  readonly agents: readonly AgentReply[];
  readonly staged: readonly StagedSetReply[];
  readonly escrows: readonly EscrowReply[];
}

export interface Need {
  readonly job: string;
  readonly what: string;
  readonly command: string;
}

export interface SyncState {
  readonly job: string;
  /** Everything that agents sent has come to its end, and nothing waits for anybody. */
  readonly inSync: boolean;
  /** What is between, in words. */
  readonly state: string;
  /** Up to when the target follows the directory; null: never yet. */
  readonly asOf: string | null;
  /** Seconds since then, while something waits or nobody reads; null: what there was to do is done, and an agent listens. */
  readonly behindSeconds: number | null;
}

export function needsOf(facts: JobFacts): Need[] {
  const { configuration, status, staged, escrows } = facts;
  const job = configuration.displayName;
  const named = quoted(job);
  const { quarantine, trouble, exportsHeld, state } = status;
  const found: (readonly [what: string, command: string])[] = [
    ...(quarantine
      ? [[`stopped (${quarantine.reason}): ${quarantine.error.message}`, `uplink quarantine clear ${named}`] as const]
      : []),
    ...(trouble ? [[`${trouble.code}: ${trouble.message}`, `uplink job scope ${named}`] as const] : []),
    ...agentNeeds(facts, named),
    ...staged
      .filter((set) => !set.isApproved)
      .map((set) => [stagedWords(set), `uplink staged list ${named} --members`] as const),
    ...(exportsHeld ? [heldNeed(exportsHeld, named)] : []),
    ...(escrows.length > 0 ? [[escrowWords(escrows), `uplink escrow list ${named}`] as const] : []),
    ...(state === "paused" ? [["paused: nothing is read or exported", `uplink job start ${named}`] as const] : []),
  ];
  return found.map(([what, command]) => ({ job, what, command }));
}

/** What the service finds beside what jobs say of themselves. */
export interface Found {
  /** Somebody has to do something. */
  readonly needs: readonly Need[];
  /** Good to know: an initial load looks like that, too. */
  readonly notes: readonly Need[];
}

const NEEDS_SOMEBODY: readonly FindingCode[] = ["work-set-aside", "job-behind", "credential-expiring"];
const GOOD_TO_KNOW: readonly FindingCode[] = ["batch-waiting", "quota-used", "backup-missing"];

/** `jobs`: names by job. The rest of the findings is in `needsOf`, closer to its commands. */
export function foundBy(findings: readonly FindingReply[], jobs: ReadonlyMap<string, string>): Found {
  const told = (codes: readonly FindingCode[]) =>
    findings
      .filter(({ code }) => codes.includes(code))
      .map(({ jobId, message }) => {
        const job = jobId === null ? undefined : (jobs.get(jobId) ?? jobId);
        return {
          job: job ?? "all jobs",
          what: message,
          // Its JSON has the remedy, and where more stands.
          command: job === undefined ? "uplink status --json" : `uplink job show ${quoted(job)}`,
        };
      });
  return { needs: told(NEEDS_SOMEBODY), notes: told(GOOD_TO_KNOW) };
}

export const quoted = (job: string) => (/\s/.test(job) ? `'${job}'` : job);

/** `findings`: what the service finds of all jobs. */
export function syncStateOf(facts: JobFacts, now: number, findings: readonly FindingReply[] = []): SyncState {
  const { configuration, status } = facts;
  const { waiting, openRead, committedWatermarkAt: asOf } = status;
  const isReading = readsNow(status);
  const isBehind = isBusy(status);
  const isEmptied = status.emptying !== undefined;
  const isFound = findings.some(({ jobId, code }) => jobId === configuration.jobId && NEEDS_SOMEBODY.includes(code));
  const isCalm = !isBehind && !isEmptied && !isFound;
  const inSync = isCalm && status.steadyStateAt !== null && needsOf(facts).length === 0;
  const parts = [
    ...(isReading ? [`reading (${openRead?.kind}, ${openRead?.objects} objects so far)`] : []),
    ...(waiting.changes > 0 ? [`${waiting.processed} of ${waiting.changes} changes processed`] : []),
    ...(waiting.work + waiting.readsEnding > 0 ? [`${waiting.work + waiting.readsEnding} other pieces of work`] : []),
    ...(isEmptied ? ["being deleted, with its objects"] : []),
    ...(status.fullReadWanted === null ? [] : [`a full read is wanted (${status.fullReadWanted})`]),
  ];
  const idle = status.steadyStateAt === null ? "never read in full yet" : inSync ? "in sync" : "waits for somebody";
  return {
    job: configuration.displayName,
    inSync,
    state: parts.length > 0 ? parts.join("; ") : idle,
    asOf,
    behindSeconds:
      (isBehind || isFound || isStopped(facts)) && asOf !== null
        ? Math.max(0, Math.round((now - Date.parse(asOf)) / 1000))
        : null,
  };
}

/** It has something to do, or is asked to. A delta that has brought nothing yet only listens. */
export function isBusy(status: JobStatusReply): boolean {
  const { waiting, fullReadWanted } = status;
  return waiting.batches + waiting.readsEnding + waiting.work > 0 || fullReadWanted !== null || readsNow(status);
}

/** Nothing waits only because nobody brings anything, or nothing is done with it: what the directory holds since isn't known. */
function isStopped({ status, agents }: JobFacts): boolean {
  return status.state === "paused" || status.quarantine !== null || agents.every((own) => own.status !== "active");
}

function readsNow({ openRead }: JobStatusReply): boolean {
  return openRead !== null && (openRead.kind === "full" || openRead.objects > 0);
}

/** Throws `AgentError`: what the service refuses, or that it can't be reached. */
export async function factsOfJob(client: AdminClient, configuration: ConfigurationReply): Promise<JobFacts> {
  const { id, jobId } = configuration;
  const [status, agents] = await Promise.all([client.status(jobId), client.agents(id)]);
  // What is nowhere needn't be asked for.
  const staged = status.staged > 0 ? await client.staged(jobId, { members: false }) : [];
  const escrows = status.escrowed > 0 ? await client.escrows(jobId) : [];
  return { configuration, status, agents, staged, escrows };
}

function agentNeeds({ agents, configuration }: JobFacts, job: string): (readonly [string, string])[] {
  const living = agents.filter((agent) => agent.status !== "revoked");
  const needs = living.flatMap(({ agentId, name, status, lastSeenAt, isCloned }): [string, string][] => {
    const called = `agent ${name} (${agentId.slice(0, 8)})`;
    if (status === "pending") return [[`${called} waits to be let in`, `uplink agent approve ${agentId}`]];
    if (isCloned) return [[`${called} is cloned: two processes used its key`, `uplink agent unlock ${agentId}`]];
    if (status !== "inactive") return [];
    return [[`${called} is silent since ${moment(lastSeenAt)}`, "uplink agent check   (on its machine)"]];
  });
  const none = `no agent reads ${configuration.domainFqdn}`;
  return living.length === 0 ? [[none, `uplink agent token ${job}`]] : needs;
}

function stagedWords({ class: of, count, memberships, reason }: StagedSetReply): string {
  const what = of === "memberships" ? `${memberships ?? 0} memberships of ${count} groups` : `${count} ${of}`;
  return `${what} held back: ${reason}`;
}

function heldNeed({ because }: NonNullable<JobStatusReply["exportsHeld"]>, job: string): readonly [string, string] {
  if (because === "links-rebuilt")
    return [
      "rows were put back from a backup: nothing is exported before the next full read ends",
      `uplink job show ${job}`,
    ];
  return because === "staging"
    ? ["mode staging: nothing is exported", `uplink job mode ${job} normal`]
    : ["the first export waits for an approval", `uplink whatif run ${job} --wait`];
}

function escrowWords(escrows: readonly EscrowReply[]): string {
  const codes = new Map<string, number>();
  for (const { code } of escrows) codes.set(code, (codes.get(code) ?? 0) + 1);
  const listed = [...codes].sort(([, one], [, other]) => other - one).map(([code, count]) => `${count} × ${code}`);
  return `${escrows.length} ${escrows.length === 1 ? "object waits" : "objects wait"}: ${listed.slice(0, 3).join(", ")}${listed.length > 3 ? ", …" : ""}`;
}
