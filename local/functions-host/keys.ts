/**
 * Keys of function-level and admin-level HTTP triggers and of the Durable webhooks, made at first start and kept in
 * `keys.json` (mode 0600) of the state folder. Azure keeps them in a storage account; their meaning is the same.
 */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const keysSchema = z.object({
  /** Opens everything. */
  masterKey: z.string().min(16),
  /** Opens every function of level `function`. */
  functionKey: z.string().min(16),
  /** Opens the Durable webhooks. */
  durableKey: z.string().min(16),
});

export type Keys = z.output<typeof keysSchema>;

export type AuthLevel = "anonymous" | "function" | "admin";

const newKey = (): string => randomBytes(40).toString("base64url");

/** Reads the keys, making them when there are none. Throws an error that names the file when it is unusable. */
export async function ensureKeys(stateDir: string): Promise<Keys> {
  const path = join(stateDir, "keys.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    const keys: Keys = { masterKey: newKey(), functionKey: newKey(), durableKey: newKey() };
    await mkdir(stateDir, { recursive: true });
    await writeFile(`${path}.new`, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
    return keys;
  }
  try {
    return keysSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`The key file ${path} cannot be read. Delete it to get new keys.`, { cause });
  }
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Compares without telling by its duration where the texts differ. */
export function sameKey(a: string | undefined, b: string): boolean {
  return a !== undefined && timingSafeEqual(digest(a), digest(b));
}

export function isAuthorized(level: AuthLevel, key: string | undefined, keys: Keys): boolean {
  switch (level) {
    case "anonymous":
      return true;
    case "function":
      return sameKey(key, keys.functionKey) || sameKey(key, keys.masterKey);
    case "admin":
      return sameKey(key, keys.masterKey);
  }
}
