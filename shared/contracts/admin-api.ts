/**
 * The part of the admin API that Graph's synchronization API has no shape for, below `/api/v1.0/uplink`. Bearer tokens
 * with role `Synchronization.Read.All` or `Synchronization.ReadWrite.All`.
 */
import { z } from "zod";
import { QUARANTINE_REASONS } from "../domain/quarantine.ts";
import { Guid } from "./change.ts";
import { AgentScope } from "./configuration.ts";

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
  /** Memberships, apart from objects. */
  links: z.strictObject({
    added: z.number(),
    removed: z.number(),
    pending: z.number(),
    suspended: z.number(),
    staged: z.number(),
    failed: z.number(),
  }),
  filteredBy: z.record(z.string(), z.number()),
  escrowedBy: z.record(z.string(), z.number()),
  staged: z.array(z.strictObject({ class: z.string(), count: z.number(), reason: z.string() })),
  complete: z.boolean(),
  incompleteBecause: z.string().nullable(),
});
export type CycleReply = z.infer<typeof CycleReply>;

const QuarantineReply = z.strictObject({
  reason: z.enum(QUARANTINE_REASONS),
  currentBegan: z.string(),
  /** Null: the job is disabled until an admin clears the quarantine. In the past: an attempt is under way. */
  nextAttempt: Moment,
  seriesBegan: z.string(),
  seriesCount: z.number(),
  error: z.strictObject({ code: z.string(), message: z.string(), remedy: z.string() }),
});

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
  /** What its agent may send at all; empty lists: everything. */
  scope: AgentScope,
  scopeVersion: z.number(),
  /**
   * Why its agent can't read; nothing is ordered while it stands. Without an agent's id: what the schema's filters name is
   * missing; reading goes on.
   */
  trouble: z
    .strictObject({
      code: z.literal("ScopeObjectMissing"),
      message: z.string(),
      objectGuids: z.array(z.string()),
      at: z.string(),
      agentId: z.string(),
    })
    .nullable(),
  /** Why it is stopped, in Graph's names; null: it isn't. */
  quarantine: QuarantineReply.nullable(),
  mode: z.enum(["normal", "staging"]),
  /** Why nothing is sent to the target; null: exports go out. */
  exportsHeld: z
    .strictObject({ because: z.enum(["staging", "first-export"]), at: z.string(), by: z.string().nullable() })
    .nullable(),
  steadyStateAt: Moment,
  escrowed: z.number(),
  staged: z.number(),
  lastCycle: CycleReply.nullable(),
});
export type JobStatusReply = z.infer<typeof JobStatusReply>;

/** Asks for everything but exports (`staging`), or for exports too. */
export const JobModeRequest = z.strictObject({ mode: z.enum(["normal", "staging"]) });
/** `released`: from now on everything that was held goes out. */
export const JobModeReply = z.strictObject({
  jobId: z.string(),
  mode: z.enum(["normal", "staging"]),
  exportsHeld: JobStatusReply.shape.exportsHeld,
  released: z.boolean(),
});
export type JobModeReply = z.infer<typeof JobModeReply>;
/** The work by which every object is mapped anew. */
export const ReevaluateReply = z.strictObject({ jobId: z.string(), workId: z.string() });
export type ReevaluateReply = z.infer<typeof ReevaluateReply>;

/** Answered to a new scope: a full read follows when it is another one. */
export const ScopeReply = z.strictObject({ jobId: z.string(), scopeVersion: z.number(), changed: z.boolean() });
export type ScopeReply = z.infer<typeof ScopeReply>;

/** What a check of a schema says, and where: `position` counts UTF-16 units of the expression from 0. */
export const SchemaFindingReply = z.strictObject({
  severity: z.enum(["error", "warning"]),
  code: z.string(),
  objectMapping: z.string().nullable(),
  targetAttribute: z.string().nullable(),
  position: z.number().nullable(),
  excerpt: z.string().nullable(),
  message: z.string(),
  remedy: z.string(),
  path: z.string(),
});

