/**
 * Splits a batch (or a list of objects that the cloud wants mapped again) into chunks of whole shards, as files.
 * Repeating it writes nothing new: chunk files are written once.
 */
import type { ReadAnswer } from "../../contracts/agent-commands.ts";
import type { ChangeBatch } from "../../contracts/change.ts";
import { changeVersion } from "../../domain/change-version.ts";
import { exportPhases } from "../../domain/export-phases.ts";
import { withFoldedLinks } from "../../domain/image.ts";
import { REMOVAL_CLASSES } from "../../domain/plan.ts";
import { chunksByShard, shardOf } from "../../domain/shard.ts";
import { type AttributeValue, valuesOf } from "../../domain/values.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { halving } from "../halving.ts";
import type { AskedWorks } from "../on-demand/asked-work.ts";
import { effectiveVersion } from "../schemas/covered-schema.ts";
import type { ScopeWork } from "../scope/scope-work.ts";
import type { CommandVersion } from "../state/command-rows.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import {
  type BatchRow,
  type JobRow,
  jobTable,
  LANES,
  listRows,
  mappedVersionOf,
  type ReadRow,
  ROW,
  readRow,
  type WorkRow,
} from "../state/job-rows.ts";
import { groupBy } from "../state/object-store.ts";
import type { Removals, StagedRow } from "../state/removal-rows.ts";
import type { AllObjects } from "./all-objects.ts";
import {
  type Asked,
  type ChangeOrigin,
  type ChunkFile,
  type ChunkHeader,
  type ChunkItem,
  FILES,
  type MappingWork,
  readNeeded,
  writeOnce,
} from "./chunk-files.ts";
import type { Fence, SyncRunInput } from "./wake-job.ts";

export interface ChunksPlanned {
  readonly batchId: string;
  readonly chunks: number;
  readonly objects: number;
  /** How many of the chunks, in their order, go out together; absent: all of them. */
  readonly phases?: readonly number[];
}

export interface PlanChunks {
  batch(run: SyncRunInput, readNo: number, sequence: number): Promise<ChunksPlanned>;
  work(run: SyncRunInput, workId: string): Promise<ChunksPlanned>;
}

/** The file that a work row points to. */
export interface WorkFile {
  readonly objectGuids: readonly string[];
  /** Links are rebuilt: see `ChunkItem.seeksMatch`. */
  readonly seeksMatch?: boolean;
  /** Of some of them: properties that step aside. */
  readonly parks?: Readonly<Record<string, readonly string[]>>;
  /** Staged removals that an admin approved; each object has one of them. Memberships are planned with the links. */
  readonly approved?: { readonly by: string; readonly rows: readonly StagedRow[] };
  /** Where it comes from, for those who don't know it themselves. */
  readonly origin?: ChangeOrigin;
  /** Read just now, for an admin. */
  readonly asked?: AskedWork;
}

export interface AskedWork extends Asked {
  readonly agentId: string;
  readonly version: CommandVersion;
  readonly schemaVersion: number;
  readonly scopeVersion: number;
  readonly answer: ReadAnswer;
}

const FILES_AT_ONCE = 50;

