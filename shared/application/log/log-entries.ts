/** One provisioning log entry for each object that something happened to, in the steps that Graph's log shows. */

import { readNoOf } from "../../domain/change-version.ts";
import { explainSwitchedOff } from "../../domain/object-flows.ts";
import { redactValues } from "../../domain/redaction.ts";
import { isNested, type TargetValues } from "../../domain/target-value.ts";
import type { TargetAnswer } from "../../ports/target-directory.ts";
import { againFrom, type KnownSources, NO_SOURCES } from "../cycles/image-sources.ts";
import { EXCLUDED } from "../exclusions/excluded.ts";
import { UNRESOLVED } from "../export/bind-references.ts";
import type { ExportResult } from "../export/export-objects.ts";
import { valuesOf } from "../export/export-records.ts";
import { isHeldEntry } from "../export/held-objects.ts";
import { type ChunkHeader, originOf, type PlannedObject } from "../lanes/chunk-files.ts";
import { TARGET_CANNOT_HOLD } from "../mapping/evaluate-object.ts";
import { isBoundAtCreate } from "../members/bind-members.ts";
import type { LogEntry, LogStep } from "../state/provisioning-log.ts";

/** How long it took to map one object of the chunk, and to have the chunk's writes answered: milliseconds. */
export interface Took {
  readonly mappingMs: number;
  readonly exportMs: number;
}

type Settled = Extract<ExportResult, { kind: "settled" }>;

const NO_TIME: Took = { mappingMs: 0, exportMs: 0 };

/** Names of the processing step, as Microsoft's log has them. */
const PROCESSING = {
  create: "EntrySynchronizationAdd",
  adopt: "EntrySynchronizationUpdate",
  update: "EntrySynchronizationUpdate",
  restore: "EntrySynchronizationUpdate",
  delete: "EntrySynchronizationDelete",
  none: "EntrySynchronizationSkip",
} as const;

/** Of what a no-op leaves as it is in the target. */
const TOLD_ONCE: readonly string[] = ["AttributeNotCleared", UNRESOLVED];

/**
 * Undefined for what was a no-op, and for a filtered object that was filtered before. A no-op that leaves something in
 * the target which the directory emptied, or that refers to what isn't there yet, is told, once: when the change came.
 */
export function logEntryOf(
  header: ChunkHeader,
  result: ExportResult,
  took: Took = NO_TIME,
  sources: KnownSources = NO_SOURCES,
): LogEntry | undefined {
  return result.kind === "settled" && isTold(result) ? entryOf(header, result, took, sources) : undefined;
}

/** Whether the log has an entry of it. */
export function isTold(result: Settled): boolean {
  const { planned, outcome, failure } = result;
  const isHeld = isHeldEntry({ outcome, ...(failure ? { code: failure.code } : {}) });
  // Told when it comes to be held, and when the directory changes it; not at every read in between.
  if (isHeld && !planned.isChanged) return false;
  const isSkip = outcome === "filtered" && planned.scopeChanged;
  const isStuck = planned.isChanged && planned.warnings.some((own) => TOLD_ONCE.includes(own.code));
  const held = planned.names?.kind === "staged" && !planned.names.isKnown ? planned.names : undefined;
  return planned.action.kind !== "none" || outcome === "escrowed" || isSkip || isStuck || held !== undefined || isHeld;
}

