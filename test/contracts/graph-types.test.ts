import type {
  AttributeMappingFunctionSchema,
  DirectoryAudit,
  FilterOperatorSchema,
  ProvisioningObjectSummary,
  ServicePrincipal,
  SynchronizationJob,
  SynchronizationQuarantine,
  SynchronizationStatus,
  SynchronizationTaskExecution,
  SynchronizationTemplate,
} from "@microsoft/microsoft-graph-types";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { DirectoryAuditReply } from "../../shared/contracts/admin/audit.ts";
import type {
  FilterOperatorReply,
  MappingFunctionReply,
  ServicePrincipalReply,
  SynchronizationJobReply,
  SynchronizationStatusReply,
  SynchronizationTemplateReply,
} from "../../shared/contracts/admin/synchronization.ts";
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

describe("what the synchronization API answers", () => {
  it("is Graph's synchronizationJob, with all of its status", () => {
    expectTypeOf<SynchronizationJobReply>().toExtend<SynchronizationJob>();
    expectTypeOf<SynchronizationStatusReply>().toExtend<SynchronizationStatus>();
    expectTypeOf<Exclude<keyof SynchronizationStatus, keyof SynchronizationStatusReply>>().toEqualTypeOf<never>();
    // What is asked for by itself (`schema`), and what nothing here does (`bulkUpload`), isn't in a job.
    type Left = Exclude<keyof SynchronizationJob, keyof SynchronizationJobReply>;
    expectTypeOf<Left>().toEqualTypeOf<"schema" | "bulkUpload">();
    type Run = NonNullable<SynchronizationStatusReply["lastExecution"]>;
    expectTypeOf<Exclude<keyof SynchronizationTaskExecution, keyof Run>>().toEqualTypeOf<never>();
    type Quarantine = NonNullable<SynchronizationStatusReply["quarantine"]>;
    expectTypeOf<Exclude<keyof SynchronizationQuarantine, keyof Quarantine>>().toEqualTypeOf<never>();
  });

  it("are Graph's templates, filter operators and functions", () => {
    expectTypeOf<SynchronizationTemplateReply>().toExtend<Omit<SynchronizationTemplate, "schema">>();
    expectTypeOf<FilterOperatorReply>().toExtend<FilterOperatorSchema>();
    expectTypeOf<MappingFunctionReply>().toExtend<AttributeMappingFunctionSchema>();
    expectTypeOf<ServicePrincipalReply>().toExtend<ServicePrincipal>();
  });
});

describe("an entry of the audit log", () => {
  it("is Graph's directoryAudit, and has every field of it", () => {
    expectTypeOf<DirectoryAuditReply>().toExtend<DirectoryAudit>();
    expectTypeOf<Exclude<keyof DirectoryAudit, keyof DirectoryAuditReply>>().toEqualTypeOf<never>();
  });
});
