/**
 * The admin API of the target's objects: users and groups as the target has them now, and who they belong to. By exact values alone, as
 * matching asks.
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { TARGET_REFUSALS } from "../target-refusals.ts";
import { listOf, ShortPage } from "./paging.ts";

/** A user or a group; what it doesn't have is null. */
export const TargetObjectReply = z.strictObject({
  id: z.string(),
  type: z.enum(["user", "group"]),
  userPrincipalName: z.string().nullable(),
  mail: z.string().nullable(),
  displayName: z.string().nullable(),
  accountEnabled: z.boolean().nullable(),
  /** A user's source anchor. */
  immutableId: z.string().nullable(),
  /** A group's source anchor, where it was created with one. */
  uniqueName: z.string().nullable(),
  /** Mastered by another directory synchronisation. */
  synchronized: z.boolean(),
  /** Among the deleted, from where it can be restored. */
  deleted: z.boolean(),
  /** The source object that has it by the index; null: nobody. */
  linkedTo: z.strictObject({ configurationId: z.string(), objectGuid: z.string() }).nullable(),
});
export type TargetObjectReply = z.infer<typeof TargetObjectReply>;

export const listTargetObjects = operation({
  id: "ListTargetObjects",
  method: "GET",
  path: "v1.0/uplink/targetObjects",
  guard: "admin-read",
  summary: "The target's objects with this id, user principal name, mail or source anchor, and who has them.",
  query: z.strictObject({
    /** The whole value: user principal names and mail of living users, ids and source anchors of the deleted too. */
    name: z
      .string("must be given")
      .trim()
      .min(1, "must not be empty")
      .max(256, "must have 256 characters at most")
      .regex(/^\P{Cc}*$/u, "must have no control characters"),
    ...ShortPage,
  }),
  reply: listOf(TargetObjectReply),
  refusals: TARGET_REFUSALS,
});
