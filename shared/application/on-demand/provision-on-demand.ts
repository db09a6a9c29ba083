/**
 * One object of the directory, provisioned because an admin asks for it: given to the agent as a command, waited for, told.
 *
 * Whoever waits keeps nothing in memory: command, answer and result are rows and files, so the agent may speak with another
 * instance, and the lane may run on a third. After `COMMAND_MS` the wait is over, and the answer says how far it has come: what
 * no agent has answered by then never happens; what was handed to the lane goes on; a dry run is left alone, and writes nothing.
 */
import { randomBytes } from "node:crypto";
import {
  ON_DEMAND_REQUESTS,
  ON_DEMAND_WINDOW_MS,
  type OnDemandKey,
  type OnDemandObject,
  type ProvisionOnDemandReply,
  type ProvisionOnDemandRequest,
} from "../../contracts/admin/provision-on-demand.ts";
import type { ReadAnswer } from "../../contracts/agent-commands.ts";
import { isHeld } from "../../domain/quarantine.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { readFile } from "../lanes/chunk-files.ts";
import type { AskedWork } from "../lanes/plan-chunks.ts";
import { readSchema } from "../schemas/schema-store.ts";
import { LEASE_ROW, type LeaseRow } from "../state/agent-rows.ts";
import {
  COMMAND_FILES,
  COMMAND_MS,
  type CommandEntry,
  type Commands,
  type CommandsRow,
  type CommandVersion,
  commandIdOf,
} from "../state/command-rows.ts";
import { type JobRow, jobTable, mappedVersionOf, type ReadsRow, ROW, readRow } from "../state/job-rows.ts";
import { targetFailure } from "../target-failure.ts";
import { askedOf } from "./agent-commands.ts";
import { type AskedResult, subjectFirst } from "./asked-work.ts";
import { objectNameOf } from "./object-name.ts";
import { changedMeanwhile, jobNotFound, malformed, timeOut, tooMany } from "./on-demand-refusals.ts";
import { answerReply, objectReply } from "./told-object.ts";
import type { TryAsked } from "./try-asked.ts";
import type { TriedMembers } from "./try-members.ts";

export type ProvisionOnDemand = (
  ids: { readonly configurationId: string; readonly jobId: string },
  request: ProvisionOnDemandRequest,
  by: string,
) => Promise<Result<ProvisionOnDemandReply>>;

const LOOK_MS = 500;
/** The subject and its members have a position each; those of batches end before. */
const POSITIONS = 6;
const FIRST_POSITION = 1_000;
const LAST_POSITION = 9_999 - POSITIONS;

