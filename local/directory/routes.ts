/**
 * The routes of Graph that are served: path, permissions, cost, and the handler.
 *
 * `write` names a route whose every call counts against the write quota. `units` are Graph's resource units. A path
 * that no route has is a 400 that names the first unknown segment; a known path with another method is a 405.
 */
import { deletePermanently, listDeleted, readDeleted, restoreDeleted } from "./deleted-items.ts";
import type { Directory } from "./directory.ts";
import * as groups from "./groups.ts";
import * as lookups from "./lookups.ts";
import { type Refusal, refuse } from "./rules.ts";
import type { Answer, Call } from "./types.ts";
import * as users from "./users.ts";

type Handler = (call: Call, directory: Directory, first: string, second: string) => Answer;
type Body = "none" | "optional" | "required";

export type Route = {
  method: string;
  path: string;
  permissions: readonly string[];
  write: boolean;
  units: number;
  body: Body;
  handle: Handler;
};

const readUsers = ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const writeUsers = ["User.ReadWrite.All", "Directory.ReadWrite.All"];
const readGroups = [
  ...["GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
];
const writeGroups = ["Group.ReadWrite.All", "Directory.ReadWrite.All"];
const writeMembers = ["GroupMember.ReadWrite.All", ...writeGroups];
const readRoles = [
  ...["RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"],
  ...["Directory.Read.All", "Directory.ReadWrite.All"],
];
const readEligible = [
  ...["RoleEligibilitySchedule.Read.Directory", "RoleEligibilitySchedule.ReadWrite.Directory"],
  ...["RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"],
];
const readDirectory = ["Directory.Read.All", "Directory.ReadWrite.All"];
const restore = ["User.DeleteRestore.All", ...writeUsers];
const restoreAny = [...restore, "Group.ReadWrite.All"];

const get = (path: string, permissions: readonly string[], units: number, handle: Handler): Route => ({
  ...{ method: "GET", path, permissions, units, handle },
  ...{ write: false, body: "none" as const },
});
const write = (method: string, path: string, permissions: readonly string[], body: Body, handle: Handler): Route => ({
  ...{ method, path, permissions, body, handle },
  ...{ write: true, units: method === "POST" ? 2 : 1 },
});
const membership =
  (transitive: boolean, only: lookups.Membership["only"]): Handler =>
  (call, directory, id) =>
    lookups.listMemberships(call, directory, id, { transitive, only });

const NAMED_GROUP = "groups(uniqueName='{}')";

const routes: readonly Route[] = [
  get("users", readUsers, 2, users.listUsers),
  write("POST", "users", writeUsers, "required", users.createUser),
  get("users/{}", readUsers, 1, users.readUser),
  write("PATCH", "users/{}", writeUsers, "required", users.updateUser),
  write("DELETE", "users/{}", writeUsers, "none", users.deleteUser),
  get("users/{}/manager", readUsers, 1, users.readManager),
  write("PUT", "users/{}/manager/$ref", writeUsers, "required", users.setManager),
  write("DELETE", "users/{}/manager/$ref", writeUsers, "none", users.removeManager),
  get("users/{}/memberOf", readDirectory, 2, membership(false, undefined)),
  get("users/{}/memberOf/microsoft.graph.group", readDirectory, 2, membership(false, "group")),
  get("users/{}/memberOf/microsoft.graph.directoryRole", readDirectory, 2, membership(false, "directoryRole")),
  get("users/{}/transitiveMemberOf", readDirectory, 2, membership(true, undefined)),
  get("users/{}/transitiveMemberOf/microsoft.graph.group", readDirectory, 2, membership(true, "group")),
  get("users/{}/transitiveMemberOf/microsoft.graph.directoryRole", readDirectory, 2, membership(true, "directoryRole")),

  get("groups", readGroups, 2, groups.listGroups),
  write("POST", "groups", writeGroups, "required", groups.createGroup),
  get("groups/{}", readGroups, 1, groups.readGroup),
  write("PATCH", "groups/{}", writeGroups, "required", groups.updateGroup),
  write("DELETE", "groups/{}", writeGroups, "none", groups.deleteGroup),
  get(NAMED_GROUP, readGroups, 1, groups.readGroupByName),
  write("PATCH", NAMED_GROUP, writeGroups, "required", groups.upsertGroup),
  get("groups/{}/members", readGroups, 3, groups.listMembers),
  write("POST", "groups/{}/members/$ref", writeMembers, "required", groups.addMember),
  write("DELETE", "groups/{}/members/{}/$ref", writeMembers, "none", groups.removeMember),
  get("groups/{}/memberOf", readDirectory, 2, membership(false, undefined)),
  get("groups/{}/transitiveMemberOf", readDirectory, 2, membership(true, undefined)),

  get("directory/deletedItems/microsoft.graph.user", readUsers, 2, (call, directory) =>
    listDeleted(call, directory, "user"),
  ),
  get("directory/deletedItems/microsoft.graph.group", readGroups, 2, (call, directory) =>
    listDeleted(call, directory, "group"),
  ),
  get("directory/deletedItems/{}", [...readUsers, ...readGroups], 1, deletedOfKind()),
  get("directory/deletedItems/{}/microsoft.graph.user", readUsers, 1, deletedOfKind("user")),
  write("POST", "directory/deletedItems/{}/restore", restoreAny, "optional", restoreDeleted),
  write("DELETE", "directory/deletedItems/{}", restoreAny, "none", deletePermanently),

  get("directoryRoles", readRoles, 1, lookups.listRoles),
  get("directoryRoles/{}/members", readRoles, 2, lookups.listRoleMembers),
  get("roleManagement/directory/roleAssignments", readRoles, 2, lookups.listRoleAssignments),
  get("roleManagement/directory/roleEligibilityScheduleInstances", readEligible, 2, lookups.listRoleEligibilities),
  get("organization", ["Organization.Read.All", ...readDirectory], 1, lookups.readOrganization),
  get("domains", ["Domain.Read.All", ...readDirectory], 1, lookups.listDomains),
  get("directoryObjects/{}", readDirectory, 1, lookups.readDirectoryObject),
  {
    ...{ method: "POST", path: "directoryObjects/getByIds", permissions: [...readDirectory, ...readUsers], units: 3 },
    ...{ write: false, body: "required", handle: lookups.getByIds },
  },
];

function deletedOfKind(kind?: "user" | "group"): Handler {
  return (call, directory, id) => readDeleted(call, directory, id, kind);
}

type Compiled = { route: Route; segments: readonly string[] };
const compiled: readonly Compiled[] = routes.map((route) => ({ route, segments: route.path.split("/") }));

/** Finds the route of a call and the values of its placeholders. Literal paths win over placeholders. */
export function findRoute(method: string, segments: readonly string[]): { route: Route; values: string[] } | Refusal {
  let otherMethod = false;
  let matched = 0;
  let best: { route: Route; values: string[] } | undefined;
  for (const { route, segments: pattern } of compiled) {
    const values: string[] = [];
    let depth = 0;
    while (depth < pattern.length && depth < segments.length && matches(pattern[depth], segments[depth], values))
      depth++;
    matched = Math.max(matched, depth);
    if (depth < pattern.length || depth < segments.length) continue;
    if (route.method !== method) otherMethod = true;
    else if (!best || values.length < best.values.length) best = { route, values };
  }
  if (best) return best;
  if (otherMethod) return refuse("method-not-allowed", "Specified HTTP method is not allowed for the request target.");
  return refuse(
    "segment-unknown",
    `Resource not found for the segment '${segments[matched] ?? segments.at(-1) ?? ""}'.`,
  );
}

function matches(pattern: string | undefined, segment: string | undefined, values: string[]): boolean {
  if (pattern === undefined || segment === undefined) return false;
  if (pattern === "{}") {
    values.push(segment);
    return true;
  }
  const hole = pattern.indexOf("{}");
  if (hole < 0) return pattern === segment;
  const [head, tail] = [pattern.slice(0, hole), pattern.slice(hole + 2)];
  if (!segment.startsWith(head) || !segment.endsWith(tail) || segment.length <= head.length + tail.length) return false;
  values.push(segment.slice(head.length, -tail.length).replaceAll("''", "'"));
  return true;
}
