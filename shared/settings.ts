/**
 * The settings of the cloud side: names, meaning, defaults, and where Azure's value comes from. A part of the table of needs
 * (`needs.ts`): `config.ts` parses them, the README's table and the infrastructure's are generated from them.
 */
import { z } from "zod";
import { TARGET_CLOUDS } from "./needs/clouds.ts";
import { QUEUES } from "./needs/stores.ts";

/** Where a deployment takes a setting's value from. */
export type AzureValue =
  /** Something that the infrastructure made: a name of `values` in `infra/modules/function-app.bicep`. */
  | { readonly from: "infrastructure"; readonly value: string }
  /** A parameter of the deployment. */
  | { readonly from: "parameter"; readonly value: string }
  /** The same everywhere. */
  | { readonly from: "fixed"; readonly value: string }
  /** Left out, so that the default holds; the parameter `settings` may say another. */
  | { readonly from: "default" }
  /** Never set there. */
  | { readonly from: "local-only" };

export interface Setting {
  readonly name: string;
  readonly meaning: string;
  /** As text; undefined: there is none, and the setting is required unless `optional`. */
  readonly default?: string;
  readonly optional?: boolean;
  readonly secret?: boolean;
  readonly azure: AzureValue;
  readonly schema: z.ZodType<string | number>;
}

const byDefault: AzureValue = { from: "default" };
const localOnly: AzureValue = { from: "local-only" };
const made = (value: string): AzureValue => ({ from: "infrastructure", value });
const parameter = (value: string): AzureValue => ({ from: "parameter", value });

const text = z.string().min(1);
const url = z.url({ protocol: /^https?$/ });
const count = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);

function isPem(given: string): boolean {
  return /-----BEGIN CERTIFICATE-----/.test(given) && /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(given);
}

