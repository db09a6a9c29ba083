/**
 * Groups on their way to the target, up to the moment before the calls: edges read and resolved, removals judged, marks
 * written. A group whose row moved on is contested, and comes again.
 */
import type { GuardSettings } from "../../domain/guard.ts";
import type { EdgeStep, ResolvedReferee } from "../../domain/link-difference.ts";
import type { Edge } from "../../domain/links.ts";
import type { TargetFailure } from "../../ports/target-directory.ts";
import type { LinkKey } from "../state/link-row-names.ts";
import type { LinkRows, LinkWrite, StoredLinks } from "../state/link-rows.ts";
import { segmentNames, segmentsUnder } from "../state/link-segments.ts";
import type { LinkDeps } from "./export-links.ts";
import type { LinkChunkHeader, LinkItem } from "./link-files.ts";
import { judgeLinks, type LinkVerdict } from "./link-guard.ts";
import {
  besideOf,
  concludingWrite,
  keptBesideOf,
  type LinkSteps,
  type LinkWork,
  markWrite,
  openWork,
  segmentsFor,
  stepsOf,
} from "./link-work.ts";
import { keepStagedMembers, readStagedMembers } from "./staged-members.ts";
import { isUnreadable, needReadable, orUnreadable, unreadableFailure } from "./unreadable-links.ts";

export interface OpenItem {
  readonly item: LinkItem;
  readonly groupId: string;
}

export interface JudgedGroup {
  readonly work: LinkWork;
  /** The rows as they are now, marks and all. */
  stored: StoredLinks;
  /** What is to be called for, by GUID; removals that are held back are not among it. */
  readonly calls: ReadonlyMap<string, Extract<EdgeStep, { target: string }>>;
  /** Whose referees have no target object. */
  readonly pending: readonly string[];
  readonly suspended: number;
  readonly stagedBecause?: string;
}

export interface JudgedGroups {
  readonly groups: readonly JudgedGroup[];
  /** Items by index. */
  readonly contested: readonly number[];
  /** Why nothing can be said of an item's edges, by its index. */
  readonly unreadable: ReadonlyMap<number, TargetFailure>;
}

export interface JudgeGroups {
  groups(
    header: LinkChunkHeader,
    open: readonly OpenItem[],
    by: string,
    settings: GuardSettings,
  ): Promise<JudgedGroups>;
  /** Groups without a target object: nothing is sent, but what the read's lists lacked is not wanted any more. */
  concludeOnly(header: LinkChunkHeader, items: readonly LinkItem[]): Promise<void>;
}

const TRIES = 6;

