/**
 * Carries out planned actions: mark the rows, call the target, write the rows with what came back.
 *
 * Every call to the target is preceded by a mark on the object's row, If-Match: whoever meets the row knows that a call
 * may be under way. Results are written with the effect; a repetition that finds its own batch in `last` takes that
 * outcome and calls nothing. A create whose answer was lost is looked up by anchor before it is tried again.
 */
import type { ObjectRecord, Outcome } from "../domain/object-record.ts";
import type { ObjectAction } from "../domain/plan.ts";
import { withoutProperties } from "../domain/target-value.ts";
import type { Clock } from "../ports/clock.ts";
import type { Lane } from "../ports/doorbell.ts";
import type { TargetAction, TargetDirectory, TargetFailure, TargetResult } from "../ports/target-directory.ts";
import type { ChunkHeader, ObjectFailure, PlannedObject } from "./chunk-files.ts";
import {
  afterFailure,
  brought,
  changedMeanwhile,
  identityOf,
  isConflict,
  lastOf,
  type Marked,
  noAnswer,
  recordAfter,
  refusal,
  type Sent,
  valuesOf,
} from "./export-records.ts";
import { disablesOf } from "./map-objects.ts";
import { matchTargets } from "./match-target.ts";
import { type ClaimIndex, ownerOf } from "./state/claim-index.ts";
import type { ObjectStore, StoredObject } from "./state/object-store.ts";

export interface ExportDeps {
  readonly objects: ObjectStore;
  readonly claims: ClaimIndex;
  readonly target: TargetDirectory;
  readonly clock: Clock;
}

/** What became of one planned object. */
export type ExportResult =
  | {
      readonly kind: "settled";
      readonly planned: PlannedObject;
      readonly outcome: Outcome;
      readonly targetId?: string;
      readonly failure?: ObjectFailure & { readonly retryAfterMs?: number };
      readonly warnings: readonly TargetFailure[];
      /** The row as it stands now. */
      readonly record: ObjectRecord;
      /** Settled before an interruption: what was noted then says more. */
      readonly isRepeated?: boolean;
    }
  /** The row changed since it was planned: it has to be looked at again. */
  | { readonly kind: "contested"; readonly planned: PlannedObject }
  /** The target asks for patience: surely nothing was written. */
  | { readonly kind: "unsent"; readonly planned: PlannedObject; readonly retryAfterMs: number };

/** `resumed`: objects whose rows carry this batch's own mark already, with the etag under which it was seen. */
export async function exportObjects(
  deps: ExportDeps,
  header: ChunkHeader,
  lane: Lane,
  planned: readonly PlannedObject[],
  resumed: ReadonlyMap<string, string>,
): Promise<ExportResult[]> {
  const results: ExportResult[] = [];
  const marked = await mark(deps, header, lane, planned, resumed, results);
  const restored = await send(deps, header, marked, results, (entry) => firstCall(entry));
  // A restored object still has to be brought to what the directory says now.
  const followUps = restored.filter(
    (entry) => entry.planned.action.kind === "restore" && Object.keys(valuesOf(entry.planned.action)).length > 0,
  );
  await finish(
    deps,
    header,
    restored.filter((entry) => !followUps.includes(entry)),
    results,
  );
  const updated = await send(
    deps,
    header,
    followUps.map((entry) => brought(header, entry)),
    results,
    (entry) => updateCall(entry),
  );
  await finish(deps, header, updated, results);
  return results;
}

async function mark(
  deps: ExportDeps,
  header: ChunkHeader,
  lane: Lane,
  planned: readonly PlannedObject[],
  resumed: ReadonlyMap<string, string>,
  results: ExportResult[],
): Promise<Marked[]> {
  const fresh = planned.filter((object) => !resumed.has(object.objectGuid));
  const at = deps.clock.now();
  const marks = fresh.map((object): StoredObject => {
    const kind = object.action.kind === "create" ? "creating" : "exporting";
    const record: ObjectRecord = { ...object.record, mark: { kind, lane, batchId: header.batchId, at } };
    return object.etag === undefined ? { record } : { record, etag: object.etag };
  });
  const written = await deps.objects.write(marks);
  const marked: Marked[] = [];
  fresh.forEach((object, index) => {
    const result = written[index];
    const record = marks[index]?.record;
    if (result?.written && record) marked.push({ planned: object, record, etag: result.etag });
    else results.push({ kind: "contested", planned: object });
  });
  for (const object of planned) {
    const etag = resumed.get(object.objectGuid);
    if (etag !== undefined) marked.push({ planned: object, record: object.record, etag });
  }
  return marked;
}

