/**
 * Which links to look at, at the end of a read or of work: those that batches made dirty, and those that name an object
 * which came to be, or came back, in the target. Also of other jobs with the same target: they are told, and rung.
 *
 * References of users (manager) become objects to be mapped again; groups become chunks for `export-links.ts`. The plan is
 * written once; all else follows from it, so a repetition writes the same.
 */
import { chunksByShard } from "../../domain/shard.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type Appeared, appearedIn } from "../cycles/appeared-objects.ts";
import {
  type ChangeOrigin,
  type ChunkFile,
  type ChunkHeader,
  type ChunkItem,
  FILES,
  readFile,
  readNeeded,
  writeOnce,
} from "../lanes/chunk-files.ts";
import { cycleIdOf, type WorkFile } from "../lanes/plan-chunks.ts";
import type { Fence, SyncRunInput } from "../lanes/wake-job.ts";
import type { DirtyLinks, DirtyRows, StoredDirty } from "../state/dirty-links.ts";
import {
  afterPrefix,
  type BatchRow,
  heldBecause,
  type JobRow,
  jobTable,
  LANES,
  listRows,
  type ReadRow,
  type ReadsRow,
  ROW,
  readRow,
  type WorkRow,
} from "../state/job-rows.ts";
import type { LinkRows } from "../state/link-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { ReferrerIndex } from "../state/referrer-index.ts";
import { chunksOf } from "./link-chunks.ts";
import { type LinkChunkFile, type LinkChunkHeader, type LinkPlanFile, linksIdOf, refsIdOf } from "./link-files.ts";
import { createFindNamers, type Namers, type NamersOf } from "./link-namers.ts";

export interface PlannedLinks {
  readonly refs: { readonly batchId: string; readonly chunks: number };
  readonly linksId: string;
  /** Chunks of links. */
  readonly links: number;
}

export type PlanLinks = (
  run: SyncRunInput,
  of: { readonly readNo: number } | { readonly workId: string },
) => Promise<PlannedLinks>;

/** Whose end it is. */
interface Cycle extends NamersOf {
  readonly job: JobRow;
  readonly readNo: number;
  readonly at: number;
  /** The moment of planning. */
  readonly now: number;
  readonly concludes: number | null;
  readonly keepsVersions: boolean;
  /** Objects that an admin's hand linked, or that have to be looked at as if they had appeared. */
  readonly objectGuids: readonly string[];
  /** Groups whose staged removals were approved. */
  readonly approved: readonly DirtyLinks[];
}

