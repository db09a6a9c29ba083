/**
 * What an admin's request is about, as rows say it: looked at before and after it is carried out, so that the audit log tells what
 * changed without the use case having to. Parameters of the path name the subject. Images, values and names of people are no
 * part of it.
 */
import type { RowStore } from "../ports/row-store.ts";
import { CATALOGUE, type ConfigurationEntry } from "./configurations.ts";
import { type AgentRow, agentTable } from "./state/agent-rows.ts";
import type { AuditEntry } from "./state/audit-rows.ts";
import type { ExclusionRows } from "./state/exclusion-rows.ts";
import { type JobRow, jobTable, ROW, readRow } from "./state/job-rows.ts";
import type { ObjectStore } from "./state/object-store.ts";

export interface AuditSubject {
  readonly subject: AuditEntry["subject"];
  /** By name, as JSON texts; absent where there is nothing of that name. */
  readonly values: Readonly<Record<string, string>>;
}

export type AuditSubjects = (params: Readonly<Record<string, string>>) => Promise<AuditSubject>;

export function createAuditSubjects(deps: {
  readonly rows: RowStore;
  readonly objects: ObjectStore;
  readonly exclusionRows: Pick<ExclusionRows, "list">;
}): AuditSubjects {
  const jobs = jobTable(deps.rows);

  async function ofAgent(configurationId: string, agentId: string): Promise<AuditSubject> {
    const agent = (await readRow<AgentRow>(agentTable(deps.rows), configurationId, `agent:${agentId}`))?.value;
    const { status, clonedBoot } = agent ?? {};
    return seen("Agent", agentId, agent?.name ?? null, { status, isCloned: clonedBoot && clonedBoot !== "" });
  }

  async function ofLink(jobId: string, objectGuid: string): Promise<AuditSubject> {
    const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
    const record = job && (await deps.objects.get(job.configurationId, objectGuid))?.record;
    const { link, unlinked, handedOver } = record ?? {};
    const values = { targetId: link?.targetId, origin: link?.origin, unlinked, handedOverTo: handedOver?.to };
    return seen("Link", objectGuid, job?.displayName ?? null, values);
  }

  async function ofExclusion(guid: string): Promise<AuditSubject> {
    const row = (await deps.exclusionRows.list()).find((own) => own.guid === guid.toLowerCase());
    return seen("Exclusion", guid, null, { reason: row?.reason, by: row?.by });
  }

  async function ofJob(jobId: string): Promise<AuditSubject> {
    const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
    if (!job) return seen("Job", jobId, null, {});
    const { state, schemaVersion, scopeVersion, settings, exportsHeld, quarantine, fullReadWanted } = job;
    const ofSettings = Object.fromEntries(Object.entries(settings).map(([name, own]) => [`settings.${name}`, own]));
    const held = { exportsHeld: exportsHeld?.because, quarantine: quarantine?.reason };
    return seen("Job", jobId, job.displayName, {
      ...{ state, schemaVersion, scopeVersion, fullReadWanted, ...held },
      ...ofSettings,
    });
  }

  async function ofConfiguration(configurationId: string): Promise<AuditSubject> {
    const entry = await readRow<ConfigurationEntry>(jobs, CATALOGUE, `configuration:${configurationId}`);
    const { displayName = null, domainFqdn, jobId } = entry?.value ?? {};
    return seen("Configuration", configurationId, displayName, { domainFqdn, jobId });
  }

  return async ({ agentId, objectGuid, guid, jobId, configurationId }) => {
    if (agentId !== undefined && configurationId !== undefined) return ofAgent(configurationId, agentId);
    if (objectGuid !== undefined && jobId !== undefined) return ofLink(jobId, objectGuid);
    if (guid !== undefined) return ofExclusion(guid);
    if (jobId !== undefined) return ofJob(jobId);
    if (configurationId !== undefined) return ofConfiguration(configurationId);
    return seen("Service", null, null, {});
  };
}

function seen(
  type: string,
  id: string | null,
  name: string | null,
  values: Readonly<Record<string, unknown>>,
): AuditSubject {
  const told = Object.entries(values).flatMap(([key, value]): [string, string][] =>
    value === undefined || value === null ? [] : [[key, JSON.stringify(value)]],
  );
  return { subject: { type, id, name }, values: Object.fromEntries(told) };
}
