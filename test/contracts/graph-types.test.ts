import type { ProvisioningObjectSummary } from "@microsoft/microsoft-graph-types";
import { describe, expect, expectTypeOf, it } from "vitest";
import { ProvisioningLogReply } from "../../shared/contracts/provisioning-log.ts";

/** Compiles only while ours is Graph's: every value of every closed set, every type. */
const asGraph = (reply: ProvisioningLogReply): ProvisioningObjectSummary => reply;

describe("a row of the provisioning log", () => {
  it("is Graph's provisioningObjectSummary, and has every field of it", () => {
    expectTypeOf<ProvisioningLogReply>().toExtend<ProvisioningObjectSummary>();
    expectTypeOf<Exclude<keyof ProvisioningObjectSummary, keyof ProvisioningLogReply>>().toEqualTypeOf<never>();
    type Status = NonNullable<NonNullable<ProvisioningObjectSummary["provisioningStatusInfo"]>["errorInformation"]>;
    type Own = NonNullable<ProvisioningLogReply["provisioningStatusInfo"]["errorInformation"]>;
    expectTypeOf<Exclude<keyof Status, keyof Own>>().toEqualTypeOf<never>();
    type Step = NonNullable<ProvisioningObjectSummary["provisioningSteps"]>[number];
    type OwnStep = ProvisioningLogReply["provisioningSteps"][number];
    expectTypeOf<Exclude<keyof Step, keyof OwnStep>>().toEqualTypeOf<never>();
    expect(Object.keys(ProvisioningLogReply.shape).length).toBeGreaterThan(15);
    expect(asGraph).toBeTypeOf("function");
  });
});
