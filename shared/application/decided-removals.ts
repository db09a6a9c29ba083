/**
 * What the guard isn't asked of a removal any more: what an admin approved and the target refused, or exports being held kept
 * back, goes out uncounted as it would have the first time; what is staged stays so while only work of the cloud's own has
 * the object looked at again (a retry, a name that became free), for one by one it would pass every bound.
 */
import type { StagedRow } from "./state/removal-rows.ts";
import type { JudgedRemoval } from "./verdict.ts";

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
