/**
 * Secrets as files of one folder, readable by their owner alone: for the local runtime, which has no vault. A file is there whole or
 * not at all. Not encrypted: whoever can read the service user's files can read them.
 */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type SecretStore, SecretsUnavailable } from "../../ports/secret-store.ts";

const REMEDY = "See that the service's user can write to the folder that UPLINK_SECRETS_FOLDER names.";

export function createFileSecretStore(deps: { readonly folder: string }): SecretStore {
  const pathOf = (name: string) => {
    if (!/^[A-Za-z0-9-]{1,127}$/.test(name)) throw new SecretsUnavailable("The name of a secret is malformed.", REMEDY);
    return join(deps.folder, name);
  };
  return {
    async get(name) {
      try {
        return await readFile(pathOf(name), "utf8");
      } catch (error) {
        if (codeOf(error) === "ENOENT") return undefined;
        throw unavailable("read", error);
      }
    },
    async set(name, value) {
      const path = pathOf(name);
      const partial = `${path}.${randomBytes(6).toString("hex")}.partial`;
      try {
        await mkdir(deps.folder, { recursive: true, mode: 0o700 });
        // It may have been there before, open to others.
        await chmod(deps.folder, 0o700);
        const file = await open(partial, "wx", 0o600);
        try {
          await file.writeFile(value);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true }).catch(() => undefined);
        throw unavailable("written", error);
      }
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}

function unavailable(what: string, error: unknown): SecretsUnavailable {
  if (error instanceof SecretsUnavailable) return error;
  return new SecretsUnavailable(`A secret's file can't be ${what} (${codeOf(error)}).`, REMEDY);
}
