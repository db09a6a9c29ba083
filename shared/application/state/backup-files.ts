/**
 * Backups as files: `backups/{target}/parts/{id}/…` with rows, and `backups/{target}/manifests/{id}.json`, which makes a backup of
 * them. Ids begin with their moment, so that names sort by time; no file is ever written over by another content.
 *
 * A part is lines of JSON, gzipped: a row's key and its columns exactly as the table has them, bytes as base64. So a row comes back as
 * it was, with columns that this release doesn't know, and reading it needs no decoding. Which rows, and what becomes of them, is
 * decided by `back-up.ts` and `restore-rows.ts`.
 */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { BackupManifest, type BackupPart, BackupPiece, type BackupPlace } from "../../contracts/backup.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { RowValue, RowValues } from "../../ports/row-store.ts";

export interface KeptRow {
  readonly row: string;
  readonly values: RowValues;
}

/** What lies there isn't what was written. */
export class BackupDamaged extends Error {
  constructor(what: string) {
    super(what);
    this.name = "BackupDamaged";
  }
}

type PieceName = Pick<BackupPlace, "backupId" | "table" | "shard" | "part">;

export interface BackupFiles {
  /** Writes rows, and tells what lies there then. The same rows are the same file. */
  putPart(place: BackupPlace, rows: readonly KeptRow[]): Promise<BackupPart>;
  /** Throws `BackupDamaged` when it isn't there, or isn't what the manifest says. */
  readPart(part: BackupPart): Promise<KeptRow[]>;
  /** What the piece that begins with a part made; undefined: it isn't there yet. */
  piece(place: PieceName): Promise<BackupPiece | undefined>;
  /** The first one stands, and comes back: who does it again with other rows goes on where that one ended. */
  putPiece(place: PieceName, piece: BackupPiece): Promise<BackupPiece>;
  /** The first one stands. */
  putManifest(manifest: BackupManifest): Promise<void>;
  /** Undefined: there is none. Throws `BackupDamaged`. */
  manifest(backupId: string): Promise<BackupManifest | undefined>;
  /** Ids of whole backups, oldest first. */
  ids(): Promise<string[]>;
  /** Drops files of backups, whole or not, that were begun before an id's moment, but for those that are named. */
  dropBefore(firstKept: string, kept: ReadonlySet<string>): Promise<void>;
}

export function createBackupFiles(deps: { readonly blobs: BlobStore; readonly targetKey: string }): BackupFiles {
  const { blobs } = deps;
  const root = `backups/${deps.targetKey}/`;
  const manifests = `${root}manifests/`;
  const folderOf = (backupId: string) => `${root}parts/${backupId}/`;
  const pathOf = ({ backupId, table, shard, part }: PieceName, ending: string) =>
    `${folderOf(backupId)}${table}-${shard}-${String(part).padStart(6, "0")}${ending}`;

  async function piece(place: PieceName): Promise<BackupPiece | undefined> {
    const body = await blobs.get(pathOf(place, ".json"));
    return body && BackupPiece.parse(JSON.parse(Buffer.from(body).toString("utf8")));
  }

  return {
    async putPart(place, rows) {
      const body = gzipSync(rows.map(lineOf).join("\n"), { level: 1 });
      const digest = digestOf(body);
      // By its digest: who does the same piece again, later and with other rows, doesn't touch what the other one made.
      const path = pathOf(place, `-${hexOf(body).slice(0, 16)}.ndjson.gz`);
      await blobs.put(path, body);
      return { path, rows: rows.length, bytes: body.length, digest };
    },
    async readPart({ path, rows, digest }) {
      const body = await blobs.get(path);
      if (!body) throw new BackupDamaged(`${path} is missing.`);
      if (digestOf(body) !== digest) throw new BackupDamaged(`${path} isn't what was written: its digest differs.`);
      const text = gunzipSync(body).toString("utf8");
      const read = text === "" ? [] : text.split("\n").map(rowOf);
      if (read.length !== rows) throw new BackupDamaged(`${path} has ${read.length} rows, and should have ${rows}.`);
      return read;
    },
    piece,
    async putPiece(place, made) {
      if (await blobs.put(pathOf(place, ".json"), Buffer.from(JSON.stringify(made)), { ifAbsent: true })) return made;
      return (await piece(place)) ?? made;
    },
    async putManifest(manifest) {
      const path = `${manifests}${manifest.backupId}.json`;
      await blobs.put(path, Buffer.from(JSON.stringify(manifest)), { ifAbsent: true });
    },
    async manifest(backupId) {
      const path = `${manifests}${backupId}.json`;
      const body = await blobs.get(path);
      if (!body) return undefined;
      const parsed = BackupManifest.safeParse(jsonOf(body));
      if (parsed.success && parsed.data.backupId === backupId && parsed.data.targetKey === deps.targetKey)
        return parsed.data;
      throw new BackupDamaged(`${path} is no manifest that this release can read.`);
    },
    async ids() {
      const found: string[] = [];
      for await (const path of blobs.list(manifests)) found.push(path.slice(manifests.length).replace(/\.json$/, ""));
      return found.sort();
    },
    async dropBefore(firstKept, kept) {
      // The manifest goes first: what is half dropped is no backup any more.
      for (const prefix of [manifests, `${root}parts/`]) {
        const old: string[] = [];
        for await (const path of blobs.list(prefix)) {
          const [id = ""] = path.slice(prefix.length).split(/[/.]/);
          if (id < firstKept && !kept.has(id)) old.push(path);
        }
        for (const path of old) await blobs.delete(path);
      }
    },
  };
}

/** What the ids of backups that were begun at a moment begin with. */
export function backupIdAt(at: number): string {
  return new Date(at).toISOString().replace(/\D/g, "").slice(0, 14);
}

/** When it was begun, to the second: milliseconds since 1970. Undefined: it isn't made so. */
export function momentOfBackup(id: string): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(id) ?? [];
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? undefined : at;
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}

function lineOf({ row, values }: KeptRow): string {
  const columns = Object.entries(values).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? { base64: Buffer.from(value).toString("base64") } : value,
  ]);
  return JSON.stringify({ row, values: Object.fromEntries(columns) });
}

function rowOf(line: string): KeptRow {
  const { row, values } = JSON.parse(line) as {
    readonly row: string;
    readonly values: Readonly<Record<string, Exclude<RowValue, Uint8Array> | { readonly base64: string }>>;
  };
  const columns = Object.entries(values).map(([name, value]): [string, RowValue] => [
    name,
    typeof value === "object" ? new Uint8Array(Buffer.from(value.base64, "base64")) : value,
  ]);
  return { row, values: Object.fromEntries(columns) };
}

function digestOf(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("base64url");
}

function hexOf(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}
