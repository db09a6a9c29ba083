/**
 * The schemas of jobs: taken only when they can run, kept in every version, compared.
 *
 * A version is a blob and a row that says who brought it and when; the job points at the one in effect. Content that is
 * there already makes no version. A new one has every object mapped anew: from the images, as work that begins with the
 * very transaction in which it comes into effect, where they hold all that it asks for (`covered-schema.ts`); else by a full
 * read (`reads.ts`).
 */
import type { SchemaReply, SchemaVersionReply } from "../../contracts/admin/schemas.ts";
import { checkSchema, hasErrors, type SchemaFinding } from "../../domain/schema-check.ts";
import { diffSchemas, type SchemaDiff } from "../../domain/schema-diff.ts";
import type { SynchronizationSchema } from "../../domain/synchronization-schema.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import { workOperations } from "../lanes/add-work.ts";
import type { JobMappings } from "../mapping/job-mapping.ts";
import {
  type CoveredSchema,
  type JobRow,
  jobTable,
  listRows,
  mappedVersionOf,
  pack,
  type ReadsRow,
  ROW,
  readRow,
  type SchemaRow,
  type Stored,
} from "../state/job-rows.ts";
import { covers, isAskedFor } from "./covered-schema.ts";
import { readSchema, writeSchema } from "./schema-store.ts";

export interface Schemas {
  /** A version, the one in effect when none is named; as it was imported. Failures: 404. */
  get(jobId: string, version?: number): Promise<Result<SynchronizationSchema>>;
  /** The same, with its number. Failures: 404. */
  getNumbered(
    jobId: string,
    version?: number,
  ): Promise<Result<{ readonly version: number; readonly schema: SynchronizationSchema }>>;
  /** Newest first. Failures: 404. */
  versions(jobId: string): Promise<Result<SchemaVersionReply[]>>;
  /** Failures: 404, 409 with another version in effect than `expectedVersion`, 422 with every error of the schema. */
  put(jobId: string, schema: SynchronizationSchema, by: string, expectedVersion?: number): Promise<Result<SchemaReply>>;
  /** Failures: 404. */
  diff(jobId: string, from: number, to: number): Promise<Result<SchemaDiff>>;
}

