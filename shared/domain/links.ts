/**
 * Edges: who names whom in a linked attribute (group G has member M), and how what a directory says of them is folded.
 *
 * Each edge knows the version of the statement that it follows (N3). A delta speaks of single edges. A list speaks of all:
 * its values are wanted, and what it lacks is not, at once when a delta read brought it; in a full read that is only
 * noted (`missing`), for a read may prove incomplete. A list in parts is compared when every part has come, in order.
 * The head keeps the versions of lists, so that an edge need not be written because a list repeats it. In whatever order
 * statements arrive, they end the same. What is sent for an edge is decided in `link-difference.ts`.
 */
import { NO_VERSION, readNoOf } from "./change-version.ts";

/**
 * What may stand in the target by our doing: `adding` and `removing` are in doubt. `waived`: nothing does, and an admin let
 * it be so for as long as the edge is wanted.
 */
export type EdgeState = "none" | "adding" | "added" | "removing" | "waived";

export interface Edge {
  /** Of the statement last applied. */
  readonly version: string;
  readonly wanted: boolean;
  /** Of a foreign security principal. */
  readonly sid?: string;
  /** The target object that was sent for it; absent in state `none`. */
  readonly target?: string;
  readonly state: EdgeState;
  /** The full read whose list lacked it. */
  readonly missing?: number;
}

/** What is known of the lists of one referrer's attribute. */
export interface ListHead {
  /** Of the last whole list. */
  readonly listVersion: string;
  /** The full read that brought it; 0: a delta read did. */
  readonly listReadNo: number;
  /** Of the last list that says what is not in it. */
  readonly closedVersion: string;
  /** A list in parts that is under way: the versions of its first and last part so far, the next part's number. */
  readonly list?: { readonly since: string; readonly last: string; readonly next: number; readonly broken?: true };
}

export const NO_LIST: ListHead = { listVersion: NO_VERSION, listReadNo: 0, closedVersion: NO_VERSION };

export interface Referee {
  readonly guid: string;
  readonly sid?: string | undefined;
}

export type LinkStatement =
  | {
      readonly kind: "delta";
      readonly version: string;
      readonly add: readonly Referee[];
      readonly remove: readonly Referee[];
    }
  | {
      readonly kind: "list";
      readonly version: string;
      readonly values: readonly Referee[];
      readonly part: number;
      readonly last: boolean;
      /** Of a full read: what it lacks is noted only. */
      readonly isFull: boolean;
    };

export interface FoldedLinks {
  readonly head: ListHead;
  readonly edges: ReadonlyMap<string, Edge>;
  /** Edges that differ from before, or are gone. */
  readonly changed: ReadonlySet<string>;
  /** Edges that the statements spoke of, whether or not that changed them. */
  readonly touched: ReadonlySet<string>;
}

/** A list's end looks at every edge; everything else at the edges that it names. */
export function needsAllEdges(head: ListHead, statements: readonly LinkStatement[]): boolean {
  const lists = statements.filter((own) => own.kind === "list");
  const isBegun = head.list !== undefined || lists.some((own) => own.part === 0);
  return isBegun && lists.some((own) => own.last);
}

/** The edges that statements name. */
export function namedBy(statements: readonly LinkStatement[]): Set<string> {
  const named = new Set<string>();
  for (const own of statements) {
    for (const { guid } of own.kind === "list" ? own.values : own.add) named.add(guid);
    if (own.kind === "delta") for (const { guid } of own.remove) named.add(guid);
  }
  return named;
}

/**
 * `edges`: those that the statements name, or all of them when `needsAllEdges`. `keepsVersions`: older statements may
 * still come, so that edges which are gone are kept with the version that says so.
 */
export function foldLinks(
  before: ListHead,
  known: ReadonlyMap<string, Edge>,
  statements: readonly LinkStatement[],
  options: { readonly keepsVersions: boolean },
): FoldedLinks {
  const edges = new Map(known);
  const touched = new Set<string>();
  let head = before;
  for (const statement of [...statements].sort(byVersion)) {
    const work: Work = { head, edges, touched };
    const { version } = statement;
    if (statement.kind === "delta") {
      for (const referee of statement.add) put(work, referee, version, options.keepsVersions);
      for (const referee of statement.remove) remove(work, referee, version, options.keepsVersions);
    } else head = foldList(work, statement);
  }
  const changed = new Set<string>();
  const newest = statements.reduce((version, own) => latest(version, own.version), NO_VERSION);
  for (const guid of touched) {
    const edge = edges.get(guid);
    // What a newer statement let go has to outlive all that are older than that, and more of them may come after these.
    const keeps = options.keepsVersions || (edge !== undefined && edge.version > newest);
    if (edge && isForgettable(edge, head, keeps)) edges.delete(guid);
    if (!sameEdge(known.get(guid), edges.get(guid))) changed.add(guid);
  }
  return { head, edges, changed, touched };
}

/** What a full read's lists lacked is not wanted any more: that read proved complete. */
export function withoutMissingEdges(
  edges: ReadonlyMap<string, Edge>,
  head: ListHead,
  readNo: number,
): Map<string, Edge> {
  const after = new Map(edges);
  for (const [guid, edge] of edges) {
    if (edge.missing !== readNo) continue;
    const { missing: _, ...rest } = edge;
    const said = head.listReadNo === readNo ? head.listVersion : edge.version;
    after.set(guid, { ...rest, wanted: false, version: latest(edge.version, said) });
  }
  return after;
}

