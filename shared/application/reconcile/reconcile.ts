/**
 * A reconcile, step by step: read the target page by page, look for who wasn't there, compare members, wait until the
 * target shows its newest writes, look again at what differed, and do what the policy says.
 *
 * One step is one activity: it reads where the row stands, does a bounded piece, writes files by number and moves the row on,
 * If-Match. Repeated it finds the row moved, or does the same again. Between steps the lane does what else it has, and
 * during the pause everything: the work row says not before when it is wanted.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { TargetPageLost } from "../../ports/target-directory.ts";
import type { JobContext } from "../export/export-chunk.ts";
import type { Fence, SyncRunInput } from "../lanes/wake-job.ts";
import type { DirtyRows } from "../state/dirty-links.ts";
import {
  type JobRow,
  jobTable,
  mappedVersionOf,
  pack,
  ROW,
  readRow,
  type Stored,
  type WorkRow,
} from "../state/job-rows.ts";
import type { LinkRows } from "../state/link-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";
import {
  type Finding,
  isOver,
  type Place,
  plus,
  RECONCILE,
  type ReconcileCounts,
  type ReconcileFiles,
  type ReconcileRow,
  readReconcile,
  reconcileFiles,
  writeReconcile,
} from "../state/reconcile-rows.ts";
import { type Acted, carryOut } from "./reconcile-acts.ts";
import { confirmChanged } from "./reconcile-confirm.ts";
import { bothTimes, type ConfirmMemberDeps, confirmMembers, decideMembers } from "./reconcile-confirm-members.ts";
import { confirmForeign, confirmMissing } from "./reconcile-confirm-missing.ts";
import { type Deciding, type Decision, left, newDecision, ofKind, unreadable } from "./reconcile-decision.ts";
import { lookAtLarge, lookAtMembers, type MemberDeps, skipLarge } from "./reconcile-members.ts";
import { type Candidate, type Looked, lookAtPage, lookForUnseen, type MemberDrift } from "./reconcile-objects.ts";

/** Candidates that a step looks at again. */
const CONFIRM_A_STEP = 100;
const SAMPLE = 100;

export interface ReconcileStep {
  /** Nothing is left to do, or not for now. */
  readonly isOver: boolean;
}

export interface Reconcile {
  /** Throws `TargetUnavailable`. */
  step(run: SyncRunInput, workId: string): Promise<ReconcileStep>;
  /** Gives one up that fails again and again: what was found until then stays. */
  abandon(jobId: string, workId: string, because: string): Promise<void>;
}