export function createSchemas(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly mappings: JobMappings;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): Schemas {
  const jobs = jobTable(deps.rows);
  const jobOf = (jobId: string) => readRow<JobRow>(jobs, jobId, ROW.job);

  async function versionOf(job: JobRow, version: number): Promise<Result<SynchronizationSchema>> {
    const isKnown = version === 1 || (await readRow(jobs, job.jobId, ROW.schema(version))) !== undefined;
    const schema = isKnown ? await readSchema(deps.blobs, job.jobId, version) : undefined;
    return schema ? ok(schema) : noSuchVersion(job, version);
  }

  /** Undefined when somebody else changed the job meanwhile. */
  async function store(
    { value: job, etag }: Stored<JobRow>,
    schema: SynchronizationSchema,
    by: string,
  ): Promise<number | undefined> {
    const version = await writeSchema(deps.blobs, job.jobId, job.schemaVersion + 1, schema);
    const row: SchemaRow = { version, by, at: deps.clock.now() };
    const covered = await coveredBy(job, version);
    const next: JobRow = {
      ...job,
      schemaVersion: version,
      ...(covered ? { mappedSchemaVersion: version, coveredSchema: covered.schema } : {}),
    };
    const written = await jobs.transact(job.jobId, [
      { op: "replace", row: ROW.job, values: pack(next), etag },
      { op: "insert", row: ROW.schema(version), values: pack(row) },
      ...(covered?.hasImages
        ? await workOperations(deps, job.jobId, "all", { objectGuids: [] }, `${job.jobId}-work-all-${version}`, "bulk")
        : []),
    ]);
    if (!written.ok) return undefined;
    // The tick finds what nobody rang for.
    if (covered?.hasImages)
      await deps
        .ring(job.jobId, "bulk")
        .catch(() => deps.log.warn("doorbell-unreachable", { jobId: job.jobId, lane: "bulk" }));
    return version;
  }

  /** How a version may come into effect without a read; undefined: a full one is needed. */
  async function coveredBy(job: JobRow, version: number) {
    const reads = (await readRow<ReadsRow>(jobs, job.jobId, ROW.reads))?.value;
    if (!reads) return undefined;
    const mappingOf = (own: number) => deps.mappings({ ...job, schemaVersion: own });
    const mapped = mappedVersionOf(job);
    const full = reads.fullSchemaVersion ?? mapped;
    const before = Array.from({ length: job.schemaVersion - mapped + 1 }, (_, at) => mapped + at);
    const held = await Promise.all([...new Set([...before, full])].map(mappingOf));
    const wanted = await mappingOf(version);
    if (!held.every((own) => covers(own, wanted))) return undefined;
    const fullNeeds = (await mappingOf(full)).needs.attributeSetHash;
    // What an earlier release of the engine asked for is no measure of what this one does.
    if (!isAskedFor(job, reads.fullAttributeSetHash ?? fullNeeds, fullNeeds)) return undefined;
    const known = job.coveredSchema;
    const hashes = [...(known?.hashes ?? []), ...held.map((own) => own.needs.attributeSetHash)];
    const schema: CoveredSchema = {
      since: known?.since ?? mapped,
      hashes: [...new Set(hashes)],
      hash: wanted.needs.attributeSetHash,
      at: deps.clock.now(),
    };
    return { schema, hasImages: reads.nextReadNo > 1 };
  }

  const getNumbered: Schemas["getNumbered"] = async (jobId, asked) => {
    const job = await jobOf(jobId);
    if (!job) return noSuchJob(jobId);
    const version = asked ?? job.value.schemaVersion;
    const schema = await versionOf(job.value, version);
    return schema.ok ? ok({ version, schema: schema.value }) : schema;
  };

  return {
    getNumbered,

    async get(jobId, version) {
      const found = await getNumbered(jobId, version);
      return found.ok ? ok(found.value.schema) : found;
    },

    async versions(jobId) {
      const job = await jobOf(jobId);
      if (!job) return noSuchJob(jobId);
      const first: SchemaRow = { version: 1, by: null, at: job.value.createdAt };
      const rows = [first, ...(await listRows<SchemaRow>(jobs, jobId, "schema:")).map(({ value }) => value)];
      return ok(
        rows.reverse().map(({ version, by, at }) => ({
          version,
          by,
          at: new Date(at).toISOString(),
          isInEffect: version === job.value.schemaVersion,
        })),
      );
    },

    async put(jobId, schema, by, expectedVersion) {
      const findings = checkSchema(schema);
      const warnings = findings.filter((finding) => finding.severity === "warning");
      for (;;) {
        const job = await jobOf(jobId);
        if (!job) return noSuchJob(jobId);
        const { schemaVersion } = job.value;
        if (hasErrors(findings)) return faultySchema(jobId, findings);
        if (expectedVersion !== undefined && expectedVersion !== schemaVersion)
          return notExpected(jobId, expectedVersion, schemaVersion);
        const present = await readSchema(deps.blobs, jobId, schemaVersion);
        if (present && canonical(present) === canonical(schema))
          return ok({ jobId, version: schemaVersion, changed: false, warnings });
        const version = await store(job, schema, by);
        if (version === undefined) continue;
        deps.log.info("schema-changed", { jobId, version, before: schemaVersion, warnings: warnings.length });
        return ok({ jobId, version, changed: true, warnings });
      }
    },

    async diff(jobId, from, to) {
      const job = await jobOf(jobId);
      if (!job) return noSuchJob(jobId);
      const before = await versionOf(job.value, from);
      if (!before.ok) return before;
      const after = await versionOf(job.value, to);
      return after.ok ? ok(diffSchemas(before.value, after.value)) : after;
    },
  };
}

/** The order of keys says nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, own: unknown) =>
    typeof own === "object" && own !== null && !Array.isArray(own)
      ? Object.fromEntries(Object.entries(own).sort(([left], [right]) => (left < right ? -1 : 1)))
      : own,
  );
}

type Refusal = { readonly ok: false; readonly failure: Failure };

/** Errors that are named in one answer; the schema check on the command line names all of more. */
const NAMED = 200;

/** 422, with every error. */
export function faultySchema(jobId: string, findings: readonly SchemaFinding[]): Refusal {
  const errors = findings.filter((finding) => finding.severity === "error");
  return fail({
    status: 422,
    code: "schema-invalid",
    message: `The schema is refused for job ${jobId}: it has ${errors.length === 1 ? "an error" : `${errors.length} errors`}.`,
    remedy: "Correct what is named; uplink schema check shows the same before an import.",
    details: errors.slice(0, NAMED).map((finding) => ({
      target: finding.path,
      message: [placeOf(finding), finding.message, finding.remedy].filter((part) => part !== "").join(" "),
    })),
  });
}

function placeOf({ objectMapping, targetAttribute, position }: SchemaFinding): string {
  if (objectMapping === null) return "";
  const attribute = targetAttribute === null ? "" : `, ${targetAttribute}`;
  return `${objectMapping}${attribute}${position === null ? "" : `, at ${position}`}:`;
}

function noSuchVersion({ jobId }: JobRow, version: number): Refusal {
  return fail({
    status: 404,
    code: "schema-version-not-found",
    message: `Job ${jobId} has no schema of version ${version}.`,
    remedy: "List the versions and take one from there.",
  });
}

function notExpected(jobId: string, expected: number, present: number): Refusal {
  return fail({
    status: 409,
    code: "schema-version-not-expected",
    message: `The schema of job ${jobId} is at version ${present}, not ${expected}: somebody changed it.`,
    remedy: `Look at what changed (versions ${expected} and ${present}), and send the schema again for version ${present}.`,
  });
}
