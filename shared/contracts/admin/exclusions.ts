/**
 * The admin API of exclusions: objects that are never touched.
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { listOf, SkipPlace, Top } from "./paging.ts";

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

export const listExclusions = operation({
  id: "ListExclusions",
  method: "GET",
  path: "v1.0/uplink/exclusions",
  guard: "admin-read",
  summary: "Who is never touched.",
  query: z.strictObject({ $top: Top, $skiptoken: SkipPlace }),
  reply: listOf(ExclusionReply),
});

export const addExclusion = operation({
  id: "AddExclusion",
  method: "PUT",
  path: "v1.0/uplink/exclusions/{guid}",
  guard: "admin-write",
  summary: "Has a source or target object never touched.",
  body: ExclusionRequest,
  reply: ExclusionReply,
});

export const removeExclusion = operation({
  id: "RemoveExclusion",
  method: "DELETE",
  path: "v1.0/uplink/exclusions/{guid}",
  guard: "admin-write",
  summary: "Has it treated as any other.",
  reply: ExclusionReply,
  refusals: { "exclusion-not-found": 404 },
});