/** What has not been brought to the target yet, as far as edges alone can tell. */
export function isUnsettled(edge: Edge): boolean {
  if (edge.wanted) return edge.state !== "added" && edge.state !== "waived";
  return edge.state !== "none";
}

/** Nothing of it stands in the target, and nothing old can bring it back. */
export function isForgettable(edge: Edge, head: ListHead, keepsVersions: boolean): boolean {
  return !edge.wanted && edge.state === "none" && (!keepsVersions || edge.version <= head.closedVersion);
}

export function sameEdge(left: Edge | undefined, right: Edge | undefined): boolean {
  if (!left || !right) return left === right;
  return (
    left.version === right.version &&
    left.wanted === right.wanted &&
    left.state === right.state &&
    left.target === right.target &&
    left.missing === right.missing &&
    left.sid === right.sid
  );
}

export function sameHead(left: ListHead, right: ListHead): boolean {
  return (
    left.listVersion === right.listVersion &&
    left.listReadNo === right.listReadNo &&
    left.closedVersion === right.closedVersion &&
    left.list?.since === right.list?.since &&
    left.list?.last === right.list?.last &&
    left.list?.next === right.list?.next &&
    left.list?.broken === right.list?.broken
  );
}

interface Work {
  readonly head: ListHead;
  readonly edges: Map<string, Edge>;
  readonly touched: Set<string>;
}

type List = Extract<LinkStatement, { kind: "list" }>;

/** The version of the last statement about an edge, lists that repeated it included. */
function spokenOf(head: ListHead, edge: Edge): string {
  const isInList = edge.wanted && edge.missing === undefined;
  return latest(edge.version, isInList ? head.listVersion : head.closedVersion);
}

/** `writes`: a new version is written though the edge stays as it is. */
function put(work: Work, { guid, sid }: Referee, version: string, writes: boolean): void {
  const { head, edges, touched } = work;
  const edge = edges.get(guid);
  const isNews = version > (edge ? spokenOf(head, edge) : head.closedVersion);
  // Said again, as a repeated activity does: it may have to be sent still.
  if (edge || isNews) touched.add(guid);
  if (!isNews) return;
  // A later full read's list lacked it: what that means is not said yet.
  const missing = version < head.listVersion ? head.listReadNo : undefined;
  const isSame = edge?.wanted === true && edge.missing === missing && (sid === undefined || edge.sid === sid);
  // A list older than the last one is not remembered by the head.
  if (isSame && !writes && version > head.listVersion) return;
  const { missing: _, ...rest } = edge ?? { state: "none" as const };
  edges.set(guid, {
    ...rest,
    ...(sid === undefined ? {} : { sid }),
    version,
    wanted: true,
    ...(missing === undefined ? {} : { missing }),
  });
}

function remove({ head, edges, touched }: Work, { guid }: Referee, version: string, writes: boolean): void {
  const edge = edges.get(guid);
  touched.add(guid);
  if (version <= (edge ? spokenOf(head, edge) : head.closedVersion)) return;
  if (edge && !edge.wanted && !writes) return;
  const { missing: _, ...rest } = edge ?? { state: "none" as const };
  edges.set(guid, { ...rest, version, wanted: false });
}

/** The head after a list or a part of one. */
function foldList(work: Work, list: List): ListHead {
  const { head } = work;
  const inParts = list.part > 0 || !list.last;
  for (const referee of list.values) put(work, referee, list.version, inParts);
  if (!inParts) return compare(work, list, list.version, new Set(list.values.map((own) => own.guid)));
  const { list: before, ...rest } = head;
  if (list.part === 0) {
    // Repeated, or older than the one that is under way.
    if (before && before.since >= list.version) return head;
    return { ...rest, list: { since: list.version, last: list.version, next: 1 } };
  }
  if (!before || list.version <= before.last) return head;
  const follows = list.part === before.next && readNoOf(list.version) === readNoOf(before.since);
  if (!follows || before.broken) {
    return list.last ? rest : { ...rest, list: { ...before, last: list.version, broken: true } };
  }
  if (!list.last) return { ...rest, list: { ...before, last: list.version, next: before.next + 1 } };
  return compare({ ...work, head: rest }, list, before.since, undefined);
}

/** What a whole list means for the edges that are not in it: by name, or because no part of it gave them its version. */
function compare(work: Work, list: List, since: string, listed: ReadonlySet<string> | undefined): ListHead {
  const { head, edges, touched } = work;
  const readNo = readNoOf(since);
  for (const [guid, edge] of edges) {
    if (listed?.has(guid)) continue;
    // What was let go before is looked at again with every list: it may have been held back.
    if (!edge.wanted) touched.add(guid);
    const spoken = spokenOf(head, edge);
    if (!edge.wanted || spoken >= since) continue;
    touched.add(guid);
    const { missing = 0, ...rest } = edge;
    // A list that the head is about to forget may have spoken of it last.
    const noted = { ...edge, version: spoken, missing: Math.max(missing, readNo) };
    edges.set(guid, list.isFull ? noted : { ...rest, wanted: false, version: since });
  }
  return {
    ...head,
    ...(since > head.listVersion ? { listVersion: since, listReadNo: list.isFull ? readNo : 0 } : {}),
    ...(!list.isFull && since > head.closedVersion ? { closedVersion: since } : {}),
  };
}

function latest(left: string, right: string): string {
  return left > right ? left : right;
}

function byVersion(left: LinkStatement, right: LinkStatement): number {
  return left.version < right.version ? -1 : left.version > right.version ? 1 : 0;
}
