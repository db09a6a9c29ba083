/**
 * The target read page by page for a job whose rows are gone: what stands there without link becomes a candidate in the index, so that
 * the next full read finds it by its anchor instead of making a twin.
 *
 * No link is made here, and nobody's origin guessed: an anchor in the target says that some directory has such an object, not that this
 * job had it. Matching decides, by its own rules, once the directory has told of the object: role holders, what another
 * synchronisation masters and what several objects could be are refused there, each by name. Nothing is deleted, in the index neither:
 * a value in the name of an object of this job that has no row any more goes to the target object that has it.
 */
import type { SeekReply } from "../../contracts/admin/backups.ts";
import type { Claim } from "../../domain/object-record.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type TargetObject, type TargetObjectType, TargetPageLost } from "../../ports/target-directory.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { LINKS_REBUILT } from "../export/rebuilt-hold.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { type Configurations, noSuchJob } from "../jobs/configurations.ts";
import { expectAtRest } from "../links/job-at-rest.ts";
import { objectOf } from "../state/claim-index.ts";
import { type JobRow, jobTable, pack, ROW, readRow } from "../state/job-rows.ts";
import { tellingTarget } from "../target-failure.ts";
import { claimsOf } from "./prepare-target.ts";

export interface SeekRequest {
  readonly type: TargetObjectType;
  /** 0, then the `next` of the page before. */
  readonly page: number;
  /** False: it is only told what would be done. */
  readonly apply: boolean;
}

export interface SeekTargets {
  /** Failures: 404, 409 (not at rest, the page isn't known), what the target said. */
  page(jobId: string, request: SeekRequest, by: string): Promise<Result<SeekReply>>;
}

/** Where pages begin, by the target's own word: nobody outside may say an address that is asked with our token. */
interface PlaceRow {
  readonly page: number;
  readonly from?: string;
  readonly next?: string;
}

const rowOf = (type: TargetObjectType) => `seek:${type}`;

export function createSeekTargets(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly configurations: Configurations;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
}): SeekTargets {
  const jobs = jobTable(deps.rows);

  /** Undefined: the page isn't one that comes next. */
  async function placeOf(jobId: string, { type, page }: SeekRequest): Promise<{ readonly from?: string } | undefined> {
    if (page === 0) return {};
    const known = (await readRow<PlaceRow>(jobs, jobId, rowOf(type)))?.value;
    if (known?.page === page && known.from !== undefined) return { from: known.from };
    return known?.page === page - 1 && known.next !== undefined ? { from: known.next } : undefined;
  }

  return {
    page: tellingTarget(async (jobId: string, request: SeekRequest, by: string) => {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!job) return noSuchJob(jobId);
      const { type, page, apply } = request;
      const rest = apply ? await expectAtRest(deps, jobId) : undefined;
      if (rest && !rest.ok) return rest;
      const place = await placeOf(jobId, request);
      if (!place) return fail(pageLost(jobId, type, page));
      // First: whatever is noted, the directory has the last word, even if this ends here.
      if (apply && page === 0) await deps.configurations.requestFullRead(jobId, LINKS_REBUILT);
      const context = await deps.contextOf(jobId);
      const read = await context.target.page(type, [], place.from).catch((error: unknown) => {
        if (error instanceof TargetPageLost) return undefined;
        throw error;
      });
      if (!read) return fail(pageLost(jobId, type, page));
      const { next } = read;
      const here: PlaceRow = { page, ...place, ...(next === undefined ? {} : { next }) };
      await jobs.transact(jobId, [{ op: "upsert", row: rowOf(type), values: pack(here) }]);
      const told = await enter(context, job.value.configurationId, read.items, apply);
      if (apply && told.values > 0) deps.log.info("targets-sought", { jobId, type, page, ...told, by });
      return ok({ type, page, next: next === undefined ? null : page + 1, applied: apply, ...told });
    }),
  };
}

type Told = Pick<SeekReply, "read" | "linked" | "free" | "values">;

async function enter(
  { claims, objects }: JobContext,
  configurationId: string,
  found: readonly TargetObject[],
  apply: boolean,
): Promise<Told> {
  const wishes = found.flatMap((object) => valuesOf(object).map((claim) => ({ object, claim })));
  const holders = await claims.holders(wishes.map(({ claim }) => claim));
  const owned = wishes.flatMap(({ object, claim }, at) => {
    const holder = holders[at];
    return holder?.kind === "taken" ? [{ object, claim, owner: holder.owner }] : [];
  });
  const ownGuids = owned.flatMap(({ owner }) => {
    const own = objectOf(owner);
    return own.configurationId === configurationId ? [own.objectGuid] : [];
  });
  const rows = await objects.lights(configurationId, [...new Set(ownGuids)]);
  const isLost = (owner: string) => {
    const own = objectOf(owner);
    return own.configurationId === configurationId && !rows.has(own.objectGuid);
  };
  const lost = owned.filter(({ owner }) => isLost(owner));
  const linked = new Set(
    owned.flatMap(({ object, claim, owner }) => (claim.kind === "targetId" && !isLost(owner) ? [object.id] : [])),
  );
  const free = found.filter(({ id }) => !linked.has(id));
  const news = wishes.filter(
    ({ object, claim }, at) => claim.kind !== "targetId" && holders[at] === undefined && !linked.has(object.id),
  );
  if (apply) {
    for (const { object, claim, owner } of lost) await claims.disown(owner, [claim], object.id);
    await claims.addCandidates(
      free.map((object) => ({
        targetId: object.id,
        claims: valuesOf(object).filter(({ kind }) => kind !== "targetId"),
      })),
    );
  }
  // Several objects may have one value (a mail address, say): it is noted once.
  const values = new Set([...news, ...lost].map(({ claim }) => `${claim.kind}:${claim.value}`)).size;
  return { read: found.length, linked: linked.size, free: free.length, values };
}

function valuesOf(object: TargetObject): Claim[] {
  return [
    { kind: "targetId", value: object.id },
    ...claimsOf(object),
    ...(object.uniqueName === undefined ? [] : [{ kind: "uniqueName" as const, value: object.uniqueName }]),
  ];
}

function pageLost(jobId: string, type: TargetObjectType, page: number): Failure {
  return {
    status: 409,
    code: "target-page-lost",
    message: `Page ${page} of the target's ${type}s isn't known for job ${jobId}: the target keeps places for a while only.`,
    remedy: "Begin with page 0 again: what was read before is found as it is.",
  };
}