/** Answered to an imported schema: a full read follows when it is another one. */
export const SchemaReply = z.strictObject({
  jobId: z.string(),
  version: z.number(),
  changed: z.boolean(),
  warnings: z.array(SchemaFindingReply),
});
export type SchemaReply = z.infer<typeof SchemaReply>;

export const SchemaVersionReply = z.strictObject({
  version: z.number(),
  /** Null for the schema that the job began with. */
  by: z.string().nullable(),
  at: z.string(),
  isInEffect: z.boolean(),
});
export type SchemaVersionReply = z.infer<typeof SchemaVersionReply>;

const SchemaChangeReply = z.strictObject({
  what: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
});

/** Two versions of a schema: what was added, removed and changed, by object mapping and target attribute. */
export const SchemaDiffReply = z.strictObject({
  changes: z.array(SchemaChangeReply),
  objectMappings: z.array(
    z.strictObject({
      objectMapping: z.string(),
      kind: z.enum(["added", "removed", "changed"]),
      changes: z.array(SchemaChangeReply),
      attributes: z.array(
        z.strictObject({
          targetAttribute: z.string(),
          kind: z.enum(["added", "removed", "changed"]),
          changes: z.array(SchemaChangeReply),
        }),
      ),
    }),
  ),
});

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

/** Asks for a retry of one object, or of all that is in escrow. */
export const EscrowRetryRequest = z.strictObject({ objectGuid: Guid.optional() });
export const EscrowRetryReply = z.strictObject({ jobId: z.string(), objects: z.number() });
export type EscrowRetryReply = z.infer<typeof EscrowRetryReply>;

const StagedClass = z.enum(["deletes", "disables", "blanks", "names", "memberships"]);

/** What the guard held back of one class in one cycle; of memberships: of which groups. */
export const StagedSetReply = z.strictObject({
  class: StagedClass,
  cycleId: z.string(),
  count: z.number(),
  /** Of memberships: how many, in all of the groups. */
  memberships: z.number().optional(),
  reason: z.string(),
  /** Of exactly these objects: approving and dropping name it. */
  digest: z.string(),
  since: z.string(),
  /** An admin approved it, and it is being carried out. */
  isApproved: z.boolean(),
  sample: z.array(z.string()),
  /** All objects, where they were asked for (`?members=true`). */
  members: z.array(z.string()).optional(),
});
export type StagedSetReply = z.infer<typeof StagedSetReply>;

export const StagedDecisionRequest = z.strictObject({ digest: z.string().min(1).max(64) });
export const StagedDecisionReply = z.strictObject({
  jobId: z.string(),
  class: StagedClass,
  digest: z.string(),
  decision: z.enum(["approved", "dropped"]),
  objects: z.number(),
});
export type StagedDecisionReply = z.infer<typeof StagedDecisionReply>;

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

/** What ties a source object to a target object, as far as anybody knows it. */
export const LinkReply = z.strictObject({
  objectGuid: z.string(),
  objectClass: z.string(),
  dn: z.string(),
  state: z.enum(["live", "left", "deleted", "absent"]),
  scope: z.string(),
  link: z
    .strictObject({
      targetId: z.string(),
      origin: z.enum(["created", "matched", "adopted"]),
      /** When we deleted the target object. */
      deletedAt: Moment,
      /** Properties of which nobody knows whether the last call changed them. */
      inDoubt: z.array(z.string()),
      exported: z.record(z.string(), z.unknown()),
    })
    .nullable(),
  /** The source object that its target object went to. */
  handedOverTo: z.string().nullable(),
  unlinked: z.strictObject({ by: z.string(), at: z.string() }).nullable(),
  /** Its unique values, and who has each of them by the index. */
  values: z.array(z.strictObject({ kind: z.string(), value: z.string(), heldBy: z.string().nullable() })),
  lastOutcome: z
    .strictObject({ outcome: z.string(), code: z.string().nullable(), message: z.string().nullable() })
    .nullable(),
});
export type LinkReply = z.infer<typeof LinkReply>;

