/** What of configurations, jobs, schemas and exclusions the service has now. */
import type { ExclusionReply } from "../shared/contracts/admin/exclusions.ts";
import { getJobSettings, type JobSettingsReply } from "../shared/contracts/admin/job-settings.ts";
import type { JobModeReply } from "../shared/contracts/admin/jobs.ts";
import { listSecrets, type SecretKey } from "../shared/contracts/admin/secrets.ts";
import type { SynchronizationSchema } from "../shared/domain/synchronization-schema.ts";
import type { AdminClient } from "./admin-client.ts";

export interface PresentConfiguration {
  readonly id: string;
  readonly jobId: string;
  readonly settings: JobSettingsReply;
  readonly mode: JobModeReply["mode"];
  readonly schema: SynchronizationSchema;
  /** The keys of those that are set; empty where nobody asked for them. */
  readonly secrets: readonly SecretKey[];
}

export interface Present {
  readonly configurations: readonly PresentConfiguration[];
  readonly exclusions: readonly ExclusionReply[];
}

/**
 * `needsSecrets`: whether its secrets are to be listed; a service that keeps none refuses that. Throws `AgentError`: what the service refuses, or that it can't be reached.
 */
export async function readPresent(
  client: AdminClient,
  needsSecrets: (domainFqdn: string) => boolean = () => false,
): Promise<Present> {
  const configurations: PresentConfiguration[] = [];
  for (const { id, jobId } of await client.configurations()) {
    // First of all: what is changed from here on is refused by their ETag and version.
    const settings = await client.call(getJobSettings, { params: { jobId } });
    const schema = (await client.schema({ id, jobId }, settings.schemaVersion)) as SynchronizationSchema;
    const { mode } = await client.status(jobId);
    const secrets = needsSecrets(settings.domainFqdn)
      ? (await client.call(listSecrets, { params: { configurationId: id } })).value.map(({ key }) => key)
      : [];
    configurations.push({ id, jobId, settings, mode, schema, secrets });
  }
  return { configurations, exclusions: await client.exclusions() };
}