export function createPlanLinks(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly links: LinkRows;
  readonly referrers: ReferrerIndex;
  readonly dirty: DirtyRows;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
  readonly chunkObjects: number;
  /** Edges in a chunk, by estimate. */
  readonly chunkEdges: number;
}): PlanLinks {
  const jobs = jobTable(deps.rows);
  const findNamers = createFindNamers(deps);

  return async (run, of) => {
    await deps.fence.check(run);
    const cycleId = "workId" in of ? of.workId : cycleIdOf(run.jobId, of.readNo);
    const path = FILES.linkPlan(linksIdOf(cycleId));
    const plan = (await readFile<LinkPlanFile>(deps.blobs, path)) ?? (await planOnce(run, of, path));
    const { header, chunks } = plan;
    const refHeader = refHeaderOf(header, "readNo" in of ? of.readNo : 0);
    const refChunks = chunksByShard(plan.refs, deps.chunkObjects).slice(0, plan.refChunks);
    await Promise.all([
      ...chunks.map((items, index) =>
        writeOnce(deps.blobs, FILES.linkChunk(header.linksId, index), { header, items } satisfies LinkChunkFile),
      ),
      ...refChunks.map((items, index) =>
        writeOnce(deps.blobs, FILES.chunk(refHeader.batchId, index), { header: refHeader, items } satisfies ChunkFile),
      ),
    ]);
    return {
      refs: { batchId: refHeader.batchId, chunks: plan.refChunks },
      linksId: header.linksId,
      links: chunks.length,
    };
  };

  async function planOnce(run: SyncRunInput, of: Parameters<PlanLinks>[1], path: string): Promise<LinkPlanFile> {
    const cycle = await cycleOf(run, of);
    const appeared = await appearedIn(deps.blobs, jobs, cycle.job.jobId, of);
    const seen: Appeared = { ...appeared, guids: [...appeared.guids, ...cycle.objectGuids] };
    const listed = await deps.dirty.list(run.jobId);
    const { dirty, references } = await findNamers(cycle, seen, listed);
    const found = [...dirty, ...cycle.approved];
    await deps.dirty.put(run.jobId, found);
    const all = found.length > 0 ? await deps.dirty.list(run.jobId) : listed;
    const pendingReads = await readsNotOver(run.jobId, all, cycle);
    const due = all.filter((own) => isDue(own.dirty, cycle.now, pendingReads));
    const groups = due.filter((own) => own.dirty.attribute === "member");
    const noted = due.filter((own) => own.dirty.attribute !== "member");
    // Nothing can be bound now; what was noted stands, and what was found is noted.
    const isHeld = heldBecause(cycle.job) !== null;
    if (isHeld) await deps.dirty.put(run.jobId, notedReferences(cycle, references));
    const refs = isHeld ? { items: [], rows: [] } : refItems(cycle, references, noted);
    const plan: LinkPlanFile = {
      header: headerOf(run, cycle),
      chunks: chunksOf(groups, deps.chunkEdges),
      refs: refs.items,
      refChunks: chunksByShard(refs.items, deps.chunkObjects).length,
      refRows: refs.rows,
    };
    await writeOnce(deps.blobs, path, plan);
    return readNeeded<LinkPlanFile>(deps.blobs, path);
  }

  /**
   * Of the other reads whose lists lacked somebody, those whose own end is still to come: it alone concludes what they
   * lacked. A row of one that is over is left from an end that died, and nothing is concluded from it any more.
   */
  async function readsNotOver(jobId: string, all: readonly StoredDirty[], cycle: Cycle): Promise<ReadonlySet<number>> {
    const others = new Set(all.flatMap(({ dirty }) => dirty.missingIn ?? []).filter((own) => own !== cycle.readNo));
    const pending = new Set<number>();
    for (const readNo of others) {
      // In the order in which a read goes through them: it can't slip by.
      const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
      if (reads?.value.openReadNo === readNo || (await hasBatches(jobId, readNo))) pending.add(readNo);
      else if (await readRow<ReadRow>(jobs, jobId, ROW.read(readNo))) pending.add(readNo);
    }
    return pending;
  }

  async function hasBatches(jobId: string, readNo: number): Promise<boolean> {
    for (const lane of LANES) {
      const own = { from: ROW.batch(lane, readNo, 0), to: ROW.batch(lane, readNo + 1, 0), limit: 1 };
      for await (const rows of jobs.range(jobId, own)) if (rows.length > 0) return true;
    }
    return false;
  }

  /** Whether the other lane has anything left to apply or to end, or this one later reads: all may be older than an edge. */
  async function isBusy(run: SyncRunInput, readNo: number): Promise<boolean> {
    const other = LANES.find((lane) => lane !== run.lane) ?? "bulk";
    const [first] = await listRows<BatchRow>(jobs, run.jobId, `batch:${other}:`, 1);
    if (first) return true;
    const later = { from: ROW.batch(run.lane, readNo + 1, 0), to: afterPrefix(`batch:${run.lane}:`) };
    for await (const rows of jobs.range(run.jobId, later)) if (rows.length > 0) return true;
    return (await listRows<ReadRow>(jobs, run.jobId, "read:")).some((read) => read.value.lane === other);
  }

  async function cycleOf(run: SyncRunInput, of: Parameters<PlanLinks>[1]): Promise<Cycle> {
    const job = await readRow<JobRow>(jobs, run.jobId, ROW.job);
    if (!job) throw new Error(`Job ${run.jobId} is gone.`);
    const keepsVersions = await isBusy(run, "readNo" in of ? of.readNo : 0);
    if ("workId" in of) {
      const work = await readRow<WorkRow>(jobs, run.jobId, ROW.work(run.lane, of.workId));
      if (!work) throw new Error(`Work ${of.workId} of job ${run.jobId} is not waiting in lane ${run.lane}.`);
      const file = await readNeeded<WorkFile>(deps.blobs, work.value.blob);
      const origin: ChangeOrigin = { batchId: of.workId, index: 0, agentId: "", server: "" };
      return {
        job: job.value,
        configurationId: job.value.configurationId,
        cycleId: of.workId,
        readNo: 0,
        at: work.value.createdAt,
        now: deps.clock.now(),
        origin,
        approved: approvedLinks(file, origin),
        concludes: null,
        keepsVersions,
        isFirst: false,
        objectGuids: work.value.kind === "reevaluate" ? file.objectGuids : [],
      };
    }
    const read = await readRow<ReadRow>(jobs, run.jobId, ROW.read(of.readNo));
    if (!read) throw new Error(`Read ${of.readNo} of job ${run.jobId} has not ended.`);
    const { kind, complete, visibility, endedAt, agentId, server } = read.value;
    const isTrusted = visibility === "complete" || job.value.settings.trustVisibility !== null;
    return {
      job: job.value,
      configurationId: job.value.configurationId,
      cycleId: cycleIdOf(run.jobId, of.readNo),
      readNo: of.readNo,
      at: endedAt,
      now: deps.clock.now(),
      origin: { batchId: cycleIdOf(run.jobId, of.readNo), index: 0, agentId, server },
      concludes: kind === "full" && complete && isTrusted ? of.readNo : null,
      keepsVersions,
      isFirst: job.value.steadyStateAt === null,
      objectGuids: [],
      approved: [],
    };
  }
}

