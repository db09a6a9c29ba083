/**
 * One chunk of links, from dirty rows to what stands in the target: reads the groups' edges, resolves whom they name, has
 * removals judged, marks what a call may change, calls, and writes what came of it.
 *
 * Removals of members go out here and nowhere else: at the end of a read. Whatever happens to the activity, a repetition
 * finds the marks and sends again; who is a member already is a success. Members that no edge of ours names are left
 * alone. A group without a target object waits until it gets one: all its edges are dirty then.
 */

import { gapAfter } from "../../domain/failure-codes.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { TargetAnswer, TargetDirectory, TargetFailure } from "../../ports/target-directory.ts";
import { createImageSources } from "../cycles/image-sources.ts";
import type { Excluded } from "../exclusions/excluded.ts";
import type { References } from "../export/references.ts";
import type { WriteQuota } from "../export/write-quota.ts";
import { createWritesLeft } from "../export/writes-left.ts";
import { FILES, readNeeded, writeOnce } from "../lanes/chunk-files.ts";
import type { Fence, SyncRunInput } from "../lanes/wake-job.ts";
import type { JobMapping } from "../mapping/job-mapping.ts";
import type { DirtyRows, StoredDirty } from "../state/dirty-links.ts";
import { heldBecause, type JobRow, jobTable, ROW, readRow } from "../state/job-rows.ts";
import type { LinkRows } from "../state/link-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { ProvisioningLog } from "../state/provisioning-log.ts";
import type { Removals } from "../state/removal-rows.ts";
import type { GoneGroups } from "./gone-groups.ts";
import type { LinkChunkFile, LinkChunkHeader, LinkItem, LinkOutcomeFile } from "./link-files.ts";
import { createJudgedGroups, type JudgedGroup } from "./link-judge.ts";
import { type GroupOutcome, linkLogEntry } from "./link-log.ts";
import { lastAnswerIn, outcomesOf, sumOf } from "./link-outcomes.ts";
import { type LinkFailures, NOTHING_IN_DOUBT, sendLinks, together } from "./link-send.ts";
import { openWrites } from "./link-writes.ts";
import { forgetStagedMembers } from "./staged-members.ts";

export interface LinkChunkRef extends SyncRunInput {
  readonly linksId: string;
  readonly chunk: number;
}

export interface ExportedLinks {
  /** False: the target asked for patience; call again at `notBefore` (milliseconds since 1970). */
  readonly done: boolean;
  readonly notBefore?: number;
}

export type ExportLinks = (ref: LinkChunkRef) => Promise<ExportedLinks>;

export interface LinkDeps {
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly objects: ObjectStore;
  readonly links: LinkRows;
  readonly references: References;
  readonly dirty: DirtyRows;
  readonly removals: Removals;
  readonly excluded: () => Promise<Excluded>;
}

/** Rounds of marking and sending: a group whose row changes, or whose member was replaced by another, comes again. */
const ROUNDS = 6;

