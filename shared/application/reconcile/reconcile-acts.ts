/**
 * Carries out what a reconcile decided: rows are set so that the ordinary way sees a difference, or sees none any more, and
 * the objects are mapped again as work of the lane. Nothing is written to the target here.
 *
 * If-Match on the etags of the decision. Repeated, an act that was done is found done; a row that somebody else changed
 * stays as it is, and the next reconcile looks again.
 */
import { NO_VERSION } from "../../domain/change-version.ts";
import { withoutTarget } from "../../domain/link-difference.ts";
import type { Edge } from "../../domain/links.ts";
import type { ObjectRecord } from "../../domain/object-record.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { addWork } from "../lanes/add-work.ts";
import { withClaims } from "../matching/object-claims.ts";
import { isUnreadable } from "../members/unreadable-links.ts";
import type { DirtyLinks, DirtyRows } from "../state/dirty-links.ts";
import type { Segment } from "../state/link-codec.ts";
import type { LinkKey } from "../state/link-row-names.ts";
import type { LinkRows } from "../state/link-rows.ts";
import { segmentNames, segmentOf } from "../state/link-segments.ts";
import { groupBy, type ObjectStore, type StoredObject } from "../state/object-store.ts";
import type { ReconcileRow } from "../state/reconcile-rows.ts";
import type { Act } from "./reconcile-decision.ts";

export interface ActDeps {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly objects: ObjectStore;
  readonly links: LinkRows;
  readonly dirty: DirtyRows;
}

const TRIES = 3;
const LANE = "bulk";

export interface Acted {
  /** By act: whether it is done. */
  readonly done: readonly boolean[];
  /** Work was added. */
  readonly works: number;
}

export async function carryOut(
  deps: ActDeps,
  row: ReconcileRow,
  configurationId: string,
  acts: readonly Act[],
): Promise<Acted> {
  const done = acts.map(() => true);
  const links = acts.flatMap((act, index) => (act.do === "link" ? [{ act, index }] : []));
  const written = await writeLinks(
    deps,
    configurationId,
    links.map(({ act }) => act),
  );
  for (const [at, { index }] of links.entries()) done[index] = written[at] ?? false;
  let touched = 0;
  for (const [index, act] of acts.entries()) {
    if (act.do !== "edges") continue;
    const isDone = await writeEdges(
      deps,
      row,
      { configurationId, referrer: act.group.objectGuid, attribute: "member" },
      act,
    );
    if (isDone && act.to === "none") touched++;
    done[index] = isDone;
  }
  // What was adopted is right as it is: nothing has to follow from it.
  const repaired = row.policy === "repair" ? links.filter(({ index }) => done[index]) : [];
  const again = repaired.map(({ act }) => act.objectGuid);
  const sought = acts.flatMap((act) => (act.do === "seek" ? [act.objectGuid] : []));
  let works = 0;
  const add = async (kind: "reevaluate" | "links", objectGuids: readonly string[], seeksMatch: boolean) => {
    const workId = `${row.workId}-repair-${String(row.repairs + works++).padStart(6, "0")}`;
    await addWork(deps, row.jobId, kind, { objectGuids, ...(seeksMatch ? { seeksMatch } : {}) }, workId, LANE);
  };
  if (again.length > 0) await add("reevaluate", again, false);
  else if (touched > 0) await add("links", [], false);
  if (sought.length > 0) await add("reevaluate", sought, true);
  return { done, works };
}

type LinkAct = Extract<Act, { do: "link" }>;

async function writeLinks({ objects }: ActDeps, configurationId: string, acts: readonly LinkAct[]): Promise<boolean[]> {
  const stored = await objects.getMany(
    configurationId,
    acts.map(({ objectGuid }) => objectGuid),
  );
  const done = acts.map((act) => {
    const link = stored.get(act.objectGuid)?.record.link;
    return stored.has(act.objectGuid) && JSON.stringify(link ?? null) === JSON.stringify(act.link);
  });
  const due = acts.flatMap((act, index): { index: number; object: StoredObject }[] => {
    const own = stored.get(act.objectGuid);
    if (!own || done[index] || own.etag !== act.etag) return [];
    return [{ index, object: { record: withLink(own.record, act), etag: act.etag } }];
  });
  const results = await objects.write(due.map(({ object }) => object));
  for (const [at, { index }] of due.entries()) done[index] = results[at]?.written ?? false;
  return done;
}

