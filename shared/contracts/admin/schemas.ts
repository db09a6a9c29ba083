/**
 * The admin API of schemas beside Graph's own (`synchronization-schema.ts`): what a check says, the versions of a job, and what
 * differs between two.
 */
import { z } from "zod";

/** What a check of a schema says, and where: `position` counts UTF-16 units of the expression from 0. */
export const SchemaFindingReply = z.strictObject({
  severity: z.enum(["error", "warning"]),
  code: z.string(),
  objectMapping: z.string().nullable(),
  targetAttribute: z.string().nullable(),
  position: z.number().nullable(),
  excerpt: z.string().nullable(),
  message: z.string(),
  remedy: z.string(),
  path: z.string(),
});

/** Answered to an imported schema: a full read follows when it is another one. */
export const SchemaReply = z.strictObject({
  jobId: z.string(),
  version: z.number(),
  changed: z.boolean(),
  warnings: z.array(SchemaFindingReply),
});
export type SchemaReply = z.infer<typeof SchemaReply>;

export const SchemaVersionReply = z.strictObject({
  version: z.number(),
  /** Null for the schema that the job began with. */
  by: z.string().nullable(),
  at: z.string(),
  isInEffect: z.boolean(),
});
export type SchemaVersionReply = z.infer<typeof SchemaVersionReply>;

const SchemaChangeReply = z.strictObject({
  what: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
});

/** Two versions of a schema: what was added, removed and changed, by object mapping and target attribute. */
export const SchemaDiffReply = z.strictObject({
  changes: z.array(SchemaChangeReply),
  objectMappings: z.array(
    z.strictObject({
      objectMapping: z.string(),
      kind: z.enum(["added", "removed", "changed"]),
      changes: z.array(SchemaChangeReply),
      attributes: z.array(
        z.strictObject({
          targetAttribute: z.string(),
          kind: z.enum(["added", "removed", "changed"]),
          changes: z.array(SchemaChangeReply),
        }),
      ),
    }),
  ),
});
