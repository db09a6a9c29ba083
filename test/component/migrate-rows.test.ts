/**
 * The migration of object rows, over the rows that a recorded release left: by the tick, the orchestration and its activity, killed in
 * the middle, done twice, beside a sync that writes the same rows, and after the older release wrote again.
 */
import { describe, expect, it } from "vitest";
import { ACTIVITY, migrationId, ORCHESTRATOR } from "../../orchestrations/names.ts";
import {
  createKeepMigrating,
  createMigrateRows,
  type MigrationRow,
} from "../../shared/application/backup/migrate-rows.ts";
import { jobOperations } from "../../shared/application/jobs/configurations.ts";
import { type JobRow, jobTable, ROW, readRow } from "../../shared/application/state/job-rows.ts";
import { OBJECT_FORMAT } from "../../shared/application/state/object-row.ts";
import { createObjectStore } from "../../shared/application/state/object-store.ts";
import { SHARDS } from "../../shared/domain/shard.ts";
import type { OrchestrationStarter } from "../../shared/ports/orchestration-starter.ts";
import type { RowStore, RowValues } from "../../shared/ports/row-store.ts";
import { recordedReleases } from "../support/releases/recorded.ts";
import { openRelease, type ReleaseCloud, type ReleaseJob } from "../support/releases/release-cloud.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const release = (await recordedReleases())[0]!;
const { jobs, targetKey } = release.manifest;
const [job] = jobs as [ReleaseJob];

/** A day after the recording: nothing was looked at yet. */
async function upgraded(): Promise<ReleaseCloud> {
  const cloud = await openRelease(release);
  cloud.clock.set(cloud.clock.now() + 2 * DAY_MS);
  return cloud;
}

/** The tick's duty, and none of its others, which write rows too. */
async function begin(
  { rows, clock, driver, cloud: { log } }: ReleaseCloud,
  starter: OrchestrationStarter = driver,
  of: readonly { readonly jobId: string }[] = jobs,
): Promise<void> {
  const keep = createKeepMigrating({
    ...{ rows, clock, log, starter, orchestrator: ORCHESTRATOR.migrate, instanceId: migrationId },
    stuckAfterMs: 10 * MINUTE_MS,
  });
  for (const own of of) await keep(own);
  await driver.settled();
}

async function objectRows(rows: RowStore): Promise<Map<string, RowValues>> {
  const found = new Map<string, RowValues>();
  for await (const page of rows.table("objects").scan()) for (const { row, values } of page) found.set(row, values);
  return found;
}

const migrationOf = async ({ rows }: { rows: RowStore }, jobId = job.jobId): Promise<MigrationRow | undefined> =>
  (await readRow<MigrationRow>(jobTable(rows), jobId, "migration"))?.value;

/** Objects that are disabled in the target, by the summaries that the end of a read judges by. */
async function disabled(rows: RowStore): Promise<string[]> {
  const objects = createObjectStore({ rows, targetKey });
  const found: string[] = [];
  for (const { configurationId } of jobs)
    for (const shard of SHARDS)
      for await (const page of objects.summaries(configurationId, shard))
        found.push(...page.filter((own) => own.disabled).map(({ objectGuid }) => objectGuid));
  return found.sort();
}

/** The same by what the links hold, without the columns that are asked here. */
async function disabledByLink(rows: RowStore): Promise<string[]> {
  const objects = createObjectStore({ rows, targetKey });
  const found: string[] = [];
  for (const row of (await objectRows(rows)).keys()) {
    const [configurationId = "", guid = ""] = row.split(":");
    const link = (await objects.get(configurationId, guid))?.record.link;
    if (link?.exported["accountEnabled"] === false) found.push(guid);
  }
  return found.sort();
}

const begun = (cloud: ReleaseCloud) => cloud.driver.ids.filter((id) => id.startsWith("migrate-"));

