/**
 * The admin API of links between source and target objects, and of mending them by hand. The values shown are those that were
 * exported, without those that logs must not show.
 */
import { z } from "zod";
import { Guid } from "../change.ts";
import { operation } from "../operation.ts";
import { Identifier } from "../path-params.ts";
import { TARGET_REFUSALS } from "../target-refusals.ts";
import { Moment } from "./moment.ts";

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

export const JoinRequest = z.strictObject({ targetId: Identifier });

export const MoveRequest = z.strictObject({
  toObjectGuid: Guid,
  /** Where that object is; absent: in the same job. */
  toJobId: Identifier.optional(),
});

/** One of 16 parts of the objects, by the first digit of their objectGUID. */
export const RebuildRequest = z.strictObject({
  shard: z.string().regex(/^[0-9a-f]$/),
  /** Whether objects without link are looked for, by what was last read of them. */
  seeks: z.boolean().default(true),
});

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

/** By the code of an object that may not be touched. */
const TARGET_SAYS = { ...TARGET_REFUSALS, "target-refused": 422 } as const;

export const showLink = operation({
  id: "ShowLink",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/links/{objectGuid}",
  guard: "admin-read",
  summary: "What ties one source object to a target object.",
  reply: LinkReply,
  refusals: { "job-not-found": 404, "object-not-found": 404, ...TARGET_SAYS },
});

const MENDING = { "job-not-found": 404, "object-not-found": 404, "object-busy": 409, ...TARGET_SAYS } as const;
/** Of the object that is to have the target object. */
const JOINING = {
  ...MENDING,
  "object-gone": 409,
  "object-linked": 409,
  "object-out-of-scope": 422,
  "target-not-found": 404,
  excluded: 422,
} as const;

export const joinLink = operation({
  id: "JoinLink",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/links/{objectGuid}/join",
  guard: "admin-write",
  summary: "Links a source object to a target object that nobody has.",
  body: JoinRequest,
  reply: LinkReply,
  refusals: { ...JOINING, "target-linked": 409 },
});

export const moveLink = operation({
  id: "MoveLink",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/links/{objectGuid}/move",
  guard: "admin-write",
  summary: "Gives a target object to another source object.",
  body: MoveRequest,
  reply: LinkReply,
  refusals: { ...JOINING, "object-not-linked": 409 },
});

export const unlink = operation({
  id: "Unlink",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/links/{objectGuid}/unlink",
  guard: "admin-write",
  summary: "Lets go of a target object, which stays as it is.",
  reply: LinkReply,
  refusals: { ...MENDING, "object-not-linked": 409 },
});

export const rebuildLinks = operation({
  id: "RebuildLinks",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/rebuildLinks",
  guard: "admin-write",
  summary: "Mends the index of one of 16 parts of a job's objects, and looks for those without link in the target.",
  body: RebuildRequest,
  reply: RebuildReply,
  refusals: { "job-not-found": 404, ...TARGET_SAYS },
});
