/**
 * Writes on an object's row what a call brought about, or that it failed; If-Match on the mark. A row that moved on is
 * either this batch's own outcome, written by a second run of the same activity, and stands; or somebody else's, and
 * what we know goes on top of it.
 */
import type { ObjectRecord } from "../../domain/object-record.ts";
import type { ChunkHeader, ObjectFailure, PlannedObject } from "../lanes/chunk-files.ts";
import { release } from "../matching/hand-over.ts";
import { heldClaims, withClaims } from "../matching/object-claims.ts";
import { leftAlone } from "../matching/takeover.ts";
import { redactAnswer } from "../secrets.ts";
import { type ClaimRequest, objectOf, ownerOf } from "../state/claim-index.ts";
import type { StoredObject } from "../state/object-store.ts";
import type { ExportDeps, ExportResult } from "./export-objects.ts";
import {
  afterFailure,
  changedMeanwhile,
  lastOf,
  type Marked,
  mergedInto,
  recordAfter,
  refusal,
  type Sent,
} from "./export-records.ts";

const TRIES = 5;

/** Writes what calls brought about: link, outcome, no mark. */
export async function finish(
  deps: ExportDeps,
  header: ChunkHeader,
  sent: readonly Sent[],
  results: ExportResult[],
): Promise<void> {
  const records = sent.map(
    (entry): StoredObject => ({ record: recordAfter(deps.clock.now(), header, entry), etag: entry.etag }),
  );
  const fresh = sent.filter(
    (entry) => !entry.holdsTarget && ["create", "adopt", "restore"].includes(entry.planned.action.kind),
  );
  await takeTargets(
    deps,
    fresh.map((entry) => ({
      owner: ownerOf(header.configurationId, entry.planned.objectGuid),
      claim: { kind: "targetId", value: entry.targetId },
    })),
  );
  const written = await deps.objects.write(records);
  for (const [index, entry] of sent.entries()) {
    const record = records[index]?.record;
    if (!record) continue;
    const { planned, warnings, targetId } = entry;
    if (written[index]?.written) {
      const failure = refusal(entry) ?? planned.failure;
      const outcome = record.last?.outcome ?? "exported";
      results.push({
        kind: "settled",
        planned,
        outcome,
        targetId,
        warnings,
        record,
        ...(failure ? { failure } : {}),
        ...answerIn(entry),
      });
    } else {
      // Written by somebody else since the mark: the effect stands in the target, so it must stand in the row; and what
      // the row says by now has to be mapped again.
      const failure = changedMeanwhile(planned.objectGuid);
      const own = { ...record, last: lastOf(header, planned, "escrowed", failure) };
      results.push(await writeOver(deps, header, entry, own, failure));
    }
  }
}

/** Enters who has these target objects now; who had one before and deleted it gives it up for good. */
async function takeTargets(deps: ExportDeps, requests: readonly ClaimRequest[]): Promise<void> {
  const results = await deps.claims.claim(requests);
  for (const [at, result] of results.entries()) {
    const request = requests[at];
    if (!request || result.kind !== "taken") continue;
    const { configurationId, objectGuid } = objectOf(result.owner);
    const stored = await deps.objects.get(configurationId, objectGuid);
    const { link } = stored?.record ?? {};
    if (!stored || (link && (link.deletedAt === undefined || link.targetId !== request.claim.value))) continue;
    const now = deps.clock.now();
    // One whose row changes at this moment is met again by whoever names it.
    if (await release({ ...deps, now }, stored, { owner: request.owner, wanted: [request.claim] }))
      await deps.claims.claim([request]);
  }
}

