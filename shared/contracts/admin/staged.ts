/**
 * The admin API of staged sets: what the guard held back, and approving or dropping exactly that.
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { listOf, ShortPage, SkipToken, Top } from "./paging.ts";

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
  /** It was approved, and the work on it was given up: what is left of it asks for another approval. */
  lastFailure: z.strictObject({ code: z.string(), at: z.string(), approvedBy: z.string() }).optional(),
  sample: z.array(z.string()),
  /** All objects, where they were asked for (`?members=true`). */
  members: z.array(z.string()).optional(),
});
export type StagedSetReply = z.infer<typeof StagedSetReply>;

const Named = z.strictObject({
  objectGuid: z.string(),
  /** Null, like its names: nobody knows the object any more, or it is one of a domain that isn't read. */
  objectClass: z.string().nullable(),
  displayName: z.string().nullable(),
  dn: z.string().nullable(),
});

/** One object of a set; of memberships one edge: the object is the group. */
export const StagedObjectReply = Named.extend({
  member: Named.nullable(),
  /** Of names: what they become. */
  becomes: z.record(z.string(), z.unknown()).nullable(),
});
export type StagedObjectReply = z.infer<typeof StagedObjectReply>;

export const StagedDecisionRequest = z.strictObject({ digest: z.string().min(1).max(64) });

export const StagedDecisionReply = z.strictObject({
  jobId: z.string(),
  class: StagedClass,
  digest: z.string(),
  decision: z.enum(["approved", "dropped"]),
  objects: z.number(),
});
export type StagedDecisionReply = z.infer<typeof StagedDecisionReply>;

export const listStaged = operation({
  id: "ListStaged",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/staged",
  guard: "admin-read",
  summary: "What the guard held back, by class; with its members where they are asked for.",
  query: z.strictObject({ members: z.enum(["true", "false"]).default("false"), ...ShortPage }),
  reply: listOf(StagedSetReply),
  refusals: { "job-not-found": 404 },
});

export const decideStaged = operation({
  id: "DecideStaged",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/staged/{class:regex(^(deletes|disables|blanks|names|memberships)$)}/{action:regex(^(approve|drop)$)}",
  guard: "admin-write",
  summary: "Approves or drops exactly the set with that digest.",
  body: StagedDecisionRequest,
  reply: StagedDecisionReply,
  refusals: { "job-not-found": 404, "staged-set-changed": 409, "staged-set-approved": 409, "staged-memberships": 422 },
});

export const listStagedObjects = operation({
  id: "ListStagedObjects",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/staged/{class:regex(^(deletes|disables|blanks|names|memberships)$)}/{digest}/objects",
  guard: "admin-read",
  summary: "Who is in a staged set, with names, and each membership; page by page.",
  query: z.strictObject({ $top: Top, $skiptoken: SkipToken }),
  reply: listOf(StagedObjectReply),
  refusals: { "job-not-found": 404, "staged-set-changed": 409, "staged-page": 400 },
});
