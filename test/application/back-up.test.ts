import { describe, expect, it } from "vitest";
import { createMemoryBlobStore } from "../../shared/adapters/memory/blob-store.ts";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createBackUp } from "../../shared/application/backup/back-up.ts";
import { createTellBackupAge } from "../../shared/application/backup/backup-age.ts";
import { createBackupFiles } from "../../shared/application/state/backup-files.ts";
import { pack } from "../../shared/application/state/job-rows.ts";
import { transactionChunks } from "../../shared/application/transaction-chunks.ts";
import { BACKUP_TABLES, type BackupPlace, type BackupRef } from "../../shared/contracts/backup.ts";
import { SHARDS } from "../../shared/domain/shard.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { RowOperation, RowStore, RowValues } from "../../shared/ports/row-store.ts";

const targetKey = "tenant";
const DAY = 86_400_000;
const SILENT: Log = { debug: noLine, info: noLine, warn: noLine, error: noLine };

function noLine(): void {
  // Nobody reads it.
}

const JOBS = ["first", "second"];
const ENTRY = { configurationId: "c", jobId: "", displayName: "corp", domainFqdn: "corp.example" };

function aBackup(keptDays = 14) {
  const rows = createMemoryRowStore();
  const blobs = createMemoryBlobStore();
  let now = Date.UTC(2026, 0, 5);
  const clock = { now: () => now };
  const backUp = createBackUp({ rows, blobs, clock, log: SILENT, targetKey, keptDays });
  const files = createBackupFiles({ blobs, targetKey });
  async function shard(ref: BackupRef, table: BackupPlace["table"], own: string): Promise<number> {
    let place: BackupPlace = { ...ref, table, shard: own, part: 0, after: "" };
    for (let pieces = 1; ; pieces++) {
      const { part, after } = await backUp.piece(place);
      if (after === undefined) return pieces;
      place = { ...place, part, after };
    }
  }
  async function whole(backupId: string): Promise<void> {
    const ref = { backupId, startedAt: now };
    for (const table of BACKUP_TABLES) for (const own of SHARDS) await shard(ref, table, own);
    await backUp.finish(ref);
  }
  const paths = async (prefix: string) => {
    const found: string[] = [];
    for await (const path of blobs.list(`backups/tenant/${prefix}`)) found.push(path);
    return found;
  };
  const pass = (ms: number): void => {
    now += ms;
  };
  return { rows, blobs, backUp, files, shard, whole, paths, pass, ref: () => now };
}

async function fill(rows: RowStore, shard: string, count: number, values: (at: number) => RowValues) {
  const operations = Array.from({ length: count }, (_, at): RowOperation => {
    return { op: "upsert", row: `c:${String(at).padStart(6, "0")}`, values: values(at) };
  });
  for (const chunk of transactionChunks(operations)) await rows.table("objects").transact(`tenant:${shard}`, chunk);
}

