/**
 * What-ifs as admins ask for them, look at them and approve them.
 *
 * An approval names what it saw by its digest, and does what was tried if nothing that it stands on changed since (settings
 * that decide who becomes what, and the exclusion list, are part of that): another
 * schema or scope comes into effect, exports that waited for it go out. It is written down before it takes effect, so that an
 * interrupted one is carried out by the next call; asked twice it is the same. Only the newest result counts.
 */
import type {
  WhatIfApprovalReply,
  WhatIfDetailReply,
  WhatIfReply,
  WhatIfRequest,
  WhatIfSubject,
} from "../../contracts/admin/what-ifs.ts";
import { checkSchema, hasErrors } from "../../domain/schema-check.ts";
import type { SynchronizationSchema } from "../../domain/synchronization-schema.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { HeldExports } from "../export/held-exports.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { type Configurations, noSuchJob } from "../jobs/configurations.ts";
import { addWork } from "../lanes/add-work.ts";
import { readFile } from "../lanes/chunk-files.ts";
import { faultySchema, type Schemas } from "../schemas/schemas.ts";
import type { ExclusionRows } from "../state/exclusion-rows.ts";
import { heldBecause, type JobRow, jobTable, pack, ROW, readRow } from "../state/job-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { gzipJson } from "../state/packing.ts";
import {
  changeWhatIf,
  droppableWhatIfs,
  dropWhatIf,
  listWhatIfs,
  newWhatIfId,
  readResult,
  readWhatIf,
  WHAT_IF_FILES,
  WHAT_IF_ROW,
  type WhatIfRow,
  whatIfWorkId,
} from "../state/what-if-rows.ts";
import { baseOf, otherSettings } from "./what-if-base.ts";
import { grownSince } from "./what-if-growth.ts";

/** Results that are kept of a job. */
const KEPT = 20;
/** Behind whole reads, beside which single changes go on. */
const LANE: Lane = "bulk";

export interface WhatIfs {
  /** Has it tried, in its turn. Failures: 404 (job, version), 422 with every error of a new schema. */
  run(jobId: string, request: WhatIfRequest, by: string): Promise<Result<WhatIfReply>>;
  /** Newest first. Failures: 404. */
  list(jobId: string): Promise<Result<WhatIfReply[]>>;
  /** Failures: 404. */
  get(jobId: string, id: string): Promise<Result<WhatIfDetailReply>>;
  /** Failures: 404, 409 (not the newest result, or its job is another by now). */
  approve(jobId: string, digest: string, by: string): Promise<Result<WhatIfApprovalReply>>;
}