describe("rows of an older format", () => {
  it("lack who is disabled, and have it after a migration, with nothing else changed", async () => {
    const cloud = await upgraded();
    const before = await objectRows(cloud.rows);
    const expected = await disabledByLink(cloud.rows);
    expect(expected.length).toBeGreaterThan(3);
    expect(await disabled(cloud.rows)).toEqual([]);
    await begin(cloud);
    expect(await disabled(cloud.rows)).toEqual(expected);
    const after = await objectRows(cloud.rows);
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    for (const [row, values] of before) {
      const { v, disabled: isDisabled = false, ...others } = after.get(row)!;
      expect({ ...others, v: 1 }).toEqual(values);
      expect([v, isDisabled]).toEqual([OBJECT_FORMAT, expected.includes(row.split(":")[1]!)]);
    }
    for (const { jobId } of jobs) {
      const { state, looked = 0, changed, left } = (await migrationOf(cloud, jobId))!;
      expect({ state, changed, left }).toEqual({ state: "done", changed: looked, left: 0 });
      expect(looked).toBeGreaterThan(50);
    }
    const told = cloud.logged.filter(({ event }) => event === "rows-migrated");
    expect(told).toHaveLength(jobs.length);
    expect(told[0]?.fields).toMatchObject({ format: OBJECT_FORMAT, left: 0 });
  });

  it("are looked at once a day: nothing is written, unless the older release came back and wrote", async () => {
    const cloud = await upgraded();
    await begin(cloud);
    const table = cloud.rows.table("objects");
    const [[row]] = [...(await objectRows(cloud.rows))] as [[string, RowValues]];
    const etags = async () => {
      const all = new Map<string, string>();
      for await (const page of table.scan()) for (const one of page) all.set(one.row, one.etag);
      return all;
    };
    const before = await etags();
    cloud.clock.set(cloud.clock.now() + HOUR_MS);
    await begin(cloud);
    expect(begun(cloud)).toHaveLength(jobs.length);
    cloud.clock.set(cloud.clock.now() + DAY_MS);
    await begin(cloud);
    expect(begun(cloud)).toHaveLength(2 * jobs.length);
    expect(await etags()).toEqual(before);

    // As the release writes a row: whole, in its own format, without what it doesn't know.
    const partition = `${targetKey}:${row.split(":")[1]![0]}`;
    const { disabled: _, since: __, ...known } = (await table.get(partition, row))!.values;
    await table.transact(partition, [{ op: "replace", row, values: { ...known, v: 1 } }]);
    cloud.clock.set(cloud.clock.now() + DAY_MS);
    await begin(cloud);
    expect((await table.get(partition, row))?.values["v"]).toBe(OBJECT_FORMAT);
    expect(await disabled(cloud.rows)).toEqual(await disabledByLink(cloud.rows));
    const changed = cloud.logged.filter(({ event }) => event === "rows-migrated").at(-1);
    expect(changed?.fields).toMatchObject({ changed: 1, left: 0 });
  });

  it("are brought up at once where an older release made the job, however short a time ago", async () => {
    const cloud = await openRelease(release);
    await begin(cloud);
    expect(begun(cloud)).toHaveLength(jobs.length);
    expect(await disabled(cloud.rows)).toEqual(await disabledByLink(cloud.rows));
  });

  it("aren't looked for in a new job of the present release for a day: it has none", async () => {
    const cloud = await openRelease(release);
    const { value: known } = (await readRow<JobRow>(jobTable(cloud.rows), job.jobId, ROW.job))!;
    const { targetKey, settings, domainFqdn, domainNetBios, configurationId } = known;
    const of = { jobId: "new", displayName: "New", targetKey, settings, domainFqdn, domainNetBios, configurationId };
    const operations = jobOperations({ ...of, now: cloud.clock.now() });
    expect((await jobTable(cloud.rows).transact("new", operations)).ok).toBe(true);
    cloud.clock.set(cloud.clock.now() + HOUR_MS);
    await begin(cloud, cloud.driver, [{ jobId: "new" }]);
    expect(begun(cloud)).toEqual([]);
    cloud.clock.set(cloud.clock.now() + DAY_MS);
    await begin(cloud, cloud.driver, [{ jobId: "new" }]);
    expect(begun(cloud)).toEqual(["migrate-new-1"]);
  });
});

