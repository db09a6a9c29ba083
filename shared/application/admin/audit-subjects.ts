/**
 * What an admin's request is about, as rows say it: looked at before and after it is carried out, so that the audit log tells what
 * changed without the use case having to. Parameters of the path name the subject, and the body what else the operation changes: the
 * digest of a staged set, who takes a link. Images, values and names of people are no part of it.
 */

import { createEnrolmentToken } from "../../contracts/admin/enrolment-tokens.ts";
import { wakeAnew } from "../../contracts/admin/jobs.ts";
import { moveLink } from "../../contracts/admin/links.ts";
import { putSecrets } from "../../contracts/admin/secrets.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { STAGED_LANE, setsOf, stagedWorkId } from "../guard/staged-set.ts";
import type { ConfigurationSecrets } from "../jobs/configuration-secrets.ts";
import { CATALOGUE, type ConfigurationEntry } from "../jobs/configurations.ts";
import { type AgentRow, agentTable, TOKEN_PREFIX, type TokenRow } from "../state/agent-rows.ts";
import type { AuditEntry } from "../state/audit-rows.ts";
import type { ExclusionRows } from "../state/exclusion-rows.ts";
import { type JobRow, jobTable, LANES, ROW, type RunnerRow, readRow } from "../state/job-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { Removals } from "../state/removal-rows.ts";

export interface AuditSubject {
  readonly subject: AuditEntry["subject"];
  /** By name, as JSON texts; absent where there is nothing of that name. */
  readonly values: Readonly<Record<string, string>>;
}

/** `asked`: the operation's id, and the body as parsed. */
export type AuditSubjects = (
  params: Readonly<Record<string, string>>,
  asked?: { readonly operation: string; readonly body: unknown },
) => Promise<AuditSubject>;

