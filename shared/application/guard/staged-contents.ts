/**
 * Who is in a staged set, with names, page by page: objects as their rows know them, and of memberships each edge, group and
 * member. A set is named by its digest, so the pages are of one set; there may be a quarter of a million edges in it.
 *
 * Names are the source's. What the job redacts is not in them, nor in a distinguished name that holds it.
 */
import type { StagedObjectReply } from "../../contracts/admin/staged.ts";
import { redactText, redactValues, secretsOf } from "../../domain/redaction.ts";
import { valuesOf } from "../../domain/values.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import { readStagedMembers } from "../members/staged-members.ts";
import { type JobRow, jobTable, ROW, readRow } from "../state/job-rows.ts";
import type { StoredObject } from "../state/object-store.ts";
import type { Removals, StagedClass, StagedRow } from "../state/removal-rows.ts";
import { otherSet, setsOf } from "./staged-set.ts";

export interface StagedPage {
  readonly value: readonly StagedObjectReply[];
  /** Where the next page begins; absent: this was the last one. */
  readonly next?: string;
}

/** From the start or from the `next` of a page. Failures: 400, 404, 409 (another set by now). */
export type StagedContents = (
  jobId: string,
  set: { readonly class: StagedClass; readonly digest: string },
  from: string | null,
  top: number,
) => Promise<Result<StagedPage>>;

interface Entry {
  readonly row: StagedRow;
  readonly member?: string;
}

export function createStagedContents(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly removals: Removals;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
  readonly configurations: () => Promise<readonly { readonly configurationId: string }[]>;
}): StagedContents {
  const jobs = jobTable(deps.rows);

  /** Entries of a set from a place on: at most `top`, and the place behind them. */
  async function entriesFrom(jobId: string, rows: readonly StagedRow[], place: Place, top: number) {
    const entries: Entry[] = [];
    let { row: at, member: offset } = place;
    for (let row = rows[at]; row && entries.length < top; row = rows[at]) {
      const members = row.members ? await readStagedMembers(deps.blobs, jobId, row.objectGuid, row.members.digest) : [];
      const part = members.slice(offset, offset + top - entries.length);
      for (const member of part) entries.push({ row, member });
      if (members.length === 0) entries.push({ row });
      offset += part.length;
      if (offset >= members.length) [at, offset] = [at + 1, 0];
    }
    return { entries, ...(at < rows.length ? { next: `${at}-${offset}` } : {}) };
  }

  /** By objectGUID; a member may be of another configuration of the same target. */
  async function named(context: JobContext, configurationId: string, guids: readonly string[]) {
    const found = new Map<string, StoredObject>();
    const others = (await deps.configurations())
      .map((own) => own.configurationId)
      .filter((id) => id !== configurationId);
    for (const id of [configurationId, ...others]) {
      const open = guids.filter((guid) => !found.has(guid));
      if (open.length === 0) break;
      for (const [guid, own] of await context.objects.getMany(id, open)) found.set(guid, own);
    }
    return found;
  }

  return async (jobId, { class: of, digest }, from, top) => {
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    if (!job) return noSuchJob(jobId);
    const sets = setsOf(jobId, await deps.removals.staged(jobId)).filter((own) => own.class === of);
    const set = sets.find((own) => own.digest === digest.toLowerCase());
    if (!set) return fail(otherSet(of, digest, sets));
    const place = placeOf(from);
    if (!place) return fail(noSuchPage(from ?? ""));
    const { entries, next } = await entriesFrom(jobId, set.rows, place, top);
    const guids = new Set(entries.flatMap(({ row, member }) => [row.objectGuid, ...(member ? [member] : [])]));
    const context = await deps.contextOf(jobId);
    const objects = await named(context, job.value.configurationId, [...guids]);
    const value = entries.map(({ row, member }): StagedObjectReply => {
      const own = objects.get(row.objectGuid);
      const { properties } = context.mapping.redactionOf(own?.record.objectClass ?? "");
      return {
        ...nameOf(context, row.objectGuid, own),
        member: member === undefined ? null : nameOf(context, member, objects.get(member)),
        becomes: row.names ? redactValues(row.names, properties) : null,
      };
    });
    return ok({ value, ...(next === undefined ? {} : { next }) });
  };
}

function nameOf({ mapping }: JobContext, objectGuid: string, stored: StoredObject | undefined) {
  if (!stored) return { objectGuid, objectClass: null, displayName: null, dn: null };
  const { record } = stored;
  const secrets = secretsOf(mapping.redactionOf(record.objectClass), record.image, record.link?.exported ?? {});
  const [first] = [...valuesOf(record.image, "displayName"), ...valuesOf(record.image, "cn")];
  return {
    objectGuid,
    objectClass: record.objectClass,
    displayName: typeof first === "string" ? redactText(first, secrets) : null,
    dn: redactText(record.dn, secrets),
  };
}

interface Place {
  readonly row: number;
  readonly member: number;
}

function placeOf(from: string | null): Place | undefined {
  const found = /^(\d{1,9})-(\d{1,9})$/.exec(from ?? "0-0");
  return found ? { row: Number(found[1]), member: Number(found[2]) } : undefined;
}

function noSuchPage(from: string): Failure {
  return {
    status: 400,
    code: "staged-page",
    message: `'${from.slice(0, 40)}' is no place among the objects of a staged set.`,
    remedy: "Begin without $skiptoken, and go on by @odata.nextLink.",
  };
}
