/**
 * The admin API of schemas beside Graph's own (`synchronization-schema.ts`): what a check says, the versions of a job, and what
 * differs between two.
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { SynchronizationSchemaBody } from "../synchronization-schema.ts";
import { listOf, ShortPage } from "./paging.ts";

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

/** Answered to an imported schema: when it is another one everybody is mapped by it, after a full read if it asks for what wasn't read. */
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

/** Of a schema, from 1. */
const Version = z.coerce.number().int().min(1).max(999_999_999);
const SCHEMA_PATH = "v1.0/servicePrincipals/{configurationId}/synchronization/jobs/{jobId}/schema";

export const getSchema = operation({
  id: "GetSchema",
  method: "GET",
  path: SCHEMA_PATH,
  guard: "admin-read",
  summary: "The schema in effect, or an older version, as it was imported.",
  query: z.strictObject({ version: Version.optional() }),
  reply: SynchronizationSchemaBody,
  hasEtag: true,
  refusals: { "job-not-found": 404, "schema-version-not-found": 404 },
});

export const putSchema = operation({
  id: "PutSchema",
  method: "PUT",
  path: SCHEMA_PATH,
  guard: "admin-write",
  summary: "Checks a schema and puts it into effect as a new version, by which everybody is mapped anew.",
  query: z.strictObject({ expectedVersion: Version.optional() }),
  body: SynchronizationSchemaBody,
  isUntold: true,
  reply: SchemaReply,
  hasEtag: true,
  refusals: { "job-not-found": 404, "schema-invalid": 422, "schema-version-not-expected": 409 },
});

export const listSchemaVersions = operation({
  id: "ListSchemaVersions",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/schemaVersions",
  guard: "admin-read",
  summary: "The versions of a job's schema, newest first.",
  query: z.strictObject(ShortPage),
  reply: listOf(SchemaVersionReply),
  refusals: { "job-not-found": 404 },
});

export const diffSchemas = operation({
  id: "DiffSchemas",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/schemaDiff",
  guard: "admin-read",
  summary: "What differs between two versions of a job's schema.",
  query: z.strictObject({ from: Version.default(1), to: Version.default(1) }),
  reply: SchemaDiffReply,
  refusals: { "job-not-found": 404, "schema-version-not-found": 404 },
});
