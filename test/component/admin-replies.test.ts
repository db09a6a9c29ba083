/** What admins are answered has the shape that the contract promises, and nothing besides. */
import { describe, expect, it } from "vitest";
import { CycleReply } from "../../shared/contracts/admin/cycles.ts";
import { EscrowReply } from "../../shared/contracts/admin/escrows.ts";
import { JobStatusReply } from "../../shared/contracts/admin/jobs.ts";
import { ProvisioningLogReply } from "../../shared/contracts/provisioning-log.ts";
import { aUser, createCloud } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

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
    expect(cycles.ok && cycles.value.map((one) => CycleReply.parse(one))).toHaveLength(2);
    const escrows = await queries.escrows(agent.jobId);
    expect(escrows.ok && escrows.value.map((one) => EscrowReply.parse(one))).toMatchObject([
      { code: "AttributeValueMustBeUnique" },
    ]);
    const log = await readLog({ queries }, { jobId: agent.jobId, sinceDays: 2, top: 100 });
    expect(log.map((one) => ProvisioningLogReply.parse(one)).length).toBeGreaterThan(2);
  });
});
