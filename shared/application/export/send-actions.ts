/**
 * Sends planned actions to the target, one an object, and settles what meets an existing object: a create in doubt is
 * looked up by anchor first, a create that is refused for a conflict afterwards. What is found is taken over: our own as it
 * was to be made, somebody else's as far as the mapping lets it be.
 */
import { propertyNames } from "../../domain/doubt.ts";
import { isByAnchor, type MatchVerdict } from "../../domain/match.ts";
import type { ObjectAction } from "../../domain/plan.ts";
import { withoutProperties } from "../../domain/target-value.ts";
import type { TargetAction, TargetAnswer, TargetFailure, TargetResult } from "../../ports/target-directory.ts";
import type { ChunkHeader, PlannedObject } from "../lanes/chunk-files.ts";
import { DECIDE } from "../matching/match-candidates.ts";
import { matchTargets } from "../matching/match-target.ts";
import { disablesOf, leftToWhomItMet } from "../matching/takeover.ts";
import { redactAnswer } from "../secrets.ts";
import { ownerOf } from "../state/claim-index.ts";
import type { ExportDeps, ExportResult } from "./export-objects.ts";
import {
  changedMeanwhile,
  createInDoubt,
  identityOf,
  isConflict,
  type Marked,
  noAnswer,
  type Sent,
  valuesOf,
} from "./export-records.ts";
import { holdTargets } from "./hold-targets.ts";
import { failedResult, leftAloneResult } from "./write-outcomes.ts";

type Match = Extract<MatchVerdict, { kind: "match" }>;

/** Sends one action an object; what succeeded comes back, the rest is put among the results. */
export async function send(
  deps: ExportDeps,
  header: ChunkHeader,
  given: readonly Marked[],
  results: ExportResult[],
  callOf: (entry: Marked) => TargetAction,
): Promise<Sent[]> {
  const entries = await holdTargets(deps, header, given, results);
  if (entries.length === 0) return [];
  const answers = await deps.target.apply(entries.map(callOf), {
    priority: entries[0]?.record.mark?.lane === "bulk" ? "low" : "normal",
  });
  const done: Sent[] = [];
  const failed: { entry: Marked; failure: TargetFailure }[] = [];
  entries.forEach((sent, index) => {
    const answer: TargetResult | undefined = answers[index];
    const entry = answeredWith(sent, answer?.answer);
    if (answer?.outcome === "done")
      done.push({
        ...entry,
        targetId: answer.id,
        warnings: [
          ...(entry.warnings ?? []),
          ...(answer.warnings ?? []).map((warning) => redactAnswer(entry.planned, warning)),
        ],
      });
    else if (answer?.outcome === "unsent")
      results.push({ kind: "unsent", planned: entry.planned, retryAfterMs: answer.failure.retryAfterMs ?? 1_000 });
    else failed.push({ entry, failure: answer?.failure ?? noAnswer(entry.planned.objectGuid) });
  });
  done.push(...(await settleConflicts(deps, header, failed, results)));
  return done;
}

/** What was said to an attempt before is not what was said to this one. */
function answeredWith({ answer: _, ...entry }: Marked, answer: TargetAnswer | undefined): Marked {
  return answer ? { ...entry, answer } : entry;
}

/** Creates that may have happened before, looked up at once: those found are taken over, the rest is to be created. */
export async function lookUpCreates(
  deps: ExportDeps,
  header: ChunkHeader,
  entries: readonly Marked[],
  results: ExportResult[],
): Promise<readonly Marked[]> {
  const doubtful = entries.filter(
    (entry) => entry.planned.action.kind === "create" && createInDoubt(entry.planned.record),
  );
  const verdicts = await verdictsOf(deps, doubtful);
  const known: Marked[] = [];
  for (const entry of entries) {
    const verdict = verdicts[doubtful.indexOf(entry)];
    // Whether it was made isn't known: it is not made again.
    if (verdict?.kind === "unanswered") {
      const { code, message, remedy } = verdict;
      results.push(await failedResult(deps, header, entry, { code, message, remedy, retriable: true }));
    }
    // Anything but its own anchor is left to the create's conflict.
    else known.push(verdict?.kind === "match" && isByAnchor(verdict.by) ? takenOver(deps, entry, verdict) : entry);
  }
  return known;
}

