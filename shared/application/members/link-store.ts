/**
 * The members that go with a group's create: which are wanted, and what became of them.
 *
 * Before the call they are marked as being added, so that a create whose answer is lost leaves them in doubt: they are
 * sent again with the rest of the group, and one that is there already is a success. Many groups at once, in full
 * transactions. A mark that is refused (somebody folded a change meanwhile) is no failure: that group goes without.
 */
import { type Edge, isUnsettled } from "../../domain/links.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { Segment } from "../state/link-codec.ts";
import { createLinkRows, type LinkRows, type LinkWrite, type StoredLinks } from "../state/link-rows.ts";
import { segmentNames, segmentOf } from "../state/link-segments.ts";

export const MEMBER = "member";

export interface WantedMember {
  readonly guid: string;
  readonly sid?: string;
}

/** Some wanted members of one group, and the rows that they were read from. */
export interface OpenGroup {
  readonly groupGuid: string;
  readonly members: readonly WantedMember[];
  readonly stored: StoredLinks;
}

/** The members of a group that go with its create, by their target objects. */
export interface Binding {
  readonly group: OpenGroup;
  readonly members: readonly { readonly guid: string; readonly targetId: string }[];
}

/** A binding that was marked, and the target object that the group got. */
export interface BoundGroup extends Binding {
  readonly groupTargetId: string;
}

export interface LinkStore {
  /** At most `count` wanted members a group that is to be created; groups without any are left out. */
  firstMembers(
    configurationId: string,
    groupGuids: readonly string[],
    count: number,
  ): Promise<ReadonlyMap<string, OpenGroup>>;
  /** Before the call. Comes back with those that are marked: only they may be bound. */
  markAdding(bindings: readonly Binding[]): Promise<readonly Binding[]>;
  /** After a create that bound them. */
  markAdded(bound: readonly BoundGroup[]): Promise<void>;
}

export function createLinkStore(deps: { readonly rows: RowStore; readonly targetKey: string }): LinkStore {
  const links = createLinkRows(deps);
  return {
    async firstMembers(configurationId, groupGuids, count) {
      const loaded = await loadFirst(links, configurationId, groupGuids);
      const open = loaded.flatMap((stored): [string, OpenGroup][] => {
        const groupGuid = stored.key.referrer;
        const members = membersOf(stored, count);
        return members.length === 0 ? [] : [[groupGuid, { groupGuid, members, stored }]];
      });
      return new Map(open);
    },
    async markAdding(bindings) {
      const written = await links.write(bindings.map((own) => changing(own, "", "adding")));
      return bindings.flatMap((own, index) => {
        const stored = written[index];
        return stored ? [{ ...own, group: { ...own.group, stored } }] : [];
      });
    },
    async markAdded(bound) {
      // Refused: they stay in doubt, and are sent again.
      await links.write(bound.map((own) => changing(own, own.groupTargetId, "added")));
    },
  };
}

/** Of a group in several segments the first one: it has enough. */
function loadFirst(links: LinkRows, configurationId: string, groupGuids: readonly string[]): Promise<StoredLinks[]> {
  return links.load(
    groupGuids.map((referrer) => ({
      key: { configurationId, referrer, attribute: MEMBER },
      segmentsOf: (header) => segmentNames(header.digits).slice(0, 1),
    })),
  );
}

function membersOf(stored: StoredLinks, count: number): WantedMember[] {
  const members: WantedMember[] = [];
  for (const { segment } of stored.segments.values()) {
    for (const [guid, edge] of segment.edges) {
      if (members.length === count) return members;
      // What was sent to a group that is gone was not sent to this one.
      if (edge.wanted && (isUnsettled(edge) || segment.group !== ""))
        members.push(edge.sid === undefined ? { guid } : { guid, sid: edge.sid });
    }
  }
  return members;
}

function changing({ group, members }: Binding, groupTargetId: string, state: "adding" | "added"): LinkWrite {
  const { stored } = group;
  const bySegment = new Map<string, Segment>();
  for (const [name, { segment }] of stored.segments) {
    const own = members.filter(({ guid }) => segmentOf(guid, stored.header.digits) === name);
    if (own.length === 0) continue;
    const edges = new Map(stateless(segment));
    for (const { guid, targetId } of own) {
      const edge = edges.get(guid);
      if (edge) edges.set(guid, { ...edge, state, target: targetId });
    }
    bySegment.set(name, { ...segment, group: groupTargetId, edges });
  }
  return { stored, header: stored.header, segments: bySegment };
}

/** The edges without what was sent to another target object. */
function stateless(segment: Segment): ReadonlyMap<string, Edge> {
  if (segment.group === "") return segment.edges;
  return new Map(
    [...segment.edges].map(([guid, { target: _, ...edge }]): [string, Edge] => [guid, { ...edge, state: "none" }]),
  );
}
