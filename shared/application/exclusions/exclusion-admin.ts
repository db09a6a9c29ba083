/**
 * The exclusion list by hand: shown, added to, taken from. Either way the objects that the entry is about are mapped anew, so
 * that the log says at once what is left alone, and what differs goes out as soon as it may. A change is one compare-and-swap with what
 * the entry was, which its ETag names.
 *
 * Taking one off begins with a mark on its row and ends with the row gone: whoever asks again, or the tick, ends what a service that
 * died left half-way. The mark comes first, or who is mapped anew could meet the entry once more; doing any of it twice does no harm.
 */
import { createHash } from "node:crypto";
import type { ExclusionReply } from "../../contracts/admin/exclusions.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { fail, ok, type Result } from "../failure.ts";
import type { ConfigurationEntry } from "../jobs/configurations.ts";
import { addWork } from "../lanes/add-work.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import { type ExclusionRow, type ExclusionRows, holds, type StoredExclusion } from "../state/exclusion-rows.ts";
import { type ExcludedObject, type Exclusions, TARGET_EXCLUDED } from "./excluded.ts";

export interface ExclusionAdmin {
  list(): Promise<ExclusionReply[]>;
  /** Failures: 404. */
  show(guid: string): Promise<Result<ExclusionReply>>;
  /** An entry that is there already gets the new reason. Failures: what `refusalOf` says. */
  add(guid: string, reason: string, by: string, refusalOf?: RefusalOf): Promise<Result<ExclusionReply>>;
  /** Comes back with what the entry was. Failures: 404, and what `refusalOf` says. */
  remove(guid: string, by: string, refusalOf?: RefusalOf): Promise<Result<ExclusionReply>>;
  /** Ends what was being taken off when a service died. */
  endRemovals(): Promise<void>;
}

/** Why the entry that would be changed may not be; it is told by its ETag, undefined where there is none. */
export type RefusalOf = (present: string | undefined) => Result<null>;

export function createExclusionAdmin(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly list: ExclusionRows;
  readonly exclusions: Exclusions;
  readonly escrows: Escrows;
  readonly configurations: () => Promise<readonly ConfigurationEntry[]>;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): ExclusionAdmin {
  async function mapAgain(jobId: string, objectGuids: readonly string[]): Promise<void> {
    if (objectGuids.length === 0) return;
    await addWork(deps, jobId, "reevaluate", { objectGuids: [...new Set(objectGuids)] });
    await deps.ring(jobId, "live").catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: "live" }));
  }

  const guidsOf = (objects: readonly ExcludedObject[], jobId: string) =>
    objects.flatMap((own) => (own.jobId === jobId ? [own.objectGuid] : []));

  async function replyOf(row: ExclusionRow): Promise<ExclusionReply> {
    const objects = await deps.exclusions.objectsOf(row.guid);
    const { guid, by, at, reason } = row;
    const etag = `W/"${etagOf(row)}"`;
    return { "@odata.etag": etag, guid, by, at: new Date(at).toISOString(), reason, objects: [...objects] };
  }

  /** Whoever it kept is mapped anew, then its row goes: for as long as it is there, this is done again. */
  async function end(row: StoredExclusion): Promise<void> {
    const objects = await deps.exclusions.objectsOf(row.guid);
    for (const { jobId } of await deps.configurations()) {
      // Who waited for what was on the list needn't wait for his next attempt.
      const waiting = (await deps.escrows.list(jobId)).filter((own) => own.code === TARGET_EXCLUDED);
      await mapAgain(jobId, [...guidsOf(objects, jobId), ...waiting.map((own) => own.objectGuid)]);
    }
    // Refused: somebody else was here first, or put an entry in its place.
    const isOver = await deps.list.remove(row.guid, row.etag);
    if (isOver)
      deps.log.info("exclusion-removed", { guid: row.guid, by: row.removedBy ?? "", objects: objects.length });
  }

  return {
    async list() {
      return Promise.all((await deps.list.list()).map(replyOf));
    },

    async show(guid) {
      const row = await deps.list.get(guid);
      return row && holds(row) ? ok(await replyOf(row)) : notListed(guid);
    },

    async add(guid, reason, by, refusalOf = () => ok(null)) {
      const row: ExclusionRow = { guid, reason, by, at: deps.clock.now() };
      for (;;) {
        const before = await deps.list.get(guid);
        const refused = refusalOf(before && holds(before) ? etagOf(before) : undefined);
        if (!refused.ok) return refused;
        if (await deps.list.put(row, before?.etag)) break;
      }
      const reply = await replyOf(row);
      deps.log.info("exclusion-added", { guid, by, objects: reply.objects.length });
      for (const jobId of new Set(reply.objects.map((own) => own.jobId)))
        await mapAgain(jobId, guidsOf(reply.objects, jobId));
      return ok(reply);
    },

    async remove(guid, by, refusalOf = () => ok(null)) {
      let row: StoredExclusion | undefined;
      for (;;) {
        row = await deps.list.get(guid);
        // Who names an entry that is gone learns that it is gone, not that it is another one.
        if (!row) return notListed(guid);
        const refused = refusalOf(etagOf(row));
        if (!refused.ok) return refused;
        if (!holds(row) || (await deps.list.put({ ...row, removedBy: by }, row.etag))) break;
      }
      const reply = await replyOf(row);
      const marked = await deps.list.get(guid);
      // Else somebody put an entry in its place already, or the tick was faster.
      if (marked && !holds(marked)) await end(marked);
      return ok(reply);
    },

    async endRemovals() {
      for (const row of await deps.list.ending()) await end(row);
    },
  };
}

/** Of what an entry says, not of its row. */
function etagOf({ by, at, reason }: ExclusionRow): string {
  return createHash("sha256")
    .update(JSON.stringify([by, at, reason]))
    .digest("base64url")
    .slice(0, 22);
}

function notListed(guid: string) {
  return fail({
    status: 404,
    code: "exclusion-not-found",
    message: `${guid} is not on the exclusion list.`,
    remedy: "'uplink exclusion list' shows what is.",
  });
}