/** "Never touch": by whom, when and why, and the source objects that it is about. */
export const ExclusionReply = z.strictObject({
  /** The objectGUID of a source object or the id of a target object. */
  guid: z.string(),
  by: z.string(),
  at: z.string(),
  reason: z.string(),
  objects: z.array(z.strictObject({ jobId: z.string(), objectGuid: z.string(), targetId: z.string().nullable() })),
});
export type ExclusionReply = z.infer<typeof ExclusionReply>;
export const ExclusionRequest = z.strictObject({ reason: z.string().trim().min(1).max(500) });

export const JoinRequest = z.strictObject({ targetId: z.string().min(1).max(64) });
export const MoveRequest = z.strictObject({
  toObjectGuid: Guid,
  /** Where that object is; absent: in the same job. */
  toJobId: z.string().min(1).optional(),
});
/** One of 16 parts of the objects, by the first digit of their objectGUID. */
export const RebuildRequest = z.strictObject({ shard: z.string().regex(/^[0-9a-f]$/) });
export const RebuildReply = z.strictObject({
  linked: z.number(),
  /** Values that somebody else has by the index. */
  conflicts: z.array(
    z.strictObject({ objectGuid: z.string(), kind: z.string(), value: z.string(), heldBy: z.string() }),
  ),
  /** Objects without link that are looked for in the target now. */
  sought: z.number(),
});
export type RebuildReply = z.infer<typeof RebuildReply>;

/**
 * What becomes of what a reconcile finds. `report`: nothing; `repair`: the target gets again what the source says; `adopt`: the
 * target keeps it, until the source says something else.
 */
export const RECONCILE_POLICIES = ["report", "repair", "adopt"] as const;
export const ReconcileRequest = z.strictObject({ policy: z.enum(RECONCILE_POLICIES).default("report") });

export const ReconcileReply = z.strictObject({
  id: z.string(),
  jobId: z.string(),
  policy: z.enum(RECONCILE_POLICIES),
  by: z.string(),
  /** `confirming`: what differed is looked at once more, a while later. */
  state: z.enum(["waiting", "running", "confirming", "done", "failed"]),
  /** Why it failed. */
  message: z.string().nullable(),
  askedAt: z.string(),
  startedAt: Moment,
  endedAt: Moment,
  counts: z.strictObject({
    /** Read in the target; `linked`: of the job's own; `mastered`: by Microsoft's own sync, and left out. */
    users: z.number(),
    groups: z.number(),
    members: z.number(),
    linked: z.number(),
    mastered: z.number(),
    /** Objects with other values than were exported, and how many values. */
    changed: z.number(),
    attributes: z.number(),
    missing: z.number(),
    /** Of nobody. */
    foreign: z.number(),
    missingMembers: z.number(),
    foreignMembers: z.number(),
    repaired: z.number(),
    adopted: z.number(),
    left: z.number(),
    /** Differed at first, and not any more or in another way a while later. */
    unsettled: z.number(),
  }),
});
export type ReconcileReply = z.infer<typeof ReconcileReply>;

const FoundValue = z.union([z.string(), z.boolean(), z.array(z.string()).readonly()]).nullable();

export const ReconcileFindingReply = z.strictObject({
  kind: z.enum(["changed", "missing", "foreign", "missingMember", "foreignMember"]),
  type: z.enum(["user", "group"]),
  /** The source object; of members: the group. */
  objectGuid: z.string().nullable(),
  targetId: z.string(),
  property: z.string().nullable(),
  expected: FoundValue,
  actual: FoundValue,
  memberGuid: z.string().nullable(),
  /** `left`: it can't be mended, by `note`. */
  done: z.enum(["reported", "repaired", "adopted", "left"]),
  note: z.string().nullable(),
});
export type ReconcileFindingReply = z.infer<typeof ReconcileFindingReply>;

export { ProvisioningLogReply } from "./provisioning-log.ts";

/** `cleared`: the job was in quarantine. */
export const ClearQuarantineReply = z.strictObject({ jobId: z.string(), cleared: z.boolean() });
export type ClearQuarantineReply = z.infer<typeof ClearQuarantineReply>;

/**
 * As in Graph; no body means none of it. `Watermark` (and `Full`): the next full read is held against nothing that was known of the
 * directory before. The others are asked for by their own means, or done anyway.
 */
