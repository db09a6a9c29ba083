/**
 * Removals that the guard let pass and that surely weren't carried out, because the target refused them or exports came to
 * be held: they took nothing away, so they don't count for 24 hours, and are judged anew when they are tried again. Else a few
 * that are refused again and again would use up the bounds for everybody. What may have happened counts: an answer that was
 * lost, and lost values, of which some may be gone.
 */
import { addRemovals, NO_REMOVALS, type RemovalCounts } from "../../domain/guard.ts";
import type { RemovalClass } from "../../domain/plan.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { ExportResult } from "../export/export-objects.ts";
import { isHeldEntry } from "../export/held-objects.ts";
import { FILES, type OutcomeFile, readFile } from "../lanes/chunk-files.ts";
import { type Verdict, verdictPath } from "./verdict.ts";

export interface UndoneRemovals {
  readonly removed: RemovalCounts;
  /** Of them, those of groups. */
  readonly groups: RemovalCounts;
}

/** Of what was allowed to one object. */
export function undoneOf(result: Extract<ExportResult, { kind: "settled" }>): RemovalClass[] {
  const { planned, outcome, failure, record } = result;
  const isHeld = isHeldEntry({ outcome, ...(failure ? { code: failure.code } : {}) });
  const { link, mark } = record;
  if ((outcome !== "escrowed" && !isHeld) || !link || mark) return [];
  const { deletedAt, doubt, exported } = link;
  const isThere: Readonly<Record<RemovalClass, boolean>> = {
    deletes: deletedAt === undefined && doubt?.presence === undefined,
    disables: exported["accountEnabled"] !== false && !doubt?.properties.includes("accountEnabled"),
    blanks: false,
  };
  return planned.allow.filter((name) => isThere[name]);
}

/** Of a cycle whose end was carried out; what can't be told any more counts. */
export async function undoneIn(blobs: BlobStore, cycleId: string): Promise<UndoneRemovals> {
  const none = { removed: NO_REMOVALS, groups: NO_REMOVALS };
  const verdict = await readFile<Verdict>(blobs, verdictPath(cycleId));
  if (!verdict) return none;
  const chunks = Array.from({ length: verdict.chunks }, (_, chunk) => FILES.outcome(verdict.batchId, chunk));
  const files = await Promise.all(chunks.map((path) => readFile<OutcomeFile>(blobs, path)));
  return files
    .flatMap((file) => file?.entries ?? [])
    .reduce<UndoneRemovals>(({ removed, groups }, { index, undone = [] }) => {
      const removal = verdict.removals[index];
      // What was approved was never counted.
      const names = undone.filter((name) => removal?.allow?.includes(name));
      const count = (name: RemovalClass) => (names.includes(name) ? 1 : 0);
      const own = { deletes: count("deletes"), disables: count("disables"), blanks: count("blanks") };
      return {
        removed: addRemovals(removed, own),
        groups: removal?.type === "group" ? addRemovals(groups, own) : groups,
      };
    }, none);
}
