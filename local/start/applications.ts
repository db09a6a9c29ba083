/**
 * The applications of the local tenant and their secrets, made at first start: one that writes users (the service's) and
 * one for admins, which the `uplink` program signs in with.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { type HomePaths, StartError } from "./home.ts";

const ApplicationFile = z.object({
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  roles: z.array(z.string()),
  directoryRoles: z.array(z.string()).optional(),
});
export type LocalApplication = z.infer<typeof ApplicationFile>;

export const ADMIN_AUDIENCE = "api://directory-uplink";

/** The service writes users and groups; it holds no directory role, as one shouldn't. */
const EXPORTER_ROLES = [
  "User.ReadWrite.All",
  "User.DeleteRestore.All",
  "Group.ReadWrite.All",
  "Directory.Read.All",
  "RoleManagement.Read.Directory",
  "Organization.Read.All",
  "Domain.Read.All",
];
const ADMIN_ROLES = [
  "Synchronization.Read.All",
  "Synchronization.ReadWrite.All",
  "User.Read.All",
  "Directory.Read.All",
];

/** Throws `StartError` when the file there can't be used. */
export async function ensureApplications(
  paths: HomePaths,
): Promise<{ readonly exporter: LocalApplication; readonly admin: LocalApplication }> {
  const text = await readFile(paths.applications, "utf8").catch(() => undefined);
  if (text !== undefined) return parse(paths.applications, text);
  const make = (roles: string[]): LocalApplication => ({
    clientId: randomUUID(),
    clientSecret: randomBytes(32).toString("base64url"),
    roles,
  });
  const exporter = make(EXPORTER_ROLES);
  const admin = make(ADMIN_ROLES);
  const { clientId, clientSecret } = admin;
  await writeWhole(paths.admin, { clientId, clientSecret, audience: ADMIN_AUDIENCE });
  await writeWhole(paths.applications, [exporter, admin]);
  return { exporter, admin };
}

function parse(path: string, text: string) {
  try {
    const [exporter, admin] = z.tuple([ApplicationFile, ApplicationFile]).parse(JSON.parse(text));
    return { exporter, admin };
  } catch {
    throw new StartError(`${path} can't be used. Empty the folder with npm run reset and start again.`);
  }
}

/** Readable by its owner only, and never half there. */
export async function writeWhole(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}