export function createExportLinks(
  deps: LinkDeps & {
    readonly rows: RowStore;
    readonly fence: Fence;
    readonly log: Log;
    readonly target: TargetDirectory;
    readonly provisioningLog: ProvisioningLog;
    readonly goneGroups: GoneGroups;
    readonly quota: WriteQuota;
    /** What is switched on for a source class; undefined: it isn't mapped. */
    readonly flowsOf: (job: JobRow) => Promise<JobMapping["flowsOf"]>;
  },
): ExportLinks {
  const jobs = jobTable(deps.rows);
  const judge = createJudgedGroups(deps);
  const left = createWritesLeft();
  const imageSources = createImageSources(deps);

  return async (ref) => {
    await deps.fence.check(ref);
    const path = FILES.linkOutcome(ref.linksId, ref.chunk);
    if ((await deps.blobs.get(path)) !== undefined) return { done: true };
    const job = await readRow<JobRow>(jobs, ref.jobId, ROW.job);
    if (!job) throw new Error(`Job ${ref.jobId} is gone.`);
    const { header, items } = await readNeeded<LinkChunkFile>(deps.blobs, FILES.linkChunk(ref.linksId, ref.chunk));
    const wanted = async () => {
      const writes = heldBecause(job.value) ? 0 : (left.get(path) ?? (await openWrites(deps.links, header, items)));
      left.note(path, writes);
      return writes;
    };
    const allowance = await deps.quota.book(header.isBulk ? "bulk" : "live", deps.target, wanted);
    if (allowance.granted === 0) return { done: false, notBefore: allowance.notBefore };
    left.note(path, undefined);
    return exportAll(ref, job.value, { header, items }, allowance.target).finally(allowance.settle);
  };

  async function exportAll(
    ref: LinkChunkRef,
    job: JobRow,
    { header, items }: LinkChunkFile,
    target: TargetDirectory,
  ): Promise<ExportedLinks> {
    const by = `${ref.linksId}-${ref.chunk}`;
    const startedAt = deps.clock.now();
    let writes = 0;
    const groups = new Map<number, JudgedGroup>();
    const failures = new Map<number, LinkFailures>();
    const answers = new Map<number, TargetAnswer>();
    let retryAfterMs = 0;
    const isHeld = heldBecause(job) !== null;
    const { open: first, excluded: untouched } = await withTargets(header, items, await deps.flowsOf(job));
    const excluded = isHeld ? [...untouched, ...first.map(({ item }) => item)] : untouched;
    let open = isHeld ? [] : first;
    const living = open;
    await judge.concludeOnly(
      header,
      items.filter((item) => !living.some((own) => own.item === item)),
    );
    for (let round = 0; open.length > 0; round++) {
      if (round === ROUNDS)
        throw new Error(`The members of group ${open[0]?.item.referrer} kept changing while they were exported.`);
      const judged = await judge.groups(header, open, by, job.settings.guard);
      for (const own of judged.groups) groups.set(own.work.item.index, own);
      for (const [index, failure] of judged.unreadable)
        failures.set(index, { first: failure, count: 1, inDoubt: NOTHING_IN_DOUBT });
      const sent = await sendLinks(deps, target, header, by, judged.groups, () => void writes++);
      for (const [index, failed] of sent.failures) failures.set(index, together(failures.get(index), failed));
      for (const [index, answer] of sent.answers) answers.set(index, answer);
      retryAfterMs = Math.max(retryAfterMs, sent.retryAfterMs);
      const again = new Set([...judged.contested, ...sent.again]);
      open = living.filter(({ item }) => again.has(item.index) && !failures.has(item.index));
    }
    const path = FILES.linkOutcome(ref.linksId, ref.chunk);
    if (retryAfterMs > 0) {
      left.add(path, writes);
      return { done: false, notBefore: deps.clock.now() + retryAfterMs };
    }
    const outcomes = outcomesOf(living, groups, { failures, answers }, by);
    await keepDirty(header, excluded);
    await record(
      header,
      items.filter((item) => !excluded.includes(item)),
      outcomes,
      groups,
      deps.clock.now() - startedAt,
    );
    await forgetSets(header, groups, failures);
    const counts = sumOf(outcomes, groups);
    const stagedBecause = outcomes.find((own) => own.staged)?.staged?.reason;
    const file: LinkOutcomeFile = {
      counts,
      writes: left.made(path) + writes,
      ...(stagedBecause === undefined ? {} : { stagedBecause }),
      ...(isHeld && first.length > 0 ? { isHeld } : {}),
      ...lastAnswerIn(outcomes),
    };
    await writeOnce(deps.blobs, path, file);
    left.forget(path);
    return { done: true };
  }

  /** Which members were staged needn't be known any more once none is: not before the approved ones are out. */
  async function forgetSets(
    { jobId }: LinkChunkHeader,
    groups: ReadonlyMap<number, JudgedGroup>,
    failures: ReadonlyMap<number, unknown>,
  ): Promise<void> {
    for (const [index, { work, stagedBecause }] of groups) {
      const { item, stored } = work;
      const hadSets = stored.header.staged > 0 || item.rows.some(({ dirty }) => dirty.approved);
      if (hadSets && stagedBecause === undefined && !failures.has(index))
        await forgetStagedMembers(deps.blobs, jobId, item.referrer);
    }
  }

  /** The items whose groups have a living target object that may be changed, and those that nobody may touch. */
  async function withTargets(
    { configurationId }: LinkChunkHeader,
    items: readonly LinkItem[],
    flowsOf: JobMapping["flowsOf"],
  ) {
    const guids = items.map((item) => item.referrer);
    const lights = await deps.objects.lights(configurationId, guids, { dn: true });
    const isExcluded = await deps.excluded();
    const excluded = items.filter(({ referrer }) => {
      const light = lights.get(referrer);
      return light?.isKept || isExcluded(referrer) || isExcluded(light?.targetId);
    });
    const open = items.flatMap((item) => {
      const light = lights.get(item.referrer);
      if (light?.targetId === undefined || light.deletedAt !== undefined || excluded.includes(item)) return [];
      if (!flowsOf(light.objectClass)?.updates) return [];
      return [{ item, groupId: light.targetId, dn: light.dn ?? "" }];
    });
    return { open, excluded };
  }

  /**
   * What was said of a group on the exclusion list, or kept as it is, is looked at when it is taken off or back in scope, and at
   * each end until then; of any, while exports are held.
   */
  async function keepDirty({ jobId }: LinkChunkHeader, excluded: readonly LinkItem[]): Promise<void> {
    const concluded = excluded.flatMap((item) => item.rows).filter(({ dirty }) => dirty.missingIn !== undefined);
    await deps.dirty.put(
      jobId,
      concluded.map(({ dirty: { missingIn: _, ...dirty } }) => dirty),
    );
    await deps.dirty.drain(jobId, concluded);
  }

  /** Log rows first, then the dirty rows: who dies in between tells it again. */
  async function record(
    header: LinkChunkHeader,
    items: readonly LinkItem[],
    outcomes: readonly GroupOutcome[],
    groups: ReadonlyMap<number, JudgedGroup>,
    tookMs: number,
  ): Promise<void> {
    const again = outcomes.filter(({ item }) => item.origin.agentId === "");
    const versions = again.map(({ version }) => version);
    const sources = await imageSources(header.jobId, versions);
    await deps.provisioningLog.write(outcomes.flatMap((own) => linkLogEntry(header, own, tookMs, sources) ?? []));
    const failed = new Map(outcomes.flatMap((own) => (own.failure ? [[own.item.index, own.failure]] : [])));
    const now = deps.clock.now();
    const rowsOf = (isFailed: boolean) => items.filter((item) => failed.has(item.index) === isFailed);
    const failing = rowsOf(true).flatMap((item) =>
      item.rows.map((row) => withFailure(row, failed.get(item.index), now)),
    );
    const isConcluded = ({ dirty }: StoredDirty) => dirty.missingIn !== undefined;
    await deps.dirty.fail(
      header.jobId,
      failing.filter((row) => !isConcluded(row)),
    );
    // What a read's end concluded stands in the edges: from now on it is work like any other.
    await deps.dirty.put(
      header.jobId,
      failing.filter(isConcluded).map(({ dirty: { missingIn: _, ...dirty } }) => dirty),
    );
    await deps.goneGroups(
      header,
      rowsOf(true).flatMap((item) => {
        const isGone = failed.get(item.index)?.code === "InvalidAnchor";
        const isAgain = item.rows.some(({ dirty }) => dirty.failure?.code === "InvalidAnchor");
        const targetId = groups.get(item.index)?.work.groupId;
        return isGone && isAgain && targetId !== undefined ? [{ groupGuid: item.referrer, targetId }] : [];
      }),
    );
    await deps.dirty.drain(header.jobId, [
      ...rowsOf(false).flatMap((item) => item.rows),
      ...failing.filter(isConcluded),
    ]);
    const first = outcomes.find((own) => own.failure);
    if (first) deps.log.warn("links-failed", { jobId: header.jobId, groups: failed.size, first: first.failure?.code });
  }
}

function withFailure(stored: StoredDirty, failure: TargetFailure | undefined, now: number): StoredDirty {
  const { code = "", message = "", remedy = "", retryAfterMs } = failure ?? {};
  const before = stored.dirty.failure;
  const attempts = before?.code === code ? before.attempts + 1 : 1;
  const nextAttemptAt = now + (retryAfterMs ?? gapAfter(code, attempts));
  return {
    ...stored,
    dirty: {
      ...stored.dirty,
      failure: { code, message, remedy, attempts, firstAt: before?.firstAt ?? now, nextAttemptAt },
    },
  };
}