/** Sends one action an object; what succeeded comes back, the rest is put among the results. */
async function send<T extends Marked>(
  deps: ExportDeps,
  header: ChunkHeader,
  entries: readonly T[],
  results: ExportResult[],
  callOf: (entry: T) => TargetAction,
): Promise<(T & Sent)[]> {
  if (entries.length === 0) return [];
  const answers = await deps.target.apply(entries.map(callOf), {
    priority: entries[0]?.record.mark?.lane === "bulk" ? "low" : "normal",
  });
  const done: (T & Sent)[] = [];
  const failed: { entry: T; failure: TargetFailure }[] = [];
  entries.forEach((entry, index) => {
    const answer: TargetResult | undefined = answers[index];
    if (answer?.outcome === "done")
      done.push({ ...entry, targetId: answer.id, warnings: [...(entry.warnings ?? []), ...(answer.warnings ?? [])] });
    else if (answer?.outcome === "unsent")
      results.push({ kind: "unsent", planned: entry.planned, retryAfterMs: answer.failure.retryAfterMs ?? 1_000 });
    else failed.push({ entry, failure: answer?.failure ?? noAnswer(entry.planned.objectGuid) });
  });
  done.push(...(await settleConflicts(deps, header, failed, results)));
  return done;
}

/** A create that met an existing object: our own, whose answer was lost; or one to match; or a real conflict. */
async function settleConflicts<T extends Marked>(
  deps: ExportDeps,
  header: ChunkHeader,
  failed: readonly { entry: T; failure: TargetFailure }[],
  results: ExportResult[],
): Promise<(T & Sent)[]> {
  const creates = failed.filter(({ entry, failure }) => entry.planned.action.kind === "create" && isConflict(failure));
  const verdicts = await matchTargets(
    deps,
    creates.map(({ entry }) => ({
      owner: ownerOf(entry.record.configurationId, entry.record.objectGuid),
      identity: identityOf(valuesOf(entry.planned.action)),
    })),
  );
  const found: (T & Sent)[] = [];
  for (const { entry, failure } of failed) {
    const verdict = verdicts[creates.findIndex((create) => create.entry === entry)];
    if (verdict?.kind === "match") {
      const isOwn = verdict.by === "immutableId" && !verdict.restore;
      const all = withoutProperties(valuesOf(entry.planned.action), entry.planned.creationOnly ?? []);
      const waiting = verdict.restore ? [] : disablesOf(all, verdict.accountEnabled, entry.planned.allow);
      const action: ObjectAction = {
        kind: verdict.restore ? "restore" : "adopt",
        targetId: verdict.id,
        values: waiting.length > 0 ? withoutProperties(all, ["accountEnabled"]) : all,
      };
      const planned: PlannedObject = { ...entry.planned, action, waiting, matchedBy: verdict.by };
      const [sent] = await send(deps, header, [{ ...entry, planned }], results, (own) =>
        verdict.restore ? firstCall(own) : updateCall(own),
      );
      if (sent) found.push({ ...sent, origin: isOwn ? "created" : "matched" });
      continue;
    }
    const reason =
      verdict?.kind === "refused"
        ? {
            code: verdict.code,
            message: verdict.message,
            remedy: "Decide which object is right, and change or remove the other.",
          }
        : failure;
    const { retriable, retryAfterMs } = failure;
    results.push(
      await failedResult(deps, header, entry, {
        ...reason,
        retriable,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      }),
    );
  }
  return found;
}

