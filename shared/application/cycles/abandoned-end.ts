/**
 * The account of an end of a read that is given up: what of it was carried out, by the facts (`chunk-facts.ts`); what its
 * verdict held back and wrote down as staged; and the rest, escrowed with a code and a row in the log for each removal. Nothing
 * is removed here. Doing it twice is doing it once.
 */
import { addRemovals, NO_REMOVALS, type RemovalCounts } from "../../domain/guard.ts";
import { withoutNames } from "../../domain/names-in-text.ts";
import { type Outcome, strongerOutcome } from "../../domain/object-record.ts";
import type { RemovalClass } from "../../domain/plan.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { LogStaged } from "../guard/staged-log.ts";
import { allowedFor, endIdOf, type JudgedRemoval, type Verdict, verdictPath } from "../guard/verdict.ts";
import { type Attempt, type ReadChunkFacts, withoutStopping } from "../lanes/chunk-facts.ts";
import { type OutcomeEntry, type OutcomeFile, readFile } from "../lanes/chunk-files.ts";
import { cycleIdOf } from "../lanes/plan-chunks.ts";
import type { SyncRunInput } from "../lanes/wake-job.ts";
import { cameFrom, serviceEntry } from "../log/service-entry.ts";
import type { LinkAccount, LinkAccounts } from "../members/link-account.ts";
import { type JobRow, jobTable, type ReadRow, ROW, readRow } from "../state/job-rows.ts";
import type { ObjectLight } from "../state/object-row.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { ProvisioningLog } from "../state/provisioning-log.ts";
import type { Removals, StagedRow } from "../state/removal-rows.ts";
import { type FinalOutcomes, outcomesBy } from "./cycle-account.ts";

export interface AbandonedEnd {
  readonly final: FinalOutcomes;
  readonly ends: OutcomeFile;
  readonly verdict: Pick<Verdict, "removed" | "staged">;
  /** Undefined: no links were planned. */
  readonly links: LinkAccount | undefined;
}

export type AccountAbandoned = (run: SyncRunInput, read: ReadRow, because: string) => Promise<AbandonedEnd>;

const CODE = "BatchSetAside";
/** Characters of a message that a row keeps. */
const MOST_SAID = 500;
/** Rows that are looked up and written at a time. */
const AT_ONCE = 500;

type Rest = readonly { readonly removal: JudgedRemoval; readonly index: number }[];

