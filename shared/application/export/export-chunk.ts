/**
 * One chunk, from plan to outcome: exports the planned objects, settles those whose rows changed meanwhile, writes
 * provisioning log, escrows and removals, and at last the outcome file. Repeated at any point it goes on where it was.
 */
import { type ObjectRecord, type Outcome, typeOfLink, underWayFor } from "../../domain/object-record.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { TargetDirectory } from "../../ports/target-directory.ts";
import type { ImageSources } from "../cycles/image-sources.ts";
import type { Excluded } from "../exclusions/excluded.ts";
import { withheld } from "../exclusions/withheld.ts";
import type { NameGuard } from "../guard/name-guard.ts";
import { undoneOf } from "../guard/undone-removals.ts";
import { halving } from "../halving.ts";
import type { AskFullRead } from "../lanes/ask-full-read.ts";
import {
  type ChunkFile,
  FILES,
  type OutcomeEntry,
  type OutcomeFile,
  type PlanFile,
  type PlannedObject,
  readFile,
  readNeeded,
  waits,
  writeOnce,
} from "../lanes/chunk-files.ts";
import type { IsLastAttempt } from "../lanes/last-attempt.ts";
import type { Fence, SyncRunInput } from "../lanes/wake-job.ts";
import type { Took } from "../log/log-entries.ts";
import type { JobMapping } from "../mapping/job-mapping.ts";
import type { TellLeftOut } from "../mapping/left-out.ts";
import { mapObjects } from "../mapping/map-objects.ts";
import type { Vanished } from "../matching/vanished.ts";
import { bindMembers, noteMembers } from "../members/bind-members.ts";
import { sidOf } from "../members/link-statements.ts";
import type { Binding, LinkStore } from "../members/link-store.ts";
import { toldOf } from "../on-demand/told-object.ts";
import type { ClaimIndex } from "../state/claim-index.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import type { Expiries } from "../state/expiry-rows.ts";
import type { ObjectStore, StoredObject } from "../state/object-store.ts";
import type { ProvisioningLog } from "../state/provisioning-log.ts";
import type { Removals } from "../state/removal-rows.ts";
import type { ScopeNotes } from "../state/scope-notes.ts";
import { bindReferences } from "./bind-references.ts";
import { type ExportResult, exportObjects } from "./export-objects.ts";
import { lastOf } from "./export-records.ts";
import { isHeldEntry, withoutExport } from "./held-objects.ts";
import { setAside } from "./isolate-export.ts";
import { recordResults } from "./record-results.ts";
import type { Reference, References } from "./references.ts";
import { settledBefore } from "./write-outcomes.ts";
import { type WriteQuota, writesOf } from "./write-quota.ts";
import { createWritesLeft } from "./writes-left.ts";

const ROUNDS = 3;
/** How long to leave an object alone that another run is exporting, at most, before looking again. */
const UNDER_WAY_MS = 10_000;

export interface ChunkRef extends SyncRunInput {
  readonly batchId: string;
  readonly chunk: number;
}

export interface ExportedChunk {
  /** False: the target asked for patience; call again at `notBefore` (milliseconds since 1970). */
  readonly done: boolean;
  readonly notBefore?: number;
}

/** What a job's chunks are worked with. */
export interface JobContext {
  readonly mapping: JobMapping;
  readonly objects: ObjectStore;
  readonly claims: ClaimIndex;
  readonly target: TargetDirectory;
  readonly vanished: Vanished;
  readonly excluded: Excluded;
  /** Nothing may be sent: see `held-objects.ts`. */
  readonly holdsExports: boolean;
  readonly expiries: Pick<Expiries, "add">;
}

export type ExportChunk = (ref: ChunkRef) => Promise<ExportedChunk>;

