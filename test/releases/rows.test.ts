/** What a recorded release left in storage, under the present code: it is understood, and work goes on from there. */
import { describe, expect, it } from "vitest";
import { recordedBytes } from "../../local/releases/recorded-bytes.ts";
import type { RecordedRow, Release } from "../../local/releases/release-files.ts";
import { createIndexOldLog } from "../../shared/application/log/index-old-log.ts";
import { createClaimIndex, ownerOf } from "../../shared/application/state/claim-index.ts";
import { createEscrows } from "../../shared/application/state/escrow-rows.ts";
import { createLinkRows } from "../../shared/application/state/link-rows.ts";
import { OBJECT_FORMAT } from "../../shared/application/state/object-row.ts";
import { createObjectStore } from "../../shared/application/state/object-store.ts";
import { createProvisioningLog } from "../../shared/application/state/provisioning-log.ts";
import { createRemovals } from "../../shared/application/state/removal-rows.ts";
import { AgentReply } from "../../shared/contracts/admin/agents.ts";
import { CycleReply } from "../../shared/contracts/admin/cycles.ts";
import { JobStatusReply } from "../../shared/contracts/admin/jobs.ts";
import type { Change } from "../../shared/contracts/change.ts";
import { ProvisioningLogReply } from "../../shared/contracts/provisioning-log.ts";
import type { RowValues } from "../../shared/ports/row-store.ts";
import { readLog } from "../support/log.ts";
import { recordedReleases } from "../support/releases/recorded.ts";
import { lastChanges, sendFullRead } from "../support/releases/recorded-agent.ts";
import { openRelease, type ReleaseCloud, type ReleaseJob } from "../support/releases/release-cloud.ts";

const releases = await recordedReleases();
/** What the recorder wrote. */
const CHANGED = "Chief Recorder";
const TABLES = ["agents", "claims", "dirtylinks", "escrows", "jobs", "links", "objects", "referrers", "sids", "staged"];

/** Values as what they mean: packed JSON unpacked, so that another packing is no difference; other bytes as they are. */
function meaningOf(values: RecordedRow[2] | RowValues): Record<string, unknown> {
  const meaning = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return meaning(recordedBytes(value));
    if (typeof value === "object" && value !== null)
      return "base64" in value ? value : meaning(Object.values(value).join(""));
    return typeof value === "string" && /^[[{]/.test(value) ? (JSON.parse(value) as unknown) : value;
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, meaning(value)]));
}

const rowsOf = (release: Release, table: string): readonly RecordedRow[] => release.rows[table] ?? [];

async function present(cloud: ReleaseCloud, table: string, [partition, row]: RecordedRow) {
  return meaningOf((await cloud.rows.table(table).get(partition, row))?.values ?? {});
}

/** What must not be said: a batch that fails is parked, and then nothing is exported either. */
const troubleIn = (cloud: ReleaseCloud) =>
  cloud.logged.filter(({ event }) => ["step-failed", "batch-parked", "cycle-abandoned"].includes(event));

/** What the release had begun is carried out, and all that it wished for is done. */
async function settled(release: Release): Promise<ReleaseCloud> {
  const cloud = await openRelease(release);
  for (const job of release.manifest.jobs)
    for (const lane of ["bulk", "live"] as const) await cloud.wakeJob(job.jobId, lane);
  await cloud.driver.settled();
  await cloud.run();
  expect(troubleIn(cloud)).toEqual([]);
  return cloud;
}

/** People of the directory as it was last, but for those who are escrowed. */
function people(release: Release, job: ReleaseJob): Extract<Change, { op: "upsert" }>[] {
  const escrowed = new Set(rowsOf(release, "escrows").map(([, row]) => row));
  return lastChanges(release, job).flatMap((change) =>
    change.op === "upsert" && change.attributes["employeeID"] && !escrowed.has(change.objectGuid) ? [change] : [],
  );
}

