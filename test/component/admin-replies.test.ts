/** What admins are answered has the shape that the contract promises, and nothing besides. */
import { describe, expect, it } from "vitest";
import {
  type CycleRow,
  jobTable,
  listRows,
  pack,
  type ReadsRow,
  ROW,
  readRow,
} from "../../shared/application/state/job-rows.ts";
import { CycleReply } from "../../shared/contracts/admin/cycles.ts";
import { EscrowReply } from "../../shared/contracts/admin/escrows.ts";
import { JobStatusReply } from "../../shared/contracts/admin/jobs.ts";
import { ProvisioningLogReply } from "../../shared/contracts/provisioning-log.ts";
import { aUser, createCloud } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";
import { counting, type PageUse } from "../support/log-entries.ts";

describe("the admin API's replies", () => {
  it("keep to the contract, with an escrow, a staged removal and a log entry to tell", async () => {
    const cloud = await createCloud({ settings: { trustVisibility: null } });
    const agent = await cloud.addDomain("corp.example");
    const mail = { mail: "shared@corp.example" };
    await agent.read("full", [aUser("ann", mail), aUser("bob", mail), aUser("cid")]);
    await agent.read("full", [aUser("ann", mail), aUser("bob", mail)]);
    const { queries } = cloud.cloud.routes;

    const status = await queries.status(agent.jobId);
    expect(status.ok && JobStatusReply.parse(status.value)).toMatchObject({ escrowed: 1, staged: 1 });
    const cycles = await queries.cycles(agent.jobId, 10);
    expect(cycles.ok && cycles.value.value.map((one) => CycleReply.parse(one))).toHaveLength(2);
    const escrows = await queries.escrows(agent.jobId);
    expect(escrows.ok && escrows.value.map((one) => EscrowReply.parse(one))).toMatchObject([
      { code: "AttributeValueMustBeUnique" },
    ]);
    const log = await readLog({ queries }, { jobId: agent.jobId, sinceDays: 2, top: 100 });
    expect(log.map((one) => ProvisioningLogReply.parse(one)).length).toBeGreaterThan(2);
  });

  it("say from when on the log may still get entries, for as long as something is under way", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const acceptedAt = new Date(cloud.clock.now()).toISOString();
    await agent.sendRead("full", [[aUser("ann")], [aUser("bob")]], 2);
    cloud.clock.set(cloud.clock.now() + 3_600_000);
    expect((await agent.status()).waiting).toMatchObject({ batches: 2, oldestAt: acceptedAt });
    await cloud.run();
    expect((await agent.status()).waiting).not.toHaveProperty("oldestAt");
    const again = new Date(cloud.clock.now()).toISOString();
    await cloud.cloud.routes.heldExports.reevaluate(agent.jobId, "ann");
    expect((await agent.status()).waiting).toMatchObject({ work: 1, oldestAt: again });
  });

  it("has the newest cycles at the same price, however many there are", async () => {
    const use: PageUse = { requests: 0, entities: 0 };
    const cloud = await createCloud({ wrapRows: (rows) => counting(rows, use) });
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    const jobs = jobTable(cloud.rows);
    const [first] = await listRows<CycleRow>(jobs, agent.jobId, "cycle:");
    const reads = await readRow<ReadsRow>(jobs, agent.jobId, ROW.reads);
    if (!first || !reads) throw new Error("It has no cycle.");
    const { queries } = cloud.cloud.routes;
    const priceOf = async (question: () => Promise<unknown>) => {
      Object.assign(use, { requests: 0, entities: 0 });
      await question();
      return use.entities;
    };
    const before = await priceOf(() => queries.status(agent.jobId));

    // The last ten numbers have none: those reads are under way, or nothing is told of them.
    const cycles = Array.from({ length: 500 }, (_, n) => ({
      ...first.value,
      readNo: n + 1,
      cycleId: `cycle-${n + 1}`,
    }));
    for (const cycle of cycles)
      await jobs.transact(agent.jobId, [{ op: "upsert", row: ROW.cycle(cycle.readNo), values: pack(cycle) }]);
    const values = pack({ ...reads.value, nextReadNo: 511 });
    await jobs.transact(agent.jobId, [{ op: "replace", row: ROW.reads, values, etag: reads.etag }]);

    expect(await priceOf(() => queries.status(agent.jobId))).toBeLessThanOrEqual(before + 40);
    const status = await queries.status(agent.jobId);
    expect(status).toMatchObject({ value: { lastCycle: { cycleId: "cycle-500" } } });
    for (const top of [1, 3, 50, 499, 500, 1_000]) {
      const found = await queries.cycles(agent.jobId, top);
      const wanted = cycles.slice(-top).reverse();
      expect(found.ok && found.value.value.map((own) => own.cycleId)).toEqual(wanted.map((own) => own.cycleId));
    }
    expect(await priceOf(() => queries.cycles(agent.jobId, 3))).toBeLessThanOrEqual(50);
  });
});
