/**
 * What `uplink login` leaves on this machine: to which service, by which tenant and application, and the tokens. One file below the
 * user's own configuration folder that nobody else may read; one that others can read is not used.
 */
import { randomUUID } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { AgentError } from "../agent/agent-error.ts";

export const Login = z.strictObject({
  version: z.literal(1),
  url: z.string(),
  authority: z.string(),
  tenant: z.string(),
  clientId: z.string(),
  audience: z.string(),
  accessToken: z.string(),
  /** Milliseconds since 1970. */
  expiresAt: z.number(),
  refreshToken: z.string().nullable(),
});
export type Login = z.infer<typeof Login>;

type Environment = Readonly<Record<string, string | undefined>>;

/** `UPLINK_CONFIG_HOME`, else the platform's folder for such files. */
export function loginPath(environment: Environment): string {
  const named = environment["UPLINK_CONFIG_HOME"];
  if (named) return join(named, "login.json");
  const home = environment["HOME"] || homedir();
  const base =
    process.platform === "win32"
      ? environment["APPDATA"] || join(home, "AppData", "Roaming")
      : environment["XDG_CONFIG_HOME"] || join(home, ".config");
  return join(base, "directory-uplink", "login.json");
}

/** Undefined: nobody signed in. Throws `AgentError` key-exposed, config-invalid. */
export async function readLogin(environment: Environment): Promise<Login | undefined> {
  const path = loginPath(environment);
  const found = await statIfThere(path);
  if (!found) return undefined;
  if (process.platform !== "win32" && (found.mode & 0o077) !== 0)
    throw new AgentError(
      "key-exposed",
      `${path} holds tokens, and others than its owner may read it.`,
      `uplink logout, then uplink login; or, where nobody did read it: chmod 600 ${path}`,
    );
  try {
    return Login.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    throw new AgentError(
      "config-invalid",
      `${path} can't be read by this version of the program.`,
      "uplink logout, then uplink login.",
    );
  }
}

/** Never half there, and readable by its owner only from the beginning; of several that write at once, one stays. */
export async function writeLogin(environment: Environment, login: Login): Promise<void> {
  const path = loginPath(environment);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(temporary, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600 });
    await chmod(temporary, 0o600);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new AgentError(
      "config-invalid",
      `${path} can't be written: ${wordsOf(error)}.`,
      "Make its folder writable, or name another one in UPLINK_CONFIG_HOME.",
    );
  }
}

/** Whether there was one. */
export async function removeLogin(environment: Environment): Promise<boolean> {
  const path = loginPath(environment);
  const isThere = (await statIfThere(path)) !== undefined;
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw new AgentError(
      "config-invalid",
      `${path} can't be deleted: ${wordsOf(error)}. The tokens in it are still good.`,
      "Delete it by hand, as the user who owns it.",
    );
  }
  return isThere;
}

/** What is there and can't be looked at is no sign-in that is missing. Throws `AgentError` config-invalid. */
async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new AgentError(
      "config-invalid",
      `${path} can't be looked at: ${wordsOf(error)}.`,
      "Check who may reach its folder, or name another one in UPLINK_CONFIG_HOME.",
    );
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
