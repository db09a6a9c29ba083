/**
 * Rows put back from a backup, part by part: of one job, and only what isn't there, or can't be read.
 *
 * A row that is there and can be read is newer than the backup, whatever it says, and stays. What comes back is as old as the backup:
 * so a full read is asked for before the first row is written, it alone decides what becomes of anybody, and nothing is sent before
 * (`rebuilt-hold.ts`). It has its link only where the index still says so (`restored-links.ts`). A value that somebody else has by now
 * is told and stays with whom it is. Nothing is deleted here, and nothing written to the target.
 */
import type { BackupReply, RestoreReply } from "../../contracts/admin/backups.ts";
import type { BackupManifest, BackupPart, BackupTable } from "../../contracts/backup.ts";
import type { ObjectRecord, Unlinked } from "../../domain/object-record.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore, RowValues } from "../../ports/row-store.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { LINKS_REBUILT } from "../export/rebuilt-hold.ts";
import { fail, ok, type Result } from "../failure.ts";
import { type Configurations, noSuchJob } from "../jobs/configurations.ts";
import { dissolvedSince } from "../links/audited-links.ts";
import { expectAtRest } from "../links/job-at-rest.ts";
import { enterLinks } from "../matching/enter-links.ts";
import type { AuditRows } from "../state/audit-rows.ts";
import { BackupDamaged, createBackupFiles, type KeptRow } from "../state/backup-files.ts";
import type { ClaimIndex } from "../state/claim-index.ts";
import { type JobRow, jobTable, ROW, readRow } from "../state/job-rows.ts";
import type { LogPages } from "../state/log-pages.ts";
import { decodeObject, encodeObject } from "../state/object-row.ts";
import { writeHalving } from "../state/write-halving.ts";
import { judgeLinks, noteLost } from "./restored-links.ts";
import { withDoubtsSince } from "./since-backup.ts";

/** Objects whose log is asked for at once. */
const ASKED_AT_ONCE = 16;

export interface RestoreRequest {
  readonly backupId: string;
  readonly part: number;
  /** False: it is only told what would be done. */
  readonly apply: boolean;
}

export interface RestoreRows {
  /** Whole backups, newest first. */
  list(): Promise<Result<BackupReply[]>>;
  /** Failures: 404, 409 (not at rest, damaged). */
  part(jobId: string, request: RestoreRequest, by: string): Promise<Result<RestoreReply>>;
}

interface Piece {
  readonly table: BackupTable;
  readonly shard: string;
  readonly part: BackupPart;
}

/** A row that is to be put back; with an etag in the place of one that can't be read. */
interface Lost {
  readonly row: string;
  readonly values: RowValues;
  readonly record: ObjectRecord;
  readonly etag?: string;
}

type Told = Omit<RestoreReply, "backupId" | "takenAt" | "part" | "parts" | "applied">;

const NOTHING: Told = {
  rows: 0,
  present: 0,
  missing: 0,
  damaged: 0,
  unusable: 0,
  contested: 0,
  unlinked: 0,
  values: 0,
  conflicts: [],
};

