/**
 * Takes what a batch says of links into the edges: once a batch, between planning its chunks and mapping them.
 *
 * In this order, so that a repetition after any write comes to the same: who has which SID; who names whom (the reverse
 * index, before an edge that it must find); the edges; and last what has to be looked at. Which edges are dirty is told
 * from how they stand, not from what this attempt changed. Nothing is sent here.
 */
import type { ChangeBatch } from "../../contracts/change.ts";
import {
  type Edge,
  foldLinks,
  isUnsettled,
  type LinkStatement,
  namedBy,
  needsAllEdges,
  sameHead,
} from "../../domain/links.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { halving } from "../halving.ts";
import type { AskFullRead } from "../lanes/ask-full-read.ts";
import {
  type ChangeOrigin,
  type ChunkFile,
  type ChunkHeader,
  FILES,
  readFile,
  readNeeded,
} from "../lanes/chunk-files.ts";
import type { Fence, SyncRunInput } from "../lanes/wake-job.ts";
import type { NoteMembers, NoteScope } from "../scope/note-scope.ts";
import type { DirtyLinks, DirtyRows } from "../state/dirty-links.ts";
import { type BatchRow, type JobRow, jobTable, ROW, readRow } from "../state/job-rows.ts";
import { type LinkHeader, NEW_SEGMENT, type Segment } from "../state/link-codec.ts";
import {
  edgesOf,
  type LinkRequest,
  type LinkRows,
  type LinkWrite,
  type StoredLinks,
  type UnreadableLinks,
} from "../state/link-rows.ts";
import { segmentOf } from "../state/link-segments.ts";
import type { ReferrerEntry, ReferrerIndex } from "../state/referrer-index.ts";
import type { Sids } from "../state/sid-rows.ts";
import { type OpenLinks, type SaidChanges, statementsOf } from "./link-statements.ts";
import { isUnreadable } from "./unreadable-links.ts";

export interface FoldedBatch {
  /** Referrers whose members the batch spoke of. */
  readonly referrers: number;
  readonly dirty: number;
}

export type FoldLinks = (run: SyncRunInput, readNo: number, sequence: number) => Promise<FoldedBatch>;

/** What is said of links by changes that came together. */
export type FoldSaid = (job: JobRow, header: ChunkHeader, said: SaidChanges) => Promise<FoldedBatch>;

interface Unreadable {
  readonly own: OpenLinks;
  readonly stored: UnreadableLinks;
}

const TRIES = 8;

export function createFoldLinks(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly log: Log;
  readonly foldSaid: FoldSaid;
  /** After so many failed ones an attempt is a batch's last. */
  readonly attempts: number;
  readonly askFullRead: AskFullRead;
}): FoldLinks {
  const jobs = jobTable(deps.rows);
  return async (run, readNo, sequence) => {
    await deps.fence.check(run);
    const row = await readRow<BatchRow>(jobs, run.jobId, ROW.batch(run.lane, readNo, sequence));
    if (!row) throw new Error(`Batch ${readNo}/${sequence} of job ${run.jobId} is not waiting in lane ${run.lane}.`);
    const { batchId } = row.value;
    // Of a batch that was planned by an older release it stands in the chunks only.
    const header =
      (await readFile<ChunkHeader>(deps.blobs, FILES.header(batchId))) ??
      (await readFile<ChunkFile>(deps.blobs, FILES.chunk(batchId, 0)))?.header;
    if (!header) return { referrers: 0, dirty: 0 };
    const batch = await readNeeded<ChangeBatch>(deps.blobs, row.value.blob);
    const job = await readRow<JobRow>(jobs, run.jobId, ROW.job);
    if (!job) throw new Error(`Job ${run.jobId} is gone.`);
    const fold = (changes: readonly PositionedChange[]) => deps.foldSaid(job.value, header, partOf(batch, changes));
    const changes = batch.changes.map((change, index): PositionedChange => ({ change, index }));
    if (row.value.attempts < deps.attempts) return fold(changes);
    const folded = await halving(
      async (part) => [await fold(part)],
      changes,
      async ({ change }, error) => {
        await leaveOut(header, change.objectGuid, error);
        return [];
      },
    );
    const sum = (count: (own: FoldedBatch) => number) => folded.reduce((all, own) => all + count(own), 0);
    return { referrers: sum((own) => own.referrers), dirty: sum((own) => own.dirty) };
  };

  /** What a change says of links is in no row: only a full read brings it. One that meets the same asks for no other. */
  async function leaveOut({ jobId, batchId, isFull }: ChunkHeader, objectGuid: string, error: unknown): Promise<void> {
    deps.log.error("object-isolated", { jobId, objectGuid, workId: batchId });
    const why = error instanceof Error ? error.message : String(error);
    if (!isFull) await deps.askFullRead(jobId, "parked-object", `Links of object ${objectGuid}: ${why}`);
  }
}