export function createPlanChunks(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly escrows: Escrows;
  readonly removals: Removals;
  readonly scopeWork: ScopeWork;
  readonly allObjects: AllObjects;
  readonly askedWork: Pick<AskedWorks, "plan">;
  readonly chunkObjects: number;
  /** After so many failed ones an attempt is a batch's last. */
  readonly attempts: number;
}): PlanChunks {
  const jobs = jobTable(deps.rows);

  const writeChunks = (header: ChunkHeader, items: readonly ChunkItem[]) => writePhases(header, phasesOf(items));

  async function writePhases(header: ChunkHeader, items: readonly (readonly ChunkItem[])[]): Promise<ChunksPlanned> {
    const phases = items.map((own) => chunksByShard(own, deps.chunkObjects));
    const chunks = phases.flat();
    for (let at = 0; at < chunks.length; at += FILES_AT_ONCE)
      await Promise.all(
        chunks
          .slice(at, at + FILES_AT_ONCE)
          .map((own, index) =>
            writeOnce(deps.blobs, FILES.chunk(header.batchId, at + index), { header, items: own } satisfies ChunkFile),
          ),
      );
    return {
      batchId: header.batchId,
      chunks: chunks.length,
      objects: chunks.reduce((sum, own) => sum + own.length, 0),
      phases: phases.map((own) => own.length),
    };
  }

  return {
    async batch(run, readNo, sequence) {
      await deps.fence.check(run);
      const job = await jobOf(run.jobId);
      const row = await readRow<BatchRow>(jobs, run.jobId, ROW.batch(run.lane, readNo, sequence));
      if (!row) throw new Error(`Batch ${readNo}/${sequence} of job ${run.jobId} is not waiting in lane ${run.lane}.`);
      const batch = await readNeeded<ChangeBatch>(deps.blobs, row.value.blob);
      const schemaVersion = effectiveVersion(job, batch.schemaVersion);
      const older = await olderReads(run, readNo);
      const overtakes = batch.kind === "full" ? [] : older.filter((own) => own.kind === "full");
      const header: ChunkHeader = {
        batchId: row.value.batchId,
        jobId: job.jobId,
        configurationId: job.configurationId,
        cycleId: cycleIdOf(job.jobId, readNo),
        readNo,
        at: row.value.acceptedAt,
        schemaVersion,
        seesAll: batch.visibility === "complete" || job.settings.trustVisibility !== null,
        isEnd: false,
        isFirstLoad: job.steadyStateAt === null && readNo === 1,
        ...(batch.kind === "full" ? { isFull: true } : {}),
        // Rows have to tell which images another schema's first full read brought.
        mustWriteVersions:
          (batch.kind === "full" && schemaVersion !== mappedVersionOf(job)) || (await hasOlderWork(run, readNo, older)),
        ...(overtakes.length > 0 ? { overtakes: overtakes.map((own) => own.readNo) } : {}),
        agentId: row.value.agentId,
        server: batch.dsa.dnsName,
      };
      const absences = await stagedAbsences(row.value, [...new Set(batch.changes.map((change) => change.objectGuid))]);
      const items = batch.changes.map(
        (change, index): ChunkItem => ({
          objectGuid: change.objectGuid,
          index,
          change: withFoldedLinks(change),
          version: changeVersion(readNo, sequence, index),
          ...(absences.has(change.objectGuid) ? { mustWriteVersion: true } : {}),
        }),
      );
      if (batch.kind === "full") {
        const seen = groupBy(
          batch.changes.map((change) => change.objectGuid),
          shardOf,
        );
        await writeOnce(deps.blobs, FILES.seen(job.jobId, readNo, sequence), Object.fromEntries(seen));
      }
      await writeOnce(deps.blobs, FILES.header(header.batchId), header);
      return writeChunks(header, items);
    },

    async work(run, workId) {
      await deps.fence.check(run);
      const job = await jobOf(run.jobId);
      const row = await readRow<WorkRow>(jobs, run.jobId, ROW.work(run.lane, workId));
      if (!row) throw new Error(`Work ${workId} of job ${run.jobId} is not waiting in lane ${run.lane}.`);
      const file = await readNeeded<WorkFile>(deps.blobs, row.value.blob);
      if (file.asked) {
        const { header, items } = await deps.askedWork.plan(job, row.value, file.asked);
        return writeChunks(header, items);
      }
      const escrows = await deps.escrows.getMany(run.jobId, file.objectGuids);
      const header: ChunkHeader = {
        batchId: workId,
        jobId: job.jobId,
        configurationId: job.configurationId,
        cycleId: workId,
        readNo: 0,
        at: row.value.createdAt,
        schemaVersion: mappedVersionOf(job),
        seesAll: false,
        isEnd: false,
        isFirstLoad: false,
        mustWriteVersions: false,
        agentId: "",
        server: "",
        ...(isMapping(row.value.kind) ? { work: row.value.kind } : {}),
      };
      if (file.approved) {
        const { by, rows } = file.approved;
        // What still waits after what was approved is not part of it: it stays where it was staged, uncounted.
        const objects = rows.filter((own) => own.class !== "memberships");
        return writeChunks({ ...header, isEnd: true, approvedBy: by }, objects.map(approvedItem));
      }
      if (row.value.kind === "all") {
        const listed = await deps.allObjects(job, row.value);
        const items = new Map(listed.map(({ objectGuid }, index) => [objectGuid, { objectGuid, index }]));
        return writePhases(
          header,
          exportPhases(listed.map(({ isGroup, ...own }) => ({ ...own, isLast: isGroup }))).map((guids) =>
            guids.flatMap((guid) => items.get(guid) ?? []),
          ),
        );
      }
      if (row.value.kind === "scope") return writeChunks(header, await deps.scopeWork.plan(job, row.value));
      return writeChunks(
        header,
        file.objectGuids.map((objectGuid, index): ChunkItem => {
          const origin = escrows.get(objectGuid)?.origin;
          const parks = file.parks?.[objectGuid];
          const { seeksMatch } = file;
          return {
            objectGuid,
            index,
            ...(origin ? { origin } : {}),
            ...(parks ? { parks } : {}),
            ...(seeksMatch ? { seeksMatch } : {}),
          };
        }),
      );
    },
  };

  /** Those that a batch's rows have to tell to be there again; at its last attempt those too of whom that can't be read. */
  async function stagedAbsences(batch: BatchRow, guids: readonly string[]): Promise<ReadonlySet<string>> {
    const read = async (own: readonly string[]) => [...(await deps.removals.stagedAbsences(batch.jobId, own))];
    if (batch.attempts < deps.attempts) return new Set(await read(guids));
    // A row that says more than it has to does no harm.
    return new Set(await halving(read, guids, async (objectGuid) => [objectGuid]));
  }

  async function jobOf(jobId: string): Promise<JobRow> {
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    if (!job) throw new Error(`Job ${jobId} is gone.`);
    return job.value;
  }

  /** Whether the other lane still has changes of earlier reads to apply. */
  async function hasOlderWork(run: SyncRunInput, readNo: number, older: readonly ReadRow[]): Promise<boolean> {
    const [first] = await listRows<BatchRow>(jobs, run.jobId, `batch:${otherThan(run.lane)}:`, 1);
    if (first !== undefined && first.value.readNo < readNo) return true;
    // Its end too: who is absent there may be here, and only the version says which is newer.
    return older.length > 0;
  }

  /** Of the other lane, those that were accepted to their end before, and aren't closed. */
  async function olderReads(run: SyncRunInput, readNo: number): Promise<ReadRow[]> {
    const ends = (await listRows<ReadRow>(jobs, run.jobId, "read:")).map((read) => read.value);
    return ends.filter((read) => read.lane === otherThan(run.lane) && read.readNo < readNo);
  }
}

