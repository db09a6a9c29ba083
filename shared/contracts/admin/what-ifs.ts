/**
 * The admin API of what-ifs: what is tried, what it would do to whom, and the approval that names it by its digest. Moments
 * are ISO texts; values are the target's, without those that logs must not show.
 */
import { z } from "zod";
import { AgentScope } from "../configuration.ts";
import { operation } from "../operation.ts";
import { SynchronizationSchemaBody } from "../synchronization-schema.ts";
import { listOf, ShortPage } from "./paging.ts";

/** What is tried: the job as it is (`present`), one of its schemas, a new schema, or another scope for its agents. */
export const WhatIfRequest = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("present") }),
  z.strictObject({ kind: z.literal("schemaVersion"), version: z.number().int().min(1) }),
  z.strictObject({ kind: z.literal("schema"), schema: SynchronizationSchemaBody }),
  z.strictObject({ kind: z.literal("scope"), scope: AgentScope }),
]);
export type WhatIfRequest = z.infer<typeof WhatIfRequest>;

/** As it is kept: a new schema lies in a blob of its own. */
export const WhatIfSubject = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("present") }),
  z.strictObject({ kind: z.literal("schemaVersion"), version: z.number() }),
  z.strictObject({ kind: z.literal("schema") }),
  z.strictObject({ kind: z.literal("scope"), scope: AgentScope }),
]);
export type WhatIfSubject = z.infer<typeof WhatIfSubject>;

export const TRIED_ACTIONS = [
  "create",
  "adopt",
  "restore",
  "update",
  "disable",
  "delete",
  "none",
  "filtered",
  "failed",
] as const;
const Counts = z.record(z.enum(TRIED_ACTIONS), z.number());
const Value = z.unknown();

export const WhatIfResult = z.strictObject({
  /** Objects that were mapped: those that are in the directory, and those that are in the target. */
  objects: z.number(),
  counts: Counts,
  classes: z.array(z.strictObject({ objectClass: z.string(), counts: Counts })),
  /** Of each action some objects, by objectGUID. */
  samples: z.partialRecord(z.enum(TRIED_ACTIONS), z.array(z.string())),
  attributes: z.array(
    z.strictObject({
      objectClass: z.string(),
      attribute: z.string(),
      /** Objects in the target that get another value, none any more, or (new to us) their first. */
      changed: z.number(),
      cleared: z.number(),
      set: z.number(),
      samples: z.array(z.strictObject({ objectGuid: z.string(), before: Value, after: Value })),
    }),
  ),
  /** Edges that would be sent; of whom the sync deleted none. `pending`: those to add once their other end is in the target, if it ever comes. */
  memberships: z.strictObject({ groups: z.number(), adds: z.number(), removes: z.number(), pending: z.number() }),
  /** The guard's verdict, by class: what it would let pass and what it would stage; of names: from the bound on. */
  guard: z.array(
    z.strictObject({
      class: z.string(),
      of: z.enum(["user", "group"]),
      count: z.number(),
      isStaged: z.boolean(),
      /** Null when it passes. */
      reason: z.string().nullable(),
    }),
  ),
  failures: z.array(
    z.strictObject({
      code: z.string(),
      count: z.number(),
      /** Of these, what another object of the same run gives up: they follow by themselves. */
      inTurn: z.number(),
      samples: z.array(z.strictObject({ objectGuid: z.string(), message: z.string() })),
    }),
  ),
  filteredBy: z.record(z.string(), z.number()),
  /** Neither in scope nor out of it, as far as is known: they stay as they are. */
  undecided: z.number(),
  /** References to objects that are not in the target yet. */
  waitingReferences: z.number(),
  /** Without what the guard would stage. `minutes`: by the quota; null where nobody told what that is. */
  estimate: z.strictObject({ writes: z.number(), minutes: z.number().nullable() }),
  /** What agents were never asked for: it counts as empty here, and is read before anything is done. */
  notRead: z.array(z.string()),
});
export type WhatIfResult = z.infer<typeof WhatIfResult>;

export const WhatIfReply = z.strictObject({
  id: z.string(),
  jobId: z.string(),
  of: WhatIfSubject,
  state: z.enum(["waiting", "running", "done", "failed"]),
  by: z.string(),
  at: z.string(),
  endedAt: z.string().nullable(),
  /** What the job had when it was tried: an approval wants the same. */
  base: z.strictObject({ schemaVersion: z.number(), scopeVersion: z.number() }),
  /** Why it failed. */
  failure: z.string().nullable(),
  /** Of exactly these objects, actions and values: an approval names it. */
  digest: z.string().nullable(),
  objects: z.number().nullable(),
  counts: Counts.nullable(),
  staged: z.array(z.strictObject({ class: z.string(), count: z.number(), reason: z.string() })).nullable(),
  approved: z.strictObject({ by: z.string(), at: z.string() }).nullable(),
});
export type WhatIfReply = z.infer<typeof WhatIfReply>;

export const WhatIfDetailReply = WhatIfReply.extend({ result: WhatIfResult.nullable() });
export type WhatIfDetailReply = z.infer<typeof WhatIfDetailReply>;

export const WhatIfApproval = z.strictObject({ digest: z.string().min(1).max(64) });
export const WhatIfApprovalReply = z.strictObject({
  jobId: z.string(),
  id: z.string(),
  digest: z.string(),
  by: z.string(),
  at: z.string(),
  /** What followed: the schema or scope is in effect, exports that waited go out, or nothing waited for it. */
  effect: z.enum(["schema", "scope", "exports", "none"]),
  /** Of the schema that is in effect by it. */
  schemaVersion: z.number().nullable(),
});
export type WhatIfApprovalReply = z.infer<typeof WhatIfApprovalReply>;

export const runWhatIf = operation({
  id: "RunWhatIf",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/whatIf",
  guard: "admin-write",
  summary: "Tries a schema, a scope or the job as it is on everybody, and writes nothing to the target.",
  body: WhatIfRequest,
  isUntold: true,
  reply: WhatIfReply,
  statuses: [202],
  refusals: { "job-not-found": 404, "schema-version-not-found": 404, "schema-invalid": 422 },
});

export const listWhatIfs = operation({
  id: "ListWhatIfs",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/whatIfs",
  guard: "admin-read",
  summary: "A job's what-ifs, newest first.",
  query: z.strictObject(ShortPage),
  reply: listOf(WhatIfReply),
  refusals: { "job-not-found": 404 },
});

export const getWhatIf = operation({
  id: "GetWhatIf",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/whatIfs/{id}",
  guard: "admin-read",
  summary: "One what-if with its result.",
  reply: WhatIfDetailReply,
  refusals: { "job-not-found": 404, "what-if-not-found": 404 },
});

export const approveWhatIf = operation({
  id: "ApproveWhatIf",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/whatIf/approve",
  guard: "admin-write",
  summary: "Puts just that into effect which the what-if with this digest foretold.",
  body: WhatIfApproval,
  reply: WhatIfApprovalReply,
  refusals: { "job-not-found": 404, "what-if-not-found": 404, "what-if-not-newest": 409, "what-if-outdated": 409 },
});