export function createReconcile(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly links: LinkRows;
  readonly dirty: DirtyRows;
  readonly contextOf: (jobId: string, schemaVersion: number) => Promise<JobContext>;
  /** How long to wait before the second look: milliseconds. */
  readonly confirmMs: number;
}): Reconcile {
  const { rows, blobs, clock } = deps;
  const jobs = jobTable(rows);

  async function find(jobId: string, workId: string): Promise<Stored<ReconcileRow> | undefined> {
    const prefix = RECONCILE.workId(jobId, "");
    return workId.startsWith(prefix) ? readReconcile(rows, jobId, workId.slice(prefix.length)) : undefined;
  }

  return {
    async step(run, workId) {
      await deps.fence.check(run);
      const found = await find(run.jobId, workId);
      const job = await readRow<JobRow>(jobs, run.jobId, ROW.job);
      if (!found || !job || isOver(found.value)) {
        await jobs.transact(run.jobId, [{ op: "delete", row: ROW.work(run.lane, workId) }]);
        return { isOver: true };
      }
      const row: ReconcileRow =
        found.value.startedAt === null ? { ...found.value, state: "running", startedAt: clock.now() } : found.value;
      if (row.place.phase === "pause") return pause(run, row, found.etag);
      try {
        const next = await advance(row, job.value);
        if (next.place.phase === "close") return await close(run, next, found.etag, "done", null);
        await writeReconcile(rows, next, found.etag);
        return { isOver: false };
      } catch (error) {
        if (!(error instanceof TargetPageLost)) throw error;
        return close(run, row, found.etag, "failed", `${error.message} Ask for another reconcile.`);
      }
    },

    async abandon(jobId, workId, because) {
      const found = await find(jobId, workId);
      if (!found || isOver(found.value)) return;
      const failed: ReconcileRow = { ...found.value, state: "failed", message: because, endedAt: clock.now() };
      await writeReconcile(rows, failed, found.etag);
    },
  };

  async function advance(row: ReconcileRow, job: JobRow): Promise<ReconcileRow> {
    const { jobId, configurationId } = job;
    const context = await deps.contextOf(jobId, mappedVersionOf(job));
    const files = reconcileFiles(blobs, row);
    const own: ConfirmMemberDeps = { context, configurationId, files, clock, links: deps.links, policy: row.policy };
    const { place } = row;
    switch (place.phase) {
      case "objects":
        return looked(files, row, await lookAtPage(own, row, place));
      case "unseen":
        return looked(files, row, await lookForUnseen(own, row, place));
      case "members": {
        const found = await lookAtMembers(own, row, place);
        for (const [index, group] of found.large.entries()) await files.put(`large-${row.large + index}`, group);
        const large = row.large + found.large.length;
        const after = await looked(files, row, found);
        // Its last file is behind it: whether there are large ones is known only now.
        return { ...after, large };
      }
      case "large":
        return place.look === 1 ? firstLarge(own, row, place) : secondLarge(own, row, place);
      case "confirm":
        return confirm(own, row, place);
      default:
        return row;
    }
  }

  async function looked(files: ReconcileFiles, row: ReconcileRow, found: Looked): Promise<ReconcileRow> {
    const { candidates } = found;
    if (candidates.length > 0) await files.put(`candidates-${row.candidates}`, candidates);
    return {
      ...row,
      step: row.step + 1,
      place: found.place,
      pages: row.pages + (found.pages ?? 0),
      groupFiles: row.groupFiles + (found.groupFiles ?? 0),
      candidates: row.candidates + (candidates.length > 0 ? 1 : 0),
      counts: plus(row.counts, found.counts),
      sample: [...row.sample, ...(found.sample ?? [])].slice(0, SAMPLE),
    };
  }

  type Large = Extract<Place, { phase: "large" }>;

  async function firstLarge(own: MemberDeps, row: ReconcileRow, place: Large): Promise<ReconcileRow> {
    const { drift, members, place: after } = await lookAtLarge(own, row, place);
    if (drift) await own.files.put(`diff-${place.group}-${place.part}`, drift);
    return { ...row, step: row.step + 1, place: after, counts: plus(row.counts, { members }) };
  }

  async function secondLarge(own: ConfirmMemberDeps, row: ReconcileRow, place: Large): Promise<ReconcileRow> {
    const names = await own.files.names(`diff-${place.group}-`);
    if (names.length === 0) return { ...row, step: row.step + 1, place: skipLarge(row, place) };
    const found = await lookAtLarge(own, row, place);
    const into = newDecision();
    if (found.refused) into.findings.push({ finding: unreadable({ ...found.group, type: "group" }, found.refused) });
    for (const name of found.drift && !found.refused ? names : []) {
      const before = await own.files.need<MemberDrift>(name.replace(/\.json\.gz$/, ""));
      const same = bothTimes(before, found.drift ?? NOTHING);
      if (same.lacking.length + same.extra.length > 0) await decideMembers(own, found.group, same, into);
    }
    return act(own, row, found.place, into);
  }

  async function confirm(
    own: ConfirmMemberDeps,
    row: ReconcileRow,
    place: Extract<Place, { phase: "confirm" }>,
  ): Promise<ReconcileRow> {
    if (place.file >= row.candidates) {
      const after: Place =
        row.large > 0 ? { phase: "large", look: 2, group: 0, pieces: 0, part: null } : { phase: "close" };
      return { ...row, step: row.step + 1, place: after };
    }
    const all = await own.files.need<readonly Candidate[]>(`candidates-${place.file}`);
    const part = all.slice(place.offset, place.offset + CONFIRM_A_STEP);
    const isLast = place.offset + CONFIRM_A_STEP >= all.length;
    const after: Place = isLast
      ? { phase: "confirm", file: place.file + 1, offset: 0 }
      : { phase: "confirm", file: place.file, offset: place.offset + CONFIRM_A_STEP };
    const into = newDecision();
    await confirmChanged(own, ofKind(part, "changed"), into);
    await confirmMissing(own, ofKind(part, "missing"), into);
    await confirmForeign(own, ofKind(part, "foreign"), into);
    await confirmMembers(own, ofKind(part, "members"), into);
    return act(own, row, after, into);
  }

  /** Decides once, acts, and writes down what came of it. */
  async function act(own: ConfirmMemberDeps, row: ReconcileRow, place: Place, into: Deciding): Promise<ReconcileRow> {
    const { files } = own;
    const next: ReconcileRow = { ...row, step: row.step + 1, place };
    if (into.findings.length + into.acts.length + into.unsettled === 0) return next;
    const name = `decision-${row.step}`;
    await files.putOnce(name, into);
    const decision = await files.need<Decision>(name);
    const acted = await carryOut(deps, row, own.configurationId, decision.acts);
    const findings = settled(row, decision, acted);
    if (findings.length > 0) await files.put(`findings-${row.findings}`, findings);
    return {
      ...next,
      findings: row.findings + (findings.length > 0 ? 1 : 0),
      repairs: row.repairs + acted.works,
      counts: plus(row.counts, { ...countsOf(findings), unsettled: decision.unsettled }),
    };
  }

  /** The first time it says when to go on; the lane is free until then. */
  async function pause(run: SyncRunInput, row: ReconcileRow, etag: string): Promise<ReconcileStep> {
    const files = reconcileFiles(blobs, row);
    const isClean = row.candidates === 0 && (await files.names("diff-")).length === 0;
    if (isClean) return close(run, { ...row, step: row.step + 1 }, etag, "done", null);
    const now = clock.now();
    if (row.confirmAt > 0 && now >= row.confirmAt) {
      const place: Place = { phase: "confirm", file: 0, offset: 0 };
      await writeReconcile(rows, { ...row, step: row.step + 1, place }, etag);
      return { isOver: false };
    }
    const confirmAt = row.confirmAt > 0 ? row.confirmAt : now + deps.confirmMs;
    const work = await readRow<WorkRow>(jobs, row.jobId, ROW.work(run.lane, row.workId));
    if (work)
      await jobs.transact(row.jobId, [
        { op: "replace", row: RECONCILE.row(row.id), values: pack({ ...row, state: "confirming", confirmAt }), etag },
        { op: "replace", row: work.row, values: pack({ ...work.value, notBefore: confirmAt }), etag: work.etag },
      ]);
    return { isOver: true };
  }

  async function close(
    run: SyncRunInput,
    row: ReconcileRow,
    etag: string,
    state: "done" | "failed",
    message: string | null,
  ): Promise<ReconcileStep> {
    const files = reconcileFiles(blobs, row);
    const hasSample = row.sample.length > 0;
    if (hasSample) await files.put(`findings-${row.findings}`, row.sample);
    const over: ReconcileRow = {
      ...row,
      state,
      message,
      endedAt: clock.now(),
      findings: row.findings + (hasSample ? 1 : 0),
      sample: [],
    };
    const written = await jobs.transact(row.jobId, [
      { op: "replace", row: RECONCILE.row(row.id), values: pack(over), etag },
      { op: "delete", row: ROW.work(run.lane, row.workId) },
    ]);
    if (!written.ok) return { isOver: false };
    for (const prefix of ["seen-", "groups-", "large-", "piece-", "diff-", "candidates-", "decision-"])
      await files.drop(prefix);
    const { jobId, id, policy, counts } = over;
    const event = state === "done" ? "reconcile-done" : "reconcile-failed";
    deps.log.info(event, { jobId, reconcileId: id, policy, ...counts, ...(message ? { message } : {}) });
    return { isOver: true };
  }
}

