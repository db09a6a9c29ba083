/** A row of the provisioning log as Graph shows it. */
import { createHash } from "node:crypto";
import type { ProvisioningLogReply } from "../../contracts/provisioning-log.ts";
import { failureKindOf, isFailureCode } from "../../domain/failure-codes.ts";
import { isNested, type TargetValue, type TargetValues } from "../../domain/target-value.ts";
import type { JobRow } from "../state/job-rows.ts";
import type { LogEntry } from "../state/provisioning-log.ts";

export type LoggedJob = Pick<JobRow, "configurationId" | "displayName" | "targetKey" | "domainFqdn" | "domain">;

const ACTIONS = {
  create: "create",
  update: "update",
  delete: "delete",
  disable: "disable",
  stageddelete: "stagedDelete",
  restore: "other",
  other: "other",
} as const satisfies Record<LogEntry["action"], ProvisioningLogReply["provisioningAction"]>;

/** The service itself, where no admin ordered it. */
const SERVICE = { id: "", displayName: "Directory Uplink", initiatorType: "system" } as const;

export function logReply(entry: LogEntry, job: LoggedJob): ProvisioningLogReply {
  const { configurationId, displayName, targetKey, domainFqdn, domain } = job;
  const { source, by, targetId, targetType, steps } = entry;
  const details = { ServicePrincipalId: configurationId, ServicePrincipalDisplayName: displayName };
  return {
    id: guidOf(`${entry.jobId}|${entry.batchId}|${entry.index}`),
    activityDateTime: new Date(entry.at).toISOString(),
    tenantId: targetKey,
    jobId: entry.jobId,
    cycleId: entry.cycleId,
    changeId: entry.change,
    provisioningAction: ACTIONS[entry.action],
    durationInMilliseconds: Math.round(entry.durationMs ?? 0),
    initiatedBy: by === undefined ? SERVICE : { id: by, displayName: by, initiatorType: "user" },
    servicePrincipal: { id: configurationId, displayName },
    sourceSystem: {
      id: domain?.objectGuid ?? null,
      displayName: domainFqdn,
      details: { ...details, AgentId: entry.agentId, DirectoryServer: entry.server },
    },
    targetSystem: { id: targetKey, displayName: "Microsoft Entra ID", details },
    sourceIdentity: {
      id: source.objectGuid,
      displayName: source.dn,
      identityType: source.objectClass,
      details: { SchemaVersion: String(entry.schemaVersion), Outcome: entry.outcome },
    },
    targetIdentity: {
      id: targetId ?? null,
      displayName: null,
      identityType: targetId === undefined ? null : (targetType ?? "user"),
      details: {},
    },
    provisioningStatusInfo: { status: entry.status, errorInformation: errorOf(entry) },
    provisioningSteps: steps.map(({ type, durationMs, ...step }) => ({
      ...step,
      provisioningStepType: type,
      details: {
        ...(durationMs === undefined ? {} : { DurationInMilliseconds: String(Math.round(durationMs)) }),
        ...(type === "export" ? answerDetails(entry) : {}),
      },
    })),
    modifiedProperties: modifiedProperties(entry.before, entry.after),
  };
}

function answerDetails({ answer }: LogEntry): Record<string, string> {
  if (!answer) return {};
  const { status, requestId } = answer;
  return { HttpStatusCode: String(status), ...(requestId === undefined ? {} : { RequestId: requestId }) };
}

function errorOf({
  code,
  message,
  remedy,
  status,
}: LogEntry): ProvisioningLogReply["provisioningStatusInfo"]["errorInformation"] {
  if (code === undefined) return null;
  // Reasons to leave an object alone ("scope", "excluded") are no failures and stand in no table.
  const kind = isFailureCode(code) || status === "failure" ? failureKindOf(code) : undefined;
  return {
    errorCode: code,
    reason: message ?? kind?.meaning ?? "",
    additionalDetails: kind ? `${kind.meaning}.` : null,
    errorCategory: kind?.category ?? "success",
    recommendedAction: remedy ?? kind?.action ?? null,
  };
}

function guidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function modifiedProperties(before: TargetValues, after: TargetValues): ProvisioningLogReply["modifiedProperties"] {
  return Object.entries(after).flatMap(([name, value]) => {
    if (!isNested(value)) return [{ displayName: name, oldValue: textOf(before[name]), newValue: textOf(value) }];
    const old = before[name];
    return Object.entries(value).map(([key, text]) => ({
      displayName: `${name}.${key}`,
      oldValue: old !== undefined && isNested(old) ? (old[key] ?? null) : null,
      newValue: text,
    }));
  });
}

function textOf(value: TargetValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}
