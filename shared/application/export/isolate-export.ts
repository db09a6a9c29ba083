/**
 * A defect that is met in exporting one object of a chunk: its change goes into its row, with the outcome that it failed, and it waits
 * like any failure; the others go on. What a call of ours may have changed stays in doubt.
 */
import { type ObjectRecord, underWayFor } from "../../domain/object-record.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ChunkHeader, ObjectFailure, PlannedObject } from "../lanes/chunk-files.ts";
import { defectFailure } from "../mapping/evaluation-failures.ts";
import type { ObjectStore, StoredObject } from "../state/object-store.ts";
import type { ExportResult } from "./export-objects.ts";
import { afterFailure, doubtBefore, lastOf } from "./export-records.ts";
import { settledBefore } from "./write-outcomes.ts";

const TRIES = 5;
/** How long to leave an object alone that another run is exporting, at most, before looking again. */
const UNDER_WAY_MS = 10_000;

interface Deps {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  /** The object mapped again on top of a row that changed since it was planned. */
  readonly mapAgain: (stored: StoredObject) => Promise<PlannedObject | undefined>;
}

/** `isLost`: its row can't be written, so what its change says is in no row. */
export interface SetAside {
  readonly result: ExportResult;
  readonly isLost: boolean;
}

export async function setAside(
  deps: Deps,
  header: ChunkHeader,
  first: PlannedObject,
  error: unknown,
): Promise<SetAside> {
  const { code, message, remedy } = defectFailure(first.record, error, "exported");
  const failure: ObjectFailure = { code, message, remedy };
  let planned = bare(first, failure);
  const settled = (record: ObjectRecord): ExportResult => {
    return { kind: "settled", planned, outcome: "escrowed", failure, warnings: [], record };
  };
  for (let tries = 0; tries < TRIES; tries++) {
    const stored = await deps.objects.get(header.configurationId, first.objectGuid);
    const { mark, last } = stored?.record ?? {};
    const isOwnMark = mark?.batchId === header.batchId && !mark.isLost;
    if (stored && last?.batchId === header.batchId && !isOwnMark)
      return { result: settledBefore(first, stored.record), isLost: false };
    const now = deps.clock.now();
    const underWayMs = underWayFor(mark, header.batchId, now);
    if (underWayMs > 0) {
      const retryAfterMs = Math.min(underWayMs, UNDER_WAY_MS);
      return { result: { kind: "unsent", planned: first, retryAfterMs }, isLost: false };
    }
    if (stored && !isOwnMark && stored.etag !== planned.etag) {
      const again = await deps.mapAgain(stored).catch(() => undefined);
      if (!again) break;
      planned = bare(again, failure);
    }
    const entry = {
      planned,
      record: stored?.record ?? planned.record,
      etag: stored?.etag ?? "",
      ...doubtBefore(first),
    };
    // Whether the call that it was marked for took effect nobody knows.
    const after = isOwnMark ? afterFailure(entry, { code, retriable: true }, now) : planned.record;
    const record: ObjectRecord = { ...after, last: lastOf(header, planned, "escrowed", failure) };
    const etag = stored?.etag;
    const written = await deps.objects
      .write([{ record, ...(etag === undefined ? {} : { etag }) }])
      .catch(() => undefined);
    if (!written) break;
    if (written[0]?.written) return { result: settled(record), isLost: false };
  }
  return { result: settled(first.record), isLost: true };
}

/** Nothing of it is sent, and nothing of it waits for the end of the read: its retry brings all of it. */
function bare({ lacks: _, ...planned }: PlannedObject, failure: ObjectFailure): PlannedObject {
  return { ...planned, action: { kind: "none" }, waiting: [], outcome: "escrowed", isChanged: true, failure };
}
