/**
 * What is told of one object that somebody asked for: the steps that it went through, each with what it saw, taken from what was
 * planned and done, not looked up again afterwards. Values that no log shows aren't shown here either.
 */
import type { OnDemandAnswer, OnDemandObject } from "../../contracts/admin/provision-on-demand.ts";
import { isPasswordName, REDACTED, type Redaction, redactValues } from "../../domain/redaction.ts";
import type { ScopeExplanation } from "../../domain/scope/verdict.ts";
import type { TargetValues } from "../../domain/target-value.ts";
import { type AttributeBag, valuesOf as attributeValues } from "../../domain/values.ts";
import type { TargetAnswer } from "../../ports/target-directory.ts";
import type { ExportResult } from "../export/export-objects.ts";
import type { ChunkHeader } from "../lanes/chunk-files.ts";
import { entryOf, type Took } from "../log/log-entries.ts";
import { logReply } from "../log/log-reply.ts";
import type { JobMapping } from "../mapping/job-mapping.ts";
import { isBoundAtCreate } from "../members/bind-members.ts";
import type { JobRow } from "../state/job-rows.ts";
import type { LogEntry } from "../state/provisioning-log.ts";

export type Settled = Extract<ExportResult, { kind: "settled" }>;

/** One chunk's word on an object, in its file. */
export interface ToldObject {
  readonly objectGuid: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly entry: LogEntry;
  readonly imported: Readonly<Record<string, readonly string[]>>;
  readonly scope: ScopeExplanation | null;
  readonly mapped: TargetValues | null;
  readonly matchedBy: string | null;
  /** The target object that it had before. */
  readonly linkedTo: string | null;
  readonly action: Settled["planned"]["action"]["kind"];
  readonly waiting: readonly string[];
  readonly isSuperseded: boolean;
  readonly isHeld: boolean;
  /** Of a group: members that went with its create; absent: none. */
  readonly boundMembers?: number;
  /** What the target said to the last write. */
  readonly answer?: TargetAnswer;
}

export function toldOf(
  { header, mapping, took, now }: { header: ChunkHeader; mapping: JobMapping; took: Took; now: number },
  result: Settled,
): ToldObject {
  const { planned } = result;
  const { record } = planned;
  const redaction = mapping.redactionOf(record.objectClass);
  const boundMembers = isBoundAtCreate(result) ? (planned.memberGuids?.length ?? 0) : 0;
  return {
    objectGuid: planned.objectGuid,
    at: now,
    entry: entryOf(header, result, took),
    imported: shownImage(record.image, redaction),
    scope: mapping.explainScope(record) ?? null,
    mapped: planned.mapped ? redactValues(planned.mapped, redaction.properties) : null,
    matchedBy: planned.matchedBy ?? null,
    linkedTo: record.link && record.link.deletedAt === undefined ? record.link.targetId : null,
    action: planned.held?.action ?? planned.action.kind,
    waiting: planned.waiting,
    isSuperseded: planned.isSuperseded === true,
    isHeld: planned.held !== undefined,
    ...(boundMembers > 0 ? { boundMembers } : {}),
    ...(result.answer ? { answer: result.answer } : {}),
  };
}

function shownImage(image: AttributeBag, { attributes }: Redaction): Record<string, readonly string[]> {
  const hidden = new Set(attributes.map((name) => name.toLowerCase()));
  return Object.fromEntries(
    Object.keys(image)
      .sort()
      .map((name) => {
        const isHidden = hidden.has(name.toLowerCase()) || isPasswordName(name);
        const values = attributeValues(image, name).map((value) =>
          isHidden ? REDACTED : typeof value === "string" ? value : `base64:${value.base64}`,
        );
        return [name, values];
      }),
  );
}

/** `told`: what chunks said of the object one after the other: mapped, judged by the guard, its references bound. */
export function objectReply(
  told: readonly ToldObject[],
  job: JobRow,
  { isDryRun, agentId, server }: { readonly isDryRun: boolean; readonly agentId: string; readonly server: string },
): OnDemandObject | undefined {
  const first = told[0];
  // A later look that had nothing to do says nothing new.
  const decisive = told.findLast((own) => own.action !== "none" || own.entry.outcome === "escrowed") ?? first;
  if (!first || !decisive) return undefined;
  const later = decisive === first ? [] : decisive.entry.steps.filter((step) => step.type === "export");
  const entry: LogEntry = { ...decisive.entry, agentId, server, steps: [...first.entry.steps, ...later] };
  const { provisioningSteps: logged, provisioningStatusInfo: statusInfo, ...reply } = logReply(entry, job);
  const steps = logged
    .filter((step) => step.provisioningStepType !== "matching")
    .map((step): Step => {
      const own = step.provisioningStepType === "export" ? decisive : first;
      return { ...step, ...saidOf(step, own, { isDryRun, agentId, server }), timestamp: timeOf(own) };
    });
  const isPastScope = steps.some((step) => step.provisioningStepType === "processing");
  const at = steps.findIndex((step) => step.provisioningStepType === "scoping") + 1;
  return {
    ...reply,
    statusInfo,
    action: actionOf(decisive),
    isDryRun,
    outcome: isDryRun ? "none" : decisive.entry.outcome,
    waitsFor: [...first.waiting],
    isSuperseded: first.isSuperseded,
    provisioningSteps: isPastScope ? [...steps.slice(0, at), matchOf(first), ...steps.slice(at)] : steps,
  };
}

type Step = OnDemandObject["provisioningSteps"][number];

/** What a step of the log doesn't say: what it saw. */
function saidOf(
  { provisioningStepType: kind, description }: Pick<Step, "provisioningStepType" | "description">,
  { imported, scope, mapped, answer }: ToldObject,
  { isDryRun, agentId, server }: { readonly isDryRun: boolean; readonly agentId: string; readonly server: string },
): Pick<Step, "details"> & Partial<Pick<Step, "description" | "status">> {
  switch (kind) {
    case "import":
      return { description: `Read by agent ${agentId} from ${server}.`, details: { values: { ...imported } } };
    case "scoping": {
      const groups = (scope?.groups ?? []).map((own) => ({
        ...own,
        clauses: own.clauses.map((clause) => ({ ...clause })),
      }));
      return { details: { groups } };
    }
    case "processing":
      return { details: { values: { ...mapped } } };
    case "export": {
      const words = `Dry run: nothing was sent. It would be: ${description}`;
      const details = answer ? { answer: answerReply(answer) } : {};
      return { details, ...(isDryRun ? { status: "skipped", description: words } : {}) };
    }
    case "matching":
    case "referenceResolution":
      return { details: {} };
  }
}

export function answerReply({ status, requestId, clientRequestId }: TargetAnswer): OnDemandAnswer {
  return { status, requestId: requestId ?? null, clientRequestId: clientRequestId ?? null };
}

function matchOf(told: ToldObject): Step {
  const { matchedBy, linkedTo, action } = told;
  const unlinked =
    matchedBy !== null
      ? `Matched by ${matchedBy}.`
      : `No target object is linked or matches${action === "create" ? ": one is made" : ""}.`;
  return {
    name: "EntryMatching",
    provisioningStepType: "matching",
    status: "success",
    description: linkedTo === null ? unlinked : `Linked to target object ${linkedTo}.`,
    details: { matchedBy, linkedTo },
    timestamp: timeOf(told),
  };
}

function timeOf({ at }: ToldObject): string {
  return new Date(at).toISOString();
}

function actionOf({ action, entry }: ToldObject): OnDemandObject["action"] {
  if (action === "adopt") return "match";
  return action === "update" && entry.action === "disable" ? "disable" : action;
}
