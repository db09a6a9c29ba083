/**
 * When facts for scopes are found out: at the end of every read, as work that the cloud gives itself, so that whoever is
 * in or out of scope by it is mapped, counted and judged like anybody else. Nothing is read again from the directory.
 *
 * The end of a full read has everybody looked through, in its own lane; so has another version of the scopes, and a named
 * unit or group that went or came. The end of a delta has those looked at who were noted while its batches were worked
 * (`note-scope.ts`). A read that was given up half-way is the end of nothing: the next one takes its notes along.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { LINKS_REBUILT } from "../export/rebuilt-hold.ts";
import { addWork } from "../lanes/add-work.ts";
import { type ChunkItem, FILES, readFile, readNeeded, writeOnce } from "../lanes/chunk-files.ts";
import type { WorkFile } from "../lanes/plan-chunks.ts";
import type { JobMappings, ScopeNeeds } from "../mapping/job-mapping.ts";
import {
  type CycleRow,
  type JobRow,
  jobTable,
  pack,
  type ReadRow,
  type ReadsRow,
  ROW,
  readRow,
  type ScopeKnown,
  type WorkRow,
} from "../state/job-rows.ts";
import { EVERYBODY, type ScopeNote, type ScopeNotes } from "../state/scope-notes.ts";
import type { FactItem, FactsOf, ScopeFactsFinder } from "./scope-facts.ts";
import { isNothing } from "./scope-needs.ts";

export interface ScopeWork {
  /** `read`: whose end it is. Work follows where somebody has to be looked at. */
  afterCycle(jobId: string, cycle: CycleRow, read: ReadRow): Promise<void>;
  /** The items of a piece of this work, found out once. */
  plan(job: JobRow, work: WorkRow): Promise<readonly ChunkItem[]>;
  /** Somebody was asked for whose place or groups have to be found out: that is done next. */
  afterAsked(jobId: string): Promise<void>;
  /** `work` is about to be removed. */
  afterWork(work: WorkRow): Promise<void>;
}

interface ScopePlanFile {
  readonly items: readonly FactItem[];
  /** What is done with it. */
  readonly notes: readonly ScopeNote[];
}

/** Reads without a batch that may follow each other. */
const TRACELESS = 20;