describe("a migration", () => {
  it("that is killed in the middle is gone on with where it stood, by a run of its own", async () => {
    const cloud = await upgraded();
    // The first two steps are done, a few rows each; then its host is gone for good.
    const ids: string[] = [];
    const dead = {
      status: async () => "ended" as const,
      start: async (_name: string, id: string) => ids.push(id) > 0,
    };
    await begin(cloud, dead);
    expect(ids).toEqual(jobs.map(({ jobId }) => `migrate-${jobId}-1`));
    const few = inPieces(cloud);
    for (let step = 0; step < 2; step++)
      expect(await few.step({ jobId: job.jobId, epoch: 1 })).toEqual({ isOver: false });
    const half = (await migrationOf(cloud))!;
    expect(half).toMatchObject({ state: "running", epoch: 1 });
    expect(half.changed).toBeGreaterThan(0);
    const { driver } = cloud;
    await begin(cloud, { ...driver, status: async (id) => (ids.includes(id) ? "ended" : driver.status(id)) });
    const done = (await migrationOf(cloud))!;
    // Those of the other jobs ended before they had begun.
    cloud.clock.set(cloud.clock.now() + 11 * MINUTE_MS);
    await begin(cloud);
    expect(done).toMatchObject({ state: "done", epoch: 2, left: 0, changed: done.looked });
    expect(await disabled(cloud.rows)).toEqual(await disabledByLink(cloud.rows));
    // The old one comes back to life: it is over for it.
    const before = await objectRows(cloud.rows);
    const activity = cloud.cloud.activities[ACTIVITY.migrateStep]!;
    expect(await activity({ jobId: job.jobId, epoch: 1 })).toEqual({ kind: "done", value: { isOver: true } });
    expect(await objectRows(cloud.rows)).toEqual(before);
  });

  it("that stands still for too long is replaced, one that moves isn't", async () => {
    const cloud = await upgraded();
    const ids: string[] = [];
    const hanging = {
      status: async (id: string) => (ids.includes(id) ? ("running" as const) : ("unknown" as const)),
      start: async (_name: string, id: string) => ids.push(id) > 0,
    };
    const own = () => ids.filter((id) => id.includes(job.jobId));
    await begin(cloud, hanging);
    cloud.clock.set(cloud.clock.now() + 5 * MINUTE_MS);
    await begin(cloud, hanging);
    expect(own()).toHaveLength(1);
    cloud.clock.set(cloud.clock.now() + 6 * MINUTE_MS);
    await begin(cloud, hanging);
    expect(own()).toEqual([`migrate-${job.jobId}-1`, `migrate-${job.jobId}-2`]);
  });

  it("loses nothing of a row that a sync writes at the same moment, and leaves it to the sync", async () => {
    const cloud = await upgraded();
    const objects = createObjectStore({ rows: cloud.rows, targetKey });
    const raced: string[] = [];
    const table = cloud.rows.table("objects");
    // Between reading and writing, a sync writes the first of each step's rows.
    const racing: RowStore = {
      ...cloud.rows,
      table: (name) => {
        const real = cloud.rows.table(name);
        if (name !== "objects") return real;
        return {
          ...real,
          async transact(partition, operations) {
            const [first] = operations;
            if (first && raced.length < 5 && !raced.includes(first.row)) {
              raced.push(first.row);
              const [configurationId = "", guid = ""] = first.row.split(":");
              const stored = (await objects.get(configurationId, guid))!;
              await objects.write([{ ...stored, record: { ...stored.record, dn: `CN=Renamed ${raced.length}` } }]);
            }
            return real.transact(partition, operations);
          },
        };
      },
    };
    await begin(cloud, { status: async () => "running", start: async () => true });
    const steps = createMigrateRows({ rows: racing, clock: cloud.clock, log: cloud.cloud.log, targetKey });
    while (!(await steps.step({ jobId: job.jobId, epoch: 1 })).isOver);
    expect(raced).toHaveLength(5);
    const dns = await Promise.all(
      raced.map(async (row) => (await table.get(`${targetKey}:${row.split(":")[1]![0]}`, row))?.values),
    );
    expect(dns.map((values) => values?.["dn"])).toEqual(raced.map((_, index) => `CN=Renamed ${index + 1}`));
    for (const values of dns) expect(values?.["v"]).toBe(OBJECT_FORMAT);
    expect(await migrationOf(cloud)).toMatchObject({ state: "done", left: 0 });
  });

  it("that fails where it began is told, and tried again after some minutes, then once a day", async () => {
    const cloud = await upgraded();
    const ids: string[] = [];
    const failing = {
      status: async (id: string) => (ids.includes(id) ? ("ended" as const) : ("unknown" as const)),
      start: async (_name: string, id: string) => ids.push(id) > 0,
    };
    const own = () => ids.filter((id) => id.includes(job.jobId)).length;
    const told = () =>
      cloud.logged.flatMap(({ level, event, fields }) =>
        event === "migration-failed" && (fields as { jobId: string }).jobId === job.jobId ? [{ level, fields }] : [],
      );
    const tickAfter = async (milliseconds: number) => {
      cloud.clock.set(cloud.clock.now() + milliseconds);
      await begin(cloud, failing);
    };
    await tickAfter(0);
    for (let tick = 0; tick < 9; tick++) await tickAfter(MINUTE_MS);
    expect(own()).toBe(1);
    const first = { jobId: job.jobId, epoch: 1, shard: 0, failures: 1, waitMs: 10 * MINUTE_MS };
    expect(told()).toEqual([{ level: "error", fields: first }]);
    await tickAfter(2 * MINUTE_MS);
    expect(own()).toBe(2);
    for (let tick = 0; tick < 3; tick++) await tickAfter(HOUR_MS);
    expect(own()).toBe(2);
    expect(told().slice(1)).toEqual([{ level: "error", fields: { ...first, epoch: 2, failures: 2, waitMs: DAY_MS } }]);
    // What was wrong is mended: it goes on, and is whole.
    await tickAfter(DAY_MS);
    expect(own()).toBe(3);
    const steps = inPieces(cloud);
    expect(await steps.step({ jobId: job.jobId, epoch: 3 })).toEqual({ isOver: false });
    // It moved: the next one is begun at once.
    await tickAfter(MINUTE_MS);
    expect(own()).toBe(4);
    expect(await migrationOf(cloud)).toMatchObject({ epoch: 4, failures: 0 });
    while (!(await steps.step({ jobId: job.jobId, epoch: 4 })).isOver);
    expect(await migrationOf(cloud)).toMatchObject({ state: "done", left: 0 });
    expect(told()).toHaveLength(2);
  });

  it("leaves a row that can't be written, and goes on with the others; not so where nothing can be", async () => {
    const cloud = await upgraded();
    let isBad = (_row: string) => true;
    const throwing: RowStore = {
      ...cloud.rows,
      table: (name) => {
        const real = cloud.rows.table(name);
        const transact: typeof real.transact = async (partition, operations) => {
          if (operations.some(({ row }) => isBad(row))) throw new Error("too large");
          return real.transact(partition, operations);
        };
        return name === "objects" ? { ...real, transact } : real;
      },
    };
    await begin(cloud, { status: async () => "running", start: async () => true });
    const steps = createMigrateRows({ rows: throwing, clock: cloud.clock, log: cloud.cloud.log, targetKey });
    const step = () => steps.step({ jobId: job.jobId, epoch: 1 });
    const all = [...(await objectRows(cloud.rows)).keys()].filter((row) => row.startsWith(job.configurationId)).sort();
    await expect(step()).rejects.toThrow("too large");
    expect(await migrationOf(cloud)).toMatchObject({ looked: 0, left: 0 });
    isBad = (row) => row === all[3] || row === all[40];
    while (!(await step()).isOver);
    expect(await migrationOf(cloud)).toMatchObject({ state: "done", changed: all.length - 2, left: 2 });
  });

  it("tells of rows that it has to leave, and has them another time", async () => {
    const cloud = await upgraded();
    const table = cloud.rows.table("objects");
    const [[row]] = [...(await objectRows(cloud.rows))].filter(
      ([own, { link }]) => link !== undefined && own.startsWith(job.configurationId),
    ) as [[string, RowValues]];
    const partition = `${targetKey}:${row.split(":")[1]![0]}`;
    const whole = (await table.get(partition, row))!.values;
    await table.transact(partition, [{ op: "merge", row, values: { link: new Uint8Array([1, 2, 3]) } }]);
    await begin(cloud);
    expect(await migrationOf(cloud)).toMatchObject({ state: "done", left: 1 });
    expect((await table.get(partition, row))?.values["v"]).toBe(1);
    await table.transact(partition, [{ op: "replace", row, values: whole }]);
    cloud.clock.set(cloud.clock.now() + DAY_MS);
    await begin(cloud);
    expect(await migrationOf(cloud)).toMatchObject({ state: "done", changed: 1, left: 0 });
  });

  it("is begun by the first tick of the present release, beside what the lanes do", async () => {
    const cloud = await upgraded();
    await cloud.cloud.tickWith(cloud.driver)();
    await cloud.driver.settled();
    expect(begun(cloud)).toEqual(jobs.map(({ jobId }) => `migrate-${jobId}-1`));
    expect(cloud.driver.ids.filter((id) => id.startsWith("sync-")).length).toBeGreaterThan(0);
    for (const { jobId } of jobs) expect(await migrationOf(cloud, jobId)).toMatchObject({ state: "done", left: 0 });
    expect(await disabled(cloud.rows)).toEqual(await disabledByLink(cloud.rows));
  });
});

/** Steps of twenty rows. */
function inPieces({ rows, clock, cloud }: ReleaseCloud) {
  return createMigrateRows({ rows, clock, log: cloud.log, targetKey, rowsAStep: 20 });
}
