/** The cloud side with its real adapters, built once from the configuration. */
import { randomBytes } from "node:crypto";
import { createBlobStore } from "../shared/adapters/blobs/blob-store.ts";
import { createGraphTargetDirectory } from "../shared/adapters/graph/graph-target-directory.ts";
import { type CredentialConfig, createCredential, identityAssertion } from "../shared/adapters/identity/credentials.ts";
import { createFileSecretStore } from "../shared/adapters/secrets/file-secret-store.ts";
import { createKeyVaultSecretStore } from "../shared/adapters/secrets/key-vault-secret-store.ts";
import { createServiceBusDoorbell } from "../shared/adapters/service-bus/doorbell.ts";
import { createTableRowStore } from "../shared/adapters/tables/row-store.ts";
import type { Config } from "../shared/config.ts";
import { CONTAINERS } from "../shared/needs/stores.ts";
import type { Clock, Random } from "../shared/ports/clock.ts";
import { createConsoleLog } from "./console-log.ts";
import { createUseCases, type UseCases } from "./use-cases.ts";

/** `$batch` calls on their way at once, for one process: more only meets the target's quota. */
const PARALLEL_BATCHES = 8;

export function createCloudSide(config: Config): UseCases {
  const clock: Clock = { now: () => Date.now() };
  const random: Random = { bytes: (count) => randomBytes(count) };
  const log = createConsoleLog();
  const storage = storageOf(config);
  const rows = createTableRowStore(storage.tables);
  const blobs = createBlobStore(storage.blobs);
  const bus =
    "connectionString" in config.serviceBus
      ? config.serviceBus
      : { ...config.serviceBus, credential: identityOf(config) };
  const doorbell = createServiceBusDoorbell({ ...bus, queue: config.doorbellQueue });
  const targetBy = (credential: CredentialConfig) =>
    createGraphTargetDirectory({
      baseUrl: config.target.graphUrl,
      credential: createCredential(credential),
      scope: `${new URL(config.target.graphUrl).origin}/.default`,
      log,
      random,
      clock,
      maxParallelBatches: PARALLEL_BATCHES,
    });
  const target = targetBy(targetCredential(config));
  // A new one each time: what another one remembers (a token) proves nothing.
  const probeTarget = (appKey: string | undefined) =>
    targetBy(appKey === undefined ? targetCredential(config) : secretCredential(config, appKey)).describe();
  return createUseCases(
    { rows, blobs, doorbell, target, clock, random, log, secrets: secretsOf(config), probeTarget },
    { ...config, targetKey: config.target.tenantId, quota: quotaOf(config) },
  );
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