export function createRestoreRows(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly targetKey: string;
  readonly claims: ClaimIndex;
  readonly provisioningLog: LogPages;
  readonly auditRows: Pick<AuditRows, "page">;
  readonly configurations: Configurations;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
}): RestoreRows {
  const files = createBackupFiles(deps);

  async function manifestOf(backupId: string): Promise<Result<BackupManifest>> {
    const found = await files.manifest(backupId);
    if (found) return ok(found);
    return fail({
      status: 404,
      code: "backup-not-found",
      message: `There is no whole backup ${backupId}: it was never finished, or its time is over.`,
      remedy: "'uplink backup list' names those that there are.",
    });
  }

  async function putBack(
    job: JobRow,
    piece: Piece,
    kept: readonly KeptRow[],
    { apply, startedAt }: { readonly apply: boolean; readonly startedAt: number },
  ): Promise<Told> {
    const partition = `${deps.targetKey}:${piece.shard}`;
    return piece.table === "objects"
      ? putBackObjects(job, partition, kept, { apply, startedAt })
      : putBackCandidates(partition, kept, apply);
  }

  async function putBackObjects(
    { jobId, configurationId }: JobRow,
    partition: string,
    kept: readonly KeptRow[],
    { apply, startedAt }: { readonly apply: boolean; readonly startedAt: number },
  ): Promise<Told> {
    const table = deps.rows.table("objects");
    const prefix = `${configurationId}:`;
    const own = kept.filter(({ row }) => row.startsWith(prefix));
    const present = await table.getMany(
      partition,
      own.map(({ row }) => row),
    );
    const records: ObjectRecord[] = [];
    const lost: Lost[] = [];
    let [missing, damaged, unusable] = [0, 0, 0];
    for (const { row, values } of own) {
      const objectGuid = row.slice(prefix.length);
      const there = present.get(row);
      const record = there && decodeObject(configurationId, objectGuid, there.values);
      if (record && !record.unreadable) {
        records.push(record);
        continue;
      }
      const before = decodeObject(configurationId, objectGuid, values);
      if (before.unreadable) {
        unusable++;
        continue;
      }
      if (there) damaged++;
      else missing++;
      lost.push({ row, values, record: before, ...(there ? { etag: there.etag } : {}) });
    }
    const now = deps.clock.now();
    const dissolved: ReadonlyMap<string, Unlinked> =
      lost.length > 0 ? await dissolvedSince(deps.auditRows, startedAt) : new Map();
    const judged = await judgeLinks(
      deps.claims,
      lost.map(({ record }) => record),
      { dissolved, now },
    );
    const safe = lost.map((own, at) => withRecord(own, judged[at]?.record ?? own.record));
    const restored: ObjectRecord[] = [];
    let contested = 0;
    if (!apply) restored.push(...safe.map(({ record }) => record));
    else if (lost.length > 0) {
      // First: whoever is put back, the directory has the last word on him, even if this ends here.
      await deps.configurations.requestFullRead(jobId, LINKS_REBUILT, { restores: true });
      const doubtful = await inDoubtSince(jobId, safe, startedAt);
      const written = await writeHalving(table, partition, doubtful.map(operationOf));
      contested = written.filter((etag) => etag === undefined).length;
      restored.push(...doubtful.flatMap(({ record }, at) => (written[at] === undefined ? [] : [record])));
      await noteLost(deps.claims, judged);
    }
    const { entered, conflicts } = await enterLinks(deps.claims, [...records, ...restored], {
      apply,
      mappingOf: async () => (await deps.contextOf(jobId)).mapping,
    });
    return {
      ...{ rows: own.length, present: records.length },
      ...{ missing, damaged, unusable, contested, values: entered },
      unlinked: judged.filter((own) => own.lost !== undefined).length,
      conflicts: [...judged.flatMap(({ conflict }) => conflict ?? []), ...conflicts],
    };
  }

  /** A row of which nothing was sent since stays as it is, to the byte. */
  async function inDoubtSince(jobId: string, lost: readonly Lost[], startedAt: number): Promise<Lost[]> {
    const since = { startedAt, now: deps.clock.now() };
    const found: Lost[] = [];
    for (let at = 0; at < lost.length; at += ASKED_AT_ONCE)
      found.push(
        ...(await Promise.all(
          lost.slice(at, at + ASKED_AT_ONCE).map(async (own): Promise<Lost> => {
            const record = await withDoubtsSince(deps.provisioningLog, jobId, own.record, since);
            return withRecord(own, record);
          }),
        )),
      );
    return found;
  }

  /** Values of target objects that nobody is linked to: matching looks at them, and asks the target before it believes one. */
  async function putBackCandidates(partition: string, kept: readonly KeptRow[], apply: boolean): Promise<Told> {
    const table = deps.rows.table("claims");
    // Those with an owner follow from his row.
    const free = kept.filter(({ values }) => values["owner"] === "" && typeof values["targetId"] === "string");
    const present = await table.getMany(
      partition,
      free.map(({ row }) => row),
      { select: ["owner"] },
    );
    const lost = free.filter(({ row }) => !present.has(row));
    const operations = lost.map(({ row, values }): RowOperation => ({ op: "insert", row, values }));
    if (apply) await writeHalving(table, partition, operations);
    return { ...NOTHING, values: lost.length };
  }

  return {
    async list() {
      const found: BackupReply[] = [];
      for (const id of (await files.ids()).reverse()) {
        const manifest = await files.manifest(id).catch(notDamaged);
        if (!manifest) continue;
        const { startedAt, finishedAt, objects, claims } = manifest;
        found.push({
          ...{ id, objects, claims, parts: piecesOf(manifest).length },
          startedAt: new Date(startedAt).toISOString(),
          finishedAt: new Date(finishedAt).toISOString(),
        });
      }
      return ok(found);
    },

    async part(jobId, { backupId, part, apply }, by) {
      const job = await readRow<JobRow>(jobTable(deps.rows), jobId, ROW.job);
      if (!job) return noSuchJob(jobId);
      const rest = apply ? await expectAtRest(deps, jobId) : undefined;
      if (rest && !rest.ok) return rest;
      try {
        const manifest = await manifestOf(backupId);
        if (!manifest.ok) return manifest;
        const pieces = piecesOf(manifest.value);
        const takenAt = new Date(manifest.value.startedAt).toISOString();
        const base = { backupId, takenAt, part, parts: pieces.length, applied: apply };
        const piece = pieces[part];
        if (!piece) return ok({ ...base, ...NOTHING });
        const told = await putBack(job.value, piece, await files.readPart(piece.part), {
          apply,
          startedAt: manifest.value.startedAt,
        });
        const { missing, damaged, conflicts } = told;
        if (apply && missing + damaged > 0)
          deps.log.warn("rows-restored", { jobId, backupId, part, missing, damaged, conflicts: conflicts.length, by });
        return ok({ ...base, ...told });
      } catch (error) {
        if (!(error instanceof BackupDamaged)) throw error;
        return fail({
          status: 409,
          code: "backup-damaged",
          message: `Backup ${backupId} can't be used: ${error.message}`,
          remedy:
            "Take another one ('uplink backup list'), or have the file's version of before brought back: the account keeps versions for 30 days.",
        });
      }
    },
  };
}

/** The row with another record: columns that this release doesn't know stay as they are. */
function withRecord(own: Lost, record: ObjectRecord): Lost {
  if (record === own.record) return own;
  const known = new Set(Object.keys(encodeObject(own.record)));
  const unknown = Object.fromEntries(Object.entries(own.values).filter(([name]) => !known.has(name)));
  return { ...own, record, values: { ...unknown, ...encodeObject(record) } };
}

function operationOf({ row, values, etag }: Lost): RowOperation {
  return etag === undefined ? { op: "insert", row, values } : { op: "replace", row, values, etag };
}

function piecesOf({ shards }: BackupManifest): Piece[] {
  return shards.flatMap(({ table, shard, parts }) => parts.map((part): Piece => ({ table, shard, part })));
}

function notDamaged(error: unknown): undefined {
  if (!(error instanceof BackupDamaged)) throw error;
  return undefined;
}