describe.each(releases.map((release) => ({ version: release.manifest.version, release })))(
  "release $version",
  ({ release }) => {
    const { jobs, targetKey } = release.manifest;
    const [first, second] = jobs as [ReleaseJob, ReleaseJob];

    it("left rows of every kind", () => {
      const tables = Object.keys(release.rows).filter((name) => rowsOf(release, name).length > 0);
      expect(tables).toEqual(expect.arrayContaining(TABLES));
    });

    it("says the same of every object when it is read and written again", async () => {
      const cloud = await openRelease(release);
      const objects = createObjectStore({ rows: cloud.rows, targetKey });
      const recorded = rowsOf(release, "objects");
      expect(recorded.length).toBeGreaterThan(200);
      for (const row of recorded) {
        const [configurationId = "", guid = ""] = row[1].split(":");
        const stored = await objects.get(configurationId, guid);
        expect(stored?.record).toMatchObject({ objectClass: expect.any(String), dn: expect.any(String) });
        expect(await objects.write([stored!])).toMatchObject([{ written: true }]);
        // What is added since is fine; what was there stays, but for the number of the format.
        const { v: format, ...meaning } = meaningOf(row[2]);
        expect(await present(cloud, "objects", row)).toMatchObject(meaning);
        expect(format).toBeLessThanOrEqual(OBJECT_FORMAT);
      }
    });

    it("says the same of every list of members", async () => {
      const cloud = await openRelease(release);
      const links = createLinkRows({ rows: cloud.rows, targetKey });
      const headers = rowsOf(release, "links").filter(([, row]) => row.startsWith("h:"));
      expect(headers.length).toBeGreaterThan(5);
      let edges = 0;
      for (const row of headers) {
        const [, configurationId = "", referrer = "", attribute = ""] = row[1].split(":");
        const key = { configurationId, referrer, attribute };
        const [stored] = await links.load([{ key, segmentsOf: () => "all" }]);
        const { header, segments } = stored!;
        edges += [...segments.values()].reduce((sum, { segment }) => sum + segment.edges.size, 0);
        const changed = new Map([...segments].map(([name, { segment }]) => [name, segment]));
        expect(await links.write([{ stored: stored!, header, segments: changed }])).not.toContain(undefined);
        expect(await present(cloud, "links", row)).toMatchObject(meaningOf(row[2]));
      }
      expect(edges).toBeGreaterThan(100);
    });

    it("knows who has which value", async () => {
      const cloud = await openRelease(release);
      const objects = createObjectStore({ rows: cloud.rows, targetKey });
      const claims = createClaimIndex({ rows: cloud.rows, targetKey });
      let held = 0;
      for (const [, row] of rowsOf(release, "objects")) {
        const [configurationId = "", guid = ""] = row.split(":");
        const link = (await objects.get(configurationId, guid))?.record.link;
        if (!link || link.owner !== configurationId) continue;
        const holder = await claims.holder({ kind: "targetId", value: link.targetId });
        expect(JSON.stringify(holder)).toContain(ownerOf(configurationId, guid));
        held++;
      }
      expect(held).toBeGreaterThan(200);
    });

    it("knows what waits for somebody: who is escrowed, and what the guard held back", async () => {
      const cloud = await openRelease(release);
      const escrows = createEscrows({ rows: cloud.rows });
      const escrowed = (await Promise.all(jobs.map(({ jobId }) => escrows.list(jobId)))).flat();
      expect(escrowed.map(({ code }) => code)).toEqual(rowsOf(release, "escrows").map(() => "DuplicateSourceEntries"));
      expect(escrowed.length).toBeGreaterThan(0);
      const staged = await createRemovals({ rows: cloud.rows }).staged(second.jobId);
      expect(staged.map((row) => row.class)).toEqual(["deletes", "deletes", "deletes"]);
    });

    it("answers admins in the present form", async () => {
      const cloud = await openRelease(release);
      const { queries } = cloud.cloud.routes;
      for (const job of jobs) {
        JobStatusReply.parse(await cloud.status(job));
        const cycles = await queries.cycles(job.jobId, 100);
        expect(cycles.ok && cycles.value.value.map((cycle) => CycleReply.parse(cycle)).length).toBeGreaterThan(0);
        for (const agent of await queries.agents(job.configurationId, job.jobId)) AgentReply.parse(agent);
      }
      const { objectGuid } = people(release, first).find(({ attributes }) => String(attributes["title"]) === CHANGED)!;
      const log = await readLog({ queries }, { jobId: first.jobId, objectGuid, sinceDays: 2, top: 20 });
      expect(log.map((entry) => ProvisioningLogReply.parse(entry).provisioningAction)).toEqual(
        expect.arrayContaining(["create", "update"]),
      );
      expect(JSON.stringify(log)).toContain(CHANGED);
    });

    it("finds its log among all jobs' once its rows are indexed, and its failures", async () => {
      const { rows, cloud, clock } = await openRelease(release);
      const provisioningLog = createProvisioningLog({ rows });
      const indexOldLog = createIndexOldLog({ rows, clock, provisioningLog, logMonths: 1 });
      const changesOf = async (asked: { jobId?: string; filter?: string }) =>
        (await readLog(cloud.routes, { ...asked, top: 10_000 })).map((own) => own.changeId).sort();
      const known = (await Promise.all(jobs.map(({ jobId }) => changesOf({ jobId })))).flat().sort();
      expect(known.length).toBeGreaterThan(200);
      for (const job of [...jobs, ...jobs]) await indexOldLog(job);
      expect(await changesOf({})).toEqual(known);
      const failed = await changesOf({ filter: "provisioningStatusInfo/status eq 'failure'" });
      expect(failed.length).toBeGreaterThanOrEqual(rowsOf(release, "escrows").length);
    });

    it("goes on with the batch that was under way, writes what it brought, and nothing else", async () => {
      const cloud = await settled(release);
      expect(cloud.target.received).toMatchObject([
        { kind: "update", type: "user", values: { jobTitle: "Waiting for a newer version" } },
      ]);
      expect(cloud.target.writes()).toBe(1);
      expect(await cloud.status(second)).toMatchObject({ waiting: { batches: 0, readsEnding: 0, work: 0 }, staged: 3 });
    });

    it("exports nothing when everything is read again", async () => {
      const cloud = await settled(release);
      const writes = cloud.target.writes();
      for (const job of jobs) {
        const changes = lastChanges(release, job);
        await sendFullRead(cloud, release, job, changes);
        const { lastCycle, waiting } = await cloud.status(job);
        expect(lastCycle).toMatchObject({ received: changes.length, outcomes: { exported: 0, staged: 0 }, writes: 0 });
        expect(waiting).toMatchObject({ batches: 0, readsEnding: 0, work: 0 });
      }
      expect(cloud.target.writes()).toBe(writes);
      expect(troubleIn(cloud)).toEqual([]);
    });

    it("exports a change as one write, and removes who is removed", async () => {
      const cloud = await settled(release);
      const changes = lastChanges(release, first);
      const [changed, gone] = people(release, first).slice(-2);
      const found = cloud.target.received.length;
      const writes = cloud.target.writes();
      const title = { ...changed!, attributes: { ...changed!.attributes, title: ["Changed since"] } };
      const after = changes.flatMap((one) =>
        one.objectGuid === gone!.objectGuid ? [] : one.objectGuid === changed!.objectGuid ? [title] : [one],
      );
      await sendFullRead(cloud, release, first, after);
      expect(cloud.target.received.slice(found)).toMatchObject([
        { kind: "update", key: changed!.objectGuid, values: { jobTitle: "Changed since" } },
        { kind: "delete", key: gone!.objectGuid },
      ]);
      expect(cloud.target.writes()).toBe(writes + 2);
    });
  },
);
