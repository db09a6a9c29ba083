/** Rows and tables in the words of Graph's synchronization API. Pure; which rows there are: `synchronization-jobs.ts`. */
import {
  type Execution,
  type FilterOperatorReply,
  type MappingFunctionReply,
  NOT_BY_ITSELF,
  type SynchronizationStatusReply,
} from "../../contracts/admin/synchronization.ts";
import { JOB_TEMPLATE } from "../../contracts/configuration.ts";
import { FUNCTIONS } from "../../domain/expression/functions/index.ts";
import { OPERATORS } from "../../domain/scope/operators.ts";
import { fail } from "../failure.ts";
import { NO_LINKS } from "../members/link-account.ts";
import type { CycleRow, JobRow } from "../state/job-rows.ts";

export function codeOf(job: JobRow, isNew: boolean): SynchronizationStatusReply["code"] {
  if (job.state === "paused") return "Paused";
  if (job.quarantine) return "Quarantine";
  if (!job.domain) return "NotConfigured";
  return isNew ? "NotRun" : "Active";
}

export function executionOf(cycle: CycleRow): Execution {
  const { outcomes, absent, received, kind, detail } = cycle;
  const escrowed = outcomes.escrowed + absent.escrowed;
  const exported = outcomes.exported + absent.exported;
  const entitled = received - outcomes.filtered;
  const links = detail.links ?? NO_LINKS;
  const isAborted = cycle.state === "aborted";
  return {
    activityIdentifier: cycle.cycleId,
    countEntitled: entitled,
    countEntitledForProvisioning: entitled,
    countEscrowed: escrowed,
    countEscrowedRaw: escrowed,
    countExported: exported,
    countExports: exported + escrowed + outcomes.staged + absent.staged,
    countImported: kind === "full" ? received : 0,
    countImportedDeltas: kind === "delta" ? received : 0,
    countImportedReferenceDeltas: links.added + links.removed,
    error: isAborted
      ? { code: "ReadAborted", message: cycle.incompleteBecause ?? "The read was given up.", tenantActionable: false }
      : null,
    state: isAborted ? "Failed" : escrowed > 0 ? "EntryLevelErrors" : "Succeeded",
    timeBegan: isoOf(cycle.startedAt),
    timeEnded: isoOf(cycle.closedAt),
  };
}

export function quarantineOf({ quarantine }: JobRow): SynchronizationStatusReply["quarantine"] {
  if (!quarantine) return null;
  const { reason, currentBegan, nextAttempt, seriesBegan, seriesCount, error } = quarantine;
  return {
    reason,
    currentBegan: isoOf(currentBegan),
    nextAttempt: nextAttempt === null ? NOT_BY_ITSELF : isoOf(nextAttempt),
    seriesBegan: isoOf(seriesBegan),
    seriesCount,
    error: { code: error.code, message: `${error.message} ${error.remedy}`, tenantActionable: true },
  };
}

export function settingsOf({ domainFqdn, domainNetBios, domain, settings }: JobRow) {
  const known = { DomainFQDN: domainFqdn, DomainNetBios: domainNetBios, DomainObjectGuid: domain?.objectGuid ?? null };
  return [
    { name: "Domain", value: JSON.stringify(known) },
    { name: "DomainFQDN", value: domainFqdn },
    { name: "DomainNetBios", value: domainNetBios },
    { name: "QuarantineTooManyDeletesThreshold", value: String(settings.guard.count) },
  ];
}

export function operatorReplies(): FilterOperatorReply[] {
  return [...OPERATORS].map(([name, { isBinary }]) => ({
    id: name,
    name,
    arity: isBinary ? "Binary" : "Unary",
    // What is asked of several values must hold for all of them.
    multivaluedComparisonType: "All",
    supportedAttributeTypes: name.startsWith("GREATER")
      ? ["Integer"]
      : name === "IS TRUE" || name === "IS FALSE"
        ? ["Boolean"]
        : ["String", "Integer", "Boolean"],
  }));
}

const PARAMETER_TYPES: Readonly<Record<string, MappingFunctionReply["parameters"][number]["type"]>> = {
  number: "Integer",
  Boolean: "Boolean",
  condition: "Boolean",
  date: "DateTime",
  reference: "Reference",
  sid: "Binary",
};

export function functionReplies(): MappingFunctionReply[] {
  return [...FUNCTIONS.values()].map(({ name, parameters, repeating }) => ({
    id: name,
    name,
    parameters: [
      ...parameters.map((own) => ({ own, allowMultipleOccurrences: false })),
      ...(repeating?.parameters ?? []).map((own) => ({ own, allowMultipleOccurrences: true })),
    ].map(({ own, allowMultipleOccurrences }) => ({
      name: own.name,
      type: PARAMETER_TYPES[own.type] ?? "String",
      required: own.optional !== true,
      allowMultipleOccurrences,
    })),
  }));
}

export function isoOf(at: number): string {
  return new Date(at).toISOString();
}

/** 404. */
export function noSuchTemplate(templateId: string) {
  return fail({
    status: 404,
    code: "template-not-found",
    message: `There is no template ${templateId}.`,
    remedy: `Take ${JOB_TEMPLATE}: it is the one that there is.`,
  });
}
