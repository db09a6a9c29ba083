/** The cloud side with its real adapters, built once from the configuration. */
import { randomBytes } from "node:crypto";
import { createBlobStore } from "../shared/adapters/blobs/blob-store.ts";
import { createGraphTargetDirectory } from "../shared/adapters/graph/graph-target-directory.ts";
import { type CredentialConfig, createCredential, identityAssertion } from "../shared/adapters/identity/credentials.ts";
import { createFileSecretStore } from "../shared/adapters/secrets/file-secret-store.ts";
import { createKeyVaultSecretStore } from "../shared/adapters/secrets/key-vault-secret-store.ts";
import { createServiceBusDoorbell } from "../shared/adapters/service-bus/doorbell.ts";
import { createTableRowStore } from "../shared/adapters/tables/row-store.ts";
import { watchDoorbell } from "../shared/adapters/telemetry/watched-doorbell.ts";
import { watchFetch } from "../shared/adapters/telemetry/watched-fetch.ts";
import { createWatchedLog } from "../shared/adapters/telemetry/watched-log.ts";
import { watchTarget } from "../shared/adapters/telemetry/watched-target.ts";
import type { Config } from "../shared/config.ts";
import { CONTAINERS } from "../shared/needs/stores.ts";
import type { Clock, Random } from "../shared/ports/clock.ts";
import type { Telemetry } from "../shared/ports/telemetry.ts";
import { createConsoleLog } from "./console-log.ts";
import { credentialEnd, telemetryOf } from "./telemetry.ts";
import { createUseCases, type UseCases } from "./use-cases.ts";
import { watchActivities, whoseWork } from "./watch.ts";

/** `$batch` calls on their way at once, for one process: more only meets the target's quota. */
const PARALLEL_BATCHES = 8;

/** With `activities` as they are registered: watched, where telemetry is on. */
export function createCloudSide(config: Config): UseCases & { readonly telemetry: Telemetry } {
  const clock: Clock = { now: () => Date.now() };
  const random: Random = { bytes: (count) => randomBytes(count) };
  const console = createConsoleLog();
  const telemetry = telemetryOf(config, console, clock);
  const log = createWatchedLog(console, telemetry);
  const storage = storageOf(config);
  const rows = createTableRowStore(storage.tables);
  const blobs = createBlobStore(storage.blobs);
  const bus =
    "connectionString" in config.serviceBus
      ? config.serviceBus
      : { ...config.serviceBus, credential: identityOf(config) };
  const bell = createServiceBusDoorbell({ ...bus, queue: config.doorbellQueue, traceparent: telemetry.current });
  const doorbell = watchDoorbell(bell, telemetry);
  const targetBy = (credential: CredentialConfig) =>
    createGraphTargetDirectory({
      fetch: config.telemetry ? watchFetch(fetch, telemetry, "graph") : fetch,
      baseUrl: config.target.graphUrl,
      credential: createCredential(credential),
      scope: `${new URL(config.target.graphUrl).origin}/.default`,
      log,
      random,
      clock,
      maxParallelBatches: PARALLEL_BATCHES,
    });
  const target = watchTarget(targetBy(targetCredential(config)), telemetry, whoseWork);
  // A new one each time: what another one remembers (a token) proves nothing.
  const probeTarget = (appKey: string | undefined) =>
    targetBy(appKey === undefined ? targetCredential(config) : secretCredential(config, appKey)).describe();
  const cloud = createUseCases(
    { rows, blobs, doorbell, target, clock, random, log, secrets: secretsOf(config), probeTarget, telemetry },
    {
      ...config,
      targetKey: config.target.tenantId,
      quota: quotaOf(config),
      credentialEndsAt: credentialEnd(config.target.credential),
    },
  );
  if (!config.telemetry) return { ...cloud, telemetry };
  return { ...cloud, telemetry, activities: watchActivities({ telemetry, rows, clock }, cloud.activities) };
}

/** The budget belongs to an application in a tenant of a cloud. */
function quotaOf({ target }: Config) {
  const key = `${new URL(target.graphUrl).hostname}:${target.tenantId}:${target.clientId}`;
  return target.writesPerWindow === 0 ? undefined : { key, writes: target.writesPerWindow };
}

function storageOf(config: Config) {
  const container = CONTAINERS.payloads.name;
  if ("connectionString" in config.data) {
    const { connectionString } = config.data;
    return { tables: { connectionString }, blobs: { connectionString, container } };
  }
  const { account, endpointSuffix } = config.data;
  const credential = identityOf(config);
  return {
    tables: { endpoint: `https://${account}.table.${endpointSuffix}`, credential },
    blobs: { endpoint: `https://${account}.blob.${endpointSuffix}`, credential, container },
  };
}

function identityOf({ identityClientId }: Config) {
  return createCredential({ kind: "managed-identity", clientId: identityClientId });
}

function secretsOf(config: Config) {
  const { secrets } = config;
  if (secrets === undefined) return undefined;
  if ("folder" in secrets) return createFileSecretStore(secrets);
  return createKeyVaultSecretStore({ ...secrets, credential: identityOf(config) });
}

function authorityOf({ target: { authorityUrl } }: Config) {
  return { host: authorityUrl, unlisted: new URL(authorityUrl).hostname === "localhost" };
}

function secretCredential(config: Config, clientSecret: string): CredentialConfig {
  const { tenantId, clientId } = config.target;
  return { kind: "client-secret", tenantId, clientId, clientSecret, authority: authorityOf(config) };
}

function targetCredential(config: Config): CredentialConfig {
  const { tenantId, clientId, credential } = config.target;
  const authority = authorityOf(config);
  switch (credential.kind) {
    case "secret":
      return secretCredential(config, credential.secret);
    case "certificate":
      return { kind: "certificate", tenantId, clientId, certificate: credential.certificate, authority };
    case "federated": {
      const assertion = identityAssertion(identityOf(config), credential.audience);
      return { kind: "federated", tenantId, clientId, assertion, authority };
    }
    case "managed-identity":
      return { kind: "managed-identity", clientId: config.identityClientId };
  }
}
