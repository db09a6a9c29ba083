/**
 * A job deleted by hand, and made anew from a template. Deleted, it lets go of every link: target objects stay as they are, and whoever
 * wants them next finds them by matching. Nothing is written to the target by it.
 *
 * With its objects deleted, it is emptied first (`empty-job.ts`), by a set that an admin approves; what follows is the same then.
 *
 * The request pauses the job and marks its row; from then on nobody can start or change it. The rest is the tick's, in pieces that
 * can be repeated: once both lanes rest, objects give up their values in the index and their rows go; then payloads, what waited,
 * and the job's own rows, its `job` row last, after the configuration has noted what its next job needs. Memberships that were
 * exported stay known: the next job's reads have higher numbers, so its lists count.
 */
import { JOB_TEMPLATE } from "../../contracts/configuration.ts";
import { type Claim, underWayFor } from "../../domain/object-record.ts";
import { SHARDS } from "../../domain/shard.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock, Random } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import type { ProofVerifier } from "../agents/verify-proof.ts";
import { fail, ok, type Result } from "../failure.ts";
import { createLoggedJobs } from "../log/logged-jobs.ts";
import { heldClaims } from "../matching/object-claims.ts";
import { type AgentRow, agentTable } from "../state/agent-rows.ts";
import { type ClaimIndex, ownerOf } from "../state/claim-index.ts";
import {
  type JobRow,
  jobTable,
  LANES,
  listRows,
  pack,
  type ReadsRow,
  ROW,
  type RunnerRow,
  readRow,
  type Stored,
} from "../state/job-rows.ts";
import type { ObjectStore, StoredObject } from "../state/object-store.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import {
  CATALOGUE,
  type ConfigurationEntry,
  type FormerJob,
  jobOperations,
  noSuchConfiguration,
  noSuchJob,
} from "./configurations.ts";
import type { EmptyJob } from "./empty-job.ts";
import { noSuchTemplate } from "./synchronization-words.ts";

export interface JobDeletion {
  /** `objects`: what becomes of those that are linked. Failures: 404, 409 (without an answer; can't be listed for deletion now). */
  remove(
    of: { readonly configurationId: string; readonly jobId: string },
    objects: "keep" | "delete" | undefined,
    by: string,
  ): Promise<Result<null>>;
  /** The tick's duty: goes on with what was begun. */
  carryOn(entry: ConfigurationEntry): Promise<void>;
  /** A job for a configuration that has none. Failures: 404, 409 where there is one. */
  make(configurationId: string, templateId: string, by: string): Promise<Result<{ readonly jobId: string }>>;
}

/** Objects, blobs and rows that one tick lets go of at most, of each. */
const A_TICK = 2_000;
const A_PAGE = 200;
const AT_ONCE = 25;

