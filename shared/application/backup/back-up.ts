/**
 * The nightly backup: object rows and index of the target, shard by shard, into files with digests, and at last a manifest.
 *
 * Nothing is stopped meanwhile: a row is as it was when its page was read, so a backup is no moment of the whole. It doesn't have to
 * be: what is put back is judged row by row, and a full read is made afterwards (`restore-rows.ts`). What a piece made first
 * stands: whoever does it again goes on from there.
 */
import { randomUUID } from "node:crypto";
import {
  BACKUP_FORMAT,
  BACKUP_TABLES,
  type BackedUp,
  type BackupManifest,
  type BackupPart,
  type BackupPiece,
  type BackupPlace,
  type BackupRef,
  type BackupTable,
} from "../../contracts/backup.ts";
import { SHARDS } from "../../domain/shard.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { OrchestrationStarter } from "../../ports/orchestration-starter.ts";
import type { Row, RowStore } from "../../ports/row-store.ts";
import { backupIdAt, createBackupFiles, type KeptRow } from "../state/backup-files.ts";

/** A part ends with the page that reaches either: it is held in memory, and put back by one request. */
const ROWS_A_PART = 1_000;
const BYTES_A_PART = 4 * 1_048_576;
/** Parts that one activity makes: far below a minute. */
const PARTS_A_PIECE = 10;
const DAY_MS = 86_400_000;

export interface BackUp {
  /** The next parts of a shard. */
  piece(place: BackupPlace): Promise<BackedUp>;
  /** Makes a backup of what was written, and drops those whose time is over. Throws when a shard is missing. */
  finish(ref: BackupRef): Promise<null>;
}

export function createBackUp(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly targetKey: string;
  /** How long a backup is kept; the newest whole one always is. */
  readonly keptDays: number;
}): BackUp {
  const { clock, targetKey } = deps;
  const files = createBackupFiles(deps);

  async function partsOf(backupId: string, table: BackupTable, shard: string): Promise<BackupPart[]> {
    const parts: BackupPart[] = [];
    for (;;) {
      const piece = await files.piece({ backupId, table, shard, part: parts.length });
      if (!piece) throw new Error(`Backup ${backupId} lacks part ${parts.length} of ${table} ${shard}.`);
      parts.push(...piece.parts);
      if (piece.after === undefined) return parts;
    }
  }

  return {
    async piece(place) {
      const known = await files.piece(place);
      if (known) return answerOf(place, known);
      const table = deps.rows.table(place.table);
      const parts: BackupPart[] = [];
      let { after } = place;
      let part: KeptRow[] = [];
      let bytes = 0;
      const close = async () => {
        parts.push(await files.putPart({ ...place, part: place.part + parts.length }, part));
        after = part.at(-1)?.row ?? after;
        [part, bytes] = [[], 0];
      };
      const from = after === "" ? {} : { from: `${after}!` };
      let isOver = true;
      for await (const page of table.range(`${targetKey}:${place.shard}`, from)) {
        for (const row of page) {
          part.push({ row: row.row, values: row.values });
          bytes += bytesOf(row);
          if (part.length >= ROWS_A_PART || bytes >= BYTES_A_PART) await close();
        }
        isOver = parts.length < PARTS_A_PIECE;
        if (!isOver) break;
      }
      if (part.length > 0) await close();
      return answerOf(place, await files.putPiece(place, { parts, ...(isOver ? {} : { after }) }));
    },

    async finish({ backupId, startedAt }) {
      const shards: BackupManifest["shards"] = [];
      for (const table of BACKUP_TABLES)
        for (const shard of SHARDS) shards.push({ table, shard, parts: await partsOf(backupId, table, shard) });
      const rowsOf = (table: BackupTable) =>
        shards
          .filter((own) => own.table === table)
          .flatMap(({ parts }) => parts)
          .reduce((sum, { rows }) => sum + rows, 0);
      const manifest: BackupManifest = {
        format: BACKUP_FORMAT,
        ...{ backupId, targetKey, startedAt, shards },
        finishedAt: clock.now(),
        objects: rowsOf("objects"),
        claims: rowsOf("claims"),
      };
      await files.putManifest(manifest);
      const newest = (await files.ids()).at(-1);
      const firstKept = backupIdAt(clock.now() - deps.keptDays * DAY_MS);
      await files.dropBefore(firstKept, new Set(newest === undefined ? [] : [newest]));
      const { objects, claims } = manifest;
      deps.log.info("backup-done", { backupId, objects, claims, ms: clock.now() - startedAt });
      return null;
    },
  };
}

function answerOf({ part }: BackupPlace, { parts, after }: BackupPiece): BackedUp {
  return { part: part + parts.length, ...(after === undefined ? {} : { after }) };
}

/** Begins a backup under an id that was never used. */
export function createBeginBackup(deps: {
  readonly clock: Clock;
  readonly starter: OrchestrationStarter;
  readonly orchestrator: string;
  readonly instanceId: (backupId: string) => string;
}): () => Promise<BackupRef> {
  return async () => {
    const startedAt = deps.clock.now();
    const ref: BackupRef = { backupId: `${backupIdAt(startedAt)}-${randomUUID().slice(0, 8)}`, startedAt };
    await deps.starter.start(deps.orchestrator, deps.instanceId(ref.backupId), ref);
    return ref;
  };
}

function bytesOf({ values }: Row): number {
  return Object.values(values).reduce<number>(
    (sum, value) => sum + (typeof value === "string" || value instanceof Uint8Array ? value.length : 8),
    0,
  );
}