const NOTHING: MemberDrift = { lacking: [], extra: [] };

/** The findings with what became of them. */
function settled({ policy }: ReconcileRow, { findings }: Decision, { done }: Acted): Finding[] {
  return findings.map(({ finding, act }) => {
    if (act === undefined) return finding;
    if (!done[act]) return left(finding, "it changed meanwhile, and is looked at again by the next reconcile");
    return { ...finding, done: policy === "adopt" ? "adopted" : "repaired" };
  });
}

function countsOf(findings: readonly Finding[]): Partial<ReconcileCounts> {
  const count = (matches: (finding: Finding) => boolean) => findings.filter(matches).length;
  const changed = findings.filter(({ kind }) => kind === "changed");
  return {
    changed: new Set(changed.map(({ objectGuid }) => objectGuid)).size,
    attributes: changed.length,
    missing: count(({ kind }) => kind === "missing"),
    unreadable: count(({ kind }) => kind === "unreadable"),
    foreign: count(({ kind }) => kind === "foreign"),
    missingMembers: count(({ kind }) => kind === "missingMember"),
    foreignMembers: count(({ kind }) => kind === "foreignMember"),
    repaired: count(({ done }) => done === "repaired"),
    adopted: count(({ done }) => done === "adopted"),
    left: count(({ done }) => done === "left"),
  };
}
