/**
 * Links mended by hand: shown, made (join), given to another source object (move), dissolved (unlink), rebuilt.
 *
 * Each change is one If-Match on the object's row, with the index beside it; a row that is being exported at the moment is
 * left alone and the admin asked to come again. Nothing is written to the target here: the object is mapped anew afterwards,
 * with the guard and all, and what differs goes out then.
 */
import type { LinkReply, RebuildReply } from "../../contracts/admin/links.ts";
import { type Claim, type Link, type ObjectRecord, underWayFor } from "../../domain/object-record.ts";
import { REDACTED, redactValues } from "../../domain/redaction.ts";
import { SHARDS } from "../../domain/shard.ts";
import { withoutProperties } from "../../domain/target-value.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import { addWork } from "../lanes/add-work.ts";
import { enterLinks } from "../matching/enter-links.ts";
import { release } from "../matching/hand-over.ts";
import { isLinked } from "../matching/match-target.ts";
import { heldClaims, propertyOf } from "../matching/object-claims.ts";
import { ownerOf } from "../state/claim-index.ts";
import { type JobRow, jobTable, ROW, readRow } from "../state/job-rows.ts";
import type { StoredObject } from "../state/object-store.ts";
import { tellingTarget } from "../target-failure.ts";
import { changedMeanwhile, joinable, linkedElsewhere, nothingLinked } from "./link-refusals.ts";

/** As that of an object that may not be touched: one code has one status. */
const REFUSED = { refused: 422 } as const;
/** Objects that one piece of work takes up. */
const OBJECTS_A_WORK = 1_000;

/** Each may fail with what the target said (503, 409, 422), before anything is changed. */
export interface LinkAdmin {
  /** Failures: 404. */
  show(jobId: string, objectGuid: string): Promise<Result<LinkReply>>;
  /** Ties an object without link to a target object. Failures: 404, 409 (busy, linked already), 422 (not to be touched). */
  join(jobId: string, objectGuid: string, targetId: string, by: string): Promise<Result<LinkReply>>;
  /** Gives the target object to another source object, of this job or another one of the same target. Failures: 404, 409. */
  move(
    jobId: string,
    objectGuid: string,
    to: { readonly jobId: string; readonly objectGuid: string },
    by: string,
  ): Promise<Result<LinkReply>>;
  /** Lets go of the target object, which stays as it is; the object is left alone until it is joined. Failures: 404, 409. */
  unlink(jobId: string, objectGuid: string, by: string): Promise<Result<LinkReply>>;
  /** Enters the values of a shard's links in the index again, and has objects without link looked for. Failures: 404. */
  rebuild(
    jobId: string,
    asked: { readonly shard: string; readonly seeks: boolean },
    by: string,
  ): Promise<Result<RebuildReply>>;
}

interface Found {
  readonly job: JobRow;
  readonly context: JobContext;
  readonly stored: StoredObject;
}

