/**
 * Secrets in an Azure Key Vault, by its REST interface and a managed identity's token (role Key Vault Secrets Officer). A value that is
 * replaced stays in the vault as an older version, as vaults do. Not run against Azure where this was built: held by tests against a
 * server that answers as the documentation says.
 */
import type { TokenCredential } from "@azure/identity";
import { type SecretStore, SecretsUnavailable } from "../../ports/secret-store.ts";

const VERSION = "7.4";
const TIMEOUT_MS = 15_000;
const REMEDY =
  "See that UPLINK_KEY_VAULT_URL names the vault, and that the service's identity may get and set its secrets.";

export function createKeyVaultSecretStore(deps: {
  /** Such as `https://uplink.vault.azure.net`. */
  readonly vaultUrl: string;
  readonly credential: TokenCredential;
  readonly fetch?: typeof fetch;
}): SecretStore {
  const vault = new URL(deps.vaultUrl);
  // `vault.azure.net`, or that of another cloud: what comes after the vault's own name.
  const scope = `https://${vault.hostname.split(".").slice(1).join(".")}/.default`;

  async function call(method: "GET" | "PUT", name: string, value?: string): Promise<Response> {
    if (!/^[A-Za-z0-9-]{1,127}$/.test(name)) throw new SecretsUnavailable("The name of a secret is malformed.", REMEDY);
    try {
      const token = await deps.credential.getToken(scope);
      if (!token) throw new Error("the identity gave no token");
      return await (deps.fetch ?? fetch)(`${vault.origin}/secrets/${name}?api-version=${VERSION}`, {
        method,
        headers: { authorization: `Bearer ${token.token}`, "content-type": "application/json" },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(value === undefined ? {} : { body: JSON.stringify({ value }) }),
      });
    } catch (error) {
      const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
      throw new SecretsUnavailable(`The key vault ${vault.hostname} can't be asked: ${why}`, REMEDY, { cause: error });
    }
  }

  return {
    async get(name) {
      const response = await call("GET", name);
      if (response.status === 404) return undefined;
      const body: unknown = response.ok ? await response.json().catch(() => undefined) : undefined;
      if (typeof body === "object" && body !== null && "value" in body && typeof body.value === "string")
        return body.value;
      throw refused(vault.hostname, response.status);
    },
    async set(name, value) {
      const response = await call("PUT", name, value);
      if (!response.ok) throw refused(vault.hostname, response.status);
    },
  };
}

/** Without the vault's own words: they may quote what was sent. */
function refused(host: string, status: number): SecretsUnavailable {
  return new SecretsUnavailable(`The key vault ${host} answered with status ${status}.`, REMEDY);
}
