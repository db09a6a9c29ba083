/**
 * Who we are towards Azure and towards a target: one place that turns settings into a `TokenCredential`.
 *
 * On Azure that is a managed identity and no secret: it reaches Azure's services itself, and vouches for the application of
 * the target's tenant (federation). A target in another cloud takes a certificate, for federation stays within its cloud. A client secret is for development: the local directory's token
 * endpoint, whose host no discovery knows.
 */

import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
  type TokenCredential,
} from "@azure/identity";

export type CredentialConfig =
  /** What the machine offers: environment, workload or managed identity, Azure CLI. */
  | { readonly kind: "default" }
  /** `clientId` for a user-assigned identity. */
  | { readonly kind: "managed-identity"; readonly clientId?: string | undefined }
  | {
      readonly kind: "federated";
      readonly tenantId: string;
      readonly clientId: string;
      /** Says, on each use, a token of the managed identity for the exchange; `identityAssertion` makes one. */
      readonly assertion: () => Promise<string>;
      readonly authority?: Authority;
    }
  | {
      readonly kind: "client-secret";
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly authority?: Authority;
    }
  | {
      readonly kind: "certificate";
      readonly tenantId: string;
      readonly clientId: string;
      /** PEM with certificate and private key: its text, or where it lies. */
      readonly certificate: { readonly pem: string } | { readonly path: string };
      readonly authority?: Authority;
    };

/** The token endpoint: another cloud's (`https://login.microsoftonline.us`), or the local one, which nobody lists. */
interface Authority {
  /** Origin, without the tenant. */
  readonly host: string;
  /** True for a host that Microsoft's instance discovery doesn't know. */
  readonly unlisted?: boolean;
}

/** Makes no call: a wrong secret shows with the first token. */
export function createCredential(config: CredentialConfig): TokenCredential {
  switch (config.kind) {
    case "default":
      return new DefaultAzureCredential();
    case "managed-identity":
      return config.clientId === undefined
        ? new ManagedIdentityCredential()
        : new ManagedIdentityCredential({ clientId: config.clientId });
    case "federated":
      return new ClientAssertionCredential(
        config.tenantId,
        config.clientId,
        config.assertion,
        authorityOptions(config.authority),
      );
    case "client-secret":
      return new ClientSecretCredential(
        config.tenantId,
        config.clientId,
        config.clientSecret,
        authorityOptions(config.authority),
      );
    case "certificate":
      return certificateCredential(config);
  }
}

/**
 * The managed identity's token for the exchange. `audience` such as `api://AzureADTokenExchange`; the credential keeps tokens while
 * they are good, so this asks rarely. Rejects when the identity gives none.
 */
export function identityAssertion(identity: TokenCredential, audience: string): () => Promise<string> {
  return async () => {
    const answer = await identity.getToken(`${audience}/.default`);
    if (!answer) throw new Error(`The managed identity gave no token for ${audience}.`);
    return answer.token;
  };
}

function certificateCredential(config: Extract<CredentialConfig, { kind: "certificate" }>): TokenCredential {
  const { tenantId, clientId, certificate } = config;
  const options = authorityOptions(config.authority);
  return "pem" in certificate
    ? new ClientCertificateCredential(tenantId, clientId, { certificate: certificate.pem }, options)
    : new ClientCertificateCredential(tenantId, clientId, { certificatePath: certificate.path }, options);
}

/** Whoever needs a token is tried again by the orchestration: no long waits in here. */
const RETRIES = { maxRetries: 2, retryDelayInMs: 300, maxRetryDelayInMs: 1_000 };

function authorityOptions(authority: Authority | undefined) {
  const retryOptions = RETRIES;
  if (!authority) return { retryOptions };
  return { authorityHost: authority.host, disableInstanceDiscovery: authority.unlisted ?? false, retryOptions };
}