export function createScopeWork(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly notes: ScopeNotes;
  readonly facts: ScopeFactsFinder;
  readonly mappings: JobMappings;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): ScopeWork {
  const jobs = jobTable(deps.rows);

  async function begin(jobId: string, lane: Lane, workId: string | undefined, file: WorkFile): Promise<void> {
    await addWork(deps, jobId, "scope", file, workId, lane);
    await deps.ring(jobId, lane).catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane }));
  }

  /** What is known now, and whether it is anything else than before. */
  async function learn(jobId: string, cycle: CycleRow, read: ReadRow) {
    for (;;) {
      const stored = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!stored) return undefined;
      const job = stored.value;
      const { scope } = await deps.mappings(job);
      const before = job.scopeKnown;
      const known = isNothing(scope) ? undefined : await knownOf(job, scope, cycle, read);
      const isSame = JSON.stringify(before) === JSON.stringify(known);
      const { scopeKnown: _, ...rest } = job;
      const next: JobRow = known ? { ...rest, scopeKnown: known } : rest;
      const written = isSame || (await jobs.transact(jobId, [replaceOf(next, stored.etag)])).ok;
      if (!written) continue;
      if (
        known &&
        before?.missing.join() !== known.missing.join() &&
        known.missing.length + (before?.missing.length ?? 0)
      )
        deps.log.warn("scope-objects-missing", { jobId, objects: known.missing.length, first: known.missing[0] });
      return { known, isSame: before?.of === known?.of && before?.missing.join() === known?.missing.join() };
    }
  }

  async function knownOf(job: JobRow, scope: ScopeNeeds, cycle: CycleRow, read: ReadRow): Promise<ScopeKnown> {
    const { configurationId } = job;
    const missing = await deps.facts.missing({ configurationId, root: job.domain?.objectGuid, scope });
    const before = job.scopeKnown;
    const isNews = before?.of !== scope.of || before.missing.join() !== missing.join();
    const hash = cycle.kind === "full" ? read.attributeSetHash : before?.attributeSetHash;
    return { of: scope.of, attributeSetHash: hash ?? null, missing, at: isNews ? deps.clock.now() : before.at };
  }

  /**
   * A delta is half-way through, or was given up there, or a batch was: who was taken out of one list may be about to be put
   * into another. Or rows were lost, and what was put back is as old as its backup.
   */
  async function isUncertain({ jobId, fullReadWanted }: JobRow): Promise<boolean> {
    if (fullReadWanted?.startsWith("parked") === true || fullReadWanted === LINKS_REBUILT) return true;
    const reads = (await readRow<ReadsRow>(jobs, jobId, ROW.reads))?.value;
    if (!reads) return false;
    if (reads.openReadNo !== 0 && reads.kind === "delta" && reads.nextSequence > 1) return true;
    const next = reads.openReadNo === 0 ? reads.nextReadNo : reads.openReadNo;
    // A read that brought nothing leaves no trace.
    for (let readNo = next - 1; readNo > Math.max(0, next - TRACELESS); readNo--) {
      const last =
        (await readRow<CycleRow>(jobs, jobId, ROW.cycle(readNo))) ??
        (await readRow<ReadRow>(jobs, jobId, ROW.read(readNo)));
      if (last) return last.value.kind === "delta" && last.value.state === "aborted";
    }
    return false;
  }

  async function planOnce(job: JobRow, { workId, lane }: WorkRow): Promise<ScopePlanFile> {
    const { scope, needs } = await deps.mappings(job);
    const notes = await deps.notes.list(job.jobId, lane);
    if (isNothing(scope)) return { items: [], notes };
    const { configurationId } = job;
    const root = job.domain?.objectGuid;
    const missing = await deps.facts.missing({ configurationId, root, scope });
    const isHalfWay = await isUncertain(job);
    const isCertain = !isHalfWay && job.scopeKnown?.attributeSetHash === needs.attributeSetHash;
    const of: FactsOf = { configurationId, root, scope, missing: new Set(missing), isCertain };
    const guids = notes.flatMap(({ row }) => (row === EVERYBODY ? [] : [row]));
    const isEverybody = guids.length < notes.length;
    const some = isEverybody ? undefined : await deps.facts.concerned(of, guids);
    // At the end of the delta that is under way.
    const isEarly = isHalfWay && some === undefined && scope.groups.length > 0;
    const items = some ? await deps.facts.some(of, some) : isEarly ? [] : await deps.facts.everybody(of);
    deps.log.info("scope-looked-at", {
      jobId: job.jobId,
      workId,
      looked: some?.length ?? "everybody",
      items: items.length,
      missing: missing.length,
    });
    if (!isHalfWay) return { items, notes };
    if (isEarly) await deps.notes.put(job.jobId, "live", [EVERYBODY]);
    return { items, notes: isEarly && lane === "bulk" ? notes : [] };
  }

  return {
    async afterCycle(jobId, cycle, read) {
      if (cycle.state !== "ended") return;
      const learnt = await learn(jobId, cycle, read);
      if (!learnt?.known) return;
      const lane: Lane = cycle.kind === "full" ? "bulk" : "live";
      const isForAll = cycle.kind === "full" || !learnt.isSame;
      if (isForAll) await deps.notes.put(jobId, lane, [EVERYBODY]);
      const [first] = await deps.notes.list(jobId, lane, 1);
      if (!first) return;
      const origin = { batchId: cycle.cycleId, index: 0, agentId: read.agentId, server: read.server };
      await begin(jobId, lane, `${cycle.cycleId}-scope`, { objectGuids: [], origin });
    },

    async plan(job, work) {
      const path = FILES.scopePlan(work.workId);
      let file = await readFile<ScopePlanFile>(deps.blobs, path);
      if (!file) {
        await writeOnce(deps.blobs, path, await planOnce(job, work));
        file = await readNeeded<ScopePlanFile>(deps.blobs, path);
      }
      const { origin } = await readNeeded<WorkFile>(deps.blobs, work.blob);
      return file.items.map((item, index): ChunkItem => ({ ...item, index, ...(origin ? { origin } : {}) }));
    },

    async afterAsked(jobId) {
      const [first] = await deps.notes.list(jobId, "live", 1);
      if (first) await begin(jobId, "live", undefined, { objectGuids: [] });
    },

    async afterWork({ jobId, lane, workId, blob }) {
      const file = await readFile<ScopePlanFile>(deps.blobs, FILES.scopePlan(workId));
      await deps.notes.drain(jobId, lane, file?.notes ?? []);
      const [left] = await deps.notes.list(jobId, lane, 1);
      const work = await readFile<WorkFile>(deps.blobs, blob);
      // Noted meanwhile; what waits for the end of a read isn't done before.
      if (left && work && file && file.notes.length > 0) await begin(jobId, lane, undefined, work);
    },
  };

  function replaceOf(job: JobRow, etag: string) {
    return { op: "replace" as const, row: ROW.job, values: pack(job), etag };
  }
}
