/**
 * The guard over changed names (N6): userPrincipalName and mail of linked users, which are exported at once.
 *
 * Before a chunk is sent, the people whose names it changes are booked in one row of the job, If-Match: chunks that go out
 * together count each other, and a repetition finds what it booked. From the chunk on that would bring the sum of 24
 * hours to the bound, the cycle's further people are staged: everything else of theirs goes out. Their claims stay, the
 * new ones and those of the names that they have. What was staged is judged again when a read brings the object again;
 * approved, it goes out uncounted while the directory wants just those names; dropped, it stays until it wants others.
 */
import {
  judgeNames,
  type NamesAsked,
  NO_NAMES,
  replacedNames,
  sameNames,
  sumOfNames,
} from "../../domain/name-changes.ts";
import { type TargetValues, withoutProperties } from "../../domain/target-value.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { ChunkHeader, PlannedObject } from "../lanes/chunk-files.ts";
import { type JobRow, jobTable, type NamesRow, pack, ROW, readRow } from "../state/job-rows.ts";
import type { Population } from "../state/object-store.ts";
import type { Removals, StagedRow } from "../state/removal-rows.ts";
import { windowStart } from "./verdict.ts";

/** For how long a count of the job's users is good enough. */
const COUNT_MS = 3_600_000;

/** `by`: the chunk. Answers the objects in their order, with what they may be called. */
export type NameGuard = (
  header: ChunkHeader,
  by: string,
  planned: readonly PlannedObject[],
) => Promise<readonly PlannedObject[]>;

interface Candidate {
  readonly planned: PlannedObject;
  /** What its action changes; empty: it was staged or dropped before, and wants nothing now. */
  readonly names: TargetValues;
  readonly staged: StagedRow | undefined;
}

export function createNameGuard(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly removals: Removals;
  readonly countLinked: (configurationId: string, since: number) => Promise<Population>;
}): NameGuard {
  const jobs = jobTable(deps.rows);

  return async (header, by, planned) => {
    const concerned = planned.flatMap((own) => {
      // It comes again after its mark, judged as it is.
      if (own.names !== undefined) return [];
      const names = namesIn(own);
      const isHeld = own.record.last?.holdsNames === true;
      return !own.isSuperseded && (Object.keys(names).length > 0 || isHeld) ? [{ planned: own, names }] : [];
    });
    if (concerned.length === 0) return planned;
    const guids = concerned.map((own) => own.planned.objectGuid);
    const staged = await deps.removals.stagedOf(header.jobId, "names", guids);
    const candidates = concerned.map((own): Candidate => ({ ...own, staged: staged.get(own.planned.objectGuid) }));
    const asking = candidates.filter((own) => isAsking(header, own)).map((own) => own.planned.objectGuid);
    const { held, reason = "" } = await book(header, by, asking);
    const judged = new Map(
      candidates.map((own) => [own.planned, settled(header, own, held.includes(own.planned.objectGuid), reason)]),
    );
    return planned.map((own) => judged.get(own) ?? own);
  };

  async function book({ jobId, cycleId }: ChunkHeader, by: string, people: readonly string[]) {
    for (;;) {
      if (people.length === 0) return { held: [] as readonly string[] };
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!job) throw new Error(`Job ${jobId} is gone.`);
      const stored = await readRow<NamesRow>(jobs, jobId, ROW.names);
      const asked: NamesAsked = { by, cycleId, people, at: deps.clock.now() };
      const linked = await linkedOf(job.value, stored?.value, asked);
      const {
        book: own,
        held,
        reason,
        stops,
      } = judgeNames(stored?.value ?? NO_NAMES, asked, job.value.settings.guard, linked?.count ?? 0);
      const values = pack({ ...own, ...(linked ? { linked } : {}) } satisfies NamesRow);
      const written = await jobs.transact(jobId, [
        stored
          ? { op: "replace", row: ROW.names, values, etag: stored.etag }
          : { op: "insert", row: ROW.names, values },
      ]);
      if (!written.ok) continue;
      if (stops) deps.log.error("removals-staged", { jobId, cycleId, class: "names", count: held.length, reason });
      return { held, ...(reason === undefined ? {} : { reason }) };
    }
  }

  /** Counted only where the other numbers leave it open. */
  async function linkedOf(job: JobRow, row: NamesRow | undefined, asked: NamesAsked): Promise<NamesRow["linked"]> {
    const known = row?.linked;
    const sum = sumOfNames(row ?? NO_NAMES, asked);
    const { floor, count } = job.settings.guard;
    if (sum <= floor || sum >= count) return known;
    if (known && known.at > asked.at - COUNT_MS) return known;
    const { users } = await deps.countLinked(job.configurationId, windowStart(job, asked.at));
    return { at: asked.at, count: users };
  }
}

