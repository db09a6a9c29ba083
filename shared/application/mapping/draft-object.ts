/**
 * An object on its way to a plan: its changes folded into the record, and what the mapping makes of that. Nothing is asked
 * of index or target yet.
 */
import { endOfRead, NO_VERSION, readNoOf } from "../../domain/change-version.ts";
import { foldChange, type SourceChange, withoutMissing } from "../../domain/image.ts";
import type { ObjectRecord } from "../../domain/object-record.ts";
import { withinLimit } from "../../domain/oversize.ts";
import { RESTORE_WINDOW_MS, type RemovalClass } from "../../domain/plan.ts";
import { factsText } from "../../domain/scope/places.ts";
import type { TargetValues } from "../../domain/target-value.ts";
import { stillWaived } from "../../domain/waived.ts";
import type { Clock } from "../../ports/clock.ts";
import type { TargetDirectory } from "../../ports/target-directory.ts";
import { EXCLUDED_SCOPE, type Excluded } from "../exclusions/excluded.ts";
import type { ChangeOrigin, ChunkHeader, ChunkItem } from "../lanes/chunk-files.ts";
import type { Vanished } from "../matching/vanished.ts";
import type { ClaimIndex } from "../state/claim-index.ts";
import type { Expiries } from "../state/expiry-rows.ts";
import type { ObjectStore, StoredObject } from "../state/object-store.ts";
import { packJson } from "../state/packing.ts";
import { defectFailure, oversizeFailure, unappliedFailure, unreadableFailure } from "./evaluation-failures.ts";
import type { Evaluation, JobMapping } from "./job-mapping.ts";
import { lacksOf } from "./missing-names.ts";

export interface MapDeps {
  readonly mapping: JobMapping;
  readonly objects: ObjectStore;
  readonly claims: ClaimIndex;
  readonly target: TargetDirectory;
  readonly clock: Clock;
  readonly vanished: Vanished;
  readonly excluded: Excluded;
  /** Nothing may be sent: see `held-objects.ts`. */
  readonly holdsExports: boolean;
  readonly expiries: Pick<Expiries, "add">;
  /** The last attempt of a batch: an object that can't be planned with the others is told apart, and waits alone. */
  readonly onIsolated?: (objectGuid: string) => void;
}

export interface Draft {
  readonly objectGuid: string;
  readonly indexes: readonly number[];
  readonly record: ObjectRecord;
  readonly etag?: string;
  readonly isChanged: boolean;
  readonly isSuperseded: boolean;
  readonly evaluation: Evaluation;
  readonly allow: readonly RemovalClass[];
  readonly approvedBy?: string;
  readonly lacks?: readonly RemovalClass[];
  readonly approvedNames?: TargetValues;
  readonly origin?: ChangeOrigin;
  /** Properties that step aside while others hold what it wants. */
  readonly parks?: readonly string[];
  /** Looked for in the target, whatever the index knows. */
  readonly seeksMatch?: boolean;
  readonly resendsReferences?: boolean;
  /** Somebody else found other facts meanwhile: it has to be looked at again. */
  readonly losesFacts?: boolean;
}

/** One object's items, in their order, on top of what is known of it. A defect on the way is a failure of that object alone. */
export function draftOf(
  deps: MapDeps,
  header: ChunkHeader,
  objectGuid: string,
  items: readonly ChunkItem[],
  known: StoredObject | undefined,
): Draft {
  try {
    return draftWhole(deps, header, objectGuid, items, known);
  } catch (error) {
    const record = known?.record ?? emptyTombstone(header.configurationId, objectGuid);
    const draft = failedDraft(items, known, record, defectFailure(record, error));
    const lost = items.flatMap(({ change, version }) => (change ? [version ?? NO_VERSION] : []));
    if (lost.length === 0) return draft;
    const unapplied = [record.unapplied ?? NO_VERSION, ...lost].sort().at(-1) ?? NO_VERSION;
    return { ...draft, record: { ...record, unapplied }, isChanged: true };
  }
}

