/** Which job an admin means. */
import { AgentError } from "../agent/agent-error.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import type { AdminClient } from "./admin-client.ts";

/** One configuration by name, domain or id. Throws `AgentError` that names those that there are. */
export async function findConfiguration(client: AdminClient, name: string): Promise<ConfigurationReply> {
  const all = await client.configurations();
  const wanted = name.toLowerCase();
  const found = all.filter((one) =>
    [one.displayName, one.domainFqdn, one.jobId, one.id].some((own) => own.toLowerCase() === wanted),
  );
  const [only] = found;
  if (only && found.length === 1) return only;
  const names = all.map((one) => one.displayName).join(", ") || "none";
  throw new AgentError(
    found.length === 0 ? "not-found" : "config-invalid",
    `${found.length === 0 ? "There is no job" : `${found.length} jobs are called`} '${name}'.`,
    `There are: ${names}. Give one of them, its domain or its job id.`,
  );
}