export function createJudgedGroups(deps: LinkDeps): JudgeGroups {
  return { groups, concludeOnly };

  async function concludeOnly(header: LinkChunkHeader, items: readonly LinkItem[]): Promise<void> {
    let open = items.filter((item) => item.rows.some(({ dirty }) => dirty.missingIn === header.concludes));
    for (let tries = 0; open.length > 0; tries++) {
      if (tries === TRIES) throw new Error(`The members of group ${open[0]?.referrer} keep changing.`);
      const stored = await load(header, open);
      // What can't be read has no edges here: nothing is concluded, and it is told once the group is in the target.
      const writes = stored.map((own) => concludingWrite(own, header));
      const due = writes.flatMap((write) => write ?? []);
      const written = await deps.links.write(due);
      open = open.filter((_, index) => {
        const write = writes[index];
        return write !== undefined && written[due.indexOf(write)] === undefined;
      });
    }
  }

  function load({ configurationId }: LinkChunkHeader, items: readonly LinkItem[]): Promise<StoredLinks[]> {
    return deps.links.load(
      items.map((item) => ({
        key: { configurationId, referrer: item.referrer, attribute: "member" },
        segmentsOf: (own) => segmentsFor(item, own),
      })),
    );
  }

  async function groups(
    header: LinkChunkHeader,
    open: readonly OpenItem[],
    by: string,
    settings: GuardSettings,
  ): Promise<JudgedGroups> {
    const stored = await load(
      header,
      open.map(({ item }) => item),
    );
    const unreadable = new Map<number, TargetFailure>();
    const works = open.flatMap(({ item, groupId }, index) => {
      const own = stored[index];
      if (own && isUnreadable(own)) unreadable.set(item.index, unreadableFailure(own));
      return own && !isUnreadable(own) ? [openWork(item, groupId, own, header)] : [];
    });
    const referees = await resolved(
      header,
      works.flatMap((work) => [...work.looked]),
    );
    const now = deps.clock.now();
    const judged: { readonly group: JudgedGroup; readonly write: LinkWrite | undefined }[] = [];
    for (const work of works) {
      const own = await orUnreadable(async () => {
        const steps = await stepsWithBeside(header, work, referees, now);
        return judgedOne(header, work, steps, { by, now, settings });
      });
      if ("lost" in own) unreadable.set(work.item.index, unreadableFailure(own.lost));
      else judged.push(own);
    }
    const writes = judged.flatMap(({ write }) => write ?? []);
    const written = await deps.links.write(writes);
    const marked: JudgedGroup[] = [];
    const contested: number[] = [];
    for (const { group, write } of judged) {
      const result = write ? written[writes.indexOf(write)] : group.stored;
      const { index } = group.work.item;
      if (!result) contested.push(index);
      else if (isUnreadable(result)) unreadable.set(index, unreadableFailure(result));
      else marked.push({ ...group, stored: result });
    }
    return { groups: marked, contested, unreadable };
  }

  async function judgedOne(
    header: LinkChunkHeader,
    work: LinkWork,
    steps: LinkSteps,
    { by, now, settings }: { readonly by: string; readonly now: number; readonly settings: GuardSettings },
  ): Promise<{ readonly group: JudgedGroup; readonly write: LinkWrite | undefined }> {
    const verdict = await judgeLinks(work, steps, by, now, {
      settings,
      approved: await approvedOf(header.jobId, work.item),
      countMembers: () => countMembers(work.stored.key),
    });
    const held = new Set(verdict.held);
    const going = new Map([...steps.steps].filter(([guid]) => !held.has(guid)));
    await stage(header, work, verdict);
    return {
      group: {
        work,
        stored: work.stored,
        calls: new Map([...going].flatMap(([guid, step]) => ("target" in step ? [[guid, step]] : []))),
        pending: guidsOf(going, "pending"),
        suspended: guidsOf(going, "suspended").length,
        ...(verdict.stagedBecause === undefined ? {} : { stagedBecause: verdict.stagedBecause }),
      },
      write: markWrite(work, { ...steps, steps: going }, verdict.head, header, by),
    };
  }

  /** What the referees of some edges are in the target. */
  async function resolved(
    header: LinkChunkHeader,
    edges: readonly (readonly [string, Edge])[],
  ): Promise<Map<string, ResolvedReferee>> {
    if (edges.length === 0) return new Map();
    const { configurationId } = header;
    const wanted = edges.map(([guid, { sid }]) => (sid === undefined ? { guid } : { guid, sid }));
    const referees = new Map<string, ResolvedReferee>(
      await deps.references.resolve(configurationId, wanted, { isFirstLoad: header.isFirst }),
    );
    // Of those who have no target object and stand in the target all the same: whose went to somebody else.
    const open = edges.flatMap(([guid, edge]) => (edge.target !== undefined && !referees.has(guid) ? [guid] : []));
    const gone = open.length === 0 ? [] : await deps.references.elsewhere(configurationId, [...new Set(open)]);
    for (const guid of gone) referees.set(guid, { targetId: "", isDeleted: false, isElsewhere: true });
    const excluded = await deps.excluded();
    for (const [guid, { target }] of edges)
      if ([guid, target, referees.get(guid)?.targetId].some(excluded))
        referees.set(guid, { targetId: "", isDeleted: false, isExcluded: true });
    return referees;
  }

  /** Before anybody is taken out of a group of several segments, all of them are asked who wants the same target object. */
  async function stepsWithBeside(
    header: LinkChunkHeader,
    work: LinkWork,
    referees: ReadonlyMap<string, ResolvedReferee>,
    now: number,
  ): Promise<LinkSteps> {
    const steps = stepsOf(work, referees, now);
    const isWhole = work.segments.size === 16 ** work.stored.header.digits;
    const going = new Set([...steps.steps.values()].flatMap((step) => (step.kind === "remove" ? [step.target] : [])));
    if (isWhole || going.size === 0) return steps;
    const standing = needReadable(await standingFor(deps.links, work.stored, going));
    const beside = besideOf(work, going, standing, header);
    if (beside.size === 0) return steps;
    const kept = keptBesideOf(beside, await resolved(header, [...beside]), now);
    return stepsOf(work, referees, now, kept);
  }

  /** Edges of the whole group that stand in the target. */
  async function countMembers(key: LinkKey): Promise<number> {
    let count = 0;
    for await (const slice of slicesOf(key))
      for (const { segment } of slice.segments.values())
        for (const edge of segment.edges.values()) if (edge.target !== undefined) count++;
    return count;
  }

  /** All edges of a group, a sixteenth at a time: a list of 250,000 is never in memory whole. */
  async function* slicesOf(key: LinkKey): AsyncGenerator<StoredLinks> {
    for (const prefix of segmentNames(1)) {
      const [slice] = await deps.links.load([{ key, segmentsOf: (own) => segmentsUnder(prefix, own.digits) }]);
      if (slice) yield needReadable(slice);
      // All in one piece: that was it.
      if (!slice || slice.header.digits === 0) return;
    }
  }

  /** Before the row says so: whoever dies in between comes here again. */
  async function stage(header: LinkChunkHeader, work: LinkWork, { stagedBecause, held }: LinkVerdict): Promise<void> {
    const objectGuid = work.item.referrer;
    const { cycleId, at, jobId } = header;
    if (stagedBecause !== undefined) {
      const members = await keepStagedMembers(deps.blobs, jobId, objectGuid, held);
      await deps.removals.stage(jobId, [
        { objectGuid, class: "memberships", cycleId, reason: stagedBecause, stagedAt: at, members },
      ]);
    } else if (work.stored.header.staged > 0) {
      await deps.removals.unstage(jobId, "memberships", objectGuid);
    }
  }

  /** Members whose removal was approved, edge by edge: of those only who is unwanted still is removed. */
  async function approvedOf(jobId: string, { referrer, rows }: LinkItem): Promise<ReadonlySet<string>> {
    const digests = rows.flatMap(({ dirty }) => dirty.approved?.digest ?? []);
    const sets = await Promise.all(digests.map((digest) => readStagedMembers(deps.blobs, jobId, referrer, digest)));
    return new Set(sets.flat());
  }
}

function guidsOf(steps: ReadonlyMap<string, EdgeStep>, kind: EdgeStep["kind"]): string[] {
  return [...steps].flatMap(([guid, step]) => (step.kind === kind ? [guid] : []));
}

/** A group's edges as they are now: the segments that were read before, and those that stand for some target objects; or unreadable. */
export async function standingFor(
  links: LinkRows,
  { key, segments }: StoredLinks,
  targets: ReadonlySet<string>,
): Promise<StoredLinks> {
  const found = await links.segmentsStandingFor(key, targets);
  if ("unreadable" in found) return found;
  const names = [...segments.keys(), ...found];
  const [stored] = await links.load([
    { key, segmentsOf: ({ digits }) => names.flatMap((name) => segmentsUnder(name, digits)) },
  ]);
  if (!stored) throw new Error(`The links of object ${key.referrer} were not read.`);
  return stored;
}