/** Whatever became of it, a no-op too. */
export function entryOf(
  header: ChunkHeader,
  result: Settled,
  took: Took = NO_TIME,
  sources: KnownSources = NO_SOURCES,
): LogEntry {
  const { planned, outcome, failure } = result;
  const isHeld = isHeldEntry({ outcome, ...(failure ? { code: failure.code } : {}) });
  const held = planned.names?.kind === "staged" && !planned.names.isKnown ? planned.names : undefined;
  const targetId = result.targetId ?? planned.record.link?.targetId;
  const values = writtenBy(planned);
  const warning = held
    ? { code: "NamesStaged", message: `The guard holds back ${Object.keys(held.values).join(", ")}: ${held.reason}.` }
    : (planned.warnings[0] ?? result.warnings[0]);
  const status =
    outcome === "escrowed" ? "failure" : outcome === "filtered" || isHeld ? "skipped" : warning ? "warning" : "success";
  const isFiltered =
    planned.filteredBy === TARGET_CANNOT_HOLD || planned.filteredBy === EXCLUDED || planned.switchedOff;
  const code = failure?.code ?? (isFiltered ? planned.filteredBy : warning?.code);
  const reason = planned.filteredBy === EXCLUDED ? planned.scope : warning?.message;
  const message = failure?.message ?? (planned.switchedOff ? skipReason(planned) : reason);
  const [index] = planned.indexes;
  const origin = originOf(header, planned);
  const reader = origin.agentId === "" ? sources.get(readNoOf(planned.record.version)) : undefined;
  const by = orderedBy(header, planned);
  return {
    jobId: header.jobId,
    cycleId: header.cycleId,
    batchId: header.batchId,
    index: index ?? 0,
    at: header.at,
    action: actionName(planned, values),
    outcome,
    status,
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...(failure ? { remedy: failure.remedy } : {}),
    source: { objectGuid: planned.objectGuid, dn: planned.record.dn, objectClass: planned.record.objectClass },
    ...(targetId === undefined ? {} : { targetId }),
    before: redactValues(pick(planned.record.link?.exported ?? {}, values), planned.redacted ?? []),
    after: {
      ...(outcome === "escrowed" && planned.action.kind === "none" ? {} : redactValues(values, planned.redacted ?? [])),
      ...membersOf(result),
    },
    steps: stepsOf(header, planned, result, took, sources),
    ...loggedAnswer(result.answer),
    durationMs: took.mappingMs + (planned.action.kind === "none" ? 0 : took.exportMs),
    ...(planned.type === undefined ? {} : { targetType: planned.type }),
    ...(by === undefined ? {} : { by }),
    change: `${origin.batchId}:${origin.index}`,
    agentId: reader?.agentId ?? origin.agentId,
    server: reader?.server ?? origin.server,
    schemaVersion: header.schemaVersion,
  };
}

/** Without our own name of the call: the target's is enough to find it, and rows are kept for long. */
export function loggedAnswer(answer: TargetAnswer | undefined): Pick<LogEntry, "answer"> {
  if (!answer) return {};
  const { status, requestId } = answer;
  return { answer: { status, ...(requestId === undefined ? {} : { requestId }) } };
}

/** Members that came with a group's create, as the rows of memberships tell them. */
function membersOf(result: Extract<ExportResult, { kind: "settled" }>): TargetValues {
  const { memberGuids = [] } = result.planned;
  if (memberGuids.length === 0 || !isBoundAtCreate(result)) return {};
  return { members: [`+${memberGuids.length}`, ...memberGuids] };
}

function skipReason({ switchedOff, record }: PlannedObject): string {
  return switchedOff ? explainSwitchedOff(switchedOff, record.objectClass) : "";
}

function actionName(planned: PlannedObject, values: TargetValues): LogEntry["action"] {
  const kind = planned.held?.action ?? planned.action.kind;
  switch (kind) {
    case "create":
    case "delete":
    case "restore":
      return kind;
    case "adopt":
      return "update";
    case "update":
      return values["accountEnabled"] === false ? "disable" : "update";
    case "none":
      return "other";
  }
}

function approverOf(header: ChunkHeader, { names, approvedBy }: PlannedObject): string | undefined {
  return names?.kind === "approved" ? names.row.approvedBy : (approvedBy ?? header.approvedBy);
}

/** Whoever asked for just this object ordered whatever became of it. */
function orderedBy(header: ChunkHeader, planned: PlannedObject): string | undefined {
  const approver = planned.action.kind === "none" ? undefined : approverOf(header, planned);
  return approver ?? header.asked?.by;
}

/** What had the service map objects again, by the kind of its work. */
const BECAUSE: Readonly<Record<NonNullable<ChunkHeader["work"]>, string>> = {
  escrows: "what failed is tried again",
  reevaluate: "something that it goes by is another",
  all: "every object is: another schema, a release of held exports, or an admin's wish",
  scope: "who is in a unit or group of the scope is another",
  approved: "what was staged was approved",
  links: "links are looked at",
  provision: "it was asked for",
};
const BY_AN_END = "something that it goes by came with the end of a read, or of work";