export function createExportChunk(deps: {
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly escrows: Escrows;
  readonly removals: Removals;
  readonly provisioningLog: ProvisioningLog;
  readonly references: References;
  readonly links: LinkStore;
  readonly tellLeftOut: TellLeftOut;
  readonly scopeNotes: ScopeNotes;
  readonly quota: WriteQuota;
  readonly names: NameGuard;
  readonly imageSources: ImageSources;
  readonly isLastAttempt: IsLastAttempt;
  readonly askFullRead: AskFullRead;
  readonly contextOf: (jobId: string, schemaVersion: number) => Promise<JobContext>;
}): ExportChunk {
  const left = createWritesLeft();
  return async (ref) => {
    await deps.fence.check(ref);
    const outcomePath = FILES.outcome(ref.batchId, ref.chunk);
    if ((await deps.blobs.get(outcomePath)) !== undefined) return { done: true };
    const plan = await readNeeded<PlanFile>(deps.blobs, FILES.plan(ref.batchId, ref.chunk));
    const context = await deps.contextOf(ref.jobId, plan.header.schemaVersion);
    const wanted = context.holdsExports ? 0 : (left.get(outcomePath) ?? plannedWrites(plan));
    const allowance = await deps.quota.book(ref.lane, context.target, wanted);
    if (allowance.granted === 0) return { done: false, notBefore: allowance.notBefore };
    await deps.tellLeftOut(plan.header, context.mapping);
    // Counted for this chunk alone: others write through the same adapter at the same time.
    let writes = 0;
    const target: TargetDirectory = {
      ...allowance.target,
      apply: (actions, options) => allowance.target.apply(actions, { ...options, onWrite: () => void writes++ }),
    };
    const startedAt = deps.clock.now();
    const results = await settleEach(ref, plan, { ...context, target }).finally(allowance.settle);
    if (plan.header.isFirstLoad) deps.references.note(plan.header.configurationId, madeIn(results));
    await recordEach(ref, plan, context.claims, results, {
      mappingMs: Math.round((plan.mappedMs ?? 0) / Math.max(1, plan.objects.length)),
      exportMs: deps.clock.now() - startedAt,
    });
    const unsent = results.filter((result) => result.kind === "unsent");
    if (unsent.length > 0) {
      left.note(outcomePath, plannedWrites({ objects: unsent.map(({ planned }) => planned) }));
      left.add(outcomePath, writes);
      return { done: false, notBefore: deps.clock.now() + Math.max(...unsent.map((result) => result.retryAfterMs)) };
    }
    if (plan.header.asked) {
      const took = { mappingMs: plan.mappedMs ?? 0, exportMs: deps.clock.now() - startedAt };
      const told = { header: plan.header, mapping: context.mapping, took, now: deps.clock.now() };
      const settled = results.filter((result) => result.kind === "settled");
      const own = settled.map((result) => toldOf(told, result));
      await writeOnce(deps.blobs, FILES.told(ref.batchId, ref.chunk), own);
    }
    const file: OutcomeFile = {
      entries: results.flatMap((result) => entriesOf(result)),
      writes: left.made(outcomePath) + writes,
      ...appearedIn(results),
      ...heldIn(results),
    };
    await writeOnce(deps.blobs, outcomePath, file);
    left.forget(outcomePath);
    return { done: true };
  };

  /** All of them; at a batch's last attempt without whoever keeps the others from it. */
  async function settleEach(ref: ChunkRef, plan: PlanFile, context: JobContext): Promise<ExportResult[]> {
    const settle = (objects: readonly PlannedObject[]) => settleAll(ref, { ...plan, objects }, context);
    try {
      return await settle(plan.objects);
    } catch (error) {
      if (!(await deps.isLastAttempt(ref))) throw error;
      // As after an interruption: what was settled meanwhile is taken as it stands.
      return halving(settle, plan.objects, async (planned, cause) => {
        const mapAgain = (stored: StoredObject) => mappedAgain(ref, plan, context, stored);
        const aside = await setAside({ ...context, clock: deps.clock, mapAgain }, plan.header, planned, cause);
        await tellIsolated(ref, plan, planned, cause, aside.isLost);
        return [aside.result];
      });
    }
  }

  /** What can't be told of one object keeps nobody else from being told of. */
  async function recordEach(
    ref: ChunkRef,
    plan: PlanFile,
    claims: ClaimIndex,
    results: readonly ExportResult[],
    took: Took,
  ): Promise<void> {
    const record = async (own: readonly ExportResult[]) => {
      await recordResults(deps, plan.header, claims, own, took);
      return [];
    };
    try {
      await record(results);
    } catch (error) {
      if (!(await deps.isLastAttempt(ref))) throw error;
      await halving(record, results, async ({ planned }, cause) => {
        await tellIsolated(ref, plan, planned, cause, true);
        return [];
      });
    }
  }

  /** `isLost`: only a full read brings what is missing; one that meets the same asks for no other. */
  async function tellIsolated(
    { jobId, batchId }: ChunkRef,
    { header }: PlanFile,
    { objectGuid }: PlannedObject,
    error: unknown,
    isLost: boolean,
  ): Promise<void> {
    deps.log.error("object-isolated", { jobId, objectGuid, workId: batchId });
    const why = error instanceof Error ? error.message : String(error);
    if (isLost && !header.isFull) await deps.askFullRead(jobId, "parked-object", `Object ${objectGuid}: ${why}`);
  }

  async function mappedAgain(ref: ChunkRef, plan: PlanFile, context: JobContext, stored: StoredObject) {
    const { objectGuid } = stored.record;
    const chunk = await readNeeded<ChunkFile>(deps.blobs, FILES.chunk(ref.batchId, ref.chunk));
    const items = chunk.items.filter((item) => item.objectGuid === objectGuid);
    const header = { ...plan.header, isFirstLoad: false };
    const [planned] = await mapObjects(
      { ...context, clock: deps.clock },
      header,
      items,
      new Map([[objectGuid, stored]]),
    );
    return planned;
  }

  /** Objects that need the target, then those that only need their row; contested ones are planned again and follow. */
  async function settleAll(ref: ChunkRef, plan: PlanFile, context: JobContext): Promise<ExportResult[]> {
    const settled: ExportResult[] = [];
    let open: readonly PlannedObject[] = plan.objects;
    let resumed: ReadonlyMap<string, string> = new Map();
    for (let round = 0; round < ROUNDS && open.length > 0; round++) {
      const allowed = withheld(open, context.excluded);
      // Held, nothing is counted: what is released is judged then.
      const guarded = context.holdsExports
        ? allowed
        : await deps.names(plan.header, `${ref.batchId}-${ref.chunk}`, allowed);
      const bound = await bindReferences(deps.references, plan.header, guarded);
      // Held since it was planned, or planned as held: a release has everybody mapped anew.
      open = bound.map((own) => (context.holdsExports || own.held ? withoutExport(own) : own));
      const bindings = new Map<string, Binding>();
      const withMembers = async (planned: readonly PlannedObject[]) => {
        const bound = await bindMembers(deps, plan.header, planned, context.excluded);
        for (const [groupGuid, binding] of bound.bindings) bindings.set(groupGuid, binding);
        return bound.planned;
      };
      const exporting = { ...context, clock: deps.clock, bindMembers: withMembers };
      // Planned while another run was at it: the row decides.
      const contested = open.filter((planned) => isUnderWay(plan, planned.record));
      const free = open.filter((planned) => !contested.includes(planned));
      const acting = free.filter((planned) => planned.action.kind !== "none");
      const resting = free.filter((planned) => planned.action.kind === "none");
      const results = [
        ...(await exportObjects(exporting, plan.header, ref.lane, acting, resumed)),
        ...(await restObjects(plan, context, resting)),
      ];
      await noteMembers(deps, bindings, results);
      settled.push(...results.filter((result) => result.kind !== "contested"));
      contested.push(...results.filter((result) => result.kind === "contested").map((result) => result.planned));
      ({ open, resumed } = await replan(ref, plan, context, contested, settled));
    }
    // Its change is in no row yet: given up here it would be lost. The activity is repeated instead.
    const [first] = open;
    if (first) throw new Error(`The row of object ${first.objectGuid} kept changing while it was exported.`);
    return settled;
  }

  function isUnderWay(plan: PlanFile, record: ObjectRecord): boolean {
    return underWayFor(record.mark, plan.header.batchId, deps.clock.now()) > 0;
  }

  /** Nothing to send: the row is written where it says something new. */
  async function restObjects(
    plan: PlanFile,
    context: JobContext,
    resting: readonly PlannedObject[],
  ): Promise<ExportResult[]> {
    const needsRow = resting.filter(
      (planned) =>
        !planned.isSuperseded &&
        !planned.record.unreadable &&
        (planned.isChanged ||
          (planned.failure !== undefined && !planned.held) ||
          planned.names !== undefined ||
          planned.record.last?.outcome === "escrowed"),
    );
    const written = await context.objects.write(
      needsRow.map((planned): StoredObject => {
        const last = lastOf(plan.header, planned, planned.outcome, planned.failure);
        const record: ObjectRecord = { ...planned.record, last };
        return planned.etag === undefined ? { record } : { record, etag: planned.etag };
      }),
    );
    const refused = new Set(
      needsRow.filter((_, index) => !written[index]?.written).map((planned) => planned.objectGuid),
    );
    return resting.map(
      (planned): ExportResult =>
        refused.has(planned.objectGuid)
          ? { kind: "contested", planned }
          : {
              kind: "settled",
              planned,
              outcome: planned.outcome,
              warnings: [],
              record: planned.record,
              ...(planned.failure ? { failure: planned.failure } : {}),
            },
    );
  }

  /** Rows that changed since they were planned: by ourselves before (take the outcome, or go on), or by somebody else. */
  async function replan(
    ref: ChunkRef,
    plan: PlanFile,
    context: JobContext,
    contested: readonly PlannedObject[],
    settled: ExportResult[],
  ) {
    if (contested.length === 0) return { open: [], resumed: new Map<string, string>() };
    const stored = await context.objects.getMany(
      plan.header.configurationId,
      contested.map((planned) => planned.objectGuid),
    );
    const resumed = new Map<string, string>();
    const open: PlannedObject[] = [];
    const again = new Map<string, StoredObject>();
    for (const planned of contested) {
      const row = stored.get(planned.objectGuid);
      const mark = row?.record.mark;
      const last = row?.record.last;
      // A lost one belongs to an attempt that failed, not to one that was interrupted.
      const isOwnMark = mark?.batchId === plan.header.batchId && !mark.isLost;
      const underWayMs = underWayFor(mark, plan.header.batchId, deps.clock.now());
      if (row && last?.batchId === plan.header.batchId && !isOwnMark) {
        settled.push(settledBefore(planned, row.record));
      } else if (row?.etag !== undefined && isOwnMark && planned.action.kind === "none") {
        // What it was marked for can't be bound any more: what was sent stays in doubt.
        const { mark: _, ...rest } = row.record;
        // Whether a create took effect is to be looked up, whenever it is wanted again.
        const lost = mark?.kind === "creating" ? { mark: { ...mark, isLost: true } } : {};
        again.set(planned.objectGuid, { record: { ...rest, ...lost }, etag: row.etag });
      } else if (row?.etag !== undefined && isOwnMark) {
        resumed.set(planned.objectGuid, row.etag);
        open.push({ ...planned, record: row.record });
      } else if (underWayMs > 0) {
        // Its change is in no row yet, so it can't be left to a retry from the image: the chunk waits.
        settled.push({ kind: "unsent", planned, retryAfterMs: Math.min(underWayMs, UNDER_WAY_MS) });
      } else if (row) again.set(planned.objectGuid, row);
      else open.push(planned);
    }
    if (again.size > 0) {
      const chunk = await readNeeded<ChunkFile>(deps.blobs, FILES.chunk(ref.batchId, ref.chunk));
      const items = chunk.items.filter((item) => again.has(item.objectGuid));
      const first = new Map(contested.map((planned) => [planned.objectGuid, planned]));
      const planned = await mapObjects(
        { ...context, clock: deps.clock },
        { ...plan.header, isFirstLoad: false },
        items,
        again,
      );
      open.push(...planned.map((own) => inheriting(first.get(own.objectGuid), own)));
    }
    return { open, resumed };
  }
}