/** Each approval in a row of its own, which stays until its removals are done, whoever fails meanwhile. */
function approvedLinks({ approved }: WorkFile, origin: ChangeOrigin): DirtyLinks[] {
  return (approved?.rows ?? []).flatMap(({ objectGuid, members }): DirtyLinks[] => {
    if (!members) return [];
    const { count, digest } = members;
    const by = { by: `approved-${digest}`, approved: { digest, by: approved?.by ?? "" } };
    return [{ referrer: objectGuid, attribute: "member", segment: "", edges: count, origin, ...by }];
  });
}

/** One item an object, of those found now and those noted before. */
function refItems(
  cycle: Cycle,
  found: Namers["references"],
  noted: readonly StoredDirty[],
): { readonly items: readonly ChunkItem[]; readonly rows: LinkPlanFile["refRows"] } {
  const items = new Map<string, Omit<ChunkItem, "index">>();
  const add = (objectGuid: string, origin: ChangeOrigin, resends: boolean) => {
    const isResent = resends || items.get(objectGuid)?.resendsReferences === true;
    items.set(objectGuid, { objectGuid, origin, ...(isResent ? { resendsReferences: true } : {}) });
  };
  for (const { dirty } of noted) add(dirty.referrer, dirty.origin, dirty.referees !== undefined);
  for (const { objectGuid, isReturned } of found) add(objectGuid, cycle.origin, isReturned);
  return {
    items: [...items.values()].map((item, index) => ({ ...item, index })),
    rows: noted.map(({ row, etag }) => ({ row, etag })),
  };
}

function notedReferences(cycle: Cycle, found: Namers["references"]): DirtyLinks[] {
  return found.map(({ objectGuid, isReturned }) => ({
    referrer: objectGuid,
    attribute: "manager",
    segment: "",
    edges: 1,
    origin: cycle.origin,
    ...(isReturned ? { referees: [objectGuid] } : {}),
  }));
}

/** Whether a row is to be looked at now. */
function isDue({ failure, missingIn }: DirtyLinks, now: number, pendingReads: ReadonlySet<number>): boolean {
  if (failure && failure.nextAttemptAt > now) return false;
  return missingIn === undefined || !pendingReads.has(missingIn);
}

function headerOf(run: SyncRunInput, cycle: Cycle): LinkChunkHeader {
  const { jobId, configurationId, schemaVersion } = cycle.job;
  return {
    linksId: linksIdOf(cycle.cycleId),
    jobId,
    configurationId,
    cycleId: cycle.cycleId,
    at: cycle.at,
    schemaVersion,
    concludes: cycle.concludes,
    keepsVersions: cycle.keepsVersions,
    isFirst: cycle.isFirst && cycle.readNo === 1,
    isBulk: run.lane === "bulk",
  };
}

/** As at the end of a cycle: what such an object takes away was judged with the read, or waits for its own. */
function refHeaderOf(header: LinkChunkHeader, readNo: number): ChunkHeader {
  const { jobId, configurationId, cycleId, at, schemaVersion } = header;
  return {
    batchId: refsIdOf(cycleId),
    jobId,
    configurationId,
    cycleId,
    readNo,
    at,
    schemaVersion,
    seesAll: false,
    isEnd: true,
    isFirstLoad: false,
    mustWriteVersions: false,
    agentId: "",
    server: "",
  };
}