export function createWhatIfs(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly schemas: Pick<Schemas, "get" | "put">;
  readonly configurations: Pick<Configurations, "setScope">;
  readonly heldExports: Pick<HeldExports, "releaseExports">;
  readonly exclusionRows: Pick<ExclusionRows, "list">;
  readonly objects: Pick<ObjectStore, "summaries">;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): WhatIfs {
  const jobs = jobTable(deps.rows);
  const jobOf = async (jobId: string) => (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
  const excludedNow = async () => (await deps.exclusionRows.list()).map(({ guid }) => guid);

  return {
    async run(jobId, request, by) {
      const job = await jobOf(jobId);
      if (!job) return noSuchJob(jobId);
      const refused = await refusalOf(job, request);
      if (refused) return refused;
      const at = deps.clock.now();
      const id = newWhatIfId(at);
      if (request.kind === "schema") await deps.blobs.put(WHAT_IF_FILES.schema(jobId, id), gzipJson(request.schema));
      const row: WhatIfRow = {
        id,
        jobId,
        workId: whatIfWorkId(jobId, id),
        of: subjectOf(request),
        state: "waiting",
        by,
        at,
        endedAt: null,
        base: baseOf(job, await excludedNow()),
        failure: null,
        digest: null,
        summary: null,
        approved: null,
      };
      await jobs.transact(jobId, [{ op: "insert", row: WHAT_IF_ROW(id), values: pack(row) }]);
      await addWork(deps, jobId, "whatif", { objectGuids: [] }, row.workId, LANE);
      deps.log.info("what-if-asked", { jobId, whatIfId: id, of: request.kind, by });
      await deps.ring(jobId, LANE).catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: LANE }));
      await dropOld(jobId);
      return ok(replyOf(row));
    },

    async list(jobId) {
      if (!(await jobOf(jobId))) return noSuchJob(jobId);
      return ok((await listWhatIfs(jobs, jobId)).map(({ value }) => replyOf(value)));
    },

    async get(jobId, id) {
      if (!(await jobOf(jobId))) return noSuchJob(jobId);
      const stored = /^[0-9a-f-]{1,40}$/.test(id) ? await readWhatIf(jobs, jobId, id) : undefined;
      if (!stored) return fail(noSuchWhatIf(jobId, id));
      const result = stored.value.state === "done" ? await readResult(deps.blobs, jobId, id) : undefined;
      return ok({ ...replyOf(stored.value), result: result ?? null });
    },

    async approve(jobId, digest, by) {
      const job = await jobOf(jobId);
      if (!job) return noSuchJob(jobId);
      const newest = (await listWhatIfs(jobs, jobId)).map(({ value }) => value).find((own) => own.state === "done");
      if (newest?.digest !== digest.toLowerCase()) return fail(notTheNewest(jobId, digest, newest));
      if (newest.approved?.applied) return ok(approvalOf(newest, newest.approved));
      const excluded = await excludedNow();
      const changed = newest.approved ? undefined : changesSince(job, newest, excluded);
      if (changed !== undefined) return fail(outdated(newest, changed));
      const approved = newest.approved ?? { by, at: deps.clock.now(), applied: null };
      await changeWhatIf(jobs, jobId, newest.id, (row) => ({ ...row, approved: row.approved ?? approved }));
      const effect = await takeEffect(job, newest, approved.by, excluded);
      if (!effect.ok) {
        // Refused, not interrupted: it never came into effect.
        await changeWhatIf(jobs, jobId, newest.id, (row) =>
          row.approved?.applied ? undefined : { ...row, approved: null },
        );
        return effect;
      }
      const done = { ...approved, applied: effect.value };
      await changeWhatIf(jobs, jobId, newest.id, (row) => ({ ...row, approved: done }));
      deps.log.warn("what-if-approved", { jobId, whatIfId: newest.id, digest: newest.digest, by, ...effect.value });
      return ok(approvalOf(newest, done));
    },
  };

  type Effect = Pick<WhatIfApprovalReply, "effect" | "schemaVersion">;

  async function takeEffect(
    job: JobRow,
    tried: WhatIfRow,
    by: string,
    excluded: readonly string[],
  ): Promise<Result<Effect>> {
    const { jobId } = job;
    const { id, of, base } = tried;
    // Of an approval that was interrupted before it took effect: what it stood on may be another by now.
    const isThere = job.schemaVersion !== base.schemaVersion || job.scopeVersion !== base.scopeVersion;
    const changed = isThere || of.kind === "present" ? undefined : changesSince(job, tried, excluded);
    if (changed !== undefined) return fail(outdated(tried, changed));
    if (of.kind === "scope") {
      const set = await deps.configurations.setScope(jobId, of.scope, base.scopeVersion);
      return set.ok ? ok({ effect: "scope", schemaVersion: null }) : refusedSince(tried, set.failure);
    }
    if (of.kind === "present") {
      if (heldBecause(job)?.because !== "first-export") return ok({ effect: "none", schemaVersion: null });
      const grown = await grownSince(deps.objects, job, tried);
      if (grown !== undefined) return fail(outdated(tried, grown));
      // Of an approval that was interrupted, or at this moment: what goes out has to be what was shown.
      const released = await deps.heldExports.releaseExports(jobId, by, (present) => {
        const because = changesSince(present, tried, excluded) ?? unseenBy(present, tried);
        return because === undefined ? undefined : outdated(tried, because);
      });
      return released.ok ? ok({ effect: "exports", schemaVersion: null }) : released;
    }
    const schema = of.kind === "schema" ? await triedSchema(jobId, id) : await deps.schemas.get(jobId, of.version);
    if (!schema.ok) return schema;
    const put = await deps.schemas.put(jobId, schema.value, by, base.schemaVersion);
    if (put.ok) return ok({ effect: "schema", schemaVersion: put.value.version });
    // By an attempt that was interrupted right after.
    const present = await deps.schemas.get(jobId);
    const isSame = present.ok && JSON.stringify(present.value) === JSON.stringify(schema.value);
    return isSame ? ok({ effect: "schema", schemaVersion: job.schemaVersion }) : refusedSince(tried, put.failure);
  }

  async function triedSchema(jobId: string, id: string): Promise<Result<SynchronizationSchema>> {
    const schema = await readFile<SynchronizationSchema>(deps.blobs, WHAT_IF_FILES.schema(jobId, id));
    return schema ? ok(schema) : fail(noSuchWhatIf(jobId, id));
  }

  async function refusalOf(job: JobRow, request: WhatIfRequest) {
    if (request.kind === "schemaVersion") {
      const found = await deps.schemas.get(job.jobId, request.version);
      return found.ok ? undefined : found;
    }
    if (request.kind !== "schema") return undefined;
    const findings = checkSchema(request.schema);
    return hasErrors(findings) ? faultySchema(job.jobId, findings) : undefined;
  }

  /** What is over, and older than the last ones. */
  async function dropOld(jobId: string): Promise<void> {
    const all = await listWhatIfs(jobs, jobId);
    const kept = new Set(all.slice(0, KEPT));
    for (const own of droppableWhatIfs(all)) if (!kept.has(own)) await dropWhatIf(jobs, deps.blobs, own);
  }
}

