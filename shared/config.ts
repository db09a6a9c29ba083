/**
 * The environment, parsed once: a `Config`, or one error that lists every problem with its remedy. Nothing else in the
 * cloud side reads `process.env`.
 */
import { headersOf } from "./domain/header-list.ts";
import { SETTINGS, type Setting, type SettingName } from "./settings.ts";

export interface Config {
  readonly publicUrl: string;
  /** Of the managed identity; undefined: the machine has one only. */
  readonly identityClientId: string | undefined;
  readonly data: { readonly connectionString: string } | { readonly account: string; readonly endpointSuffix: string };
  readonly serviceBus: { readonly connectionString: string } | { readonly namespace: string };
  readonly doorbellQueue: string;
  /** Undefined: traces, metrics and events go nowhere but to the log. */
  readonly telemetry:
    | { readonly kind: "azure"; readonly connectionString: string }
    | { readonly kind: "otlp"; readonly endpoint: string; readonly headers: Readonly<Record<string, string>> }
    | undefined;
  readonly target: {
    readonly tenantId: string;
    readonly clientId: string;
    readonly credential:
      | { readonly kind: "secret"; readonly secret: string }
      | { readonly kind: "certificate"; readonly certificate: { readonly path: string } | { readonly pem: string } }
      /** The managed identity vouches for the application: its token, for this audience, is exchanged for the application's. */
      | { readonly kind: "federated"; readonly audience: string }
      /** The managed identity is the application. */
      | { readonly kind: "managed-identity" };
    readonly graphUrl: string;
    readonly authorityUrl: string;
    /** In 150 seconds; 0: nobody watches it. */
    readonly writesPerWindow: number;
  };
  /** Undefined: there is no place for secrets. */
  readonly secrets: { readonly vaultUrl: string } | { readonly folder: string } | undefined;
  readonly admin: { readonly audience: string; readonly tenantId: string; readonly authorityUrl: string };
  readonly times: {
    readonly heartbeatMs: number;
    readonly leaseMs: number;
    readonly agentSilentMs: number;
    readonly unrungMs: number;
    readonly stuckMs: number;
    readonly watermarkMaxAgeMs: number;
    readonly payloadRetentionMs: number;
  };
  readonly clonedAgent: "refuse" | "lock";
  /** How long an agent that asks for commands is kept waiting. */
  readonly commandWaitMs: number;
  readonly chunkObjects: number;
  readonly escrowsAtOnce: number;
  /** Before a reconcile looks again at what differed. */
  readonly reconcileConfirmMs: number;
  readonly logMonths: number;
  readonly backupDays: number;
  readonly quarantine: {
    readonly failures: number;
    readonly percent: number;
    readonly count: number;
    readonly total: number;
    readonly retryHours: readonly number[];
    readonly disableAfterDays: number;
  };
  readonly schedules: { readonly tick: string; readonly fullSync: string; readonly backup: string };
}