function draftWhole(
  deps: MapDeps,
  header: ChunkHeader,
  objectGuid: string,
  items: readonly ChunkItem[],
  known: StoredObject | undefined,
): Draft {
  const { configurationId, seesAll, overtakes } = header;
  const context = { configurationId, seesAll, overtakes };
  const now = deps.clock.now();
  if (known?.record.unreadable) return failedDraft(items, known, known.record, unreadableFailure(known.record));
  let record = known && withoutExpiredLink(known.record, now);
  let isChanged = false;
  let isSuperseded = items.some((item) => item.change !== undefined);
  let losesFacts = false;
  for (const item of items) {
    const { readNo = header.readNo } = item;
    // Seen by a later read meanwhile: then it is not absent.
    if (item.isAbsent && record?.state === "live" && lastSeenIn(record) <= readNo) {
      record = { ...whole(record), state: "absent", version: endOfRead(readNo) };
      isChanged = true;
    }
    // What a later change brought is no longer among the names.
    if (item.losesMissing && record?.missing?.readNo === readNo) {
      record = withoutMissing(record);
      isChanged = true;
    }
    if (item.facts && record && factsText(record.facts) !== factsText(item.facts.after)) {
      losesFacts = factsText(record.facts) !== item.facts.before;
      isChanged ||= !losesFacts;
      if (!losesFacts) record = { ...record, facts: item.facts.after };
    }
    if (!item.change) continue;
    const folded = foldChange(record, item.change, item.version ?? NO_VERSION, context);
    const isApplied = folded.effect !== "superseded" && folded.record.version === (item.version ?? NO_VERSION);
    const after = isApplied && tellsAll(item.change) ? whole(folded.record, item.version) : folded.record;
    const weigh = (image: ObjectRecord["image"]) => packJson(image).length;
    const within = withinLimit(record, after, item.change, { isApplied, seesAll, weigh });
    isChanged ||= after !== folded.record;
    isChanged ||= folded.effect === "changed" || JSON.stringify(within.oversize) !== JSON.stringify(record?.oversize);
    record = within;
    isSuperseded &&= folded.effect === "superseded";
  }
  const settled = record ?? emptyTombstone(header.configurationId, objectGuid);
  const { undecided: _, fate: __, expiresAt: expiredAt, goneAt: goneBefore, ...decided } = settled;
  const isExcluded = deps.excluded(objectGuid) || deps.excluded(settled.link?.targetId);
  const judged: Evaluation = isExcluded
    ? { kind: "ignored", scope: EXCLUDED_SCOPE, excluded: true }
    : withoutThrowing(settled, () => evaluationOf(deps.mapping, settled));
  const { evaluation, goneAt, lookAt } = delayed(settled, judged, deps.mapping.deleteDelayOf(settled.objectClass), now);
  // What the source says anew ends what an admin let the target keep.
  const { link } = settled;
  const kept = link && evaluation.kind === "present" ? stillWaived(link, evaluation) : link;
  const undecided = "undecided" in evaluation && evaluation.undecided === true;
  const fate = fateAfter(settled, evaluation);
  const expiresAt = evaluation.kind === "present" ? evaluation.expiresAt : lookAt;
  const scopeChanged =
    settled.scope !== evaluation.scope || settled.fate !== fate || (settled.undecided ?? false) !== undecided;
  const isDefect = evaluation.kind === "failed" && evaluation.code === "InternalError";
  const lacks =
    isSuperseded || isExcluded || isDefect ? undefined : lacksOf(deps.mapping, header, settled, evaluation, now);
  const origin = items.at(-1)?.origin;
  const { approvedNames, approvedBy } = items.at(-1) ?? {};
  const mustWriteVersion = header.mustWriteVersions || items.some((item) => item.mustWriteVersion);
  const parks = items.flatMap((item) => item.parks ?? []);
  return {
    objectGuid,
    indexes: items.map((item) => item.index),
    record: {
      ...decided,
      ...(kept ? { link: kept } : {}),
      scope: evaluation.scope,
      ...(undecided ? { undecided } : {}),
      ...(fate ? { fate } : {}),
      ...(goneAt === undefined ? {} : { goneAt }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    },
    ...(known?.etag === undefined ? {} : { etag: known.etag }),
    isChanged:
      isChanged ||
      scopeChanged ||
      expiresAt !== expiredAt ||
      goneAt !== goneBefore ||
      kept !== link ||
      (mustWriteVersion && !isSuperseded),
    isSuperseded,
    evaluation,
    allow: items.flatMap((item) => item.allow ?? []),
    ...(lacks ? { lacks } : {}),
    ...(approvedBy === undefined ? {} : { approvedBy }),
    ...(approvedNames ? { approvedNames } : {}),
    ...(origin ? { origin } : {}),
    ...(parks.length > 0 ? { parks } : {}),
    ...(items.some((item) => item.seeksMatch) ? { seeksMatch: true } : {}),
    ...(items.some((item) => item.resendsReferences) ? { resendsReferences: true } : {}),
    ...(losesFacts ? { losesFacts } : {}),
  };
}

/** The changes of it are not applied: their values come with the next full read, once the cause is gone. */
function failedDraft(
  items: readonly ChunkItem[],
  known: StoredObject | undefined,
  record: ObjectRecord,
  evaluation: Evaluation,
): Draft {
  const origin = items.at(-1)?.origin;
  return {
    objectGuid: record.objectGuid,
    indexes: items.map((item) => item.index),
    record,
    ...(known?.etag === undefined ? {} : { etag: known.etag }),
    isChanged: false,
    isSuperseded: false,
    evaluation,
    allow: [],
    ...(origin ? { origin } : {}),
  };
}

/** Evaluating fails by values; anything thrown is a defect, and that of one object is no reason to hold up others. */
function withoutThrowing(record: ObjectRecord, evaluate: () => Evaluation): Evaluation {
  try {
    return evaluate();
  } catch (error) {
    return defectFailure(record, error);
  }
}

/** Nothing of an object is unknown after it. */
function tellsAll(change: SourceChange): boolean {
  return change.op !== "upsert" || change.changed === undefined;
}

/** The read whose change of it was the last, applied or not. */
function lastSeenIn({ version, unapplied = NO_VERSION }: ObjectRecord): number {
  return Math.max(readNoOf(version), readNoOf(unapplied));
}

/** The very same one where nothing is missing, or what is missing is newer than what told it whole. */
function whole(record: ObjectRecord, by?: string): ObjectRecord {
  if (record.unapplied === undefined || (by !== undefined && by < record.unapplied)) return record;
  const { unapplied: _, ...rest } = record;
  return rest;
}

function evaluationOf(mapping: JobMapping, record: ObjectRecord): Evaluation {
  if (record.unapplied) return unappliedFailure(record);
  if (record.unlinked && !record.link && record.state === "live")
    return {
      kind: "absent",
      scope: `Unlinked by ${record.unlinked.by}: left alone until it is joined.`,
      because: "unlinked",
    };
  const evaluation = mapping.evaluate(record, { creating: record.link === undefined });
  const isMapped = evaluation.kind === "present" || evaluation.kind === "failed";
  return record.oversize && record.state === "live" && isMapped ? oversizeFailure(record, record.oversize) : evaluation;
}

/** One whose deletion waits is kept as it is meanwhile, and looked at again when that is over. */
function delayed(
  { link, goneAt: since }: ObjectRecord,
  judged: Evaluation,
  delayMs: number,
  now: number,
): { readonly evaluation: Evaluation; readonly goneAt?: number; readonly lookAt?: number } {
  const isToGo = judged.kind === "absent" && (judged.fate ?? "delete") === "delete";
  if (delayMs === 0 || !isToGo || !link || link.deletedAt !== undefined) return { evaluation: judged };
  const goneAt = since ?? now;
  const lookAt = goneAt + delayMs;
  if (lookAt <= now) return { evaluation: judged, goneAt };
  return { evaluation: { ...judged, fate: "keep", because: "delete-delayed" }, goneAt, lookAt };
}

/** What is noted of the end of a linked object, until it is deleted or what was done is undone. */
function fateAfter({ link, fate }: ObjectRecord, evaluation: Evaluation): ObjectRecord["fate"] {
  if (!link || link.deletedAt !== undefined) return undefined;
  if (evaluation.kind === "present")
    return fate === "disable" && link.exported["accountEnabled"] === false ? fate : undefined;
  if (evaluation.kind !== "absent") return fate;
  return evaluation.fate === "delete" ? undefined : evaluation.fate;
}

/** Deleted too long ago to be restored: the object begins anew, defaults, creation-only values and all. */
function withoutExpiredLink(record: ObjectRecord, now: number): ObjectRecord {
  const deletedAt = record.link?.deletedAt;
  if (deletedAt === undefined || now - deletedAt <= RESTORE_WINDOW_MS) return record;
  const { link: _, ...rest } = record;
  return rest;
}

/** An object that nobody knew is mapped as gone: a tombstone row, so that an older create can't follow it. */
function emptyTombstone(configurationId: string, objectGuid: string): ObjectRecord {
  return {
    configurationId,
    objectGuid,
    objectClass: "",
    dn: "",
    image: {},
    state: "deleted",
    version: NO_VERSION,
    scope: "",
  };
}
