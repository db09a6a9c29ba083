/**
 * What an export makes of an object's row: link, outcome, claims, mark. Pure; sending and writing are in
 * `export-objects.ts`.
 */
import type { LastOutcome, Link, LinkOrigin, ObjectRecord, Outcome } from "../domain/object-record.ts";
import type { ObjectAction } from "../domain/plan.ts";
import { applyDifference, type TargetValues, withoutProperties } from "../domain/target-value.ts";
import type { TargetFailure } from "../ports/target-directory.ts";
import type { ChunkHeader, ObjectFailure, PlannedObject } from "./chunk-files.ts";
import { claimsWithout, exportedClaims, withClaims } from "./object-claims.ts";

export interface Sent extends Marked {
  readonly targetId: string;
  readonly warnings: readonly TargetFailure[];
  readonly origin?: LinkOrigin;
}

export interface Marked {
  readonly planned: PlannedObject;
  readonly record: ObjectRecord;
  readonly etag: string;
  readonly warnings?: readonly TargetFailure[];
}

/** The target object lives again, whatever becomes of its values: the row that a failure writes has to say so. */
export function brought(header: ChunkHeader, entry: Sent): Sent {
  const values = valuesOf(entry.planned.action);
  const warnings = entry.warnings.filter((warning) => !warning.properties?.every((name) => name in values));
  const before = entry.record.link;
  const link: Link = {
    targetId: entry.targetId,
    owner: header.configurationId,
    origin: before?.origin ?? "matched",
    exported: withoutProperties(before?.exported ?? {}, refusedIn(entry.warnings)),
  };
  return { ...entry, warnings, record: { ...entry.record, link } };
}

function refusedIn(warnings: readonly TargetFailure[]): string[] {
  return warnings.flatMap((warning) => warning.properties ?? []);
}

/** What the target kept back of an update, or brought back under another name, is tried again. */
export function refusal(entry: Sent): ObjectFailure | undefined {
  if (entry.planned.action.kind === "create") return undefined;
  const refused = entry.warnings.find((warning) => (warning.properties ?? []).length > 0);
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
  };
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
    owner: header.configurationId,
    origin: before?.origin ?? entry.origin ?? (action.kind === "create" ? "created" : "matched"),
    exported: isDelete ? exported : applyDifference(exported, values),
    ...(isDelete ? { deletedAt: now } : {}),
  };
}

export function afterFailure(
  { record, planned }: Marked,
  failure: { code: string; retriable?: boolean },
): ObjectRecord {
  const { mark, ...unmarked } = record;
  // Whether it was created is not known: the mark stays, out of date, so that the object is looked for before it is let go.
  if (mark?.kind === "creating" && failure.retriable) return { ...unmarked, mark: { ...mark, at: 0 } };
  const isGone =
    failure.code === "InvalidAnchor" && (planned.action.kind === "update" || planned.action.kind === "restore");
  if (!isGone) return unmarked;
  // Somebody removed the target object: without its link the object is matched or made anew at the next attempt.
  const { link: _, ...unlinked } = unmarked;
  return unlinked;
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

export function identityOf(values: TargetValues): { immutableId: string; userPrincipalName: string; mail?: string } {
  const text = (name: string) => (typeof values[name] === "string" ? values[name] : "");
  const mail = text("mail");
  return {
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