describe("a backup of rows", () => {
  it("has every row with every column as it was, in parts and pieces that are bounded", async () => {
    const { rows, shard, backUp, files, ref } = aBackup();
    const values = (at: number): RowValues => ({
      text: `line\n"${at}" ü`,
      number: at / 3,
      flag: at % 2 === 0,
      bytes: new Uint8Array([at % 256, 0, 255]),
    });
    await fill(rows, "a", 12_345, values);
    await rows.table("objects").transact("other:a", [{ op: "insert", row: "c:1", values: { text: "not ours" } }]);
    const own = { backupId: "20260105-x", startedAt: ref() };
    expect(await shard(own, "objects", "a")).toBe(2);
    await expect(backUp.finish(own)).rejects.toThrow(/lacks part 0 of objects 0/);
    expect(await files.manifest(own.backupId)).toBeUndefined();
    for (const table of BACKUP_TABLES)
      for (const one of SHARDS) if (table !== "objects" || one !== "a") await shard(own, table, one);
    await backUp.finish(own);
    const manifest = await files.manifest(own.backupId);
    expect(manifest).toMatchObject({ objects: 12_345, claims: 0 });
    const parts = manifest?.shards.find((one) => one.table === "objects" && one.shard === "a")?.parts ?? [];
    expect(parts).toHaveLength(13);
    const read = (await Promise.all(parts.map((part) => files.readPart(part)))).flat();
    expect(read.map(({ row }) => row)).toEqual(read.map((_, at) => `c:${String(at).padStart(6, "0")}`));
    expect(read[255]?.values).toEqual(values(255));
    expect(read).toHaveLength(12_345);
  });

  it("cuts a part where its rows are large, too", async () => {
    const { rows, shard, files, whole, ref } = aBackup();
    await fill(rows, "0", 30, () => ({ bytes: new Uint8Array(500_000) }));
    await whole("20260105-x");
    const parts = (await files.manifest("20260105-x"))?.shards[0]?.parts ?? [];
    expect(parts.map((part) => part.rows)).toEqual([9, 9, 9, 3]);
    expect(await shard({ backupId: "y", startedAt: ref() }, "objects", "0")).toBe(1);
  });

  it("is made of the pieces that were there first: one that is done again with other rows changes nothing", async () => {
    const { rows, backUp, files, shard, ref } = aBackup();
    await fill(rows, "b", 11_500, (at) => ({ at }));
    const place = { backupId: "z", startedAt: ref(), table: "objects", shard: "b", part: 0, after: "" } as const;
    const first = await backUp.piece(place);
    expect(first).toEqual({ part: 10, after: "c:009999" });
    const before = await files.piece(place);
    const table = rows.table("objects");
    for (let at = 0; at < 500; at++)
      await table.transact("tenant:b", [{ op: "delete", row: `c:${String(at).padStart(6, "0")}` }]);
    expect(await backUp.piece(place)).toEqual(first);
    expect(await files.piece(place)).toEqual(before);
    // Two at the same moment: neither had seen the other's.
    const standing = await files.putPiece(place, { parts: [] });
    expect(standing).toEqual(before);
    await shard({ backupId: "z", startedAt: ref() }, "objects", "b");
    const rest = await files.piece({ ...place, part: 10 });
    expect(rest).toMatchObject({ parts: [{ rows: 1_000 }, { rows: 500 }] });
  });

  it("is as old as its id says, and where there is none, as the oldest job", async () => {
    const { rows, blobs, whole, pass, ref } = aBackup();
    const configurations = { list: async () => JOBS.map((jobId) => ({ ...ENTRY, jobId })) };
    const age = createTellBackupAge({ rows, blobs, clock: { now: ref }, configurations, targetKey });
    expect(await age()).toEqual({ ms: 0, newest: undefined });
    for (const [at, jobId] of JOBS.entries())
      await rows.table("jobs").transact(jobId, [{ op: "insert", row: "job", values: pack({ createdAt: ref() + at }) }]);
    pass(DAY);
    expect(await age()).toEqual({ ms: DAY, newest: undefined });
    await whole("20260105120000-a");
    await whole("20260105110000-b");
    pass(DAY);
    expect(await age()).toEqual({ ms: DAY * 1.5, newest: "20260105120000-a" });
  });

  it("is kept for its days, the newest whole one always; a half one goes with its time", async () => {
    const { whole, backUp, paths, files, pass, ref } = aBackup(2);
    await whole("20260105000000-a");
    await backUp.piece({
      ...{ backupId: "20260105010000-b", startedAt: ref(), shard: "0", part: 0, after: "" },
      table: "objects",
    });
    pass(DAY);
    await whole("20260106000000-c");
    expect(await files.ids()).toEqual(["20260105000000-a", "20260106000000-c"]);
    expect(await paths("parts/20260105010000-b")).toHaveLength(1);
    pass(1.5 * DAY);
    await whole("20260107120000-d");
    expect(await files.ids()).toEqual(["20260106000000-c", "20260107120000-d"]);
    expect(await paths("parts/20260105")).toEqual([]);
    expect((await paths("parts/20260106")).length).toBeGreaterThan(0);
    pass(30 * DAY);
    // Nothing new is whole: the last one stays.
    await whole("20260107120000-d");
    expect(await files.ids()).toEqual(["20260107120000-d"]);
    expect((await paths("parts/20260107")).length).toBeGreaterThan(0);
  });
});