export function createProvisionOnDemand(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly commands: Commands;
  readonly clock: Clock;
  readonly log: Log;
  readonly tryAsked: TryAsked;
  readonly leaseMs: number;
  readonly pause: (milliseconds: number) => Promise<void>;
  /** What the work comes to, or undefined after so long: then it goes on, and nobody hears of it. */
  readonly inTime: <T>(work: Promise<T>, milliseconds: number) => Promise<T | undefined>;
}): ProvisionOnDemand {
  const jobs = jobTable(deps.rows);

  return async ({ configurationId, jobId }, request, by) => {
    const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
    if (!job || job.configurationId !== configurationId) return fail(jobNotFound(jobId));
    const [parameter] = request.parameters;
    const [subject] = parameter?.subjects ?? [];
    if (!subject) return fail(malformed("", "is missing"));
    const named = [subject, ...(subject.links?.members ?? [])];
    const names = named.map(({ objectId }) => objectNameOf(objectId));
    const wrong = names.indexOf(undefined);
    if (wrong >= 0) return fail(malformed(named[wrong]?.objectId ?? "", "is none of the three"));
    const refusal = (await ruleFault(job, parameter?.ruleId)) ?? (await stateFault(job, request.dryRun));
    if (refusal) return fail(refusal);
    const [first, ...members] = names.flatMap((name) => name ?? []);
    if (!first) return fail(malformed("", "is missing"));
    const types = named.map(({ objectTypeName }) => objectTypeName ?? null);
    const given = await give(job, { subject: first, members, types, isDryRun: request.dryRun, by });
    if (!given.ok) return given;
    const settled = await wait(jobId, given.value);
    try {
      return await replyOf(job, settled);
    } finally {
      if (settled.state !== "working") await deps.commands.drop(jobId, [settled.id]);
    }
  };

  async function ruleFault(job: JobRow, ruleId: string | undefined): Promise<Failure | undefined> {
    if (ruleId === undefined) return undefined;
    const rules = (await readSchema(deps.blobs, job.jobId, job.schemaVersion))?.synchronizationRules ?? [];
    if (rules.some((rule) => rule.id === ruleId || (rule.id === undefined && rule.name === ruleId))) return undefined;
    return {
      status: 404,
      code: "rule-not-found",
      message: `The schema of job ${job.jobId} has no rule '${ruleId}'.`,
      remedy: "Take the id of a synchronization rule of its schema, or leave ruleId out.",
    };
  }

  async function stateFault(job: JobRow, isDryRun: boolean): Promise<Failure | undefined> {
    const now = deps.clock.now();
    const isStopped = job.state === "paused" || isHeld(job.quarantine, now);
    if (isStopped && !isDryRun)
      return {
        status: 409,
        code: "job-stopped",
        message: `Job ${job.jobId} is ${job.state === "paused" ? "paused" : "in quarantine"}: nothing is exported.`,
        remedy: "Start the job, or make a dry run.",
      };
    if (mappedVersionOf(job) !== job.schemaVersion && !isDryRun)
      return {
        status: 409,
        code: "schema-not-in-effect",
        message: `Version ${job.schemaVersion} of the job's schema comes into effect with the next full read.`,
        remedy: "Wait for that read, or make a dry run, which goes by the new version.",
      };
    const lease = (await readRow<LeaseRow>(jobs, job.jobId, LEASE_ROW))?.value;
    if (lease && lease.agentId !== "" && lease.renewedAt + deps.leaseMs >= now) return undefined;
    return {
      status: 409,
      code: "no-active-agent",
      message: `No agent reads the domain ${job.domainFqdn} at the moment.`,
      remedy: "Start an agent of the domain (uplink agent run), and see uplink status.",
    };
  }

  async function give(
    job: JobRow,
    wish: Pick<CommandEntry, "subject" | "members" | "types" | "isDryRun" | "by">,
  ): Promise<Result<CommandEntry>> {
    const { jobId, schemaVersion, scopeVersion } = job;
    let refused: Failure | undefined;
    const givenAt = deps.clock.now();
    const id = commandIdOf(givenAt, randomBytes(6).toString("hex"));
    await deps.commands.dropExpired(jobId, givenAt);
    const row = await deps.commands.change(jobId, async (row) => {
      refused = undefined;
      const lately = row.given.filter((at) => at > givenAt - ON_DEMAND_WINDOW_MS);
      if (lately.length >= ON_DEMAND_REQUESTS) {
        refused = tooMany(Math.max(1, Math.ceil(((lately[0] ?? givenAt) + ON_DEMAND_WINDOW_MS - givenAt) / 1000)));
        return undefined;
      }
      const reads = (await readRow<ReadsRow>(jobs, jobId, ROW.reads))?.value;
      if (!reads) {
        refused = jobNotFound(jobId);
        return undefined;
      }
      const version = versionAbove(reads, row.last);
      const times = { givenAt, expiresAt: givenAt + COMMAND_MS };
      const entry: CommandEntry = { id, ...wish, ...times, version, schemaVersion, scopeVersion, state: "asked" };
      return { row: { entries: [...row.entries, entry], given: [...lately, givenAt], last: version } };
    });
    if (refused) return fail(refused);
    const entry = entryOf(row, id);
    return entry ? ok(entry) : fail(jobNotFound(jobId));
  }

  /** As it stands when it is over, or when the time is. */
  async function wait(jobId: string, given: CommandEntry): Promise<CommandEntry> {
    let entry = given;
    for (let waited = 0; waited < COMMAND_MS && deps.clock.now() < given.expiresAt; waited += LOOK_MS) {
      const found = entryOf(await deps.commands.read(jobId), given.id);
      if (!found) break;
      entry = found;
      if (entry.state !== "asked" && entry.state !== "working") return entry;
      await deps.pause(LOOK_MS);
    }
    // From here on no agent's answer counts any more.
    const closed = await deps.commands.update(jobId, given.id, (own) =>
      own.state === "asked" ? { ...own, state: "failed", failure: timeOut(own) } : own,
    );
    return closed ?? { ...entry, state: "failed", failure: timeOut(entry) };
  }

  async function replyOf(job: JobRow, entry: CommandEntry): Promise<Result<ProvisionOnDemandReply>> {
    const { jobId } = job;
    if (entry.failure) return fail(entry.failure);
    const agentId = entry.agentId ?? "";
    if (entry.state === "answered") {
      const answer = await readFile<ReadAnswer>(deps.blobs, COMMAND_FILES.answer(jobId, entry.id));
      if (!answer) return fail(timeOut(entry));
      const tried = await tryIt(job, entry, askedOf(entry, agentId, answer));
      return tried.ok
        ? told(job, entry, {
            ...tried.value,
            ...{ told: subjectFirst(tried.value.told, answer), server: answer.dsa.dnsName },
          })
        : tried;
    }
    if (entry.state !== "done") return fail(timeOut(entry));
    const result = await readFile<AskedResult>(deps.blobs, COMMAND_FILES.result(jobId, entry.id));
    return told(job, entry, result ?? { told: [], server: "" });
  }

  /** What is late goes on reading, and its answer is nobody's. */
  async function tryIt(
    job: JobRow,
    entry: CommandEntry,
    asked: AskedWork,
  ): Promise<Result<Awaited<ReturnType<TryAsked>>>> {
    try {
      const tried = await deps.inTime(deps.tryAsked(job, asked), entry.expiresAt - deps.clock.now());
      if (tried) return ok(tried);
    } catch (error) {
      return targetFailure(error);
    }
    return fail(timeOut(entry));
  }

  function told(
    job: JobRow,
    entry: CommandEntry,
    { told: all, server, links, linksAnswer, members }: AskedResult,
  ): Result<ProvisionOnDemandReply> {
    const guids = [...new Set(all.map((own) => own.objectGuid))];
    const more = { isDryRun: entry.isDryRun, agentId: entry.agentId ?? "", server };
    const objects = guids.flatMap(
      (guid) =>
        objectReply(
          all.filter((own) => own.objectGuid === guid),
          job,
          more,
        ) ?? [],
    );
    const [subject] = objects;
    if (!subject) return fail(changedMeanwhile(job.jobId));
    // What went with the group's create counts as what was sent after it.
    const bound = all
      .filter((own) => own.objectGuid === subject.sourceIdentity.id)
      .reduce((sum, own) => sum + (own.boundMembers ?? 0), 0);
    const memberships = members
      ? triedReply(members)
      : links && {
          ...links,
          added: links.added + bound,
          ...(linksAnswer ? { answer: answerReply(linksAnswer) } : {}),
        };
    const value = [memberships ? { ...subject, memberships } : subject, ...objects.slice(1)];
    return ok({ key: JSON.stringify(keyOf(subject)), value: JSON.stringify(value) });
  }
}

