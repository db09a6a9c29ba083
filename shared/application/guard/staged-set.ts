/**
 * What is staged, as sets: the rows of one class and cycle, and a digest of exactly those. Whoever names the digest means that
 * set and no other. Of memberships a row is a group, and its edges have a digest of their own; of names it is what they become.
 */
import { createHash } from "node:crypto";
import type { Lane } from "../../ports/doorbell.ts";
import type { Failure } from "../failure.ts";
import { groupBy } from "../state/object-store.ts";
import type { StagedClass, StagedRow } from "../state/removal-rows.ts";

export interface StagedSet {
  readonly class: StagedClass;
  readonly cycleId: string;
  readonly digest: string;
  /** In the order of GUIDs. */
  readonly rows: readonly StagedRow[];
}

/** In the order of classes and cycles as they were found. */
export function setsOf(jobId: string, all: readonly StagedRow[]): StagedSet[] {
  return groupBy(all, (row) => `${row.class} ${row.cycleId}`).flatMap(([, own]) => {
    const rows = [...own].sort((left, right) => (left.objectGuid < right.objectGuid ? -1 : 1));
    const [first] = rows;
    if (!first) return [];
    const { class: of, cycleId } = first;
    const exact = JSON.stringify([jobId, of, cycleId, rows.map(membersOf)]);
    return [{ class: of, cycleId, digest: createHash("sha256").update(exact).digest("hex").slice(0, 32), rows }];
  });
}

/** What a digest stands for, of one row. */
function membersOf({ objectGuid, names, members }: StagedRow): unknown {
  if (members) return [objectGuid, members.digest];
  return names ? [objectGuid, names] : objectGuid;
}

/** Where what was approved is carried out. */
export const STAGED_LANE: Lane = "live";

/** One set, one approval: asked twice it is the same work. */
export function stagedWorkId(jobId: string, digest: string): string {
  return `${jobId}-work-approved-${digest}`;
}

/** Refuses a digest that none of the sets of its class has. */
export function otherSet(of: StagedClass, digest: string, sets: readonly StagedSet[]): Failure {
  const present = sets.map((own) => ({ target: own.digest, message: `${own.rows.length} ${of} of ${own.cycleId}` }));
  return {
    status: 409,
    code: "staged-set-changed",
    message: `No set of ${of} has digest ${digest}${sets.length === 0 ? ": none is staged" : "; these are staged now"}.`,
    remedy: "Look at what is staged now ('uplink staged list'), and decide on that.",
    details: present,
  };
}