/** Writes what a call brought about: link, outcome, no mark. */
async function finish(
  deps: ExportDeps,
  header: ChunkHeader,
  sent: readonly Sent[],
  results: ExportResult[],
): Promise<void> {
  const records = sent.map(
    (entry): StoredObject => ({ record: recordAfter(deps.clock.now(), header, entry), etag: entry.etag }),
  );
  const fresh = sent.filter((entry) => ["create", "adopt", "restore"].includes(entry.planned.action.kind));
  await deps.claims.claim(
    fresh.map((entry) => ({
      owner: ownerOf(header.configurationId, entry.planned.objectGuid),
      claim: { kind: "targetId", value: entry.targetId },
    })),
  );
  const written = await deps.objects.write(records);
  for (const [index, entry] of sent.entries()) {
    const record = records[index]?.record;
    if (!record) continue;
    if (!written[index]?.written) {
      // Written by somebody else since the mark: the effect stands in the target, so it must stand in the row; and what
      // the row says by now has to be mapped again.
      const failure = changedMeanwhile(entry.planned.objectGuid);
      const merged = await writeOver(deps, { ...record, last: lastOf(header, entry.planned, "escrowed", failure) });
      results.push({
        kind: "settled",
        planned: entry.planned,
        outcome: "escrowed",
        failure,
        warnings: [],
        record: merged,
      });
      continue;
    }
    const failure = refusal(entry) ?? entry.planned.failure;
    results.push({
      kind: "settled",
      planned: entry.planned,
      outcome: record.last?.outcome ?? "exported",
      targetId: entry.targetId,
      warnings: entry.warnings,
      record,
      ...(failure ? { failure } : {}),
    });
  }
}

/** The row moved on under a call: keep what is new in it, and put link and outcome on top. */
async function writeOver(deps: ExportDeps, record: ObjectRecord): Promise<ObjectRecord> {
  for (let tries = 0; tries < 5; tries++) {
    const stored = await deps.objects.get(record.configurationId, record.objectGuid);
    if (!stored) return record;
    const { mark: _, ...present } = stored.record;
    const merged: ObjectRecord = {
      ...present,
      ...(record.link ? { link: record.link } : {}),
      ...(record.last ? { last: record.last } : {}),
    };
    const [result] = await deps.objects.write([
      { record: merged, ...(stored.etag === undefined ? {} : { etag: stored.etag }) },
    ]);
    if (result?.written) return merged;
  }
  throw new Error(`The row of object ${record.objectGuid} changes faster than it can be written.`);
}

async function failedResult(
  deps: ExportDeps,
  header: ChunkHeader,
  entry: Marked,
  failure: ObjectFailure & { readonly retriable?: boolean; readonly retryAfterMs?: number },
): Promise<ExportResult> {
  const { code, message, remedy, retryAfterMs } = failure;
  const last = lastOf(header, entry.planned, "escrowed", { code, message, remedy });
  const record: ObjectRecord = { ...afterFailure(entry, failure), last };
  const [written] = await deps.objects.write([{ record, etag: entry.etag }]);
  const standing = written?.written ? record : await writeOver(deps, record);
  return {
    kind: "settled",
    planned: entry.planned,
    outcome: "escrowed",
    failure: { code, message, remedy, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    warnings: [],
    record: standing,
  };
}

function firstCall(entry: Marked): TargetAction {
  const { action, objectGuid: key } = entry.planned;
  const type = "user";
  switch (action.kind) {
    case "create":
      return { kind: "create", key, type, values: action.values };
    case "restore":
    case "delete":
      return { kind: action.kind, key, type, id: action.targetId };
    case "adopt":
    case "update":
      return { kind: "update", key, type, id: action.targetId, values: action.values };
    case "none":
      throw new Error(`Object ${key} has no action to send.`);
  }
}

function updateCall(entry: Marked): TargetAction {
  const { action, objectGuid: key } = entry.planned;
  if (action.kind !== "restore" && action.kind !== "adopt")
    throw new Error(`Object ${key} has nothing to bring to its values.`);
  return { kind: "update", key, type: "user", id: action.targetId, values: action.values };
}
