/**
 * The admin API of exclusions: objects that are never touched.
 */
import { z } from "zod";

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