/** What the first plan claimed may be nobody's wish any more: it is given up, unless the row stands for it. */
function inheriting(first: PlannedObject | undefined, planned: PlannedObject): PlannedObject {
  if (!first) return planned;
  return { ...planned, abandoned: [...planned.abandoned, ...first.abandoned, ...(first.record.claims ?? [])] };
}

/** What the outcome file says of one object: an entry for each of its changes. */
export function entriesOf(result: ExportResult): OutcomeEntry[] {
  if (result.kind !== "settled") return [];
  const { planned, outcome, failure } = result;
  // Of several changes of one object in a batch the last one decides; the ones before are superseded by it.
  return planned.indexes.map((index, position): OutcomeEntry => {
    const isLast = position === planned.indexes.length - 1;
    const own: Outcome = isLast ? outcome : "no-op";
    if (!isLast) return { index, outcome: own };
    const undone = undoneOf(result);
    return {
      index,
      outcome: own,
      ...(waits(planned) ? { isWaiting: true } : {}),
      ...(failure ? { code: failure.code } : outcome === "filtered" ? { code: planned.filteredBy ?? "scope" } : {}),
      ...(planned.action.kind === "none" || outcome === "escrowed" ? {} : { action: planned.action.kind }),
      ...(hasStepped(result) ? { hasStepped: true as const } : {}),
      ...(undone.length > 0 ? { undone } : {}),
      ...(planned.names?.kind === "staged" && !planned.names.isKnown ? { namesStaged: planned.names.reason } : {}),
    };
  });
}

