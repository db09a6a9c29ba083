/**
 * Settings that Azure's Functions host and its extensions read, and our code doesn't: how they reach storage, Service Bus, Durable's
 * backend and Application Insights, all by the managed identity.
 *
 * Part of the table of needs. Not settings of ours: those stand in `shared/settings.ts`.
 */
import type { AzureValue } from "../settings.ts";
import type { DurableBackend } from "./roles.ts";

export interface HostSetting {
  readonly name: string;
  readonly meaning: string;
  readonly azure: AzureValue;
  /** Only with this backend of Durable. */
  readonly backend?: DurableBackend;
}

const IDENTITY: AzureValue = { from: "infrastructure", value: "identityClientId" };
const BY_IDENTITY: AzureValue = { from: "fixed", value: "managedidentity" };

/** Bodies above this are refused before any of our code sees them: a batch is 4 MiB at most, with room for its envelope. */
export const REQUEST_BODY_LIMIT_BYTES = 5 * 1024 * 1024;

export const HOST_SETTINGS: readonly HostSetting[] = [
  ...storage("AzureWebJobsStorage", "hostStorage", "the host's own storage"),
  ...storage("TaskHubStorage", "taskHubStorage", "Durable's storage", "storage"),
  {
    name: "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    meaning: "endpoint of the Durable Task Scheduler and whose identity reaches it; holds no key",
    azure: { from: "infrastructure", value: "schedulerConnection" },
    backend: "scheduler",
  },
  { name: "ServiceBusConnection__credential", meaning: "the doorbell is reached by identity", azure: BY_IDENTITY },
  { name: "ServiceBusConnection__clientId", meaning: "which identity", azure: IDENTITY },
  {
    name: "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    meaning: "telemetry is sent by identity",
    azure: { from: "infrastructure", value: "insightsAuthentication" },
  },
  {
    name: "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
    meaning: "bytes of a request's body; more is refused before any code of ours",
    azure: { from: "fixed", value: String(REQUEST_BODY_LIMIT_BYTES) },
  },
];

function storage(name: string, value: string, whose: string, backend?: DurableBackend): HostSetting[] {
  const only = backend === undefined ? {} : { backend };
  const address = (service: "blob" | "queue" | "table"): HostSetting => ({
    name: `${name}__${service}ServiceUri`,
    meaning: `${whose}: ${service}s`,
    azure: { from: "infrastructure", value: `${value}${service[0]?.toUpperCase()}${service.slice(1)}` },
    ...only,
  });
  return [
    address("blob"),
    address("queue"),
    address("table"),
    { name: `${name}__credential`, meaning: `${whose} is reached by identity`, azure: BY_IDENTITY, ...only },
    { name: `${name}__clientId`, meaning: "which identity", azure: IDENTITY, ...only },
  ];
}
