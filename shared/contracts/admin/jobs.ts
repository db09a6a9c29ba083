/**
 * The admin API of a job: how it stands, and what an admin sets or starts by hand: mode, scope, lifecycle, quarantine, a restart.
 * What it maps by, what waits in it and what it found have files of their own.
 */
import { z } from "zod";
import { QUARANTINE_REASONS } from "../../domain/quarantine.ts";
import { AgentScope, LifecycleSettings } from "../configuration.ts";
import { graphBody } from "../graph-body.ts";
import { operation } from "../operation.ts";
import { CycleReply } from "./cycles.ts";
import { Moment } from "./moment.ts";

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
  /**
   * Accepted and not closed: batches. `changes`: all that the reads under way have brought, and how many of them are processed; what
   * is closed already is among both for as long as its read's cycle isn't. `oldestAt`: of this moment and later ones entries of the
   * log may still be written, however new the newest is; absent: nothing is under way.
   */
  waiting: z.strictObject({
    batches: z.number(),
    changes: z.number(),
    processed: z.number(),
    readsEnding: z.number(),
    work: z.number(),
    oldestAt: z.string().optional(),
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
    .strictObject({
      because: z.enum(["staging", "first-export", "links-rebuilt"]),
      at: z.string(),
      by: z.string().nullable(),
    })
    .nullable(),
  /** It is being deleted with its objects, as soon as their deletion is approved and carried out; absent: it isn't. */
  emptying: z.strictObject({ by: z.string(), at: z.string() }).optional(),
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

/** What a job's agents may send at all; empty lists: everything. */
export const ScopeShownReply = AgentScope.extend({ jobId: z.string(), scopeVersion: z.number() });
export type ScopeShownReply = z.infer<typeof ScopeShownReply>;

/** Answered to a new scope: a full read follows when it is another one. */
export const ScopeReply = z.strictObject({ jobId: z.string(), scopeVersion: z.number(), changed: z.boolean() });
export type ScopeReply = z.infer<typeof ScopeReply>;

/** `changed`: by this request; everything is read again then. */
export const LifecycleReply = z.strictObject({
  jobId: z.string(),
  outOfScope: z.enum(["delete", "disable", "keep"]),
  expiredAccounts: z.enum(["ignore", "disable"]),
  groupDeleteDelayDays: z.number(),
  changed: z.boolean(),
});
export type LifecycleReply = z.infer<typeof LifecycleReply>;

/** `cleared`: the job was in quarantine. */
export const ClearQuarantineReply = z.strictObject({ jobId: z.string(), cleared: z.boolean() });
export type ClearQuarantineReply = z.infer<typeof ClearQuarantineReply>;

/** `force`: also runs that moved within the last two minutes. */
export const WakeRequest = z.strictObject({ force: z.boolean().optional() });

const Lanes = z.array(z.enum(["bulk", "live"]));
/**
 * `replaced`: the lanes whose run was set aside; it writes nothing more, and a fresh one takes its place. `left`: those whose run moved within
 * the last two minutes: it is left alone.
 */
export const WakeReply = z.strictObject({ jobId: z.string(), replaced: Lanes, left: Lanes });
export type WakeReply = z.infer<typeof WakeReply>;

/** Graph's values. `ConnectorDataStore` and `ForceDeletes` are refused, with the way there. */
export const RESET_SCOPES = [
  ...["None", "Escrows", "QuarantineState", "Watermark", "Full"],
  ...["ConnectorDataStore", "ForceDeletes"],
] as const;
export type ResetScope = (typeof RESET_SCOPES)[number];

/**
 * As in Graph: values joined by commas. Everything is read again by any restart; `Escrows` are tried again at once, `QuarantineState`
 * lifts the quarantine, `Watermark` has the next full read held against nothing that was known of the directory before, `Full` is these
 * three. Nothing said: `Escrows` and `QuarantineState`; a field that isn't known is refused, for a slip in `resetScope` would lift the
 * quarantine.
 */
export const RestartRequest = graphBody({
  criteria: graphBody({
    resetScope: z
      .string()
      .transform((text) => text.split(",").map((word) => word.trim()))
      .pipe(z.array(z.enum(RESET_SCOPES)))
      .optional(),
  }).optional(),
}).transform(({ criteria }) => ({ resets: criteria?.resetScope }));

export const jobStatus = operation({
  id: "JobStatus",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/status",
  guard: "admin-read",
  summary: "How a job stands: what it reads, what waits, what holds it up.",
  reply: JobStatusReply,
  refusals: { "job-not-found": 404 },
});

export const setJobMode = operation({
  id: "SetJobMode",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/mode",
  guard: "admin-write",
  summary: "Holds a job's exports, or lets them go out.",
  body: JobModeRequest,
  reply: JobModeReply,
  refusals: { "job-not-found": 404 },
});

export const reevaluate = operation({
  id: "Reevaluate",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/reevaluate",
  guard: "admin-write",
  summary: "Maps every object anew, from what is known of it.",
  reply: ReevaluateReply,
  statuses: [202],
  refusals: { "job-not-found": 404 },
});

const SCOPE_PATH = "v1.0/uplink/jobs/{jobId}/scope";

export const getScope = operation({
  id: "GetScope",
  method: "GET",
  path: SCOPE_PATH,
  guard: "admin-read",
  summary: "What a job's agents may send at all, and its version, which is its ETag.",
  reply: ScopeShownReply,
  hasEtag: true,
  refusals: { "job-not-found": 404 },
});

export const setScope = operation({
  id: "SetScope",
  method: "PUT",
  path: SCOPE_PATH,
  guard: "admin-write",
  summary: "Sets what a job's agents may send at all.",
  body: AgentScope,
  reply: ScopeReply,
  hasEtag: true,
  refusals: { "job-not-found": 404 },
});

export const getLifecycle = operation({
  id: "GetLifecycle",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/lifecycle",
  guard: "admin-read",
  summary: "What becomes of people and groups who end.",
  reply: LifecycleReply,
  hasEtag: true,
  refusals: { "job-not-found": 404 },
});

export const setLifecycle = operation({
  id: "SetLifecycle",
  method: "PATCH",
  path: "v1.0/uplink/jobs/{jobId}/lifecycle",
  guard: "admin-write",
  summary: "Sets what becomes of people and groups who end.",
  body: LifecycleSettings,
  reply: LifecycleReply,
  hasEtag: true,
  refusals: { "job-not-found": 404 },
});

export const clearQuarantine = operation({
  id: "ClearQuarantine",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/clearQuarantine",
  guard: "admin-write",
  summary: "Lets a quarantined job go on at once.",
  reply: ClearQuarantineReply,
  refusals: { "job-not-found": 404 },
});

export const wakeAnew = operation({
  id: "WakeJobAnew",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/wake",
  guard: "admin-write",
  summary:
    "Has fresh runs take over a job's lanes from those that stand still, or with force from all; these write nothing more.",
  body: WakeRequest,
  isBodyOptional: true,
  reply: WakeReply,
  statuses: [202],
  refusals: { "job-not-found": 404 },
});

export const actOnJob = operation({
  id: "JobAction",
  method: "POST",
  path: "v1.0/servicePrincipals/{configurationId}/synchronization/jobs/{jobId}/{action:regex(^(start|pause|restart)$)}",
  guard: "admin-write",
  summary: "Starts, pauses or restarts a job.",
  body: RestartRequest,
  isBodyOptional: true,
  reply: null,
  refusals: { "job-not-found": 404, "reset-scope-unsupported": 400 },
});
