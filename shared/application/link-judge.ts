/**
 * Groups on their way to the target, up to the moment before the calls: edges read and resolved, removals judged, marks
 * written. A group whose row moved on is contested, and comes again.
 */
import type { GuardSettings } from "../domain/guard.ts";
import type { EdgeStep } from "../domain/link-difference.ts";
import type { LinkDeps } from "./export-links.ts";
import type { LinkChunkHeader, LinkItem } from "./link-files.ts";
import { judgeLinks } from "./link-guard.ts";
import { type LinkWork, markWrite, openWork, segmentsFor, stepsOf } from "./link-work.ts";
import { edgesOf, type LinkKey, type LinkWrite, type StoredLinks } from "./state/link-rows.ts";

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
}

export type JudgeGroups = (
  header: LinkChunkHeader,
  open: readonly OpenItem[],
  by: string,
  settings: GuardSettings,
) => Promise<JudgedGroups>;

export function createJudgedGroups(deps: LinkDeps): JudgeGroups {
  return async (header, open, by, settings) => {
    const { configurationId } = header;
    const stored = await deps.links.load(
      open.map(({ item }) => ({
        key: { configurationId, referrer: item.referrer, attribute: "member" },
        segmentsOf: (own) => segmentsFor(item, own),
      })),
    );
    const works = open.flatMap(({ item, groupId }, index) => {
      const own = stored[index];
      return own ? [openWork(item, groupId, own, header)] : [];
    });
    const wanted = works.flatMap((work) =>
      [...work.looked].map(([guid, edge]) => (edge.sid === undefined ? { guid } : { guid, sid: edge.sid })),
    );
    const referees =
      wanted.length === 0
        ? new Map()
        : await deps.references.resolve(configurationId, wanted, { isFirstLoad: header.isFirst });
    const now = deps.clock.now();
    const judged: { readonly group: JudgedGroup; readonly write: LinkWrite | undefined }[] = [];
    for (const work of works) {
      const steps = stepsOf(work, referees, now);
      const verdict = await judgeLinks(work, steps, by, now, settings, () => countMembers(work.stored.key));
      const held = new Set(verdict.stagedBecause === undefined ? [] : steps.removals);
      const going = new Map([...steps.steps].filter(([guid]) => !held.has(guid)));
      await stage(header, work, verdict.stagedBecause);
      judged.push({
        group: {
          work,
          stored: work.stored,
          calls: new Map([...going].flatMap(([guid, step]) => ("target" in step ? [[guid, step]] : []))),
          pending: guidsOf(going, "pending"),
          suspended: guidsOf(going, "suspended").length,
          ...(verdict.stagedBecause === undefined ? {} : { stagedBecause: verdict.stagedBecause }),
        },
        write: markWrite(work, { ...steps, steps: going }, verdict.head, header, by),
      });
    }
    const writes = judged.flatMap(({ write }) => write ?? []);
    const written = await deps.links.write(writes);
    const groups: JudgedGroup[] = [];
    const contested: number[] = [];
    for (const { group, write } of judged) {
      const result = write ? written[writes.indexOf(write)] : group.stored;
      if (result) groups.push({ ...group, stored: result });
      else contested.push(group.work.item.index);
    }
    return { groups, contested };
  };

  /** Edges of the whole group that stand in the target. */
  async function countMembers(key: LinkKey): Promise<number> {
    const [whole] = await deps.links.load([{ key, segmentsOf: () => "all" }]);
    return whole ? [...edgesOf(whole).values()].filter((edge) => edge.target !== undefined).length : 0;
  }

  /** Before the row says so: whoever dies in between comes here again. */
  async function stage(header: LinkChunkHeader, work: LinkWork, because: string | undefined): Promise<void> {
    const objectGuid = work.item.referrer;
    if (because !== undefined) {
      const { cycleId, at } = header;
      await deps.removals.stage(header.jobId, [
        { objectGuid, class: "memberships", cycleId, reason: because, stagedAt: at },
      ]);
    } else if (work.stored.header.staged > 0) {
      await deps.removals.unstage(header.jobId, "memberships", objectGuid);
    }
  }
}

function guidsOf(steps: ReadonlyMap<string, EdgeStep>, kind: EdgeStep["kind"]): string[] {
  return [...steps].flatMap(([guid, step]) => (step.kind === kind ? [guid] : []));
}
