/**
 * Who names objects that appeared in the target: groups, whose edges to them have to be looked at, and users, whose
 * references have to be bound. Namers of other jobs with the same target are told: dirty rows, work, a ring.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { Appeared } from "../cycles/appeared-objects.ts";
import { addWork } from "../lanes/add-work.ts";
import type { ChangeOrigin } from "../lanes/chunk-files.ts";
import type { DirtyLinks, DirtyRows, StoredDirty } from "../state/dirty-links.ts";
import type { LinkRows } from "../state/link-rows.ts";
import { segmentNames, segmentOf } from "../state/link-segments.ts";
import { groupBy, type ObjectStore } from "../state/object-store.ts";
import type { Referrer, ReferrerIndex } from "../state/referrer-index.ts";

/** The end at which they appeared. */
export interface NamersOf {
  readonly configurationId: string;
  readonly cycleId: string;
  readonly origin: ChangeOrigin;
  /** Nothing was in the target before: whoever appeared did so for the first time. */
  readonly isFirst: boolean;
}

export interface Namers {
  /** What has to be looked at besides what is listed already. */
  readonly dirty: readonly DirtyLinks[];
  /** Objects whose references have to be bound; `isReturned`: again, whatever was exported. */
  readonly references: readonly { readonly objectGuid: string; readonly isReturned: boolean }[];
}

export type FindNamers = (of: NamersOf, appeared: Appeared, listed: readonly StoredDirty[]) => Promise<Namers>;

interface Named {
  readonly referrer: string;
  /** By which GUID the referrer knows it. */
  readonly referee: string;
}

const HEADERS_AT_ONCE = 200;

export function createFindNamers(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly links: LinkRows;
  readonly referrers: ReferrerIndex;
  readonly dirty: DirtyRows;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): FindNamers {
  return async (of, appeared, listed) => {
    const members: Named[] = [];
    const references: Named[] = [];
    const others: (Referrer & Named)[] = [];
    for (const [key, referrers] of await deps.referrers.find([...appeared.guids, ...appeared.sids])) {
      for (const own of referrers) {
        const named = { referrer: own.referrer, referee: own.named ?? key };
        if (own.configurationId !== of.configurationId) others.push({ ...own, ...named });
        else if (own.attribute === "member") members.push(named);
        else references.push(named);
      }
    }
    const returned = new Set(appeared.returned);
    for (const [jobId, own] of groupBy(others, (other) => other.jobId)) await tell(of, jobId, own, returned);
    return {
      dirty: await madeDirty(of, appeared, members, listed),
      references: await notBound(of, references, returned),
    };
  };

  /** Of those who name somebody that appeared, who isn't bound to his target object. */
  async function notBound(of: NamersOf, references: readonly Named[], returned: ReadonlySet<string>) {
    const guids = [...new Set(references.flatMap((own) => [own.referrer, own.referee]))];
    if (guids.length === 0) return [];
    const lights = await deps.objects.lights(of.configurationId, guids);
    return references.flatMap(({ referrer, referee }) => {
      const own = lights.get(referrer);
      const isLinked = own?.targetId !== undefined && own.deletedAt === undefined;
      // The target drops the references to what it deletes, and doesn't bring them back.
      const isReturned = returned.has(referee);
      if (!isLinked || (!isReturned && own.manager === lights.get(referee)?.targetId)) return [];
      return [{ objectGuid: referrer, isReturned }];
    });
  }

  async function tell(
    of: NamersOf,
    jobId: string,
    namers: readonly (Referrer & Named)[],
    returned: ReadonlySet<string>,
  ): Promise<void> {
    const [first] = namers;
    if (!first) return;
    const groups = namers.filter((own) => own.attribute === "member");
    const references = namers
      .filter((own) => own.attribute !== "member")
      .map(
        ({ referrer, attribute, referee }): DirtyLinks => ({
          referrer,
          attribute,
          segment: "",
          edges: 1,
          origin: of.origin,
          ...(returned.has(referee) ? { referees: [referee] } : {}),
        }),
      );
    await deps.dirty.put(jobId, [...(await byAppearance(of, first.configurationId, groups)), ...references]);
    await addWork(deps, jobId, "links", { objectGuids: [] }, `${jobId}-links-by-${of.cycleId}`);
    await deps.ring(jobId, "live").catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: "live" }));
  }

  async function madeDirty(
    of: NamersOf,
    appeared: Appeared,
    members: readonly Named[],
    listed: readonly StoredDirty[],
  ): Promise<DirtyLinks[]> {
    const segments = new Map(
      groupBy(
        listed.filter(({ dirty }) => dirty.attribute === "member" && dirty.missingIn === undefined && !dirty.failure),
        ({ dirty }) => dirty.referrer,
      ).map(([referrer, own]) => [referrer, own.map(({ dirty }) => dirty.segment)]),
    );
    const covers = ({ referrer, referee }: Named) =>
      (segments.get(referrer) ?? []).some((name) => segmentOf(referee, name.length) === name);
    // Before the first load is done no edge can stand in the target under another id.
    const news = of.isFirst ? members.filter((own) => !covers(own)) : members;
    const made = await byAppearance(of, of.configurationId, news);
    const groups = appeared.groups.filter((group) => !(segments.get(group) ?? []).includes(""));
    for (let at = 0; at < groups.length; at += HEADERS_AT_ONCE) {
      for (const { key, header, unreadable } of await headers(
        of.configurationId,
        groups.slice(at, at + HEADERS_AT_ONCE),
      )) {
        // One that can't be read is looked at, and told.
        if (header.edges === 0 && unreadable === undefined) continue;
        const known = new Set(segments.get(key.referrer));
        const names = segmentNames(header.digits).filter((name) => !known.has(name));
        const edges = Math.max(1, Math.ceil(header.edges / 16 ** header.digits));
        for (const segment of names)
          made.push({ referrer: key.referrer, attribute: "member", segment, edges, origin: of.origin });
      }
    }
    return made;
  }

  async function byAppearance(of: NamersOf, configurationId: string, members: readonly Named[]): Promise<DirtyLinks[]> {
    const { cycleId: by, origin } = of;
    const made: DirtyLinks[] = [];
    const byGroup = groupBy(members, (own) => own.referrer);
    for (let at = 0; at < byGroup.length; at += HEADERS_AT_ONCE) {
      const part = new Map(byGroup.slice(at, at + HEADERS_AT_ONCE));
      for (const { key, header } of await headers(configurationId, [...part.keys()])) {
        const referees = (part.get(key.referrer) ?? []).map((own) => own.referee);
        for (const [segment, own] of groupBy(referees, (referee) => segmentOf(referee, header.digits)))
          made.push({
            referrer: key.referrer,
            attribute: "member",
            segment,
            edges: own.length,
            origin,
            referees: own,
            by,
          });
      }
    }
    return made;
  }

  function headers(configurationId: string, referrers: readonly string[]) {
    return deps.links.load(
      referrers.map((referrer) => ({
        key: { configurationId, referrer, attribute: "member" },
        segmentsOf: () => [],
      })),
    );
  }
}
