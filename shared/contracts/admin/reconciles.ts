/**
 * The admin API of reconciles: what is asked for, how it stands, and what it found, by page.
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { Moment } from "./moment.ts";
import { listOf, ShortPage, SkipToken, Top } from "./paging.ts";

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
    /** About which the target refused to be asked. */
    unreadable: z.number(),
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
  kind: z.enum(["changed", "missing", "foreign", "missingMember", "foreignMember", "unreadable"]),
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

export const askReconcile = operation({
  id: "AskReconcile",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/reconcile",
  guard: "admin-write",
  summary: "Compares the target with what was exported to it.",
  body: ReconcileRequest,
  isBodyOptional: true,
  reply: ReconcileReply,
  statuses: [202],
  refusals: { "job-not-found": 404, "reconcile-under-way": 409 },
});

export const listReconciles = operation({
  id: "ListReconciles",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/reconciles",
  guard: "admin-read",
  summary: "A job's reconciles, newest first.",
  query: z.strictObject(ShortPage),
  reply: listOf(ReconcileReply),
  refusals: { "job-not-found": 404 },
});

export const showReconcile = operation({
  id: "ShowReconcile",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/reconciles/{reconcileId}",
  guard: "admin-read",
  summary: "One reconcile, with its counts.",
  reply: ReconcileReply,
  refusals: { "job-not-found": 404, "reconcile-not-found": 404 },
});

export const listFindings = operation({
  id: "ListFindings",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/reconciles/{reconcileId}/findings",
  guard: "admin-read",
  summary: "What a reconcile found, page by page.",
  query: z.strictObject({ $top: Top, $skiptoken: SkipToken }),
  reply: listOf(ReconcileFindingReply),
  refusals: { "job-not-found": 404, "reconcile-not-found": 404, "reconcile-page": 400 },
});