export function createLinkAdmin(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): LinkAdmin {
  const jobs = jobTable(deps.rows);

  async function find(jobId: string, objectGuid: string): Promise<Result<Found>> {
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    if (!job) return noSuchJob(jobId);
    const context = await deps.contextOf(jobId);
    const stored = await context.objects.get(job.value.configurationId, objectGuid.toLowerCase());
    if (stored) return ok({ job: job.value, context, stored });
    return fail({
      status: 404,
      code: "object-not-found",
      message: `Job ${jobId} knows no object ${objectGuid}.`,
      remedy: "Give the objectGUID of an object that the agent has sent; 'uplink logs' names them.",
    });
  }

  function busy(record: ObjectRecord): Failure | undefined {
    if (underWayFor(record.mark, "", deps.clock.now()) === 0) return undefined;
    const message = `Object ${record.objectGuid} is being exported at this moment.`;
    return { status: 409, code: "object-busy", message, remedy: "Try again in a minute." };
  }

  async function write(found: Found, record: ObjectRecord): Promise<Result<LinkReply>> {
    const { etag } = found.stored;
    const [written] = await found.context.objects.write([{ record, ...(etag === undefined ? {} : { etag }) }]);
    if (!written?.written) return fail(changedMeanwhile(record));
    return ok(await replyOf(record, found.context));
  }

  /** Maps objects anew: what differs now goes out in the lane's own time. */
  async function mapAgain(jobId: string, objectGuids: readonly string[], seeksMatch = false): Promise<void> {
    for (let at = 0; at < objectGuids.length; at += OBJECTS_A_WORK) {
      const part = objectGuids.slice(at, at + OBJECTS_A_WORK);
      await addWork(deps, jobId, "reevaluate", { objectGuids: part, ...(seeksMatch ? { seeksMatch } : {}) });
    }
    if (objectGuids.length > 0)
      await deps.ring(jobId, "live").catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: "live" }));
  }

  const admin: LinkAdmin = {
    async show(jobId, objectGuid) {
      const found = await find(jobId, objectGuid);
      return found.ok ? ok(await replyOf(found.value.stored.record, found.value.context)) : found;
    },

    async join(jobId, objectGuid, asked, by) {
      const found = await find(jobId, objectGuid);
      if (!found.ok) return found;
      const { context, job, stored } = found.value;
      const refused = busy(stored.record);
      if (refused) return fail(refused);
      const joined = await joinable(context, stored.record, asked);
      if (!joined.ok) return joined;
      const targetId = joined.value;
      const owner = ownerOf(job.configurationId, stored.record.objectGuid);
      const claim: Claim = { kind: "targetId", value: targetId };
      const holder = await context.claims.holder(claim);
      if (holder?.kind === "taken" && holder.owner !== owner) {
        if (await isLinked(context, holder.owner, targetId)) return fail(linkedElsewhere(targetId, holder.owner));
        // Deleted there, or left over from a move that ended half-way.
        await context.claims.disown(holder.owner, [claim], undefined);
      }
      const [claimed] = await context.claims.claim([{ owner, claim }]);
      if (claimed?.kind === "taken") return fail(linkedElsewhere(targetId, claimed.owner));
      const { unlinked: _, handedOver: __, mark: ___, ...rest } = stored.record;
      const evaluation = context.mapping.evaluate(rest, { creating: true });
      const type = evaluation.kind === "present" ? evaluation.identity.type : "user";
      const since = deps.clock.now();
      const link: Link = { targetId, type, owner: job.configurationId, origin: "adopted", exported: {}, since };
      const done = await write(found.value, { ...rest, link });
      if (!done.ok) return done;
      deps.log.info("link-joined", { jobId, objectGuid, targetId, by });
      await mapAgain(jobId, [stored.record.objectGuid]);
      return done;
    },

    async move(jobId, objectGuid, to, by) {
      const from = await find(jobId, objectGuid);
      if (!from.ok) return from;
      const heir = await find(to.jobId, to.objectGuid);
      if (!heir.ok) return heir;
      const next = heir.value.stored.record;
      const owner = ownerOf(heir.value.job.configurationId, next.objectGuid);
      const given = givenBy(from.value.stored.record, owner);
      if (!given) return fail(nothingLinked(from.value.stored.record));
      const refused = busy(from.value.stored.record) ?? busy(next);
      if (refused) return fail(refused);
      const joined = await joinable(heir.value.context, next, given.targetId, { mayDiffer: true });
      if (!joined.ok) return joined;
      const context = { ...from.value.context, now: deps.clock.now() };
      const isReleased = await release(context, from.value.stored, { owner, wanted: [] });
      if (!isReleased) return fail(changedMeanwhile(from.value.stored.record));
      await heir.value.context.claims.claim([{ owner, claim: { kind: "targetId", value: given.targetId } }]);
      const { unlinked: _, handedOver: __, mark: ___, link: ____, ...rest } = next;
      const moved: Link = { ...given, owner: heir.value.job.configurationId, origin: "adopted" };
      const done = await write(heir.value, { ...rest, link: moved });
      if (!done.ok) return done;
      deps.log.info("link-moved", { jobId, objectGuid, to: owner, targetId: given.targetId, by });
      await mapAgain(to.jobId, [next.objectGuid]);
      return done;
    },

    async unlink(jobId, objectGuid, by) {
      const found = await find(jobId, objectGuid);
      if (!found.ok) return found;
      const { record } = found.value.stored;
      const refused = busy(record);
      if (refused) return fail(refused);
      const { link, claims: _, mark: __, ...rest } = record;
      if (!link) return fail(nothingLinked(record));
      const done = await write(found.value, { ...rest, unlinked: { by, at: deps.clock.now() } });
      if (!done.ok) return done;
      const owner = ownerOf(record.configurationId, record.objectGuid);
      const isLive = link.deletedAt === undefined;
      await found.value.context.claims.disown(owner, heldClaims(record), isLive ? link.targetId : undefined);
      deps.log.info("link-dissolved", { jobId, objectGuid, targetId: link.targetId, by });
      return done;
    },

    async rebuild(jobId, { shard, seeks }, by) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!job) return noSuchJob(jobId);
      const { objects, claims, mapping } = await deps.contextOf(jobId);
      const { configurationId } = job.value;
      const conflicts: RebuildReply["conflicts"] = [];
      const sought: string[] = [];
      let linked = 0;
      for await (const page of objects.summaries(configurationId, SHARDS.find((own) => own === shard) ?? shard)) {
        if (seeks)
          sought.push(...page.filter((own) => own.state === "live" && !own.linked).map((own) => own.objectGuid));
        const guids = page.filter((own) => own.linked).map((own) => own.objectGuid);
        const records = [...(await objects.getMany(configurationId, guids)).values()].map(({ record }) => record);
        linked += guids.length;
        const entered = await enterLinks(claims, records, { apply: true, mappingOf: async () => mapping });
        conflicts.push(...entered.conflicts);
      }
      await mapAgain(jobId, sought, true);
      deps.log.info("links-rebuilt", { jobId, shard, linked, conflicts: conflicts.length, sought: sought.length, by });
      return ok({ linked, conflicts, sought: sought.length });
    },
  };
  return {
    show: tellingTarget(admin.show, REFUSED),
    join: tellingTarget(admin.join, REFUSED),
    move: tellingTarget(admin.move, REFUSED),
    unlink: tellingTarget(admin.unlink, REFUSED),
    rebuild: tellingTarget(admin.rebuild, REFUSED),
  };
}