export function createJobDeletion(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly targetKey: string;
  readonly objects: ObjectStore;
  readonly claims: Pick<ClaimIndex, "disown">;
  readonly emptyJob: Pick<EmptyJob, "begin" | "isEmpty">;
  readonly proofs: Pick<ProofVerifier, "forget">;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): JobDeletion {
  const { rows, clock, log } = deps;
  const jobs = jobTable(rows);
  const entryRow = (configurationId: string) => `configuration:${configurationId}`;

  /** From now on nobody starts or changes it; false: it changed meanwhile. */
  async function mark({ value, etag }: Stored<JobRow>, by: string): Promise<boolean> {
    const { jobId, configurationId } = value;
    const values = pack({ ...value, state: "paused", deleting: { by, at: clock.now() } } satisfies JobRow);
    const marked = await jobs.transact(jobId, [{ op: "replace", row: ROW.job, values, etag }]);
    if (marked.ok) log.warn("job-deletion-begun", { jobId, configurationId, by });
    return marked.ok;
  }

  /** Rings for a lane that doesn't rest: woken, it finds the job paused and rests. */
  async function isAtRest(jobId: string): Promise<boolean> {
    let rests = true;
    for (const lane of LANES) {
      const runner = await readRow<RunnerRow>(jobs, jobId, ROW.runner(lane));
      if (runner?.value.state !== "running") continue;
      rests = false;
      await deps.ring(jobId, lane).catch(() => log.warn("doorbell-unreachable", { jobId, lane }));
    }
    return rests;
  }

  /** Whether none is left. One that is being exported stays for the next time. */
  async function letGoOfObjects(configurationId: string): Promise<boolean> {
    let budget = A_TICK;
    for (const shard of SHARDS) {
      for (;;) {
        if (budget <= 0) return false;
        const page = await deps.objects.page(configurationId, shard, "", A_PAGE);
        if (page.length === 0) break;
        budget -= page.length;
        const free = page.filter(({ record }) => underWayFor(record.mark, "", clock.now()) === 0);
        // The values first: a row that is gone could never give them up.
        for (let at = 0; at < free.length; at += AT_ONCE)
          await Promise.all(free.slice(at, at + AT_ONCE).map(giveUpValues));
        if ((await deps.objects.drop(free)) < page.length) return false;
      }
    }
    return true;
  }

  /** Changes the configuration's entry while it has this job; false: somebody else changed it. */
  async function note(
    configurationId: string,
    jobId: string,
    change: (entry: ConfigurationEntry) => ConfigurationEntry,
  ): Promise<boolean> {
    const entry = await readRow<ConfigurationEntry>(jobs, CATALOGUE, entryRow(configurationId));
    if (entry?.value.jobId !== jobId) return true;
    const values = pack(change(entry.value));
    return (await jobs.transact(CATALOGUE, [{ op: "replace", row: entry.row, values, etag: entry.etag }])).ok;
  }

  async function giveUpValues({ record }: StoredObject): Promise<void> {
    const { link, configurationId, objectGuid } = record;
    const targetId = link && link.deletedAt === undefined ? link.targetId : undefined;
    const own: Claim[] = targetId === undefined ? [] : [{ kind: "targetId", value: targetId }];
    await deps.claims.disown(ownerOf(configurationId, objectGuid), [...heldClaims(record), ...own], targetId);
  }

  /** Whether none is left. */
  async function dropBlobs(jobId: string): Promise<boolean> {
    let budget = A_TICK;
    const folders = ["batches", "seen", "seen-now", "schemas", "what-ifs", "reconcile", "commands"].map(
      (own) => `${own}/${jobId}/`,
    );
    for (const folder of [...folders, `plans/${jobId}-`])
      for await (const path of deps.blobs.list(folder)) {
        if (budget-- <= 0) return false;
        await deps.blobs.delete(path);
      }
    return true;
  }

  /** Whether none is left but those that `keep` names. */
  async function dropRows(table: string, partition: string, keep: readonly string[] = []): Promise<boolean> {
    const own = rows.table(table);
    const found: RowOperation[] = [];
    for await (const page of own.range(partition, { limit: A_TICK, select: [] }))
      found.push(
        ...page.filter(({ row }) => !keep.includes(row)).map(({ row }): RowOperation => ({ op: "delete", row })),
      );
    for (const chunk of transactionChunks(found)) await own.transact(partition, chunk);
    return found.length < A_TICK - keep.length;
  }

  async function dropWaiting(jobId: string): Promise<boolean> {
    const partitions: (readonly [table: string, partition: string])[] = [
      ...SHARDS.map((shard) => ["escrows", `${jobId}:${shard}`] as const),
      ...LANES.map((lane) => ["scopenotes", `${jobId}:${lane}`] as const),
      ...["staged", "expiries", "dirtylinks"].map((table) => [table, jobId] as const),
    ];
    for (const [table, partition] of partitions) if (!(await dropRows(table, partition))) return false;
    return true;
  }

  return {
    async remove({ configurationId, jobId }, objects, by) {
      for (;;) {
        const stored = await readRow<JobRow>(jobs, jobId, ROW.job);
        if (stored?.value.configurationId !== configurationId || stored.value.deleting) return noSuchJob(jobId);
        if (objects === "delete") {
          const begun = await deps.emptyJob.begin(stored, by);
          if (begun) return begun;
          continue;
        }
        if (objects === undefined) {
          const { users, groups } = await deps.objects.countLinked(configurationId, clock.now());
          if (users + groups > 0) return whatOfThem(jobId, users, groups);
        }
        if (await mark(stored, by)) return ok(null);
      }
    },

    async carryOn({ configurationId, jobId, former: noted }) {
      const stored = await readRow<JobRow>(jobs, jobId, ROW.job);
      const job = stored?.value;
      if (stored?.value.emptying && !stored.value.deleting) {
        // Who pauses it means it to stay as it is, its end too.
        const isHeld = stored.value.state === "paused";
        if (!isHeld && (await deps.emptyJob.isEmpty(stored.value))) await mark(stored, stored.value.emptying.by);
        return;
      }
      // Its last row went, and nobody told the configuration.
      if (!job && noted) await note(configurationId, jobId, (entry) => ({ ...entry, jobId: "" }));
      if (!job?.deleting || !(await isAtRest(jobId))) return;
      if (!(await letGoOfObjects(configurationId))) return;
      if (!(await dropBlobs(jobId)) || !(await dropWaiting(jobId))) return;
      const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
      if (reads) {
        const { domainNetBios, domain, settings } = job;
        const { nextReadNo } = reads.value;
        const former: FormerJob = { domainNetBios, ...(domain ? { domain } : {}), settings, nextReadNo };
        if (!(await note(configurationId, jobId, (entry) => ({ ...entry, former })))) return;
      }
      if (!(await dropRows("jobs", jobId, [ROW.job]))) return;
      await jobs.transact(jobId, [{ op: "delete", row: ROW.job }]);
      log.warn("job-deleted", { jobId, configurationId, by: job.deleting.by });
      await note(configurationId, jobId, (entry) => ({ ...entry, jobId: "" }));
    },

    async make(configurationId, templateId, by) {
      const stored = await readRow<ConfigurationEntry>(jobs, CATALOGUE, entryRow(configurationId));
      if (!stored) return noSuchConfiguration(configurationId);
      if (templateId !== JOB_TEMPLATE) return noSuchTemplate(templateId);
      const { former, jobId: present, ...entry } = stored.value;
      // Whoever made it may have been stopped before its agents were told: asked again, that is made good.
      if (present !== "") await moveAgents(configurationId, present);
      if (present !== "" || !former) return jobExists(configurationId, present);
      const jobId = `${JOB_TEMPLATE}.${Buffer.from(deps.random.bytes(16)).toString("hex")}`;
      const made: ConfigurationEntry = { ...entry, jobId };
      // Whatever the last one did by then: what this one would do has to be seen first.
      const settings: JobRow["settings"] = { ...former.settings, firstExport: "approval" };
      const of = { ...made, ...former, settings, targetKey: deps.targetKey, now: clock.now() };
      await jobs.transact(jobId, jobOperations(of));
      const listed = await jobs.transact(CATALOGUE, [
        { op: "replace", row: stored.row, values: pack(made), etag: stored.etag },
      ]);
      if (!listed.ok) {
        // Somebody else made one at this moment.
        await dropRows("jobs", jobId);
        return jobExists(configurationId, "");
      }
      await createLoggedJobs(deps).note(jobId);
      await moveAgents(configurationId, jobId);
      log.info("job-made", { jobId, configurationId, by });
      return ok({ jobId });
    },
  };

  async function moveAgents(configurationId: string, jobId: string): Promise<void> {
    const agents = agentTable(rows);
    for (const { value, row } of await listRows<AgentRow>(agents, configurationId, "agent:"))
      for (;;) {
        const stored = await readRow<AgentRow>(agents, configurationId, row);
        if (!stored) break;
        if (stored.value.jobId === jobId) break;
        const values = pack({ ...stored.value, jobId } satisfies AgentRow);
        const moved = await agents.transact(configurationId, [{ op: "replace", row, values, etag: stored.etag }]);
        if (!moved.ok) continue;
        deps.proofs.forget(value.keyId);
        break;
      }
  }
}

function whatOfThem(jobId: string, users: number, groups: number) {
  return fail({
    status: 409,
    code: "job-has-objects",
    message: `Job ${jobId} is linked to ${users} users and ${groups} groups in the target: say what becomes of them.`,
    remedy:
      "?objects=keep (uplink job delete … --objects keep) lets go of them and leaves them as they are. ?objects=delete (--objects delete) stages their deletion; the job goes once that was approved.",
  });
}

function jobExists(configurationId: string, jobId: string) {
  return fail({
    status: 409,
    code: "job-exists",
    message: `Configuration ${configurationId} has a job${jobId === "" ? "" : `, ${jobId}`}: it has one at a time.`,
    remedy: "Take that one; or delete it, and wait until it is gone.",
  });
}
