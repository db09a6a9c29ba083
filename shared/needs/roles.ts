/**
 * Who may do what in Azure: the one managed identity of the functions app, the built-in roles that it holds, on what, and why.
 *
 * Part of the table of needs. The infrastructure assigns them in a loop over the generated `infra/needs.json`; nothing else assigns
 * any. The ids are those of Azure's built-in roles, the same in every tenant and cloud.
 */

export type DurableBackend = "scheduler" | "storage";

/** What a role is held on: as narrow as the role's use allows. */
export type RoleScope =
  | "hostStorage"
  | "taskHubStorage"
  | "dataStorage"
  | "doorbellQueue"
  | "keyVault"
  | "applicationInsights"
  | "taskHub";

export interface RoleNeed {
  readonly role: string;
  readonly roleId: string;
  readonly scope: RoleScope;
  readonly why: string;
  /** Only with this backend of Durable. */
  readonly backend?: DurableBackend;
}

const BLOB_OWNER = { role: "Storage Blob Data Owner", roleId: "b7e6dc6d-f1e8-4753-8033-0f276bb0955b" };
const BLOB_CONTRIBUTOR = { role: "Storage Blob Data Contributor", roleId: "ba92f5b4-2d11-453d-a403-e96b0029c9fe" };
const QUEUE_CONTRIBUTOR = { role: "Storage Queue Data Contributor", roleId: "974c5e8b-45b9-4653-ba55-5f855dd0fb88" };
const TABLE_CONTRIBUTOR = { role: "Storage Table Data Contributor", roleId: "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3" };

export const ROLES: readonly RoleNeed[] = [
  {
    ...BLOB_OWNER,
    scope: "hostStorage",
    why: "the Functions host: leases of timers, function keys, the deployed package",
  },
  {
    ...TABLE_CONTRIBUTOR,
    scope: "hostStorage",
    why: "the Functions host: its own diagnostic events, for which it makes and drops tables; without it it tells of the refusal for ever",
  },
  {
    ...TABLE_CONTRIBUTOR,
    scope: "dataStorage",
    why: "all rows of the service; tables of the log are made and dropped by month",
  },
  { ...BLOB_CONTRIBUTOR, scope: "dataStorage", why: "payloads, schemas, results" },
  {
    role: "Azure Service Bus Data Sender",
    roleId: "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
    scope: "doorbellQueue",
    why: "rings when a batch was accepted",
  },
  {
    role: "Azure Service Bus Data Receiver",
    roleId: "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
    scope: "doorbellQueue",
    why: "the trigger that wakes a job",
  },
  {
    role: "Key Vault Secrets Officer",
    roleId: "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    scope: "keyVault",
    why: "keeps the secrets that admins save and reads them back; reads the target's certificate",
  },
  {
    role: "Monitoring Metrics Publisher",
    roleId: "3913510d-42f4-4e42-8a64-420c390055eb",
    scope: "applicationInsights",
    why: "sends telemetry; keys are switched off there",
  },
  {
    role: "Durable Task Data Contributor",
    roleId: "0ad04412-c4d5-4796-b79c-f76d14c8d402",
    scope: "taskHub",
    why: "runs orchestrations on the Durable Task Scheduler",
    backend: "scheduler",
  },
  { ...BLOB_CONTRIBUTOR, scope: "taskHubStorage", why: "Durable's leases and large messages", backend: "storage" },
  { ...QUEUE_CONTRIBUTOR, scope: "taskHubStorage", why: "Durable's control and work item queues", backend: "storage" },
  { ...TABLE_CONTRIBUTOR, scope: "taskHubStorage", why: "Durable's history and instances", backend: "storage" },
];
