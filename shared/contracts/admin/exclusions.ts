/**
 * The admin API of exclusions: objects that are never touched.
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { listOf, SkipPlace, Top } from "./paging.ts";

/** "Never touch": by whom, when and why, and the source objects that it is about. */
export const ExclusionReply = z.strictObject({
  /** Of this entry: whoever names it changes or removes no other one that came in its place. */
  "@odata.etag": z.string(),
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

const EXCLUSION_PATH = "v1.0/uplink/exclusions/{guid}";

export const getExclusion = operation({
  id: "GetExclusion",
  method: "GET",
  path: EXCLUSION_PATH,
  guard: "admin-read",
  summary: "One entry of the exclusion list.",
  reply: ExclusionReply,
  hasEtag: true,
  refusals: { "exclusion-not-found": 404 },
});

export const addExclusion = operation({
  id: "AddExclusion",
  method: "PUT",
  path: EXCLUSION_PATH,
  guard: "admin-write",
  summary: "Has a source or target object never touched.",
  body: ExclusionRequest,
  reply: ExclusionReply,
  hasEtag: true,
  mindsExisting: true,
});

export const removeExclusion = operation({
  id: "RemoveExclusion",
  method: "DELETE",
  path: EXCLUSION_PATH,
  guard: "admin-write",
  summary: "Has it treated as any other.",
  reply: ExclusionReply,
  hasEtag: true,
  refusals: { "exclusion-not-found": 404 },
});