function otherThan(lane: Lane): Lane {
  return LANES.find((own) => own !== lane) ?? "bulk";
}

/** A removal that was approved, with the evidence for which it was staged: whether that still stands, its record says. */
function approvedItem({ objectGuid, class: allowed, absentIn, missing, names }: StagedRow, index: number): ChunkItem {
  const readNo = missing?.readNo ?? absentIn;
  // Else more would go than was approved.
  const losesMissing = missing?.lacks.every((name) => name === allowed) ?? false;
  return {
    objectGuid,
    index,
    allow: REMOVAL_CLASSES.filter((name) => name === allowed),
    ...(absentIn === undefined ? {} : { isAbsent: true }),
    ...(losesMissing ? { losesMissing } : {}),
    ...(readNo === undefined ? {} : { readNo }),
    ...(names ? { approvedNames: names } : {}),
  };
}

/** Items by the phase that they go out in; work, whose items bring no change, is one. */
function phasesOf(items: readonly ChunkItem[]): ChunkItem[][] {
  const byGuid = groupBy(items, (item) => item.objectGuid);
  const phases = exportPhases(
    byGuid.map(([objectGuid, own]) => {
      const change = own.at(-1)?.change;
      if (change?.op !== "upsert") return { objectGuid, isLast: false };
      const [manager] = valuesOf(change.attributes, "manager");
      return { objectGuid, isLast: change.objectClass === "group", refersTo: manager && textOf(manager) };
    }),
  );
  const itemsOf = new Map(byGuid);
  return phases.map((guids) => guids.flatMap((guid) => itemsOf.get(guid) ?? []));
}

function textOf(value: AttributeValue): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The cycle is the effect of one read. */
export function cycleIdOf(jobId: string, readNo: number): string {
  return `${jobId}-${readNo}`;
}

/** What-ifs and reconciles have files of their own. */
function isMapping(kind: WorkRow["kind"]): kind is MappingWork {
  return kind !== "whatif" && kind !== "reconcile";
}
