/**
 * What an export makes of an object's row: link, outcome, claims, mark. Pure; sending and writing are in
 * `export-objects.ts`.
 */
import { bothDoubts, type Doubt, propertyNames, withoutDoubt } from "../../domain/doubt.ts";
import type { ExportMark, LastOutcome, Link, LinkOrigin, ObjectRecord, Outcome } from "../../domain/object-record.ts";
import type { ObjectAction } from "../../domain/plan.ts";
import { applyDifference, type TargetValues, withoutProperties } from "../../domain/target-value.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { TargetAnswer, TargetFailure } from "../../ports/target-directory.ts";
import type { ChunkHeader, ObjectFailure, PlannedObject } from "../lanes/chunk-files.ts";
import type { TargetIdentity } from "../mapping/job-mapping.ts";
import { claimsWithout, exportedClaims, withClaims } from "../matching/object-claims.ts";

export interface Sent extends Marked {
  readonly targetId: string;
  readonly warnings: readonly TargetFailure[];
}

export interface Marked {
  readonly planned: PlannedObject;
  readonly record: ObjectRecord;
  readonly etag: string;
  readonly warnings?: readonly TargetFailure[];
  /** What was in doubt before the call: what stands when the call surely had no effect. */
  readonly before?: Doubt;
  readonly origin?: LinkOrigin;
  /** The index names it as the one who has the target object already. */
  readonly holdsTarget?: true;
  /** To the last write for it. */
  readonly answer?: TargetAnswer;
}

/** The row before a call: a mark, and all that the call may change in doubt. */
export function markedRecord(header: ChunkHeader, lane: Lane, planned: PlannedObject, at: number): ObjectRecord {
  const { record, action } = planned;
  const { batchId } = header;
  const { link } = record;
  if (!link || action.kind === "create") {
    const properties = [...new Set([...(createInDoubt(record)?.properties ?? []), ...propertyNames(valuesOf(action))])];
    return { ...record, mark: { kind: "creating", lane, batchId, at, properties } };
  }
  const call: Doubt =
    action.kind === "delete"
      ? { at, properties: [], presence: "deleting" }
      : action.kind === "restore"
        ? // It may come back under a parked name: a group has none.
          {
            at,
            properties: [...propertyNames(action.values), ...(planned.type ? [] : ["userPrincipalName", "mail"])],
            presence: "restoring",
          }
        : { at, properties: propertyNames(valuesOf(action)) };
  return {
    ...record,
    link: { ...link, doubt: bothDoubts(link.doubt, call) },
    mark: { kind: "exporting", lane, batchId, at },
  };
}

/** The mark of a call that may have made a target object for an object without link. */
export function createInDoubt(record: ObjectRecord): ExportMark | undefined {
  return record.link === undefined && record.mark?.kind === "creating" ? record.mark : undefined;
}

/** What was in doubt as the object was planned. */
export function doubtBefore({ record }: PlannedObject): { readonly before?: Doubt } {
  const lost = createInDoubt(record);
  const before = lost ? { at: lost.at, properties: lost.properties ?? [] } : record.link?.doubt;
  return before ? { before } : {};
}

/** The target object lives again, whatever becomes of its values: the row that a failure writes has to say so. */
export function brought(header: ChunkHeader, entry: Sent): Sent {
  const values = valuesOf(entry.planned.action);
  const warnings = entry.warnings.filter((warning) => !warning.properties?.every((name) => name in values));
  const before = entry.record.link;
  const { doubt } = withoutDoubt(entry.before, []);
  const at = entry.record.mark?.at ?? 0;
  const link: Link = {
    targetId: entry.targetId,
    ...linkTypeOf(entry.planned),
    owner: header.configurationId,
    origin: before?.origin ?? "matched",
    since: at,
    exported: withoutProperties(before?.exported ?? {}, refusedIn(entry.warnings)),
    ...(before?.waived ? { waived: before.waived } : {}),
    doubt: bothDoubts(doubt, { at, properties: propertyNames(values) }),
  };
  const { before: _, ...rest } = entry;
  return { ...rest, ...(doubt ? { before: doubt } : {}), warnings, record: { ...entry.record, link } };
}