/**
 * What an object gives away: its link, without the anchor, for the heir has one of his own. Of a move that ended half-way the
 * target object alone is known: all is sent again then.
 */
function givenBy({ link, handedOver }: ObjectRecord, heir: string): Omit<Link, "owner" | "origin"> | undefined {
  if (link && link.deletedAt === undefined)
    return { ...link, exported: withoutProperties(link.exported, ["onPremisesImmutableId"]) };
  const targetId = !link && handedOver?.to === heir ? handedOver.targetId : undefined;
  return targetId === undefined ? undefined : { targetId, exported: {} };
}

async function replyOf(record: ObjectRecord, { claims, mapping }: JobContext): Promise<LinkReply> {
  const { properties } = mapping.redactionOf(record.objectClass);
  const { link, handedOver, unlinked, last } = record;
  const values = await Promise.all(
    heldClaims(record).map(async (claim) => {
      const holder = await claims.holder(claim);
      const heldBy = holder?.kind === "taken" ? holder.owner : null;
      const value = properties.includes(propertyOf(claim)) ? REDACTED : claim.value;
      return { kind: claim.kind, value, heldBy };
    }),
  );
  return {
    objectGuid: record.objectGuid,
    objectClass: record.objectClass,
    dn: record.dn,
    state: record.state,
    scope: record.scope,
    link: link
      ? {
          targetId: link.targetId,
          origin: link.origin,
          deletedAt: link.deletedAt === undefined ? null : new Date(link.deletedAt).toISOString(),
          inDoubt: [...(link.doubt?.properties ?? [])],
          exported: redactValues(link.exported, properties),
        }
      : null,
    handedOverTo: handedOver?.to ?? null,
    unlinked: unlinked ? { by: unlinked.by, at: new Date(unlinked.at).toISOString() } : null,
    values,
    lastOutcome: last ? { outcome: last.outcome, code: last.code ?? null, message: last.message ?? null } : null,
  };
}