interface PositionedChange {
  readonly change: ChangeBatch["changes"][number];
  readonly index: number;
}

/** Changes that follow each other, with the positions that they have in their batch. */
function partOf(batch: ChangeBatch, part: readonly PositionedChange[]): SaidChanges {
  const { kind, readNo, sequence } = batch;
  const first = part[0]?.index ?? 0;
  return { kind, readNo, sequence, changes: part.map(({ change }) => change), firstPosition: first, firstIndex: first };
}

export function createFoldSaid(deps: {
  readonly links: LinkRows;
  readonly sids: Sids;
  readonly referrers: ReferrerIndex;
  readonly dirty: DirtyRows;
  readonly noteScope: NoteScope;
  readonly log: Log;
}): FoldSaid {
  return async (job, header, changes) => {
    const said = statementsOf(header, changes);
    const noteMembers = await deps.noteScope.batch(job, header, changes);
    await deps.sids.put(said.sids);
    const open = await withMemberOf(header, said.open, said.memberOf);
    const dirty = await foldAll(header, open, said.references, noteMembers);
    await deps.dirty.put(header.jobId, dirty);
    return { referrers: open.length, dirty: dirty.length };
  };

  /** A list of the groups that an object is in, as a statement about it in each of them and in those it was known to be in. */
  async function withMemberOf(
    header: ChunkHeader,
    open: readonly OpenLinks[],
    memberOf: ReturnType<typeof statementsOf>["memberOf"],
  ): Promise<readonly OpenLinks[]> {
    if (memberOf.length === 0) return open;
    const known = await deps.referrers.find(memberOf.map((own) => own.member));
    const byReferrer = new Map(open.map((own) => [own.referrer, own]));
    const say = (referrer: string, statement: LinkStatement, origin: ChangeOrigin) => {
      const before = byReferrer.get(referrer);
      byReferrer.set(referrer, { referrer, statements: [...(before?.statements ?? []), statement], origin });
    };
    for (const { member, groups, version, origin, isFull } of memberOf) {
      const self = [{ guid: member }];
      for (const group of groups) say(group, { kind: "delta", version, add: self, remove: [] }, origin);
      // A full read may prove incomplete: what it lacks says nothing yet.
      if (isFull) continue;
      for (const { configurationId, referrer, attribute } of known.get(member) ?? []) {
        if (configurationId !== header.configurationId || attribute !== "member" || groups.includes(referrer)) continue;
        say(referrer, { kind: "delta", version, add: [], remove: self }, origin);
      }
    }
    return [...byReferrer.values()];
  }

  async function foldAll(
    header: ChunkHeader,
    all: readonly OpenLinks[],
    references: readonly ReferrerEntry[],
    noteMembers: NoteMembers,
  ): Promise<DirtyLinks[]> {
    const dirty: DirtyLinks[] = [];
    const unreadable: Unreadable[] = [];
    let open = all;
    let entries = references;
    for (let tries = 0; tries === 0 || open.length > 0; tries++) {
      if (tries === TRIES)
        throw new Error(`The links of object ${open[0]?.referrer} change faster than they can be written.`);
      // On a first load there is nothing to read; a row that is there after all shows when the insert is refused.
      const stored = await deps.links.load(
        open.map((own) => requestOf(header, own)),
        { isNew: header.isFirstLoad && tries === 0 },
      );
      const perhaps: ReferrerEntry[] = [];
      const folded = open.flatMap((own, index) => {
        const one = stored[index];
        if (!one || !isUnreadable(one)) return [foldOne(header, own, one)];
        unreadable.push({ own, stored: one });
        perhaps.push(...perhapsNamed(header, own));
        return [];
      });
      await deps.referrers.add([...entries, ...perhaps, ...folded.flatMap((own) => own.fresh)]);
      entries = [];
      await noteMembers?.(new Set(folded.flatMap((own) => [...own.touched])));
      const writes = folded.flatMap((own) => own.write ?? []);
      const written = await deps.links.write(writes);
      open = folded.flatMap((own) => {
        const result = own.write ? written[writes.indexOf(own.write)] : own.stored;
        if (!result) return [own.open];
        if (isUnreadable(result)) unreadable.push({ own: own.open, stored: result });
        else dirty.push(...own.dirtyAt(result.header.digits));
        return [];
      });
    }
    return [...dirty, ...waiting(header, unreadable)];
  }

  /** What was said of them is applied to nothing. The end of the read looks at them, and tells of each. */
  function waiting({ jobId, batchId }: ChunkHeader, unreadable: readonly Unreadable[]): DirtyLinks[] {
    const [first] = unreadable;
    if (first) {
      const { referrer } = first.own;
      const { unreadable: row } = first.stored;
      deps.log.error("links-unreadable", { jobId, batchId, groups: unreadable.length, first: referrer, row });
    }
    return unreadable.map(({ own: { referrer, origin } }) => {
      return { referrer, attribute: "member", segment: "", edges: 1, origin };
    });
  }
}