/** One that lives goes on; of before links said so: it was always there. */
function sinceOf(before: Link | undefined, now: number): Pick<Link, "since"> {
  if (!before || before.deletedAt !== undefined) return { since: now };
  return before.since === undefined ? {} : { since: before.since };
}

function linkTypeOf({ type }: PlannedObject): Pick<Link, "type"> {
  return type === undefined ? {} : { type };
}

function refusedIn(warnings: readonly TargetFailure[]): string[] {
  return warnings.flatMap((warning) => warning.properties ?? []);
}

/**
 * What the target kept back of an update, or brought back under another name, is tried again; of a create only a reference
 * that it didn't take: what else it can't have at creation, it won't have later.
 */
export function refusal(entry: Sent): ObjectFailure | undefined {
  const isCreate = entry.planned.action.kind === "create";
  const counts = (name: string) => !isCreate || Object.hasOwn(entry.planned.references ?? {}, name);
  const refused = entry.warnings.find((warning) => (warning.properties ?? []).some(counts));
  return refused && { code: refused.code, message: refused.message, remedy: refused.remedy };
}

export function recordAfter(now: number, header: ChunkHeader, entry: Sent): ObjectRecord {
  const { mark: _, ...record } = entry.record;
  const refused = refusedIn(entry.warnings);
  const link = linkAfter(now, header, entry, withoutProperties(valuesOf(entry.planned.action), refused));
  const failure = refusal(entry) ?? entry.planned.failure;
  const outcome = refusal(entry) ? "escrowed" : entry.planned.outcome;
  const claims = claimsWithout(record.claims ?? [], exportedClaims(link));
  return { ...withClaims(record, claims), link, last: lastOf(header, entry.planned, outcome, failure) };
}

export function lastOf(
  header: ChunkHeader,
  planned: PlannedObject,
  outcome: Outcome,
  failure: ObjectFailure | undefined,
): LastOutcome {
  const { code, message, remedy } = failure ?? {};
  return {
    batchId: header.batchId,
    index: planned.indexes[0] ?? 0,
    outcome,
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...(remedy === undefined ? {} : { remedy }),
    ...(planned.waiting.length === 0 ? {} : { waiting: planned.waiting }),
    ...(planned.lacks ? { lacks: planned.lacks } : {}),
    ...(holdsNames(planned, outcome) ? { holdsNames: true } : {}),
  };
}

/** Whether a row tells of the names that it wants: held back, or approved and not there yet. */
function holdsNames({ names, record }: PlannedObject, outcome: Outcome): boolean {
  if (!names) return record.last?.holdsNames === true;
  return names.kind === "approved" ? outcome === "escrowed" : names.kind !== "settled";
}

function linkAfter(now: number, header: ChunkHeader, entry: Sent, values: TargetValues): Link {
  const { action } = entry.planned;
  const isDelete = action.kind === "delete";
  // A new target object has nothing of the one before it.
  const before = action.kind === "create" ? undefined : entry.record.link;
  // What came back under a parked name is not what was exported before: the next look sees the difference.
  const parked = action.kind === "restore" ? entry.warnings.flatMap((warning) => warning.properties ?? []) : [];
  const exported = withoutProperties(before?.exported ?? {}, parked);
  return {
    targetId: entry.targetId,
    ...linkTypeOf(entry.planned),
    owner: header.configurationId,
    origin: before?.origin ?? entry.origin ?? (action.kind === "create" ? "created" : "matched"),
    ...sinceOf(before, now),
    exported: isDelete ? exported : applyDifference(exported, values),
    ...(isDelete ? { deletedAt: now } : {}),
    ...(before?.waived ? { waived: before.waived } : {}),
    // A new target object has what was sent, and nothing else.
    ...(action.kind === "create" ? {} : withoutDoubt(entry.before, propertyNames(values))),
  };
}