function triedReply({ added, removed, pending }: TriedMembers): NonNullable<OnDemandObject["memberships"]> {
  return {
    ...{ added: added.length, removed: removed.length, pending: pending.length },
    ...{ suspended: 0, staged: 0, failed: 0 },
    would: { added: [...added], removed: [...removed], pending: [...pending] },
  };
}

function entryOf(row: CommandsRow | undefined, id: string): CommandEntry | undefined {
  return row?.entries.find((own) => own.id === id);
}

/** Above everything accepted so far, below everything that is accepted from now on, and above what was asked for before. */
export function versionAbove(
  { openReadNo, nextReadNo, nextSequence }: Pick<ReadsRow, "openReadNo" | "nextReadNo" | "nextSequence">,
  last: CommandVersion | undefined,
): CommandVersion {
  const at =
    openReadNo === 0 ? { readNo: nextReadNo, sequence: 0 } : { readNo: openReadNo, sequence: nextSequence - 1 };
  const isSame = last?.readNo === at.readNo && last.sequence === at.sequence;
  return { ...at, position: isSame ? Math.min(last.position + POSITIONS, LAST_POSITION) : FIRST_POSITION };
}

function keyOf({ statusInfo: { status, errorInformation } }: OnDemandObject): OnDemandKey {
  const result = status === "failure" ? "Failure" : status === "skipped" ? "Skipped" : "Success";
  const { errorCode = "", reason = "" } = errorInformation ?? {};
  return { result, details: { errorCode, errorMessage: reason } };
}
