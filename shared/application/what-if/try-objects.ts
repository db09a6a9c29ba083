/**
 * Objects taken through the real pipeline (facts, scope, mapping, claims, matching, plan, references) with nobody at its end:
 * each says what would be sent for it, and nothing is written anywhere.
 *
 * Who would lose something is mapped twice: as the pipeline does first, and with all removals allowed, which the guard judges
 * over the whole run. What must not be shown is taken out here, before anything is kept.
 */

import { replacedNames } from "../../domain/name-changes.ts";
import type { Claim, ObjectRecord } from "../../domain/object-record.ts";
import { REMOVAL_CLASSES } from "../../domain/plan.ts";
import { redactValues } from "../../domain/redaction.ts";
import { applyDifference } from "../../domain/target-value.ts";
import { changesOf, type TriedAction, type TriedObject } from "../../domain/what-if.ts";
import type { Clock } from "../../ports/clock.ts";
import { withheld } from "../exclusions/withheld.ts";
import { bindReferences, UNRESOLVED } from "../export/bind-references.ts";
import { type JobContext, plannedWrites } from "../export/export-chunk.ts";
import { valuesOf } from "../export/export-records.ts";
import type { References } from "../export/references.ts";
import type { ChunkHeader, PlannedObject } from "../lanes/chunk-files.ts";
import { mapObjects } from "../mapping/map-objects.ts";
import { claimsWithout, exportedClaims } from "../matching/object-claims.ts";
import type { ClaimOwner } from "../state/claim-index.ts";
import type { StoredObject } from "../state/object-store.ts";
import type { CountMembers } from "./try-members.ts";
import type { WhatIfContext } from "./what-if-context.ts";
import { claimName, overlayClaims, overlayObjects, readOnly } from "./what-if-overlay.ts";

export interface Tried {
  readonly objects: readonly TriedObject[];
  readonly fresh: ReadonlyMap<string, ClaimOwner>;
  readonly blocked: readonly { readonly name: string; readonly owner: ClaimOwner; readonly holder: ClaimOwner }[];
  /** Values that an object holds and would give up. */
  readonly freed: readonly { readonly name: string; readonly objectGuid: string }[];
}

/** `lost`: values that other objects of the run have before these, by name. Results are in the order of GUIDs. */
export type TryObjects = (
  context: WhatIfContext,
  stored: readonly StoredObject[],
  lost?: ReadonlyMap<string, ClaimOwner>,
) => Promise<Tried>;

export function createTryObjects(deps: {
  readonly clock: Clock;
  readonly references: Pick<References, "resolve">;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
  readonly countMembers: CountMembers;
}): TryObjects {
  return async (context, stored, lost) => {
    const { job, mapping } = context;
    const { items, objects } = await context.itemsOf(stored);
    const real = await deps.contextOf(job.jobId);
    const overlay = overlayClaims(real.claims, lost);
    const header = headerOf(context, deps.clock.now());
    const mapDeps = {
      mapping,
      objects: overlayObjects(real.objects),
      claims: overlay.claims,
      target: readOnly(real.target),
      clock: deps.clock,
      vanished: async () => undefined,
      expiries: { add: async () => undefined },
      excluded: real.excluded,
      // What would be sent is the question.
      holdsExports: false,
    };
    const bound = async (planned: readonly PlannedObject[]) =>
      bindReferences(deps.references, header, withheld(planned, real.excluded));
    const first = await bound(await mapObjects(mapDeps, header, items, objects));
    const losing = new Set(first.filter((own) => own.waiting.length > 0).map((own) => own.objectGuid));
    const allowed = items
      .filter((item) => losing.has(item.objectGuid))
      .map((item) => ({ ...item, allow: REMOVAL_CLASSES }));
    const whole = await bound(await mapObjects(mapDeps, header, allowed, objects));
    const wholeOf = new Map(whole.map((own) => [own.objectGuid, own]));
    const members = await deps.countMembers(job.configurationId, first, {
      excluded: real.excluded,
      now: deps.clock.now(),
    });
    const tried = first.map((own) => {
      const count = members.get(own.objectGuid);
      const object = triedOf(own, wholeOf.get(own.objectGuid) ?? own);
      return count ? { ...object, members: count.members, writes: object.writes + count.writes } : object;
    });
    return {
      objects: tried,
      fresh: overlay.fresh(),
      blocked: overlay.blocked(),
      freed: first.flatMap((own) => freedBy(own, wholeOf.get(own.objectGuid) ?? own)),
    };
  };
}

function triedOf(first: PlannedObject, whole: PlannedObject): TriedObject {
  const { objectGuid, record, failure, filteredBy } = first;
  const action = actionOf(first, whole);
  const hidden = first.redacted ?? [];
  const sent = redactValues(valuesOf(whole.action), hidden);
  const unresolved = first.warnings.some((warning) => warning.code === UNRESOLVED);
  return {
    objectGuid,
    objectClass: record.objectClass,
    action,
    isLinked: record.link !== undefined && record.link.deletedAt === undefined,
    changes: action === "delete" ? [] : changesOf(redactValues(record.link?.exported ?? {}, hidden), sent),
    removes: whole === first ? [] : first.waiting,
    isRenamed:
      whole.action.kind === "update" && Object.keys(replacedNames(record.link, whole.action.values)).length > 0,
    writes: plannedWrites({ objects: [first] }),
    ...(failure ? { failure: { code: failure.code, message: failure.message } } : {}),
    ...(action === "filtered" && filteredBy !== undefined ? { filteredBy } : {}),
    ...(record.undecided ? { isUndecided: true } : {}),
    waitingReferences: unresolved ? Object.keys(first.references ?? {}).length : 0,
  };
}

function actionOf(first: PlannedObject, { action }: PlannedObject): TriedAction {
  switch (action.kind) {
    case "create":
    case "adopt":
    case "restore":
    case "delete":
      return action.kind;
    case "update":
      return first.waiting.includes("disables") ? "disable" : "update";
    case "none":
      if (first.failure) return "failed";
      return first.outcome === "filtered" ? "filtered" : "none";
  }
}

function freedBy({ objectGuid, record }: PlannedObject, { action }: PlannedObject): Tried["freed"] {
  const before = exportedClaims(record.link);
  if (before.length === 0 || action.kind === "none") return [];
  return claimsWithout(before, claimsAfter(record, action)).map((claim) => ({ name: claimName(claim), objectGuid }));
}

function claimsAfter({ link }: ObjectRecord, action: PlannedObject["action"]): Claim[] {
  if (!link || action.kind === "delete") return [];
  return exportedClaims({ ...link, exported: applyDifference(link.exported, valuesOf(action)) });
}

function headerOf({ job, mapping }: WhatIfContext, at: number): ChunkHeader {
  return {
    batchId: `${job.jobId}-whatif`,
    jobId: job.jobId,
    configurationId: job.configurationId,
    cycleId: `${job.jobId}-whatif`,
    readNo: 0,
    at,
    schemaVersion: mapping.schemaVersion,
    seesAll: false,
    isEnd: false,
    isFirstLoad: false,
    mustWriteVersions: false,
    agentId: "",
    server: "",
  };
}
