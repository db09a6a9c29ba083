/**
 * What an agent says about one object of the directory, and how changes travel: in numbered batches of a read.
 *
 * In a **read** an agent goes through the directory once, whole or for changes, under a number that the cloud gave. A **batch** is a numbered
 * piece of it (at most 1,000 changes and 4 MiB inflated). A **change** is one object. The source gives pages and we
 * send batches: only the batch that completes a page may carry a watermark, because a cookie covers its page whole.
 */
import { z } from "zod";
import { isGuid } from "../domain/values.ts";

export const BATCH_MAX_CHANGES = 1_000;
export const BATCH_MAX_BYTES = 4 * 1024 * 1024;
/** Of one list, or one part of it. */
export const LINK_MAX_VALUES = 20_000;
export const BATCH_FORMAT_VERSION = 1;

export const Guid = z.string().refine(isGuid, "must be a GUID in lower-case text form, 8-4-4-4-12");
const Base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, "must be base64");
const AttributeName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,255}$/, "must be an LDAP attribute name");

export const AttributeValueSchema = z.union([z.string(), z.strictObject({ base64: Base64 })]);
export const AttributeBagSchema = z.record(AttributeName, z.array(AttributeValueSchema));

/**
 * Values of a linked attribute, by the GUID of the object that they name; `sid` where that is a foreign security principal.
 *
 * `replace`: `add` is (a part of) the whole list. Only `member` may travel as `delta`, or in parts: part 0, 1, … in the order of the read,
 * `last` on the final one, over as many changes and batches as it takes. A list is compared when all its parts are there.
 * Any other linked attribute (manager) is one `replace` with part 0 and `last`, and folds like a plain attribute. A change that only goes
 * on with a list has no attributes and `changed: []`, also in a full read. An object that came back from deletion may carry `memberOf` (a
 * `replace`): it is in exactly these groups.
 */
const LinkValue = z.strictObject({
  guid: Guid,
  sid: z.string().startsWith("S-1-").max(200).optional(),
  dn: z.string().optional(),
});
export const LinkChange = z
  .strictObject({
    attribute: AttributeName,
    mode: z.enum(["delta", "replace"]),
    add: z.array(LinkValue).max(LINK_MAX_VALUES),
    remove: z.array(LinkValue).max(LINK_MAX_VALUES),
    part: z.number().int().min(0),
    last: z.boolean(),
  })
  .superRefine((link, context) => {
    const isMember = link.attribute.toLowerCase() === "member";
    const isOnePiece = link.part === 0 && link.last;
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (link.mode === "replace" && link.remove.length > 0) refuse("remove", "must be empty where a list is replaced");
    if (link.mode === "delta" && !isMember) refuse("mode", "must be replace for all but member");
    if ((link.mode === "delta" || !isMember) && !isOnePiece) refuse("part", "only whole lists of member come in parts");
  });

/**
 * In scope as far as the agent knows. `changed` lists the names that the source reported; absent on a full read. `tooLarge`: attributes, by
 * name with their bytes, that no batch has room for; they aren't among `attributes`, and are not empty.
 */
export const UpsertChange = z.strictObject({
  op: z.literal("upsert"),
  objectGuid: Guid,
  objectClass: z.string().min(1),
  dn: z.string().min(1),
  parentGuid: Guid.optional(),
  attributes: AttributeBagSchema,
  changed: z.array(AttributeName).optional(),
  tooLarge: z.record(AttributeName, z.number().int().positive()).optional(),
  links: z.array(LinkChange).optional(),
});
/** Still in the directory, no longer in what the agent may send: only its GUID goes up. */
export const LeaveChange = z.strictObject({ op: z.literal("leave"), objectGuid: Guid, reason: z.string().min(1) });
/** A tombstone. */
export const DeleteChange = z.strictObject({ op: z.literal("delete"), objectGuid: Guid });
/** An organizational unit (or other container): its name and place, for scope. */
export const ContainerChange = z.strictObject({
  op: z.literal("container"),
  objectGuid: Guid,
  objectClass: z.string().min(1),
  dn: z.string().min(1),
  parentGuid: Guid.optional(),
});
export const Change = z.discriminatedUnion("op", [UpsertChange, LeaveChange, DeleteChange, ContainerChange]);
export type Change = z.infer<typeof Change>;

/** `id` is the base64url SHA-256 of `token`: what `watermarkBefore` names. `at` is ISO 8601 UTC, of the agent's clock. */
export const Watermark = z.discriminatedUnion("mode", [
  z.strictObject({
    mode: z.literal("dirsync"),
    id: z.string().min(1),
    token: Base64,
    invocationId: Guid,
    dnsName: z.string(),
    usn: z.string().regex(/^\d+$/),
    at: z.string(),
  }),
  z.strictObject({ mode: z.literal("ldif"), id: z.string().min(1), token: z.string(), at: z.string() }),
]);
export type Watermark = z.infer<typeof Watermark>;

export const DomainIdentity = z.strictObject({
  objectGuid: Guid,
  sid: z.string().startsWith("S-1-").max(200),
  fqdn: z.string().min(1).max(255),
});
export type DomainIdentity = z.infer<typeof DomainIdentity>;

/** The directory server that answered. For an LDIF file: a name of the file, and zeros. */
export const DirectoryServer = z.strictObject({
  invocationId: Guid,
  dnsName: z.string().min(1),
  highestCommittedUsn: z.string().regex(/^\d+$/),
  /** Up to which USN of that other invocation it has everything (`msDS-NCReplCursors`): only where the read order asks. */
  replCursor: z.strictObject({ invocationId: Guid, usn: z.string().regex(/^\d+$/) }).optional(),
});
export type DirectoryServer = z.infer<typeof DirectoryServer>;

export const BatchHeader = z.strictObject({
  version: z.literal(BATCH_FORMAT_VERSION),
  batchId: z.string().min(1).max(256),
  jobId: z.string().min(1).max(128),
  readNo: z.number().int().positive(),
  sequence: z.number().int().positive(),
  kind: z.enum(["full", "delta", "object"]),
  leaseEpoch: z.number().int().positive(),
  schemaVersion: z.number().int().positive(),
  scopeVersion: z.number().int().positive(),
  attributeSetHash: z.string().min(1),
  domain: DomainIdentity,
  dsa: DirectoryServer,
  /** Whether what the account may not see looks different from what isn't there (DESIGN N4). */
  visibility: z.enum(["complete", "partial"]),
  /** Id of the accepted watermark that this read goes on from; null when there is none. */
  watermarkBefore: z.string().nullable(),
  watermarkAfter: Watermark.optional(),
  isLast: z.boolean(),
  /** On the last batch: what the agent counted and hashed over the whole read. */
  end: z.strictObject({ batches: z.number().int(), objects: z.number().int(), digest: z.string() }).optional(),
});
export const ChangeBatch = BatchHeader.extend({ changes: z.array(Change).max(BATCH_MAX_CHANGES) }).refine(
  (batch) => batch.isLast === (batch.end !== undefined),
  { path: ["end"], message: "must stand on the last batch, and on no other" },
);
export type ChangeBatch = z.infer<typeof ChangeBatch>;

/** The one name of a batch; also the stem of Durable instance ids, so it holds none of `/ \ # ?`. */
export function batchIdOf(jobId: string, readNo: number, sequence: number): string {
  return `${jobId}-${readNo}-${sequence}`;
}