function stepsOf(
  header: ChunkHeader,
  planned: PlannedObject,
  result: Settled,
  took: Took,
  sources: KnownSources,
): LogStep[] {
  const { agentId, server } = originOf(header, planned);
  const because = header.work === undefined ? BY_AN_END : BECAUSE[header.work];
  const steps: LogStep[] = [
    {
      name: "EntryImport",
      type: "import",
      status: "success",
      description:
        agentId === ""
          ? againFrom("Mapped again from the stored image", because, planned.record.version, sources)
          : `Read by agent ${agentId} from ${server}.`,
    },
  ];
  const isUndone = planned.switchedOff !== undefined && planned.switchedOff !== "Delete";
  const inScope = result.outcome !== "filtered" || isUndone;
  steps.push({
    name: "EntrySynchronizationScoping",
    type: "scoping",
    status: inScope ? "success" : "skipped",
    description: planned.scope,
  });
  if (planned.switchedOff)
    steps.push({
      name: "EntrySynchronizationSkip",
      type: "processing",
      status: "skipped",
      description: skipReason(planned),
    });
  if (!inScope || isUndone) return steps;
  const isNothing = planned.action.kind === "none";
  const isFailed = isNothing && result.outcome === "escrowed";
  if (planned.matchedBy !== undefined)
    steps.push({
      name: "EntryMatching",
      type: "matching",
      status: "success",
      description: `Matched by ${planned.matchedBy}.`,
    });
  if (planned.references) {
    const unresolved = planned.warnings.find((warning) => warning.code === UNRESOLVED);
    steps.push({
      name: "EntryReferenceResolution",
      type: "referenceResolution",
      status: unresolved ? "warning" : "success",
      description: unresolved?.message ?? `${Object.keys(planned.references).join(", ")} bound.`,
    });
  }
  const written = Object.keys(valuesOf(planned.action)).length;
  steps.push({
    name: PROCESSING[planned.action.kind],
    type: "processing",
    status: isFailed ? "failure" : planned.warnings.length > 0 ? "warning" : isNothing ? "skipped" : "success",
    description: isFailed
      ? (result.failure?.message ?? "")
      : `Mapped by version ${header.schemaVersion} of the schema: ${isNothing ? "nothing to write" : planned.action.kind === "delete" ? "a delete" : `${written} properties to write`}.`,
    durationMs: took.mappingMs,
  });
  const name = {
    create: "EntryExportAdd",
    adopt: "EntryExportUpdate",
    update: "EntryExportUpdate",
    restore: "EntryExportRestore",
    delete: "EntryExportDelete",
    none: "",
  }[planned.action.kind];
  const isHeld = result.outcome === "staged" && planned.held !== undefined;
  if (isNothing && !isHeld) return steps;
  const isWarned = result.warnings.length > 0;
  const status = result.outcome === "escrowed" ? "failure" : isHeld ? "skipped" : isWarned ? "warning" : "success";
  const approvedBy = approverOf(header, planned);
  if (approvedBy !== undefined)
    steps.push({
      name: "RemovalApproval",
      type: "processing",
      status: "success",
      description: `Staged, and approved by ${approvedBy}.`,
    });
  steps.push({
    name,
    type: "export",
    status,
    description: result.failure?.message ?? `${planned.action.kind} in the target.`,
    durationMs: took.exportMs,
  });
  return steps;
}

/** What is written; of a delete, that nothing is left of what was exported. */
function writtenBy({ action, record }: PlannedObject): TargetValues {
  if (action.kind !== "delete") return valuesOf(action);
  return Object.fromEntries(Object.keys(record.link?.exported ?? {}).map((name) => [name, null]));
}

/** The old values of the properties that are written. */
function pick(exported: TargetValues, values: TargetValues): TargetValues {
  const before: Record<string, TargetValues[string]> = {};
  for (const [name, value] of Object.entries(values)) {
    const old = exported[name];
    if (old === undefined) continue;
    before[name] =
      isNested(value) && isNested(old) ? Object.fromEntries(Object.entries(old).filter(([key]) => key in value)) : old;
  }
  return before;
}
