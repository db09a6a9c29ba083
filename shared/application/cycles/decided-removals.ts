/**
 * What the guard isn't asked of a removal any more: what an admin approved and the target refused, or exports being held kept
 * back, goes out uncounted as it would have the first time; what is staged, or an admin dropped, stays so while only work of
 * the cloud's own has the object looked at again (a retry, a name that became free), for one by one it would pass every bound.
 * A decision ends with its evidence: when a plan doesn't take away any more what was decided on.
 */
import { REMOVAL_CLASSES, type RemovalClass } from "../../domain/plan.ts";
import type { ExportResult } from "../export/export-objects.ts";
import { isHeldEntry, isKnownAsHeld } from "../export/held-objects.ts";
import type { JudgedRemoval } from "../guard/verdict.ts";
import { type ChunkHeader, type PlannedObject, waits } from "../lanes/chunk-files.ts";
import type { ApprovedOne, DecidedObject, StagedRow } from "../state/removal-rows.ts";
import { removesOf } from "./removes-of.ts";

type Weighed = Pick<JudgedRemoval, "classes" | "isIdle" | "losesMissing" | "origins" | "approved" | "approvedBy">;

/** Without what an admin approved, which is carried out anyway, and what stays staged. */
export function withoutDecided<T extends Weighed>(removal: T, rows: readonly StagedRow[], isPartial: boolean): T {
  const of = (isOne: (row: StagedRow) => boolean) =>
    removal.classes.filter((name) => rows.some((row) => row.class === name && isOne(row)));
  const approved = of((row) => row.approvedBy !== undefined);
  const kept = isPartial ? of((row) => row.approvedBy === undefined) : [];
  if (approved.length + kept.length === 0) return removal;
  const classes = removal.classes.filter((name) => !approved.includes(name) && !kept.includes(name));
  const approvedBy = rows.find((row) => row.approvedBy !== undefined)?.approvedBy;
  return {
    ...removal,
    classes,
    isIdle: classes.length + approved.length === 0 && !removal.losesMissing && removal.origins.length > 0,
    ...(approved.length > 0 ? { approved, ...(approvedBy === undefined ? {} : { approvedBy }) } : {}),
  };
}

type Settled = Extract<ExportResult, { kind: "settled" }>;

/** What an admin approved and wasn't carried out, for the target refused it or exports are held. */
export function stillApproved({ approvedBy }: ChunkHeader, settled: readonly Settled[]): ApprovedOne[] {
  if (approvedBy === undefined) return [];
  return settled.filter(isUndone).flatMap(({ planned }) => {
    const { objectGuid, allow, approvedNames, names } = planned;
    return [
      ...allow.filter((name) => !isRefuted(planned, name)).map((name) => ({ class: name, objectGuid })),
      ...(approvedNames && !names ? [{ class: "names" as const, objectGuid, names: approvedNames }] : []),
    ];
  });
}

/** Whose removals aren't to be carried out any more as they were decided on: they have been, or the directory wants them no longer. */
export function noLongerDecided({ isEnd }: ChunkHeader, settled: readonly Settled[]): DecidedObject[] {
  return settled.flatMap((result): DecidedObject[] => {
    const { planned } = result;
    const { objectGuid, allow, record, isSuperseded } = planned;
    const wasUndone = record.last?.outcome === "escrowed" || isKnownAsHeld(record);
    const hasWaited = (record.last?.waiting ?? []).length > 0;
    const isJudged = isEnd && allow.length > 0;
    if (isSuperseded || waits(planned) || !(isJudged || wasUndone || hasWaited)) return [];
    const standing = isUndone(result) ? REMOVAL_CLASSES.filter((name) => !isRefuted(planned, name)) : [];
    return standing.length < REMOVAL_CLASSES.length ? [{ objectGuid, except: standing }] : [];
  });
}

/** It is to be in the target, without that being taken away; of what couldn't be planned nothing is known. */
function isRefuted({ action, waiting, held }: PlannedObject, name: RemovalClass): boolean {
  const kind = held?.action ?? action.kind;
  const removes = held ? (held.removes ?? REMOVAL_CLASSES) : removesOf({ action, waiting });
  return kind !== "none" && !removes.includes(name);
}

function isUndone({ outcome, failure }: Settled): boolean {
  return outcome === "escrowed" || isHeldEntry({ outcome, ...(failure ? { code: failure.code } : {}) });
}