/** Whether a lost create's mark means anything is over with the link that is written. */
function withLink(record: ObjectRecord, { link, claims }: LinkAct): ObjectRecord {
  const { link: _, mark: __, ...rest } = record;
  return withClaims(link ? { ...rest, link } : rest, claims);
}

type EdgesAct = Extract<Act, { do: "edges" }>;

/** Sixteen pieces of the group at most, one after the other: a group of 250,000 is never in memory whole. */
async function writeEdges(deps: ActDeps, row: ReconcileRow, key: LinkKey, act: EdgesAct): Promise<boolean> {
  let isDone = true;
  for (const prefix of segmentNames(1)) {
    const isHere = (guid: string) => segmentOf(guid, 1) === prefix;
    const lacking = act.lacking.filter(isHere);
    const extra = act.extra.filter(({ guid }) => isHere(guid));
    if (lacking.length + extra.length === 0) continue;
    if (!(await writePiece(deps, row, key, { ...act, lacking, extra }))) isDone = false;
  }
  return isDone;
}

async function writePiece(deps: ActDeps, row: ReconcileRow, key: LinkKey, act: EdgesAct): Promise<boolean> {
  const guids = [...act.lacking, ...act.extra.map(({ guid }) => guid)];
  for (let tries = 0; tries < TRIES; tries++) {
    const [stored] = await deps.links.load([
      { key, segmentsOf: ({ digits }) => guids.map((guid) => segmentOf(guid, digits)) },
    ]);
    if (!stored) return false;
    const { digits } = stored.header;
    const bySegment = groupBy(guids, (guid) => segmentOf(guid, digits));
    // First, so that whoever dies in between is not forgotten: a row says where to look, not what to do.
    if (act.to === "none")
      await deps.dirty.put(
        row.jobId,
        bySegment.map(([name, own]) => dirtyOf(row, key, name, own.length)),
      );
    const segments = new Map<string, Segment>();
    let grown = 0;
    for (const [name, own] of bySegment) {
      const segment = stored.segments.get(name)?.segment;
      if (!segment || (segment.edges.size > 0 && segment.group !== act.group.targetId)) return false;
      const edges = new Map(segment.edges);
      for (const guid of own) {
        const edge = edgeAfter(edges.get(guid), guid, act);
        if (edge) edges.set(guid, edge);
      }
      grown += edges.size - segment.edges.size;
      segments.set(name, { ...segment, group: act.group.targetId, edges });
    }
    const header = { ...stored.header, edges: stored.header.edges + grown };
    const [written] = await deps.links.write([{ stored, header, segments }]);
    if (written) return !isUnreadable(written);
  }
  return false;
}

/** Undefined: it stays as it is. */
function edgeAfter(edge: Edge | undefined, guid: string, act: EdgesAct): Edge | undefined {
  const extra = act.extra.find((own) => own.guid === guid);
  // In the group by no doing of ours: as if it were, and not wanted, so that it is judged and removed like any other.
  if (extra) return edge ? undefined : { version: NO_VERSION, wanted: false, state: "added", target: extra.target };
  if (!edge?.wanted || edge.state !== "added") return undefined;
  const bare = withoutTarget(edge);
  return act.to === "waived" ? { ...bare, state: "waived" } : bare;
}

function dirtyOf(
  { workId }: ReconcileRow,
  { referrer, attribute }: LinkKey,
  segment: string,
  edges: number,
): DirtyLinks {
  return { referrer, attribute, segment, edges, origin: { batchId: workId, index: 0, agentId: "", server: "" } };
}
