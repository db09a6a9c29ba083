/** What of configurations, jobs, schemas and exclusions the service has now. */
import type { ExclusionReply } from "../shared/contracts/admin/exclusions.ts";
import { getJobSettings, type JobSettingsReply } from "../shared/contracts/admin/job-settings.ts";
import type { JobModeReply } from "../shared/contracts/admin/jobs.ts";
import type { SynchronizationSchema } from "../shared/domain/synchronization-schema.ts";
import type { AdminClient } from "./admin-client.ts";

export interface PresentConfiguration {
  readonly id: string;
  readonly jobId: string;
  readonly settings: JobSettingsReply;
  readonly mode: JobModeReply["mode"];
  readonly schema: SynchronizationSchema;
}

export interface Present {
  readonly configurations: readonly PresentConfiguration[];
  readonly exclusions: readonly ExclusionReply[];
}

/** Throws `AgentError`: what the service refuses, or that it can't be reached. */
export async function readPresent(client: AdminClient): Promise<Present> {
  const configurations: PresentConfiguration[] = [];
  for (const { id, jobId } of await client.configurations()) {
    // First of all: what is changed from here on is refused by their ETag and version.
    const settings = await client.call(getJobSettings, { params: { jobId } });
    const schema = (await client.schema({ id, jobId }, settings.schemaVersion)) as SynchronizationSchema;
    const { mode } = await client.status(jobId);
    configurations.push({ id, jobId, settings, mode, schema });
  }
  return { configurations, exclusions: await client.exclusions() };
}
