/**
 * The secrets of a configuration: replaced as a whole, listed by key, and tried against the target. They lie in one secret of the store,
 * so that a replacement is one write; nothing of them is answered, logged or put in a row.
 *
 * `AppKey` is checked by `validate`; exports go out with the service's own credential. `Domain` must name the configuration's
 * domain. `SyncNotificationSettings` are held to their shape and kept.
 */
import { z } from "zod";
import {
  SECRET_KEYS,
  type SecretKey,
  type SecretReply,
  type SecretsRequest,
  type ValidateCredentialsRequest,
} from "../../contracts/admin/secrets.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type SecretStore, SecretsUnavailable } from "../../ports/secret-store.ts";
import { fail, ok, type Result } from "../failure.ts";
import { type JobRow, jobTable, ROW, readRow } from "../state/job-rows.ts";
import { targetFailure } from "../target-failure.ts";
import { CATALOGUE, type ConfigurationEntry, noSuchConfiguration, noSuchJob } from "./configurations.ts";

export interface ConfigurationSecrets {
  /** Failures: 404, 409 without a store, 503. */
  keys(configurationId: string): Promise<Result<SecretReply[]>>;
  /** What isn't given is gone. Failures: as `keys`, and 422 for a value that its key doesn't take. */
  replace(configurationId: string, request: SecretsRequest, by: string): Promise<Result<null>>;
  /** Failures: as `keys`, 400 with what the target or its sign-in says, 422, 503 where nobody answers. */
  validate(configurationId: string, jobId: string, request: ValidateCredentialsRequest): Promise<Result<null>>;
}

/** A key vault's secret takes no more; the same everywhere, so that what is kept here can be kept there. */
const MOST_BYTES = 25_000;

type Saved = Partial<Record<SecretKey, string>>;

export function createConfigurationSecrets(deps: {
  readonly rows: RowStore;
  readonly log: Log;
  /** Undefined: this service keeps none. */
  readonly secrets: SecretStore | undefined;
  /** Reaches the target with an application's secret, or with the service's own credential. Throws `TargetUnavailable`. */
  readonly probeTarget: (appKey: string | undefined) => Promise<unknown>;
}): ConfigurationSecrets {
  const jobs = jobTable(deps.rows);
  const nameOf = (configurationId: string) => `uplink-${configurationId}`;

  async function entryOf(configurationId: string): Promise<Result<ConfigurationEntry>> {
    const entry = await readRow<ConfigurationEntry>(jobs, CATALOGUE, `configuration:${configurationId}`);
    return entry ? ok(entry.value) : noSuchConfiguration(configurationId);
  }

  async function withStore<T>(use: (store: SecretStore) => Promise<T>): Promise<Result<T>> {
    if (!deps.secrets) return notConfigured();
    try {
      return ok(await use(deps.secrets));
    } catch (error) {
      if (!(error instanceof SecretsUnavailable)) throw error;
      const { message, remedy } = error;
      return fail({ status: 503, code: "secrets-unreachable", message, remedy, retryAfterSeconds: 5 });
    }
  }

  const saved = (configurationId: string) =>
    withStore(async (store): Promise<Saved> => {
      const text = await store.get(nameOf(configurationId));
      return text === undefined ? {} : (JSON.parse(text) as Saved);
    });

  return {
    async keys(configurationId) {
      const entry = await entryOf(configurationId);
      if (!entry.ok) return entry;
      const own = await saved(configurationId);
      if (!own.ok) return own;
      return ok(SECRET_KEYS.filter((key) => own.value[key] !== undefined).map((key) => ({ key, value: null })));
    },

    async replace(configurationId, { value }, by) {
      const entry = await entryOf(configurationId);
      if (!entry.ok) return entry;
      for (const own of value) {
        const fault = faultOf(own.key, own.value, entry.value.domainFqdn);
        if (fault !== undefined) return invalid(own.key, fault);
      }
      const next: Saved = Object.fromEntries(value.map((own) => [own.key, own.value]));
      const text = JSON.stringify(next);
      if (Buffer.byteLength(text) > MOST_BYTES) return tooLong(Buffer.byteLength(text));
      const done = await withStore((store) => store.set(nameOf(configurationId), text));
      if (!done.ok) return done;
      deps.log.info("secrets-replaced", { configurationId, by, keys: Object.keys(next).join(", ") });
      return ok(null);
    },

    async validate(configurationId, jobId, { credentials, useSavedCredentials }) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (job?.value.configurationId !== configurationId) return noSuchJob(jobId);
      let appKey: string | undefined;
      for (const own of credentials ?? []) {
        const fault = faultOf(own.key, own.value, job.value.domainFqdn);
        if (fault !== undefined) return invalid(own.key, fault);
        if (own.key === "AppKey") appKey = own.value;
      }
      if (useSavedCredentials === true && (credentials ?? []).length === 0) {
        const own = await saved(configurationId);
        if (!own.ok) return own;
        appKey = own.value.AppKey;
      }
      try {
        await deps.probeTarget(appKey);
        return ok(null);
      } catch (error) {
        const { failure } = targetFailure(error, { credentials: 400, refused: 400 });
        // A sign-in's own words may quote what was sent.
        const message = appKey === undefined ? failure.message : failure.message.replaceAll(appKey, "[Redact]");
        return fail({ ...failure, message });
      }
    },
  };
}

const DomainSetting = z.looseObject({ domain: z.string() });
const Notifications = z.looseObject({
  Enabled: z.boolean(),
  Recipients: z.string(),
  DeleteThresholdEnabled: z.boolean(),
  DeleteThresholdValue: z.number().int().min(0),
});

/** Undefined: the key takes it. The value itself is never part of a fault. */
function faultOf(key: SecretKey, value: string, domainFqdn: string): string | undefined {
  if (key === "AppKey") return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return "must be JSON, as a text";
  }
  if (key === "Domain") {
    const domain = DomainSetting.safeParse(parsed);
    if (domain.success && domain.data.domain.toLowerCase() === domainFqdn) return undefined;
    return `must be {"domain":"${domainFqdn}"}: a configuration has one domain`;
  }
  const settings = Notifications.safeParse(parsed);
  if (settings.success) return undefined;
  const fields = [...new Set(settings.error.issues.map(({ path }) => path.join(".") || "it"))].join(", ");
  return `isn't Graph's shape at ${fields}`;
}

function invalid(key: SecretKey, fault: string) {
  return fail({
    status: 422,
    code: "secret-invalid",
    message: `The secret ${key} ${fault}.`,
    remedy: "Mend it and send all secrets again: what is sent replaces all.",
    details: [{ target: key, message: fault }],
  });
}

function tooLong(bytes: number) {
  const fault = `take ${bytes} bytes as they are kept, of ${MOST_BYTES} that a key vault's secret can have`;
  return fail({
    status: 422,
    code: "secret-invalid",
    message: `The secrets together ${fault}; none was written.`,
    remedy: "Send shorter ones: fewer recipients in SyncNotificationSettings, an AppKey as the target gave it.",
    details: [{ target: "value", message: fault }],
  });
}

function notConfigured() {
  return fail({
    status: 409,
    code: "secrets-not-configured",
    message: "This service has no place for secrets.",
    remedy: "Set UPLINK_KEY_VAULT_URL (on this machine UPLINK_SECRETS_FOLDER) and start it again.",
  });
}