export class ConfigError extends Error {
  readonly code = "config-invalid";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `The service can't start: ${problems.length === 1 ? "a setting is" : `${problems.length} settings are`} wrong or missing.\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    );
    this.name = "ConfigError";
    this.problems = problems;
  }
}

type Values = Readonly<Record<SettingName, string | number | undefined>>;

/** Throws `ConfigError` with every problem. Values of secret settings are never part of a message. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const values = Object.fromEntries(
    SETTINGS.map((setting) => [setting.name, readSetting(setting, environment[setting.name], problems)]),
  ) as Values;
  const has = (name: SettingName) => values[name] !== undefined;
  if (!has("UPLINK_DATA_CONNECTION") && !has("UPLINK_DATA_ACCOUNT"))
    problems.push(
      "UPLINK_DATA_ACCOUNT is missing: set it to the data storage account's name (on this machine: UPLINK_DATA_CONNECTION).",
    );
  if (!has("ServiceBusConnection") && !has("ServiceBusConnection__fullyQualifiedNamespace"))
    problems.push(
      "ServiceBusConnection__fullyQualifiedNamespace is missing: set it to the namespace's host name (on this machine: ServiceBusConnection).",
    );
  const proofs = (
    ["UPLINK_TARGET_CLIENT_SECRET", "UPLINK_TARGET_CERTIFICATE_FILE", "UPLINK_TARGET_CERTIFICATE"] as const
  ).filter(has);
  if (proofs.length > 1) problems.push(`${proofs.join(" and ")} are set at the same time: keep one.`);
  if (has("UPLINK_KEY_VAULT_URL") && has("UPLINK_SECRETS_FOLDER"))
    problems.push("UPLINK_KEY_VAULT_URL and UPLINK_SECRETS_FOLDER are both set: keep one.");
  if (
    typeof values.UPLINK_LEASE_SECONDS === "number" &&
    typeof values.UPLINK_HEARTBEAT_SECONDS === "number" &&
    values.UPLINK_LEASE_SECONDS < 2 * values.UPLINK_HEARTBEAT_SECONDS
  ) {
    problems.push(
      `UPLINK_LEASE_SECONDS (${values.UPLINK_LEASE_SECONDS}) must be at least twice UPLINK_HEARTBEAT_SECONDS (${values.UPLINK_HEARTBEAT_SECONDS}), or a lease ends between two heartbeats.`,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return configOf(values);
}

function readSetting(setting: Setting, raw: string | undefined, problems: string[]): string | number | undefined {
  const given = raw === undefined || raw === "" ? setting.default : raw;
  if (given === undefined) {
    if (!setting.optional)
      problems.push(
        `${setting.name} is missing: set it to ${setting.meaning.charAt(0).toLowerCase()}${setting.meaning.slice(1)}.`,
      );
    return undefined;
  }
  const parsed = setting.schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const shown = setting.secret ? "its value" : `'${given}'`;
  problems.push(
    `${setting.name}: ${shown} is refused (${parsed.error.issues[0]?.message ?? "wrong form"}). It is: ${setting.meaning}.`,
  );
  return undefined;
}

function configOf(values: Values): Config {
  const text = (name: SettingName) => String(values[name] ?? "");
  const number = (name: SettingName) => Number(values[name]);
  const seconds = (name: SettingName) => number(name) * 1000;
  const days = (name: SettingName) => number(name) * 86_400_000;
  const optional = (name: SettingName) => (values[name] === undefined ? undefined : text(name));
  const connectionString = optional("UPLINK_DATA_CONNECTION");
  const busConnection = optional("ServiceBusConnection");
  const folder = optional("UPLINK_SECRETS_FOLDER");
  const vaultUrl = optional("UPLINK_KEY_VAULT_URL");
  const identityClientId = optional("UPLINK_IDENTITY_CLIENT_ID");
  const authorityUrl = text("UPLINK_TARGET_AUTHORITY_URL").replace(/\/$/, "");
  const insights = optional("APPLICATIONINSIGHTS_CONNECTION_STRING");
  const endpoint = optional("OTEL_EXPORTER_OTLP_ENDPOINT");
  const telemetry = (): Config["telemetry"] => {
    if (endpoint !== undefined)
      return { kind: "otlp", endpoint, headers: headersOf(optional("OTEL_EXPORTER_OTLP_HEADERS") ?? "") };
    return insights === undefined ? undefined : { kind: "azure", connectionString: insights };
  };
  const credential = (): Config["target"]["credential"] => {
    const secret = optional("UPLINK_TARGET_CLIENT_SECRET");
    if (secret !== undefined) return { kind: "secret", secret };
    const path = optional("UPLINK_TARGET_CERTIFICATE_FILE");
    if (path !== undefined) return { kind: "certificate", certificate: { path } };
    const pem = optional("UPLINK_TARGET_CERTIFICATE");
    if (pem !== undefined) return { kind: "certificate", certificate: { pem } };
    if (identityClientId === undefined || identityClientId === text("UPLINK_TARGET_CLIENT_ID"))
      return { kind: "managed-identity" };
    return { kind: "federated", audience: text("UPLINK_TARGET_EXCHANGE_AUDIENCE") };
  };
  return {
    identityClientId,
    publicUrl: text("UPLINK_PUBLIC_URL").replace(/\/$/, ""),
    data:
      connectionString === undefined
        ? { account: text("UPLINK_DATA_ACCOUNT"), endpointSuffix: text("UPLINK_DATA_ENDPOINT_SUFFIX") }
        : { connectionString },
    serviceBus:
      busConnection === undefined
        ? { namespace: text("ServiceBusConnection__fullyQualifiedNamespace") }
        : { connectionString: busConnection },
    doorbellQueue: text("UPLINK_DOORBELL_QUEUE"),
    telemetry: telemetry(),
    target: {
      tenantId: text("UPLINK_TARGET_TENANT_ID"),
      clientId: text("UPLINK_TARGET_CLIENT_ID"),
      credential: credential(),
      graphUrl: text("UPLINK_TARGET_GRAPH_URL").replace(/\/$/, ""),
      authorityUrl,
      writesPerWindow: number("UPLINK_TARGET_WRITES"),
    },
    secrets: vaultUrl !== undefined ? { vaultUrl } : folder !== undefined ? { folder } : undefined,
    admin: {
      audience: text("UPLINK_ADMIN_AUDIENCE"),
      tenantId: optional("UPLINK_ADMIN_TENANT_ID") ?? text("UPLINK_TARGET_TENANT_ID"),
      authorityUrl,
    },
    times: {
      heartbeatMs: seconds("UPLINK_HEARTBEAT_SECONDS"),
      leaseMs: seconds("UPLINK_LEASE_SECONDS"),
      agentSilentMs: seconds("UPLINK_AGENT_SILENT_SECONDS"),
      unrungMs: seconds("UPLINK_UNRUNG_SECONDS"),
      stuckMs: seconds("UPLINK_STUCK_SECONDS"),
      watermarkMaxAgeMs: days("UPLINK_WATERMARK_MAX_AGE_DAYS"),
      payloadRetentionMs: days("UPLINK_PAYLOAD_RETENTION_DAYS"),
    },
    clonedAgent: text("UPLINK_CLONED_AGENT") === "lock" ? "lock" : "refuse",
    commandWaitMs: seconds("UPLINK_COMMAND_WAIT_SECONDS"),
    chunkObjects: number("UPLINK_CHUNK_OBJECTS"),
    escrowsAtOnce: number("UPLINK_ESCROWS_AT_ONCE"),
    reconcileConfirmMs: seconds("UPLINK_RECONCILE_CONFIRM_SECONDS"),
    logMonths: number("UPLINK_LOG_MONTHS"),
    backupDays: number("UPLINK_BACKUP_DAYS"),
    quarantine: {
      failures: number("UPLINK_QUARANTINE_FAILURES"),
      percent: number("UPLINK_QUARANTINE_PERCENT"),
      count: number("UPLINK_QUARANTINE_COUNT"),
      total: number("UPLINK_QUARANTINE_TOTAL"),
      retryHours: text("UPLINK_QUARANTINE_RETRY_HOURS").split(",").map(Number),
      disableAfterDays: number("UPLINK_QUARANTINE_DISABLE_DAYS"),
    },
    schedules: {
      tick: text("UPLINK_TICK_SCHEDULE"),
      fullSync: text("UPLINK_FULL_SYNC_SCHEDULE"),
      backup: text("UPLINK_BACKUP_SCHEDULE"),
    },
  };
}
