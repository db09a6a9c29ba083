/**
 * The account of a cycle's links, from facts: outcome files of its link chunks, and of the objects whose references were
 * bound again. And what is left to do once the cycle is closed.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { TargetAnswer } from "../../ports/target-directory.ts";
import { appearedUnder } from "../cycles/appeared-objects.ts";
import { addWork } from "../lanes/add-work.ts";
import { FILES, type OutcomeFile, readFile, readNeeded } from "../lanes/chunk-files.ts";
import type { DirtyRows } from "../state/dirty-links.ts";
import type { LinkCounts } from "../state/job-rows.ts";
import { type LinkOutcomeFile, type LinkPlanFile, linksIdOf, refsIdOf } from "./link-files.ts";

export interface LinkAccount {
  readonly counts: LinkCounts;
  readonly writes: number;
  readonly staged: readonly { readonly class: "memberships"; readonly count: number; readonly reason: string }[];
  readonly refs: OutcomeFile;
  /** What the target said to the last write of members, where it is known. */
  readonly answer?: TargetAnswer;
}

export interface LinkAccounts {
  /** Undefined: no links were planned. `asFarAsThereIs`: of an end that was given up, whose chunks may lack outcomes. */
  of(cycleId: string, options?: { readonly asFarAsThereIs: boolean }): Promise<LinkAccount | undefined>;
  /** Drops what was noted for references that are bound, and has those looked at who appeared while they were. */
  finish(jobId: string, cycleId: string): Promise<void>;
  /** The folders of a cycle's links, for whoever drops its files. */
  folders(cycleId: string): readonly string[];
}

export const NO_LINKS: LinkCounts = { added: 0, removed: 0, pending: 0, suspended: 0, staged: 0, failed: 0 };

export function addLinks(left: LinkCounts, right: LinkCounts): LinkCounts {
  return {
    added: left.added + right.added,
    removed: left.removed + right.removed,
    pending: left.pending + right.pending,
    suspended: left.suspended + right.suspended,
    staged: left.staged + right.staged,
    failed: left.failed + right.failed,
  };
}

export function createLinkAccounts(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly dirty: DirtyRows;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): LinkAccounts {
  const planOf = (cycleId: string) => readFile<LinkPlanFile>(deps.blobs, FILES.linkPlan(linksIdOf(cycleId)));

  return {
    async of(cycleId, { asFarAsThereIs } = { asFarAsThereIs: false }) {
      const plan = await planOf(cycleId);
      if (!plan) return undefined;
      const filesOf = async <T>(paths: readonly string[]): Promise<T[]> => {
        const read = (path: string) =>
          asFarAsThereIs ? readFile<T>(deps.blobs, path) : readNeeded<T>(deps.blobs, path);
        return (await Promise.all(paths.map(read))).filter((file) => file !== undefined);
      };
      const links = await filesOf<LinkOutcomeFile>(
        plan.chunks.map((_, chunk) => FILES.linkOutcome(linksIdOf(cycleId), chunk)),
      );
      const refs = await filesOf<OutcomeFile>(
        Array.from({ length: plan.refChunks }, (_, chunk) => FILES.outcome(refsIdOf(cycleId), chunk)),
      );
      const counts = links.reduce((sum, file) => addLinks(sum, file.counts), NO_LINKS);
      const reason = links.find((file) => file.stagedBecause !== undefined)?.stagedBecause ?? "";
      const answer = links.findLast((file) => file.answer)?.answer;
      return {
        ...(answer ? { answer } : {}),
        counts,
        writes: links.reduce((sum, file) => sum + file.writes, 0),
        staged: counts.staged === 0 ? [] : [{ class: "memberships", count: counts.staged, reason }],
        refs: {
          entries: refs.flatMap((file) => file.entries),
          writes: refs.reduce((sum, file) => sum + file.writes, 0),
        },
      };
    },
    async finish(jobId, cycleId) {
      const plan = await planOf(cycleId);
      if (!plan) return;
      await deps.dirty.drain(jobId, plan.refRows);
      if (plan.refChunks === 0) return;
      const { guids } = await appearedUnder(deps.blobs, [refsIdOf(cycleId)]);
      if (guids.length === 0) return;
      await addWork(deps, jobId, "reevaluate", { objectGuids: guids }, `${cycleId}-again`);
      await deps.ring(jobId, "live").catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: "live" }));
    },
    folders: (cycleId) => [FILES.folder(linksIdOf(cycleId)), FILES.folder(refsIdOf(cycleId))],
  };
}