export const RestartRequest = z
  .object({
    criteria: z
      .object({
        resetScope: z
          .string()
          .transform((text) => text.split(",").map((word) => word.trim()))
          .pipe(
            z.array(
              z.enum(["None", "ConnectorDataStore", "Escrows", "Watermark", "QuarantineState", "Full", "ForceDeletes"]),
            ),
          ),
      })
      .partial(),
  })
  .partial()
  .transform(({ criteria }) => {
    const { resetScope = [] } = criteria ?? {};
    return { resetsWatermark: resetScope.includes("Watermark") || resetScope.includes("Full") };
  });

/** `changed`: by this request; everything is read again then. */
export const LifecycleReply = z.strictObject({
  jobId: z.string(),
  outOfScope: z.enum(["delete", "disable", "keep"]),
  expiredAccounts: z.enum(["ignore", "disable"]),
  groupDeleteDelayDays: z.number(),
  changed: z.boolean(),
});
export type LifecycleReply = z.infer<typeof LifecycleReply>;

export const ADMIN_ROUTES = {
  configurations: "v1.0/uplink/configurations",
  tokens: "v1.0/uplink/configurations/{configurationId}/enrolmentTokens",
  agents: "v1.0/uplink/configurations/{configurationId}/agents",
  jobStatus: "v1.0/uplink/jobs/{jobId}/status",
  jobMode: "v1.0/uplink/jobs/{jobId}/mode",
  reevaluate: "v1.0/uplink/jobs/{jobId}/reevaluate",
  jobScope: "v1.0/uplink/jobs/{jobId}/scope",
  jobLifecycle: "v1.0/uplink/jobs/{jobId}/lifecycle",
  clearQuarantine: "v1.0/uplink/jobs/{jobId}/clearQuarantine",
  cycles: "v1.0/uplink/jobs/{jobId}/cycles",
  escrows: "v1.0/uplink/jobs/{jobId}/escrows",
  escrowRetry: "v1.0/uplink/jobs/{jobId}/escrows/retry",
  staged: "v1.0/uplink/jobs/{jobId}/staged",
  stagedDecision:
    "v1.0/uplink/jobs/{jobId}/staged/{class:regex(^(deletes|disables|blanks|names|memberships)$)}/{action:regex(^(approve|drop)$)}",
  whatIf: "v1.0/uplink/jobs/{jobId}/whatIf",
  whatIfs: "v1.0/uplink/jobs/{jobId}/whatIfs",
  oneWhatIf: "v1.0/uplink/jobs/{jobId}/whatIfs/{id}",
  whatIfApproval: "v1.0/uplink/jobs/{jobId}/whatIf/approve",
  reconcile: "v1.0/uplink/jobs/{jobId}/reconcile",
  reconciles: "v1.0/uplink/jobs/{jobId}/reconciles",
  reconcileOne: "v1.0/uplink/jobs/{jobId}/reconciles/{reconcileId}",
  /** By `$top`, and from page to page by `@odata.nextLink`. */
  reconcileFindings: "v1.0/uplink/jobs/{jobId}/reconciles/{reconcileId}/findings",
  link: "v1.0/uplink/jobs/{jobId}/links/{objectGuid}",
  linkAction: "v1.0/uplink/jobs/{jobId}/links/{objectGuid}/{action:regex(^(join|move|unlink)$)}",
  rebuildLinks: "v1.0/uplink/jobs/{jobId}/rebuildLinks",
  exclusions: "v1.0/uplink/exclusions",
  exclusion: "v1.0/uplink/exclusions/{guid}",
  /** As in Graph. `?version=` gives an older one, `?expectedVersion=` refuses to replace another than that. */
  schema: "v1.0/servicePrincipals/{configurationId}/synchronization/jobs/{jobId}/schema",
  schemaVersions: "v1.0/uplink/jobs/{jobId}/schemaVersions",
  schemaDiff: "v1.0/uplink/jobs/{jobId}/schemaDiff",
  jobAction:
    "v1.0/servicePrincipals/{configurationId}/synchronization/jobs/{jobId}/{action:regex(^(start|pause|restart)$)}",
  provisioningLog: "v1.0/auditLogs/provisioning",
} as const;