/** It is escrowed all the same: for what it waits for, unless the target refused even this. */
function hasStepped({ planned, failure }: Extract<ExportResult, { kind: "settled" }>): boolean {
  return planned.stepsAside === true && planned.action.kind !== "none" && failure?.code === planned.failure?.code;
}

/** Whose target object came to be or came back, and which of them are groups: what refers to them can be exported now. */
function appearedIn(results: readonly ExportResult[]): Omit<OutcomeFile, "entries" | "writes"> {
  const own = results.flatMap((result) => (result.kind === "settled" && hasAppeared(result) ? [result.planned] : []));
  const guidsOf = (planned: readonly PlannedObject[]) => planned.map(({ objectGuid }) => objectGuid);
  return {
    appeared: guidsOf(own),
    groups: guidsOf(own.filter((planned) => planned.type === "group")),
    returned: guidsOf(own.filter((planned) => planned.action.kind === "restore")),
    sids: own.flatMap(({ record }) => sidOf(record.image) ?? []),
  };
}

function heldIn(results: readonly ExportResult[]): Pick<OutcomeFile, "held"> {
  const held = results.flatMap((result) => {
    if (result.kind !== "settled") return [];
    const { planned, outcome, failure } = result;
    return isHeldEntry({ outcome, ...(failure ? { code: failure.code } : {}) }) ? [planned.objectGuid] : [];
  });
  return held.length === 0 ? {} : { held };
}