export const SETTINGS = [
  {
    name: "UPLINK_PUBLIC_URL",
    meaning: "Origin at which agents and admins reach the service, without trailing slash",
    azure: made("publicUrl"),
    schema: url,
  },
  {
    name: "UPLINK_IDENTITY_CLIENT_ID",
    meaning: "Client id of the managed identity that reaches Azure's services; absent: the one that the app has",
    optional: true,
    azure: made("identityClientId"),
    schema: text,
  },
  {
    name: "UPLINK_DATA_CONNECTION",
    meaning: "Connection string of the data storage account (local only)",
    optional: true,
    secret: true,
    azure: localOnly,
    schema: text,
  },
  {
    name: "UPLINK_DATA_ACCOUNT",
    meaning: "Name of the data storage account, reached with the managed identity",
    optional: true,
    azure: made("dataAccount"),
    schema: text,
  },
  {
    name: "UPLINK_DATA_ENDPOINT_SUFFIX",
    meaning: "DNS suffix of the storage account's cloud",
    default: "core.windows.net",
    azure: made("storageSuffix"),
    schema: text,
  },
  {
    name: "ServiceBusConnection",
    meaning: "Connection string of the doorbell's Service Bus namespace (local only)",
    optional: true,
    secret: true,
    azure: localOnly,
    schema: text,
  },
  {
    name: "ServiceBusConnection__fullyQualifiedNamespace",
    meaning: "Host name of the doorbell's Service Bus namespace, reached with the managed identity",
    optional: true,
    azure: made("doorbellNamespace"),
    schema: text,
  },
  {
    name: "UPLINK_DOORBELL_QUEUE",
    meaning: "Name of the doorbell queue",
    default: QUEUES.doorbell.name,
    azure: byDefault,
    schema: text,
  },
  {
    name: "UPLINK_TARGET_TENANT_ID",
    meaning: "Tenant that objects are exported to",
    azure: parameter("targetTenantId"),
    schema: text,
  },
  {
    name: "UPLINK_TARGET_CLIENT_ID",
    meaning: "Application that writes to the target tenant",
    azure: parameter("targetClientId"),
    schema: text,
  },
  {
    name: "UPLINK_TARGET_CLIENT_SECRET",
    meaning: "Its secret (local only)",
    optional: true,
    secret: true,
    azure: localOnly,
    schema: text,
  },
  {
    name: "UPLINK_TARGET_CERTIFICATE_FILE",
    meaning: "File with its certificate and private key, PEM (local only)",
    optional: true,
    azure: localOnly,
    schema: text,
  },
  {
    name: "UPLINK_TARGET_CERTIFICATE",
    meaning:
      "Its certificate with private key, PEM: for other clouds than the managed identity's; on Azure a reference to the key vault",
    optional: true,
    secret: true,
    azure: made("targetCertificate"),
    schema: z.string().refine(isPem, "no PEM with certificate and private key; a reference that couldn't be resolved?"),
  },
  {
    name: "UPLINK_TARGET_EXCHANGE_AUDIENCE",
    meaning: "Audience of the managed identity's token that is exchanged for the application's",
    default: TARGET_CLOUDS.public.exchangeAudience,
    azure: made("targetExchangeAudience"),
    schema: text,
  },
  {
    name: "UPLINK_TARGET_GRAPH_URL",
    meaning: "Microsoft Graph of the target's cloud",
    default: TARGET_CLOUDS.public.graphUrl,
    azure: made("targetGraphUrl"),
    schema: url,
  },
  {
    name: "UPLINK_TARGET_AUTHORITY_URL",
    meaning: "Sign-in authority of the target's cloud",
    default: TARGET_CLOUDS.public.authorityUrl,
    azure: made("targetAuthorityUrl"),
    schema: url,
  },
  {
    name: "UPLINK_TARGET_WRITES",
    meaning:
      "Writes that the application has in the target in 150 seconds, for all jobs; 0: send, and wait when it throttles",
    default: "3000",
    azure: byDefault,
    schema: z.coerce
      .number()
      .int()
      .min(0)
      .max(100_000)
      .refine((writes) => writes === 0 || writes >= 100, "0, or at least 100"),
  },
  {
    name: "UPLINK_KEY_VAULT_URL",
    meaning: "Key vault for the secrets that admins save, reached with the managed identity",
    optional: true,
    azure: made("keyVaultUrl"),
    schema: url,
  },
  {
    name: "UPLINK_SECRETS_FOLDER",
    meaning: "Folder for those secrets instead of a vault (local only)",
    optional: true,
    azure: localOnly,
    schema: text,
  },
  {
    name: "UPLINK_ADMIN_AUDIENCE",
    meaning: "Audience of admins' access tokens",
    default: "api://directory-uplink",
    azure: parameter("adminClientId"),
    schema: text,
  },
  {
    name: "UPLINK_ADMIN_TENANT_ID",
    meaning: "Tenant whose tokens admins present; the target tenant when absent",
    optional: true,
    azure: parameter("adminTenantId"),
    schema: text,
  },
  {
    name: "UPLINK_HEARTBEAT_SECONDS",
    meaning: "How often agents say that they live",
    default: "60",
    azure: byDefault,
    schema: count(1, 600),
  },
  {
    name: "UPLINK_LEASE_SECONDS",
    meaning: "How long a domain's lease lasts without being renewed",
    default: "180",
    azure: byDefault,
    schema: count(2, 3600),
  },
  {
    name: "UPLINK_COMMAND_WAIT_SECONDS",
    meaning: "How long an agent's request for commands waits for one; 0: agents ask every few seconds instead",
    default: "20",
    azure: byDefault,
    schema: count(0, 60),
  },
  {
    name: "UPLINK_AGENT_SILENT_SECONDS",
    meaning: "Silence after which an agent is inactive and its lease free",
    default: "180",
    azure: byDefault,
    schema: count(1, 86_400),
  },
  {
    name: "UPLINK_CLONED_AGENT",
    meaning:
      "What becomes of two processes that use one agent's key: `refuse` the younger, or `lock` both out until an admin unlocks the agent",
    default: "refuse",
    azure: byDefault,
    schema: z.enum(["refuse", "lock"]),
  },
  {
    name: "UPLINK_UNRUNG_SECONDS",
    meaning: "Age at which a waiting batch is looked after without bell",
    default: "120",
    azure: byDefault,
    schema: count(0, 3600),
  },
  {
    name: "UPLINK_STUCK_SECONDS",
    meaning: "Time without movement after which a run is replaced",
    default: "600",
    azure: byDefault,
    schema: count(10, 86_400),
  },
  {
    name: "UPLINK_WATERMARK_MAX_AGE_DAYS",
    meaning: "Age of the watermark that forces a full read: half the forest's tombstone lifetime",
    default: "90",
    azure: byDefault,
    schema: count(1, 3650),
  },
  {
    name: "UPLINK_CHUNK_OBJECTS",
    meaning: "Objects that one activity maps or exports at most",
    default: "500",
    azure: byDefault,
    schema: count(1, 1000),
  },
  {
    name: "UPLINK_ESCROWS_AT_ONCE",
    meaning: "Escrows that one retry takes up at most",
    default: "1000",
    azure: byDefault,
    schema: count(1, 10_000),
  },
  {
    name: "UPLINK_QUARANTINE_FAILURES",
    meaning: "Failures of one cycle below which no job is put in quarantine",
    default: "5000",
    azure: byDefault,
    schema: count(1, 10_000_000),
  },
  {
    name: "UPLINK_QUARANTINE_PERCENT",
    meaning: "Share of a cycle's changes that may fail without quarantine",
    default: "40",
    azure: byDefault,
    schema: count(1, 100),
  },
  {
    name: "UPLINK_QUARANTINE_COUNT",
    meaning: "Failures of one cycle that bring no quarantine yet, those of references left out",
    default: "40000",
    azure: byDefault,
    schema: count(1, 10_000_000),
  },
  {
    name: "UPLINK_QUARANTINE_TOTAL",
    meaning: "Failures of one cycle that bring no quarantine yet, those of references among them",
    default: "60000",
    azure: byDefault,
    schema: count(1, 10_000_000),
  },
  {
    name: "UPLINK_QUARANTINE_RETRY_HOURS",
    meaning: "Hours from quarantine to the next attempt, one after the other; the last is repeated",
    default: "6,12,24",
    azure: byDefault,
    schema: z.string().regex(/^[1-9]\d{0,3}(,[1-9]\d{0,3})*$/, "whole hours with commas between them"),
  },
  {
    name: "UPLINK_QUARANTINE_DISABLE_DAYS",
    meaning: "Days in quarantine after which a job is disabled",
    default: "28",
    azure: byDefault,
    schema: count(1, 365),
  },
  {
    name: "UPLINK_RECONCILE_CONFIRM_SECONDS",
    meaning:
      "How long a reconcile waits before it looks again at what differed: the target shows its newest writes late",
    default: "300",
    azure: byDefault,
    schema: count(0, 86_400),
  },
  {
    name: "UPLINK_PAYLOAD_RETENTION_DAYS",
    meaning: "Days that the payloads of closed batches are kept",
    default: "7",
    azure: byDefault,
    schema: count(0, 365),
  },
  {
    name: "UPLINK_LOG_MONTHS",
    meaning:
      "Months of the provisioning log and the audit log, and of results of what-ifs and reconciles, that are kept besides the current one",
    default: "12",
    azure: byDefault,
    schema: count(0, 120),
  },
  {
    name: "UPLINK_TICK_SCHEDULE",
    meaning: "When the tick runs: a cron expression of six fields, UTC",
    default: "0 * * * * *",
    azure: byDefault,
    schema: text,
  },
  {
    name: "UPLINK_FULL_SYNC_SCHEDULE",
    meaning: "When jobs' full-sync schedules are looked at: a cron expression of six fields, UTC",
    default: "30 * * * * *",
    azure: byDefault,
    schema: text,
  },
  {
    name: "UPLINK_BACKUP_SCHEDULE",
    meaning:
      "When object rows and index are backed up into blobs, once a day at least (an alert tells of 26 hours without one): a cron expression of six fields, UTC",
    default: "0 30 0 * * *",
    azure: byDefault,
    schema: text,
  },
  {
    name: "UPLINK_BACKUP_DAYS",
    meaning: "Days that such a backup is kept; the newest whole one always is",
    default: "14",
    azure: byDefault,
    schema: count(1, 365),
  },
  {
    name: "APPLICATIONINSIGHTS_CONNECTION_STRING",
    meaning:
      "Where the service's traces, metrics and events go on Azure, reached with the managed identity; an address, for keys are switched off there",
    optional: true,
    azure: made("insightsConnection"),
    schema: text.regex(/(^|;)\s*InstrumentationKey=/i, "it must name an InstrumentationKey"),
  },
  {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    meaning:
      "Where they go elsewhere: any OTLP endpoint over HTTP, without the signals' paths; where both are set, ours go here",
    optional: true,
    azure: byDefault,
    schema: url,
  },
  {
    name: "OTEL_EXPORTER_OTLP_HEADERS",
    meaning: "Headers for that endpoint: name=value, with commas between them",
    optional: true,
    secret: true,
    azure: byDefault,
    schema: z.string().regex(/^\s*[^=,\s]+=[^,]*(,\s*[^=,\s]+=[^,]*)*$/, "name=value, with commas between them"),
  },
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]["name"];