function subjectOf(request: WhatIfRequest): WhatIfSubject {
  return request.kind === "schema" ? { kind: "schema" } : request;
}

function replyOf(row: WhatIfRow): WhatIfReply {
  const { id, jobId, of, state, by, at, endedAt, base, failure, digest, summary, approved } = row;
  return {
    id,
    jobId,
    of,
    state,
    by,
    at: moment(at),
    endedAt: endedAt === null ? null : moment(endedAt),
    base: { schemaVersion: base.schemaVersion, scopeVersion: base.scopeVersion },
    failure,
    digest,
    objects: summary?.objects ?? null,
    counts: summary?.counts ?? null,
    staged:
      summary?.guard.flatMap(({ class: of, count, reason }) =>
        reason === null ? [] : [{ class: of, count, reason }],
      ) ?? null,
    approved: approved?.applied ? { by: approved.by, at: moment(approved.at) } : null,
  };
}

function approvalOf(row: WhatIfRow, { by, at, applied }: NonNullable<WhatIfRow["approved"]>): WhatIfApprovalReply {
  const { id, jobId } = row;
  const { effect = "none", schemaVersion = null } = applied ?? {};
  return { jobId, id, digest: row.digest ?? "", by, at: moment(at), effect, schemaVersion };
}

function moment(at: number): string {
  return new Date(at).toISOString();
}

function changesSince(job: JobRow, { base }: WhatIfRow, excluded: readonly string[]): string | undefined {
  const now = baseOf(job, excluded);
  if (now.schemaVersion !== base.schemaVersion)
    return `it was tried on schema version ${base.schemaVersion}, and version ${now.schemaVersion} is in effect`;
  if (now.scopeVersion !== base.scopeVersion) return "the scope of the job's agents was changed since";
  if (now.mappedVersion !== base.mappedVersion) return "objects were read for another schema since";
  const others = otherSettings(base, now);
  return others === undefined ? undefined : `changed since: ${others}`;
}

/** Of a first read that was half-way, it showed only whom that had brought by then. */
function unseenBy({ steadyStateAt }: JobRow, { at }: WhatIfRow): string | undefined {
  if (steadyStateAt !== null && at >= steadyStateAt) return undefined;
  return "it was asked for before the first full read was over, and shows only a part of the directory";
}

function noSuchWhatIf(jobId: string, id: string): Failure {
  return {
    status: 404,
    code: "what-if-not-found",
    message: `Job ${jobId} has no what-if ${id}.`,
    remedy: `'uplink whatif list' shows those that are kept: the last ${KEPT}, as long as the log.`,
  };
}

function notTheNewest(jobId: string, digest: string, newest: WhatIfRow | undefined): Failure {
  const present = newest ? `; the newest result is ${newest.digest} (${newest.id})` : ": none has come to its end";
  return {
    status: 409,
    code: "what-if-not-newest",
    message: `The newest what-if of job ${jobId} doesn't have digest ${digest}${present}.`,
    remedy: "Look at the newest result ('uplink whatif show'), and approve that, or run it again.",
  };
}

/** What was fit to be tried isn't fit to be taken any more, but for a job that is gone. */
function refusedSince(tried: WhatIfRow, failure: Failure) {
  return fail(failure.status === 404 ? failure : outdated(tried, failure.message.replace(/\.$/, "")));
}

function outdated({ id, jobId }: WhatIfRow, why: string): Failure {
  return {
    status: 409,
    code: "what-if-outdated",
    message: `What-if ${id} of job ${jobId} says nothing of the job as it is: ${why}.`,
    remedy: "Run it again, and approve what it shows then.",
  };
}