export function createAccountAbandoned(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly log: Log;
  readonly objects: Pick<ObjectStore, "lights">;
  readonly removals: Pick<Removals, "list" | "stagedRemovals">;
  readonly provisioningLog: ProvisioningLog;
  readonly linkAccounts: Pick<LinkAccounts, "of">;
  readonly logStaged: LogStaged;
  readonly readFacts: ReadChunkFacts;
}): AccountAbandoned {
  const jobs = jobTable(deps.rows);
  return async (run, read, because) => {
    const { jobId } = run;
    const cycleId = cycleIdOf(jobId, read.readNo);
    const { attempt, areSure } = withoutStopping(deps.log, run, "read-end");
    const judged = await attempt(() => readFile<Verdict>(deps.blobs, verdictPath(cycleId)));
    const removals = judged?.removals ?? (await attempt(() => unjudged(cycleId))) ?? [];
    const { known, writes } = await deps.readFacts(endIdOf(cycleId), attempt);
    const staged = judged ? await stagedOf(jobId, cycleId, judged, attempt) : new Set<string>();
    const settledOf = (removal: JudgedRemoval, index: number): Outcome => {
      const carried = known.get(index)?.outcome;
      if (staged.has(removal.objectGuid)) return carried ? strongerOutcome(carried, "staged") : "staged";
      return carried ?? (takesAway(removal) ? "escrowed" : "no-op");
    };
    const rest = removals.flatMap((removal, index) => {
      const isTold = removal.isIdle || known.has(index) || staged.has(removal.objectGuid);
      return isTold || !takesAway(removal) ? [] : [{ removal, index }];
    });
    const { schemaVersion = 1 } = read;
    if (judged && staged.size > 0)
      await attempt(() => deps.logStaged(jobId, cycleId, onlyStaged(judged, staged), schemaVersion));
    await logRest(cycleId, run, read, rest, because, areSure());
    const escrowed = rest.map(({ index }): OutcomeEntry => ({ index, outcome: "escrowed", code: CODE }));
    return {
      final: outcomesBy(removals, settledOf),
      ends: { entries: [...known.values(), ...escrowed], writes },
      verdict: { removed: removedBy(removals, known), staged: staged.size > 0 ? (judged?.staged ?? []) : [] },
      links: await attempt(() => deps.linkAccounts.of(cycleId, { asFarAsThereIs: true })),
    };
  };

  /** No verdict fell over them. */
  async function unjudged(cycleId: string): Promise<JudgedRemoval[]> {
    const listed = await deps.removals.list(cycleId);
    return listed.map((removal) => ({ ...removal, allow: [], isStaged: false, isIdle: false, losesMissing: false }));
  }

  /** Of whom a row says that something is held back: without it no admin could decide. */
  async function stagedOf(
    jobId: string,
    cycleId: string,
    verdict: Verdict,
    attempt: Attempt,
  ): Promise<ReadonlySet<string>> {
    const held = verdict.removals.filter((removal) => isHeldBack(verdict, removal));
    const guids = held.map(({ objectGuid }) => objectGuid);
    const rows = await attempt(() => deps.removals.stagedRemovals(jobId, guids));
    const isOwn = (row: StagedRow) => row.cycleId === cycleId;
    return new Set(guids.filter((guid) => rows?.get(guid)?.some(isOwn)));
  }

  async function logRest(
    cycleId: string,
    { jobId }: SyncRunInput,
    read: ReadRow,
    rest: Rest,
    because: string,
    areSure: boolean,
  ): Promise<void> {
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    if (!job) return;
    const said = withoutNames(because).slice(0, MOST_SAID);
    const message = `The end of the read was given up before this removal was carried out: ${said}`;
    const { agentId, server, endedAt: at, schemaVersion = 1 } = read;
    for (let from = 0; from < rest.length; from += AT_ONCE) {
      const part = rest.slice(from, from + AT_ONCE);
      const guids = part.map(({ removal }) => removal.objectGuid);
      // The row is worth having without a name.
      const lights = await deps.objects
        .lights(job.value.configurationId, guids, { dn: true })
        .catch(() => new Map<string, ObjectLight>());
      const entries = part.map(({ removal, index }) =>
        serviceEntry({
          ...{ jobId, cycleId, batchId: endIdOf(cycleId), index, at, schemaVersion },
          ...{ outcome: "escrowed", status: "failure", code: CODE, message, step: "EntrySynchronizationSkip" },
          ...{ objectGuid: removal.objectGuid, light: lights.get(removal.objectGuid) },
          ...cameFrom(removal, cycleId, { agentId, server }),
        }),
      );
      // What a chunk may have written before says more.
      await (areSure ? deps.provisioningLog.write(entries) : deps.provisioningLog.writeMissing(entries));
    }
  }
}

/** A change waits for it, or it is of somebody with a target object. Of all others only the row would learn that they are gone. */
function takesAway({ origins, classes, lacks }: JudgedRemoval): boolean {
  return origins.length > 0 || classes.length > 0 || (lacks?.length ?? 0) > 0;
}

function isHeldBack(verdict: Verdict, removal: JudgedRemoval): boolean {
  const allowed = allowedFor(verdict, removal);
  return removal.isStaged || removal.classes.some((name) => !allowed.includes(name));
}

/** The verdict as far as it is written down: nothing is left to tell of the others. */
function onlyStaged(verdict: Verdict, staged: ReadonlySet<string>): Verdict {
  const removals = verdict.removals.map((own) => (staged.has(own.objectGuid) ? own : { ...own, isIdle: true }));
  return { ...verdict, removals };
}

/** What was let pass and is known to have been done. */
function removedBy(removals: readonly JudgedRemoval[], known: ReadonlyMap<number, OutcomeEntry>): RemovalCounts {
  return removals.reduce<RemovalCounts>((sum, { allow = [] }, index) => {
    const { action, undone = [] } = known.get(index) ?? {};
    if (action === undefined) return sum;
    const count = (name: RemovalClass) => (allow.includes(name) && !undone.includes(name) ? 1 : 0);
    return addRemovals(sum, { deletes: count("deletes"), disables: count("disables"), blanks: count("blanks") });
  }, NO_REMOVALS);
}