function requestOf({ configurationId }: ChunkHeader, { referrer, statements }: OpenLinks): LinkRequest {
  return {
    key: { configurationId, referrer, attribute: "member" },
    segmentsOf: (header) =>
      needsAllEdges(header, statements)
        ? "all"
        : [...namedBy(statements)].map((guid) => segmentOf(guid, header.digits)),
  };
}

function foldOne(header: ChunkHeader, open: OpenLinks, stored: StoredLinks | undefined) {
  if (!stored) throw new Error(`The links of object ${open.referrer} were not read.`);
  const { readNo, mustWriteVersions } = header;
  const known = edgesOf(stored);
  const folded = foldLinks(stored.header, known, open.statements, { keepsVersions: mustWriteVersions });
  const segments = changedSegments(stored, folded.changed, folded.edges);
  const grown = [...folded.changed].reduce(
    (sum, guid) => sum + (folded.edges.has(guid) ? 1 : 0) - (known.has(guid) ? 1 : 0),
    0,
  );
  const { list: _, ...rest } = stored.header;
  const head: LinkHeader = { ...rest, ...folded.head, edges: stored.header.edges + grown };
  const isNews =
    folded.changed.size > 0 ||
    JSON.stringify(folded.head.list) !== JSON.stringify(stored.header.list) ||
    (mustWriteVersions && !sameHead(folded.head, stored.header));
  const write: LinkWrite | undefined = isNews ? { stored, header: head, segments } : undefined;
  const fresh = [...folded.changed].flatMap((guid): ReferrerEntry[] => {
    const edge = folded.edges.get(guid);
    return edge && !known.has(guid) ? [entryOf(header, open.referrer, { guid, sid: edge.sid })] : [];
  });
  return { open, stored, write, fresh, touched: folded.touched, dirtyAt };

  function dirtyAt(digits: number): DirtyLinks[] {
    const unsettled = new Map<string, number>();
    const missing = new Map<string, number>();
    const count = (tally: Map<string, number>, name: string) => tally.set(name, (tally.get(name) ?? 0) + 1);
    for (const guid of folded.touched) {
      const edge = folded.edges.get(guid);
      // While removals are held back, each change of the group has all of it judged again.
      if (edge && (isUnsettled(edge) || stored?.header.staged)) count(unsettled, segmentOf(guid, digits));
      if (edge?.missing === readNo) count(missing, segmentOf(guid, digits));
    }
    const base = { referrer: open.referrer, attribute: "member", origin: open.origin };
    return [
      ...[...unsettled].map(([segment, edges]) => ({ ...base, segment, edges })),
      ...[...missing].map(([segment, edges]) => ({ ...base, segment, edges, missingIn: readNo })),
    ];
  }
}

function entryOf(
  { configurationId, jobId }: ChunkHeader,
  referrer: string,
  { guid, sid }: { readonly guid: string; readonly sid?: string | undefined },
): ReferrerEntry {
  const entry = { configurationId, jobId, referrer, attribute: "member" };
  return sid === undefined ? { ...entry, referee: guid } : { ...entry, referee: sid, named: guid };
}

/** Whom a group names whose edges can't be read: the reverse index may name more than there is, and scopes go by it. */
function perhapsNamed(header: ChunkHeader, { referrer, statements }: OpenLinks): ReferrerEntry[] {
  const named = statements.flatMap((own) => (own.kind === "list" ? own.values : own.add));
  return named.map((own) => entryOf(header, referrer, own));
}

/** The segments of some edges, with them as they are now. */
export function changedSegments(
  stored: StoredLinks,
  changed: ReadonlySet<string>,
  edges: ReadonlyMap<string, Edge>,
): Map<string, Segment> {
  const maps = new Map<string, Map<string, Edge>>();
  for (const guid of changed) {
    const name = segmentOf(guid, stored.header.digits);
    const own = maps.get(name) ?? new Map(stored.segments.get(name)?.segment.edges);
    maps.set(name, own);
    const edge = edges.get(guid);
    if (edge) own.set(guid, edge);
    else own.delete(guid);
  }
  return new Map(
    [...maps].map(([name, own]) => [name, { ...(stored.segments.get(name)?.segment ?? NEW_SEGMENT), edges: own }]),
  );
}