export function createAuditSubjects(deps: {
  readonly rows: RowStore;
  readonly objects: ObjectStore;
  readonly exclusionRows: Pick<ExclusionRows, "list">;
  readonly removals: Pick<Removals, "staged">;
  readonly secrets: Pick<ConfigurationSecrets, "keys">;
}): AuditSubjects {
  const [jobs, agents] = [jobTable(deps.rows), agentTable(deps.rows)];

  async function ofAgent(configurationId: string, agentId: string): Promise<AuditSubject> {
    const agent = (await readRow<AgentRow>(agents, configurationId, `agent:${agentId}`))?.value;
    const { status, clonedBoot } = agent ?? {};
    return seen("Agent", agentId, agent?.name ?? null, { status, isCloned: clonedBoot && clonedBoot !== "" });
  }

  /** By its digest, which opens nothing; null: it isn't made yet. */
  async function ofToken(configurationId: string, tokenId: string | null): Promise<AuditSubject> {
    const row = `${TOKEN_PREFIX}${tokenId}`;
    const token = tokenId === null ? undefined : (await readRow<TokenRow>(agents, configurationId, row))?.value;
    const entry = (await readRow<ConfigurationEntry>(jobs, CATALOGUE, `configuration:${configurationId}`))?.value;
    const { policy, madeBy, usedBy, expiresAt } = token ?? {};
    const until = expiresAt === undefined ? undefined : new Date(expiresAt).toISOString();
    return seen("EnrolmentToken", tokenId, entry?.displayName ?? null, { policy, madeBy, usedBy, expiresAt: until });
  }

  async function ofLink(jobId: string, objectGuid: string, body: unknown): Promise<AuditSubject> {
    const { name, values } = await linkOf(jobId, objectGuid);
    const { toJobId = jobId, toObjectGuid } = (body ?? {}) as { toJobId?: string; toObjectGuid?: string };
    const taker = toObjectGuid === undefined ? {} : (await linkOf(toJobId, toObjectGuid)).values;
    return seen("Link", objectGuid, name, { ...values, ...prefixed("taker", taker) });
  }

  async function linkOf(jobId: string, objectGuid: string) {
    const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
    const record = job && (await deps.objects.get(job.configurationId, objectGuid.toLowerCase()))?.record;
    const { link, unlinked, handedOver } = record ?? {};
    const values = { targetId: link?.targetId, origin: link?.origin, unlinked, handedOverTo: handedOver?.to };
    return { name: job?.displayName ?? null, values };
  }

  async function ofStaged(jobId: string, of: string, body: unknown): Promise<AuditSubject> {
    const { digest = "" } = (body ?? {}) as { digest?: string };
    const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
    const sets = job ? setsOf(jobId, await deps.removals.staged(jobId)) : [];
    const set = sets.find((own) => own.class === of && own.digest === digest.toLowerCase());
    const values = set && {
      ...{ class: of, objects: set.rows.length },
      isApproved: (await jobs.get(jobId, ROW.work(STAGED_LANE, stagedWorkId(jobId, set.digest)))) !== undefined,
    };
    return seen("StagedSet", digest, job?.displayName ?? null, values ?? {});
  }

  async function ofExclusion(guid: string): Promise<AuditSubject> {
    const row = (await deps.exclusionRows.list()).find((own) => own.guid === guid.toLowerCase());
    return seen("Exclusion", guid, null, { reason: row?.reason, by: row?.by });
  }

  /** Where the runs of the lanes stand. */
  async function runnersOf(jobId: string): Promise<Record<string, unknown>> {
    const runners = await Promise.all(LANES.map((lane) => readRow<RunnerRow>(jobs, jobId, ROW.runner(lane))));
    const values = runners.map((row) => row && { state: row.value.state, epoch: row.value.epoch });
    return Object.fromEntries(LANES.map((lane, at) => [`runner.${lane}`, values[at]]));
  }

  async function ofJob(jobId: string, more: Readonly<Record<string, unknown>> = {}): Promise<AuditSubject> {
    const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
    if (!job) return seen("Job", jobId, null, {});
    const { displayName, state, schemaVersion, scopeVersion, settings, exportsHeld, quarantine, fullReadWanted } = job;
    const ofSettings = prefixed("settings", settings);
    const held = { exportsHeld: exportsHeld?.because, quarantine: quarantine?.reason };
    const going = { deleting: askedOf(job.deleting), emptying: askedOf(job.emptying) };
    return seen("Job", jobId, displayName, {
      ...{ displayName, state, schemaVersion, scopeVersion, fullReadWanted, ...held, ...going },
      ...{ ...ofSettings, ...more },
    });
  }

  /** By key alone; undefined where that can't be told now: whoever replaces what is damaged, or out of reach, is answered by the use case. */
  async function secretsOf(configurationId: string): Promise<Record<string, unknown>> {
    const keys = await deps.secrets.keys(configurationId).catch(() => undefined);
    return { savedKeys: keys?.ok ? keys.value.map(({ key }) => key).sort() : undefined };
  }

  async function ofConfiguration(
    configurationId: string,
    more: Readonly<Record<string, unknown>>,
  ): Promise<AuditSubject> {
    const entry = await readRow<ConfigurationEntry>(jobs, CATALOGUE, `configuration:${configurationId}`);
    const { displayName = null, domainFqdn, jobId } = entry?.value ?? {};
    return seen("Configuration", configurationId, displayName, { domainFqdn, jobId, ...more });
  }

  return async (params, { operation, body } = { operation: "", body: undefined }) => {
    const { agentId, tokenId, objectGuid, guid, jobId, configurationId } = params;
    if (configurationId !== undefined && (tokenId !== undefined || operation === createEnrolmentToken.id))
      return ofToken(configurationId, tokenId ?? null);
    if (agentId !== undefined && configurationId !== undefined) return ofAgent(configurationId, agentId);
    if (objectGuid !== undefined && jobId !== undefined)
      return ofLink(jobId, objectGuid, operation === moveLink.id ? body : undefined);
    if (guid !== undefined) return ofExclusion(guid);
    if (jobId !== undefined && params["class"] !== undefined) return ofStaged(jobId, params["class"], body);
    if (jobId !== undefined) return ofJob(jobId, operation === wakeAnew.id ? await runnersOf(jobId) : {});
    if (configurationId !== undefined)
      return ofConfiguration(configurationId, operation === putSecrets.id ? await secretsOf(configurationId) : {});
    return seen("Service", null, null, {});
  };
}

/** By whom and when a deletion was asked: `deleting` keeps the objects, `emptying` deletes them first. */
function askedOf(asked: { readonly by: string; readonly at: number } | undefined) {
  return asked && { by: asked.by, at: new Date(asked.at).toISOString() };
}

function prefixed(prefix: string, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]));
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