function madeIn(results: readonly ExportResult[]): [string, Reference][] {
  return results.flatMap((result): [string, Reference][] => {
    if (result.kind !== "settled" || !hasAppeared(result)) return [];
    const { objectGuid, link } = result.record;
    return link ? [[objectGuid, { targetId: link.targetId, type: typeOfLink(link), isDeleted: false }]] : [];
  });
}

function hasAppeared({ planned, record }: Extract<ExportResult, { kind: "settled" }>): boolean {
  const isMade = ["create", "adopt", "restore"].includes(planned.action.kind);
  return isMade && record.link !== undefined && record.link.deletedAt === undefined;
}

/** By estimate: what is bound, found or refused meanwhile makes it more or less. */
export function plannedWrites({ objects }: Pick<PlanFile, "objects">): number {
  return objects.reduce((sum, { action }) => {
    if (action.kind === "none") return sum;
    if (action.kind !== "restore")
      return sum + writesOf(action.kind === "adopt" ? { ...action, kind: "update" } : action);
    return sum + 1 + (Object.keys(action.values).length > 0 ? writesOf({ ...action, kind: "update" }) : 0);
  }, 0);
}

/** The plan of a chunk, where there is one. */
export async function planOf(
  blobs: BlobStore,
  ref: { readonly batchId: string; readonly chunk: number },
): Promise<PlanFile | undefined> {
  return readFile<PlanFile>(blobs, FILES.plan(ref.batchId, ref.chunk));
}