/** Writes that a call failed, and what is in doubt now. */
export async function failedResult(
  deps: ExportDeps,
  header: ChunkHeader,
  entry: Marked,
  reason: ObjectFailure & {
    readonly retriable?: boolean;
    readonly retryAfterMs?: number;
    readonly properties?: readonly string[];
  },
): Promise<ExportResult> {
  const { planned } = entry;
  const { code, message, remedy, retryAfterMs } = redactAnswer(planned, reason);
  const last = lastOf(header, planned, "escrowed", { code, message, remedy });
  const record: ObjectRecord = { ...afterFailure(entry, reason, deps.clock.now()), last };
  const failure = { code, message, remedy, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  const [written] = await deps.objects.write([{ record, etag: entry.etag }]);
  if (!written?.written) return writeOver(deps, header, entry, record, failure);
  return { kind: "settled", planned, outcome: "escrowed", failure, warnings: [], record, ...answerIn(entry) };
}

function answerIn({ answer }: Pick<Marked, "answer">): Pick<Marked, "answer"> {
  return answer ? { answer } : {};
}

/** Writes that a create met an object which may not be taken over: the object is left without a link, and wants no name. */
export async function leftAloneResult(deps: ExportDeps, header: ChunkHeader, entry: Marked): Promise<ExportResult> {
  const planned = leftAlone(entry.planned);
  // An earlier create whose answer was lost stays in doubt: this one surely made nothing.
  const after = afterFailure(entry, { code: "EntryConflict" }, deps.clock.now());
  const last = { ...lastOf(header, planned, "filtered", undefined), leftAlone: true as const };
  const record: ObjectRecord = { ...withClaims(after, []), last };
  const [written] = await deps.objects.write([{ record, etag: entry.etag }]);
  if (written?.written) return { kind: "settled", planned, outcome: "filtered", warnings: [], record };
  const failure = changedMeanwhile(planned.objectGuid);
  const own = { ...record, last: lastOf(header, planned, "escrowed", failure) };
  return writeOver(deps, header, entry, own, failure);
}

/** By its row, which this batch wrote before: in an attempt that was interrupted, or in one that runs beside this. */
export function settledBefore(planned: PlannedObject, record: ObjectRecord): ExportResult {
  const { code, message = "", remedy = "", outcome = "escrowed", waiting = [], lacks } = record.last ?? {};
  // Nothing else ends a create so.
  const isLeftAlone = planned.action.kind === "create" && outcome === "filtered";
  // It may have been planned again before it was written: what it waits for stands in the row.
  const { lacks: _, ...rest } = isLeftAlone ? leftAlone(planned) : planned;
  return {
    kind: "settled",
    planned: { ...rest, waiting, ...(lacks ? { lacks } : {}) },
    outcome,
    warnings: [],
    record,
    isRepeated: true,
    ...(record.link ? { targetId: record.link.targetId } : {}),
    ...(code === undefined ? {} : { failure: { code, message, remedy } }),
  };
}

/** The row moved on under a call. */
async function writeOver(
  deps: ExportDeps,
  header: ChunkHeader,
  entry: Pick<Marked, "planned" | "answer">,
  own: ObjectRecord,
  failure: ObjectFailure,
): Promise<ExportResult> {
  const { planned } = entry;
  const settled = { kind: "settled", planned, outcome: "escrowed", failure, warnings: [], ...answerIn(entry) } as const;
  for (let tries = 0; tries < TRIES; tries++) {
    const stored = await deps.objects.get(own.configurationId, own.objectGuid);
    if (!stored) return { ...settled, record: own };
    const { last, mark } = stored.record;
    // Whom the other run took for a stranger, this one made a moment ago.
    const isMadeHere = own.link !== undefined && last?.leftAlone === true;
    // One outcome a batch: the same chunk, run twice at once, and the other one was first.
    if (last?.batchId === header.batchId && (!mark || mark.isLost) && !isMadeHere)
      return settledBefore(planned, stored.record);
    const record = mergedInto(stored.record, own, planned, deps.clock.now());
    const [result] = await deps.objects.write([
      { record, ...(stored.etag === undefined ? {} : { etag: stored.etag }) },
    ]);
    if (!result?.written) continue;
    const owner = ownerOf(record.configurationId, record.objectGuid);
    if (isMadeHere) await deps.claims.claim(heldClaims(record).map((claim) => ({ owner, claim })));
    return { ...settled, record };
  }
  throw new Error(`The row of object ${own.objectGuid} changes faster than it can be written.`);
}
