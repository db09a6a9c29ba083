/**
 * Rows of objects that nobody can miss any more: gone from the directory, and their target object deleted by us 60 days
 * ago or never there. The target keeps what was deleted for 30 days (N9), so nothing could be restored. Their values are
 * free in the index then. And accounts of cycles and days, which are kept for 90 days and as long as the log; with
 * them go results of what-ifs and reconciles (`drop-results.ts`).
 *
 * A shard a tick, each once a day. Nothing is dropped that work under way could still meet an older change of (N3): a row
 * has to be older than every read that isn't closed.
 */
import { readNoOf } from "../../domain/change-version.ts";
import { SHARDS } from "../../domain/shard.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { DAY_PREFIX, type DayRow, dayOf } from "../cycles/accounts.ts";
import type { ConfigurationEntry } from "../jobs/configurations.ts";
import { heldClaims } from "../matching/object-claims.ts";
import { type ClaimIndex, ownerOf } from "../state/claim-index.ts";
import { type CycleRow, jobTable, listRows, pack, readRow } from "../state/job-rows.ts";
import type { ObjectSummary } from "../state/object-row.ts";
import type { ObjectStore, StoredObject } from "../state/object-store.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import type { DropResults } from "../what-if/drop-results.ts";

const DAY_MS = 86_400_000;
/** After the deletion of the target object, or of the source object that had none. */
const GONE_DAYS = 60;
const CYCLE_DAYS = 90;

/** `next`: the shard that is looked through next; `16`: all were, in the round that began at `startedAt`. */
interface RoundRow {
  readonly next: number;
  readonly startedAt: number;
}

const ROUND = "retention";
/** Rows of accounts that are read and dropped at once, and how often: a job with a cycle every five seconds doesn't grow. */
const ACCOUNTS_AT_ONCE = 1_000;
const ACCOUNT_ROUNDS = 20;

type DropGone = (entry: ConfigurationEntry) => Promise<void>;

export function createDropGone(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly claims: ClaimIndex;
  /** The first read that isn't closed yet. */
  readonly firstReadInWork: (jobId: string) => Promise<number>;
  readonly dropResults: DropResults;
  readonly logMonths: number;
}): DropGone {
  const jobs = jobTable(deps.rows);

  return async ({ configurationId, jobId }) => {
    const now = deps.clock.now();
    const known = await readRow<RoundRow>(jobs, jobId, ROUND);
    const isDone = known !== undefined && known.value.next >= SHARDS.length;
    if (isDone && now - known.value.startedAt < DAY_MS) return;
    const round = known && !isDone ? known.value : { next: 0, startedAt: now };
    const shard = SHARDS[round.next];
    if (round.next === 0) {
      await dropAccounts(jobId, now);
      await deps.dropResults(jobId);
    }
    if (shard !== undefined) await dropObjects(configurationId, jobId, shard, now);
    const values = pack({ ...round, next: round.next + 1 } satisfies RoundRow);
    await jobs.transact(jobId, [
      known ? { op: "replace", row: ROUND, values, etag: known.etag } : { op: "insert", row: ROUND, values },
    ]);
  };

  async function dropObjects(configurationId: string, jobId: string, shard: string, now: number): Promise<void> {
    const before = now - GONE_DAYS * DAY_MS;
    const firstInWork = await deps.firstReadInWork(jobId);
    // Without a target object there is no moment on the row: that of the read that told of it stands for it.
    const closed = await listRows<CycleRow>(jobs, jobId, "cycle:");
    const oldRead = closed.findLast(({ value }) => value.closedAt < before)?.value.readNo ?? 0;
    const isGone = ({ state, version, linked, marked, goneAt }: ObjectSummary) => {
      if (state === "live" || linked || marked || readNoOf(version) >= firstInWork) return false;
      if (goneAt !== undefined) return goneAt < before;
      return (state === "deleted" || state === "absent") && readNoOf(version) <= oldRead;
    };
    let dropped = 0;
    for await (const summaries of deps.objects.summaries(configurationId, shard)) {
      const guids = summaries.filter(isGone).map((own) => own.objectGuid);
      if (guids.length === 0) continue;
      const stored = [...(await deps.objects.getMany(configurationId, guids)).values()].filter(isSettled);
      // The values first: what was dropped without them would hold them for ever.
      await deps.claims.release(
        stored.flatMap(({ record }) =>
          heldClaims(record).map((claim) => ({ owner: ownerOf(configurationId, record.objectGuid), claim })),
        ),
      );
      dropped += await deps.objects.drop(stored);
    }
    if (dropped > 0) deps.log.info("objects-dropped", { jobId, shard, objects: dropped });
  }

  async function dropAccounts(jobId: string, now: number): Promise<void> {
    const oldDay = dayOf(now - Math.max(CYCLE_DAYS, (deps.logMonths + 1) * 31) * DAY_MS);
    await dropRows<CycleRow>(jobId, "cycle:", ({ closedAt }) => closedAt < now - CYCLE_DAYS * DAY_MS);
    await dropRows<DayRow>(jobId, DAY_PREFIX, ({ day }) => day < oldDay);
  }

  /** The oldest come first: as long as all that were read are old, there may be more. */
  async function dropRows<T>(jobId: string, prefix: string, isOld: (value: T) => boolean): Promise<void> {
    for (let rounds = 0; rounds < ACCOUNT_ROUNDS; rounds++) {
      const rows = await listRows<T>(jobs, jobId, prefix, ACCOUNTS_AT_ONCE);
      const old: RowOperation[] = rows
        .filter(({ value }) => isOld(value))
        .map(({ row, etag }) => ({ op: "delete", row, etag }));
      for (const chunk of transactionChunks(old)) await jobs.transact(jobId, chunk);
      if (old.length < ACCOUNTS_AT_ONCE) return;
    }
  }
}

/** Read again, whole: nobody is at it, and nobody decided anything about it. */
function isSettled({ record }: StoredObject): boolean {
  return !record.unreadable && !record.mark && !record.unlinked && record.state !== "live";
}
