/**
 * Graph's `provisioningObjectSummary`, every field of it: `GET /auditLogs/provisioning`. Names, types and closed sets are
 * those of Microsoft's own type definitions, which a test holds it against; what our log says more stands in `details`.
 */
import { z } from "zod";
import { listOf, Top } from "./admin/paging.ts";
import { Guid } from "./change.ts";
import { operation } from "./operation.ts";

const Result = z.enum(["success", "warning", "failure", "skipped"]);
const Text = z.string().nullable();
/** Graph's dictionary. */
const Details = z.record(z.string(), z.string());
const Identity = { id: Text, displayName: Text };
const System = z.object({ ...Identity, details: Details });
/** The source object is always known. */
const SourceIdentity = z.object({
  id: z.string(),
  displayName: z.string(),
  identityType: z.string(),
  details: Details,
});
const TargetIdentity = z.object({ ...Identity, identityType: Text, details: Details });

export const ProvisioningLogReply = z.object({
  /** A GUID, the same whenever the row is shown. */
  id: z.string(),
  activityDateTime: z.string(),
  tenantId: z.string(),
  jobId: z.string(),
  cycleId: z.string(),
  /** The change that this goes back to. */
  changeId: z.string(),
  /** Graph has no word for a restore: it is `other`, and its export step is named `EntryExportRestore`. */
  provisioningAction: z.enum(["create", "update", "delete", "stagedDelete", "disable", "other"]),
  durationInMilliseconds: z.number().int(),
  initiatedBy: z.object({ ...Identity, initiatorType: z.enum(["user", "application", "system"]) }),
  servicePrincipal: z.object(Identity),
  sourceSystem: System,
  targetSystem: System,
  sourceIdentity: SourceIdentity,
  targetIdentity: TargetIdentity,
  provisioningStatusInfo: z.object({
    status: Result,
    errorInformation: z
      .object({
        errorCode: z.string(),
        reason: z.string(),
        additionalDetails: Text,
        errorCategory: z.enum(["failure", "nonServiceFailure", "success"]),
        recommendedAction: Text,
      })
      .nullable(),
  }),
  provisioningSteps: z.array(
    z.object({
      name: z.string(),
      provisioningStepType: z.enum(["import", "scoping", "matching", "processing", "referenceResolution", "export"]),
      status: Result,
      description: z.string(),
      details: Details,
    }),
  ),
  modifiedProperties: z.array(z.object({ displayName: z.string(), oldValue: Text, newValue: Text })),
});
export type ProvisioningLogReply = z.infer<typeof ProvisioningLogReply>;

/** It names a batch of a job in base64. */
const LogSkipToken = z.string().min(1).max(768).optional();

export const listProvisioningLog = operation({
  id: "ProvisioningLog",
  method: "GET",
  path: "v1.0/auditLogs/provisioning",
  guard: "admin-read",
  summary:
    "The provisioning log, newest first: of all jobs, of one, of one object, failures only, within a time range.",
  query: z.strictObject({
    /** OData: `jobId eq '…' and provisioningStatusInfo/status eq 'failure' and activityDateTime ge 2026-01-05T08:00:00Z`. */
    $filter: z.string().max(2_000).optional(),
    /** `activityDateTime desc`: no other order has rows. */
    $orderby: z.string().max(200).optional(),
    $top: Top,
    $skiptoken: LogSkipToken,
    /** As `jobId eq` of the filter. */
    jobId: z.string().min(1).max(128).optional(),
    /** As `sourceIdentity/id eq`. */
    objectGuid: Guid.optional(),
    /** As `activityDateTime ge`, counted back from now. */
    sinceDays: z.coerce.number().int().min(1).max(4_000).optional(),
  }),
  reply: listOf(ProvisioningLogReply),
  refusals: { "log-page": 400 },
});

/** What was done, in a word for people: `restore` too. */
export function shownAction({ provisioningAction, provisioningSteps }: ProvisioningLogReply): string {
  return provisioningSteps.some((step) => step.name === "EntryExportRestore") ? "restore" : provisioningAction;
}
