/**
 * The part of the admin API that Graph's synchronization API has no shape for, below `/api/v1.0/uplink`. Bearer tokens
 * with role `Synchronization.Read.All` or `Synchronization.ReadWrite.All`.
 */
import { z } from "zod";

const Moment = z.string().nullable();
const Outcomes = z.strictObject({
  exported: z.number(),
  "no-op": z.number(),
  filtered: z.number(),
  staged: z.number(),
  escrowed: z.number(),
});

export const ConfigurationReply = z.strictObject({
  id: z.string(),
  jobId: z.string(),
  displayName: z.string(),
  domainFqdn: z.string(),
});
export type ConfigurationReply = z.infer<typeof ConfigurationReply>;

/** The token is shown once. */
export const TokenReply = z.strictObject({ token: z.string(), expiresAt: z.string() });
export type TokenReply = z.infer<typeof TokenReply>;

/** The account of one read. */
export const CycleReply = z.strictObject({
  cycleId: z.string(),
  readNo: z.number(),
  kind: z.enum(["full", "delta"]),
  state: z.enum(["ended", "aborted"]),
  startedAt: z.string(),
  endedAt: z.string(),
  closedAt: z.string(),
  received: z.number(),
  outcomes: Outcomes,
  absent: Outcomes,
  created: z.number(),
  updated: z.number(),
  deleted: z.number(),
  restored: z.number(),
  writes: z.number(),
  filteredBy: z.record(z.string(), z.number()),
  escrowedBy: z.record(z.string(), z.number()),
  staged: z.array(z.strictObject({ class: z.string(), count: z.number(), reason: z.string() })),
  complete: z.boolean(),
  incompleteBecause: z.string().nullable(),
});
export type CycleReply = z.infer<typeof CycleReply>;

export const JobStatusReply = z.strictObject({
  jobId: z.string(),
  configurationId: z.string(),
  displayName: z.string(),
  state: z.enum(["active", "paused"]),
  /** The read that an agent is sending now. */
  openRead: z
    .strictObject({ readNo: z.number(), kind: z.enum(["full", "delta"]), batches: z.number(), objects: z.number() })
    .nullable(),
  /** Accepted and not closed: batches, their changes, and how many of those are processed. */
  waiting: z.strictObject({
    batches: z.number(),
    changes: z.number(),
    processed: z.number(),
    readsEnding: z.number(),
    work: z.number(),
  }),
  acceptedWatermarkAt: Moment,
  committedWatermarkAt: Moment,
  fullReadWanted: z.string().nullable(),
  steadyStateAt: Moment,
  escrowed: z.number(),
  staged: z.number(),
  lastCycle: CycleReply.nullable(),
});
export type JobStatusReply = z.infer<typeof JobStatusReply>;

export const EscrowReply = z.strictObject({
  objectGuid: z.string(),
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  attempts: z.number(),
  firstAt: z.string(),
  nextAttemptAt: z.string(),
});
export type EscrowReply = z.infer<typeof EscrowReply>;

export const AgentReply = z.strictObject({
  agentId: z.string(),
  name: z.string(),
  status: z.enum(["active", "pending", "inactive", "revoked", "locked"]),
  version: z.string(),
  platform: z.string(),
  lastSeenAt: z.string(),
  holdsLease: z.boolean(),
});
export type AgentReply = z.infer<typeof AgentReply>;

/** Graph's `provisioningObjectSummary`, as far as this version fills it. */
export const ProvisioningLogReply = z.object({
  id: z.string(),
  activityDateTime: z.string(),
  jobId: z.string(),
  cycleId: z.string(),
  changeId: z.string(),
  provisioningAction: z.string(),
  provisioningStatusInfo: z.object({
    status: z.string(),
    errorInformation: z
      .object({ errorCode: z.string(), reason: z.string(), recommendedAction: z.string().nullable() })
      .nullable(),
  }),
  sourceIdentity: z.object({ id: z.string(), displayName: z.string(), identityType: z.string() }),
  targetIdentity: z.object({ id: z.string().nullable() }),
  provisioningSteps: z.array(
    z.object({ name: z.string(), provisioningStepType: z.string(), status: z.string(), description: z.string() }),
  ),
  modifiedProperties: z.array(
    z.object({ displayName: z.string(), oldValue: z.string().nullable(), newValue: z.string().nullable() }),
  ),
});
export type ProvisioningLogReply = z.infer<typeof ProvisioningLogReply>;

export const ADMIN_ROUTES = {
  configurations: "v1.0/uplink/configurations",
  tokens: "v1.0/uplink/configurations/{configurationId}/enrolmentTokens",
  agents: "v1.0/uplink/configurations/{configurationId}/agents",
  jobStatus: "v1.0/uplink/jobs/{jobId}/status",
  cycles: "v1.0/uplink/jobs/{jobId}/cycles",
  escrows: "v1.0/uplink/jobs/{jobId}/escrows",
  jobAction:
    "v1.0/servicePrincipals/{configurationId}/synchronization/jobs/{jobId}/{action:regex(^(start|pause|restart)$)}",
  provisioningLog: "v1.0/auditLogs/provisioning",
} as const;