/** How long a target may take to show what was made. */
const SHOWN_AFTER_MS = 300_000;

/** The row after a call that failed. Retriable: its effect is unknown, and all that it may have changed stays in doubt. */
export function afterFailure(
  { record, planned, before }: Marked,
  failure: { readonly code: string; readonly retriable?: boolean },
  now: number,
): ObjectRecord {
  const { mark, link, ...bare } = record;
  if (!link) {
    // Whether there is an object is not known: it is looked for before a create is tried again or the object let go.
    const lost = failure.retriable ? mark && { ...mark, at: now } : createInDoubt(planned.record);
    return lost ? { ...bare, mark: { ...lost, isLost: true } } : bare;
  }
  const { doubt, ...known } = link;
  if (failure.retriable) return { ...bare, link: doubt ? { ...known, doubt: { ...doubt, at: now } } : known };
  const isGone =
    failure.code === "InvalidAnchor" && (planned.action.kind === "update" || planned.action.kind === "restore");
  // Made a moment ago, by whatever process: a target that doesn't show it yet is no target without it.
  const isNew = planned.action.kind === "update" && now - (known.since ?? 0) < SHOWN_AFTER_MS;
  if (isGone && isNew) return { ...bare, link: doubt ? { ...known, doubt: { ...doubt, at: now } } : known };
  // Somebody removed the target object: without its link the object is matched or made anew at the next attempt.
  return isGone ? bare : { ...bare, link: before ? { ...known, doubt: before } : known };
}

/** The row of somebody else, with what a call of ours brought about: in which order both took effect nobody knows. */
export function mergedInto(stored: ObjectRecord, own: ObjectRecord, planned: PlannedObject, now: number): ObjectRecord {
  const { mark: _, ...present } = stored;
  const sent: Doubt = { at: now, properties: propertyNames(valuesOf(planned.action)) };
  const doubts = [stored.link?.doubt, own.link?.doubt].reduce<Doubt>(
    (all, doubt) => (doubt ? bothDoubts(doubt, all) : all),
    sent,
  );
  return {
    ...present,
    ...(own.link ? { link: { ...own.link, doubt: doubts } } : {}),
    ...(own.last ? { last: own.last } : {}),
    ...(own.mark && !own.link ? { mark: own.mark } : {}),
  };
}

export function changedMeanwhile(objectGuid: string): ObjectFailure & { readonly retryAfterMs: number } {
  return {
    code: "EntryChanged",
    message: `The row of object ${objectGuid} changed while it was exported.`,
    remedy: "It is tried again by itself.",
    retryAfterMs: 30_000,
  };
}

export function valuesOf(action: ObjectAction): TargetValues {
  return action.kind === "none" || action.kind === "delete" ? {} : action.values;
}

/** What the object of a planned create would be known by. */
export function identityOf({ type, action }: PlannedObject): TargetIdentity {
  const values = valuesOf(action);
  const text = (name: string) => (typeof values[name] === "string" ? values[name] : "");
  if (type === "group") return { type, uniqueName: text("uniqueName") };
  const mail = text("mail");
  return {
    type: "user",
    immutableId: text("onPremisesImmutableId"),
    userPrincipalName: text("userPrincipalName"),
    ...(mail === "" ? {} : { mail }),
  };
}

export function isConflict(failure: TargetFailure): boolean {
  return (
    failure.code === "EntryConflict" || failure.code === "AttributeValueMustBeUnique" || failure.code === "Conflict"
  );
}

export function noAnswer(objectGuid: string): TargetFailure {
  return {
    code: "InternalServerError",
    message: `The target gave no answer for object ${objectGuid}.`,
    remedy: "It is tried again by itself.",
    retriable: true,
  };
}