/** A create that met an existing object: our own, whose answer was lost; or one to match; or a real conflict. */
async function settleConflicts(
  deps: ExportDeps,
  header: ChunkHeader,
  failed: readonly { readonly entry: Marked; readonly failure: TargetFailure }[],
  results: ExportResult[],
): Promise<Sent[]> {
  const creates = failed.filter(({ entry, failure }) => entry.planned.action.kind === "create" && isConflict(failure));
  const verdicts = await verdictsOf(
    deps,
    creates.map(({ entry }) => entry),
  );
  const found: Marked[] = [];
  for (const { entry, failure } of failed) {
    const verdict = verdicts[creates.findIndex((create) => create.entry === entry)];
    if (verdict?.kind === "match") {
      if (isLeftAlone(deps, entry, verdict)) results.push(await leftAloneResult(deps, header, entry));
      else found.push(takenOver(deps, entry, verdict));
      continue;
    }
    const reason =
      verdict?.kind === "refused" ? { code: verdict.code, message: verdict.message, remedy: DECIDE } : failure;
    const { retriable, retryAfterMs } = failure;
    results.push(
      await failedResult(deps, header, entry, {
        ...reason,
        retriable,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      }),
    );
  }
  return send(deps, header, found, results, firstCall);
}

function verdictsOf(deps: ExportDeps, entries: readonly Marked[]): Promise<MatchVerdict[]> {
  return matchTargets(
    deps,
    entries.map(({ record, planned }) => ({
      owner: ownerOf(record.configurationId, record.objectGuid),
      identity: identityOf(planned),
    })),
  );
}

/** Whether it is what an earlier attempt made, whose answer never came; whatever else was there has values that nobody knows. */
function isOurs({ planned }: Marked, { by, restore }: Match): boolean {
  return isByAnchor(by) && !restore && createInDoubt(planned.record) !== undefined;
}

/** Whether it may not be taken over. To bring a deleted one back is no update. */
function isLeftAlone({ mapping }: ExportDeps, entry: Marked, verdict: Match): boolean {
  return !verdict.restore && !isOurs(entry, verdict) && leftToWhomItMet(entry.planned, mapping).isLeftAlone;
}

/** The create of an object that turned out to be there, as an adoption or restoration. */
function takenOver({ mapping }: ExportDeps, entry: Marked, verdict: Match): Marked {
  const { planned } = entry;
  const isOwn = isOurs(entry, verdict);
  const kept = isOwn ? (planned.creationOnly ?? []) : leftToWhomItMet(planned, mapping).keeps;
  const all = withoutProperties(valuesOf(planned.action), kept);
  const waiting = verdict.restore ? [] : disablesOf(all, verdict.accountEnabled, planned.allow);
  const values = waiting.length > 0 ? withoutProperties(all, ["accountEnabled"]) : all;
  const { id: targetId, by, restore } = verdict;
  const action: ObjectAction = { kind: restore ? "restore" : "adopt", targetId, values };
  const sent = propertyNames(valuesOf(planned.action));
  const known = [...sent, ...kept];
  const isStale = entry.before?.properties.some((name) => !known.includes(name)) ?? false;
  return {
    ...entry,
    planned: {
      ...planned,
      action,
      waiting,
      matchedBy: by,
      // What the lost create sent and nobody wants any more has to be taken back: that is planned with the link.
      ...(isStale ? { outcome: "escrowed", failure: changedMeanwhile(planned.objectGuid) } : {}),
    } satisfies PlannedObject,
    origin: isOwn ? "created" : "matched",
  };
}

export function firstCall(entry: Marked): TargetAction {
  const { action, objectGuid: key, type = "user", members } = entry.planned;
  switch (action.kind) {
    case "create":
      return { kind: "create", key, type, values: action.values, ...(members ? { members } : {}) };
    case "restore":
    case "delete": {
      const { link } = entry.record;
      const writtenAt = action.kind === "restore" ? link?.deletedAt : link?.since;
      const isOwn = writtenAt !== undefined && link?.targetId === action.targetId;
      return { kind: action.kind, key, type, id: action.targetId, ...(isOwn ? { writtenAt } : {}) };
    }
    case "adopt":
      return { kind: "update", key, type, id: action.targetId, values: action.values, isWhole: true };
    case "update":
      return { kind: "update", key, type, id: action.targetId, values: action.values };
    case "none":
      throw new Error(`Object ${key} has no action to send.`);
  }
}

export function updateCall(entry: Marked): TargetAction {
  const { action, objectGuid: key, type = "user" } = entry.planned;
  if (action.kind !== "restore" && action.kind !== "adopt")
    throw new Error(`Object ${key} has nothing to bring to its values.`);
  return { kind: "update", key, type, id: action.targetId, values: action.values };
}
