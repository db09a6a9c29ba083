/**
 * What a backup of rows tells of itself: its manifest, written when all of its parts are there, and what crosses the durable boundary
 * while one is made. A backup without manifest isn't one.
 */
import { z } from "zod";
import { SHARDS } from "../domain/shard.ts";

/** How rows are written in a part; a reader refuses any other. */
export const BACKUP_FORMAT = 1;

/** Tables that are kept, in the order in which they are put back: the index follows from the objects. */
export const BACKUP_TABLES = ["objects", "claims"] as const;
export type BackupTable = (typeof BACKUP_TABLES)[number];

const Count = z.number().int().min(0);

/** `digest`: SHA-256 of the file as it lies there, base64url. */
export const BackupPart = z.strictObject({ path: z.string().min(1), rows: Count, bytes: Count, digest: z.string() });
export type BackupPart = z.infer<typeof BackupPart>;

const BackupShard = z.strictObject({
  table: z.enum(BACKUP_TABLES),
  shard: z.enum(SHARDS as [string, ...string[]]),
  parts: z.array(BackupPart),
});

export const BackupManifest = z.strictObject({
  format: z.literal(BACKUP_FORMAT),
  backupId: z.string().min(1),
  targetKey: z.string().min(1),
  /** Rows are as they were at some moment between the two: milliseconds since 1970. */
  startedAt: z.number(),
  finishedAt: z.number(),
  objects: Count,
  claims: Count,
  shards: z.array(BackupShard).length(SHARDS.length * BACKUP_TABLES.length),
});
export type BackupManifest = z.infer<typeof BackupManifest>;

/** Which backup, and when it was begun. */
export const BackupRef = z.strictObject({ backupId: z.string().min(1), startedAt: z.number() });
export type BackupRef = z.infer<typeof BackupRef>;

/** Where a shard goes on: after the row `after`, with part `part`. */
export const BackupPlace = BackupRef.extend({
  table: z.enum(BACKUP_TABLES),
  shard: z.string().length(1),
  part: Count,
  after: z.string(),
});
export type BackupPlace = z.infer<typeof BackupPlace>;

/** What one piece of a shard made, and after which row the next one goes on; without `after` the shard is done. */
export const BackupPiece = z.strictObject({ parts: z.array(BackupPart), after: z.string().optional() });
export type BackupPiece = z.infer<typeof BackupPiece>;

/** `after` undefined: the shard is done. */
export interface BackedUp {
  readonly part: number;
  readonly after?: string | undefined;
}
