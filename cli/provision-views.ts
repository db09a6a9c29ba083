/** What became of one object on demand, as text: import, scope, match and action, ticked, each with what it saw. */
import type { OnDemandAnswer as Answer, OnDemandObject } from "../shared/contracts/admin/provision-on-demand.ts";
import { plainOf, tableOf } from "./table.ts";

type Step = OnDemandObject["provisioningSteps"][number];

const TICKS = { success: "✓", warning: "!", skipped: "–", failure: "✗" } as const;
/** The four ticks, and the kinds of steps that belong to each. */
const PARTS = [
  ["import", ["import"]],
  ["scope", ["scoping"]],
  ["match", ["matching"]],
  ["action", ["referenceResolution", "processing", "export"]],
] as const;

export function provisionText(job: string, objects: readonly OnDemandObject[]): string {
  return objects.map((own) => objectText(job, own)).join("\n");
}

function objectText(job: string, object: OnDemandObject): string {
  const { sourceIdentity, provisioningSteps: steps } = object;
  const head = plainOf(`${sourceIdentity.displayName || sourceIdentity.id} in ${job}: ${verdictOf(object)}`);
  const parts = PARTS.map(([name, kinds]) => {
    const own = steps.filter((step) => kinds.some((kind) => kind === step.provisioningStepType));
    if (own.length === 0) return `– ${name.padEnd(7)} not reached\n`;
    const lines = own.flatMap((step, index) => [
      `${TICKS[step.status]} ${(index === 0 ? name : "").padEnd(7)} ${step.description}`,
      ...detailsOf(step).map((line) => `          ${line}`),
    ]);
    return `${lines.map(plainOf).join("\n")}\n`;
  });
  return [`${head}\n`, ...parts, membersAnswer(object), changesOf(object)].join("");
}

function verdictOf({
  action,
  isDryRun,
  isSuperseded,
  outcome,
  statusInfo,
  waitsFor,
  memberships,
}: OnDemandObject): string {
  const { errorInformation: error } = statusInfo;
  const code = error ? ` (${error.errorCode}: ${error.reason})` : "";
  if (isSuperseded) return "nothing: something newer was known of it already";
  if (isDryRun) return `${action === "none" ? "nothing" : action} is what it would come to; nothing was written${code}`;
  const waits = waitsFor.length > 0 && outcome === "staged" ? `, ${waitsFor.join(", ")} held back by the guard` : "";
  const members =
    memberships && memberships.added > 0
      ? `, ${memberships.added} ${memberships.added === 1 ? "member" : "members"} added`
      : "";
  return `${action === "none" ? "nothing to do" : action}, ${outcome}${waits}${members}${code}`;
}

function detailsOf({ provisioningStepType: kind, details }: Step): string[] {
  if (kind === "import" || kind === "processing")
    return Object.entries(details.values ?? {})
      .map(([name, value]) => [name, textOf(value)] as const)
      .filter(([, text]) => text !== "" && text !== "-")
      .map(([name, text]) => `${name}: ${text}`);
  if (kind === "export") return details.answer ? [`the target ${answeredWith(details.answer)}`] : [];
  if (kind !== "scoping") return [];
  const rows = (details.groups ?? []).flatMap(({ name, clauses }) =>
    clauses.map((own) => [name, own.clause, textOf(own.value), `${own.answer}${own.isDecisive ? " (decided)" : ""}`]),
  );
  return rows.length === 0 ? [] : tableOf(rows).trimEnd().split("\n");
}

/** Whoever asks Microsoft's support about a call is asked for these. */
function answeredWith({ status, requestId, clientRequestId }: Answer): string {
  const ids = [
    ...(requestId === null ? [] : [`request-id ${requestId}`]),
    ...(clientRequestId === null ? [] : [`client-request-id ${clientRequestId}`]),
  ];
  return `answered with ${status}${ids.length > 0 ? ` (${ids.join(", ")})` : ""}`;
}

/** What was said to a group's members, or who of the chosen ones a dry run would send. */
function membersAnswer({ memberships }: OnDemandObject): string {
  const { answer, would } = memberships ?? {};
  const lines = [
    ...(answer ? [`members ${answeredWith(answer)}`] : []),
    ...(would
      ? ([
          ["would be added", would.added],
          ["would be removed", would.removed],
          ["would wait", would.pending],
        ] as const)
      : []
    )
      .filter(([, guids]) => guids.length > 0)
      .map(([what, guids]) => `members that ${what}: ${guids.join(", ")}`),
  ];
  return lines.map((line) => `${plainOf(`          ${line}`)}\n`).join("");
}

function changesOf({ modifiedProperties, isDryRun }: OnDemandObject): string {
  if (modifiedProperties.length === 0) return "";
  const rows = modifiedProperties.map((own) => [own.displayName, own.oldValue ?? "-", own.newValue ?? "-"]);
  return `${tableOf([[isDryRun ? "would be sent" : "sent", "before", "after"], ...rows])}`;
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (Array.isArray(value)) return value.map((own) => textOf(own)).join("; ");
  if (typeof value === "string") return value;
  // What is empty of a nested value says nothing.
  const kept = typeof value === "object" ? Object.entries(value).filter(([, own]) => own !== null) : undefined;
  return kept ? kept.map(([name, own]) => `${name}=${textOf(own)}`).join("; ") : JSON.stringify(value);
}