/** Of somebody who has a target object: what is sent to one that is taken over or comes back replaces nothing of ours. */
function namesIn({ action, record }: PlannedObject): TargetValues {
  return action.kind === "update" ? replacedNames(record.link, action.values) : {};
}

/** Whether the guard has to say something: not of what an admin decided, nor of what is mapped again for another reason. */
function isAsking(header: ChunkHeader, own: Candidate): boolean {
  if (Object.keys(own.names).length === 0 || isApproved(own)) return false;
  return !isDropped(own) && !staysStaged(header, own);
}

/** By the work that carries the approval out, or by an attempt before that failed. */
function isApproved({ planned, names, staged }: Candidate): boolean {
  const approved = planned.approvedNames ?? (staged?.approvedBy === undefined ? undefined : staged.names);
  return approved !== undefined && sameNames(approved, names);
}

function isDropped({ staged, names }: Candidate): boolean {
  return staged?.droppedBy !== undefined && sameNames(staged.names ?? {}, names);
}

/** Staged, and no read brought it again. */
function staysStaged({ readNo, isEnd }: ChunkHeader, own: Candidate): boolean {
  const { staged, names } = own;
  const isOpen = staged?.droppedBy === undefined && staged?.approvedBy === undefined;
  return (readNo === 0 || isEnd) && isOpen && sameNames(staged?.names ?? {}, names);
}

function settled(header: ChunkHeader, own: Candidate, isHeld: boolean, reason: string): PlannedObject {
  const { planned, names, staged } = own;
  if (Object.keys(names).length === 0) {
    // What waits for something else is not over.
    const isOver = planned.outcome !== "escrowed" && planned.outcome !== "staged";
    return isOver ? { ...planned, names: { kind: "settled" } } : planned;
  }
  if (isApproved(own)) {
    const { cycleId, at } = header;
    const known = staged ?? { objectGuid: planned.objectGuid, class: "names", cycleId, reason: "", stagedAt: at };
    const approvedBy = header.approvedBy ?? staged?.approvedBy ?? "";
    return { ...planned, names: { kind: "approved", row: { ...known, names, approvedBy } } };
  }
  if (isDropped(own)) return { ...without(planned, names), names: { kind: "dropped" } };
  if (staysStaged(header, own))
    return withheld(planned, { kind: "staged", values: names, reason: staged?.reason ?? "", isKnown: true });
  if (!isHeld) return staged ? { ...planned, names: { kind: "settled" } } : planned;
  // It waits for others anyway, and is tried again with them.
  if (planned.stepsAside) return without(planned, names);
  return withheld(planned, { kind: "staged", values: names, reason, isKnown: false });
}

function withheld(planned: PlannedObject, names: Extract<PlannedObject["names"], { kind: "staged" }>): PlannedObject {
  const rest = without(planned, names.values);
  return { ...rest, outcome: rest.outcome === "escrowed" ? "escrowed" : "staged", names };
}

function without(planned: PlannedObject, names: TargetValues): PlannedObject {
  const { action } = planned;
  if (action.kind !== "update") return planned;
  const values = withoutProperties(action.values, Object.keys(names));
  if (Object.keys(values).length > 0) return { ...planned, action: { ...action, values } };
  return { ...planned, action: { kind: "none" }, outcome: planned.outcome === "exported" ? "no-op" : planned.outcome };
}
