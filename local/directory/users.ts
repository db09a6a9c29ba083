/** Users: create, read, change, delete, and their manager. */
import {
  type Directory,
  insufficient,
  refuseSynced,
  refuseTakenAddress,
  shown,
  softDelete,
  withPrimaryAddress,
} from "./directory.ts";
import { ruleOf } from "./property-table.ts";
import { answerList, parseView, project, projectTyped, refuseOptions, types, type View } from "./reading.ts";
import { findRole } from "./roles.ts";
import { type Refusal, refuse, refuseConflict } from "./rules.ts";
import { type Answer, type Call, type Caller, type Entry, isJsonObject, type JsonObject, textsOf } from "./types.ts";
import { userProperties } from "./user-properties.ts";
import { checkProperties, checkUser, type Mode } from "./validate.ts";

const MANAGER_BIND = "manager@odata.bind";

export function createUser(call: Call, directory: Directory): Answer {
  const { body } = call;
  const refusal = checkBody(body, "create", directory) ?? refuseDistinguishedName(body, call.caller);
  if (refusal) return refusal;
  const taken = refuseTaken(body, undefined, directory);
  if (taken) return taken;
  const manager = body[MANAGER_BIND] === undefined ? undefined : managerOf(body[MANAGER_BIND], directory);
  if (manager && "rule" in manager) return manager;
  const properties: JsonObject = { userType: "Member", ...settled({}, body) };
  const entry = directory.add("user", properties, manager ? { managerId: manager.id } : {});
  return {
    status: 201,
    headers: { location: `${call.root}/users/${entry.id}` },
    body: shown(call, entry, types.user.defaults),
    wrote: "createUser",
  };
}

export function updateUser(call: Call, directory: Directory, id: string): Answer {
  const { body } = call;
  if (MANAGER_BIND in body) {
    return refuse("manager-bound-at-create", "The manager of an existing user is set by PUT users/{id}/manager/$ref.");
  }
  const refusal = checkBody(body, "update", directory);
  if (refusal) return refusal;
  const entry = directory.find("user", id);
  if ("rule" in entry) return entry;
  const denied =
    refuseSynced(entry, "synced-object-update") ??
    refuseSensitive(body, entry, call.caller, directory) ??
    refuseDistinguishedName(body, call.caller) ??
    refusePasswordChange(body, call.caller) ??
    refuseTaken(body, entry, directory);
  if (denied) return denied;
  directory.store.change(entry, (changed) => {
    changed.properties = settled(changed.properties, body);
  });
  return { status: 204, wrote: "updateUser" };
}

export function readUser(call: Call, directory: Directory, id: string): Answer {
  const refused = refuseOptions(call, "$select", "$expand");
  if (refused) return refused;
  const view = parseView(call, "user");
  if ("rule" in view) return view;
  const entry = directory.find("user", id);
  if ("rule" in entry) return entry;
  return { status: 200, body: { ...shown(call, entry, view.select), ...expandUser(directory)(entry, view) } };
}

export function listUsers(call: Call, directory: Directory): Answer {
  return answerList(call, "user", { ...directory, expand: expandUser(directory) });
}

export function deleteUser(call: Call, directory: Directory, id: string): Answer {
  const entry = directory.find("user", id);
  if ("rule" in entry) return entry;
  const refused = refuseSynced(entry, "synced-object-delete");
  if (refused) return refused;
  if (directory.isProtected(entry) && !directory.mayChangeProtected(call.caller)) {
    return refuse("sensitive-role-holder-delete", insufficient);
  }
  softDelete(directory, entry);
  return { status: 204, wrote: "deleteUser" };
}

export function readManager(call: Call, directory: Directory, id: string): Answer {
  const entry = directory.find("user", id);
  if ("rule" in entry) return entry;
  const manager = visibleManager(directory, entry);
  if (!manager) return refuseNoManager();
  return {
    status: 200,
    body: { "@odata.context": `${call.root}/$metadata#directoryObjects/$entity`, ...projectTyped(manager) },
  };
}

export function setManager(call: Call, directory: Directory, id: string): Answer {
  const { body } = call;
  const entry = directory.find("user", id);
  if ("rule" in entry) return entry;
  const manager = managerOf(body["@odata.id"], directory);
  if ("rule" in manager) return manager;
  const refused = refuseSynced(entry, "synced-object-update");
  if (refused) return refused;
  directory.store.change(entry, (changed) => {
    changed.managerId = manager.id;
  });
  return { status: 204, wrote: "setManager" };
}

export function removeManager(_call: Call, directory: Directory, id: string): Answer {
  const entry = directory.find("user", id);
  if ("rule" in entry) return entry;
  const refused = refuseSynced(entry, "synced-object-update");
  if (refused) return refused;
  if (!visibleManager(directory, entry)) return refuseNoManager();
  directory.store.change(entry, (changed) => {
    delete changed.managerId;
  });
  return { status: 204, wrote: "removeManager" };
}

/** The property values after a change: structures are merged, mail moves the primary address, no password is kept. */
export function settled(present: JsonObject, change: JsonObject): JsonObject {
  const next = { ...present };
  for (const [name, value] of Object.entries(change)) {
    if (name.includes("@") || name === "passwordProfile") continue;
    if (value === null) delete next[name];
    else if (isJsonObject(value)) next[name] = { ...(isJsonObject(next[name]) ? next[name] : {}), ...value };
    else next[name] = value;
  }
  const mail = change["mail"];
  if (mail !== undefined) {
    const addresses = Array.isArray(present["proxyAddresses"]) ? present["proxyAddresses"] : [];
    next["proxyAddresses"] = withPrimaryAddress(addresses, typeof mail === "string" ? mail : null);
  }
  return next;
}

function checkBody(body: JsonObject, mode: Mode, directory: Directory): Refusal | undefined {
  for (const name of Object.keys(body)) {
    if (name.includes("@") && name !== "@odata.type" && name !== MANAGER_BIND) {
      return refuse("property-unknown", `Invalid property '${name}' of resource 'User'.`);
    }
  }
  if (mode === "update" && Object.keys(body).length === 0)
    return refuse("patch-empty", "The request has no property to update.");
  return checkProperties(body, userProperties, "User", mode) ?? checkUser(body, directory.tenant.domains, mode);
}

function refuseTaken(body: JsonObject, own: Entry | undefined, directory: Directory): Refusal | undefined {
  const { store } = directory;
  const upn = body["userPrincipalName"];
  const upnHolder = typeof upn === "string" ? store.holder("userPrincipalName", upn) : undefined;
  if (upnHolder && upnHolder !== own) return refuseConflict("unique-upn", "userPrincipalName", upnHolder.id, "user");
  const anchor = body["onPremisesImmutableId"];
  const anchorHolder = typeof anchor === "string" ? store.holder("onPremisesImmutableId", anchor) : undefined;
  if (anchorHolder && anchorHolder !== own) {
    const rule = anchorHolder.deletedAt === undefined ? "unique-immutable-id" : "unique-immutable-id-deleted";
    return refuseConflict(rule, "onPremisesImmutableId", anchorHolder.id, "user");
  }
  const mail = body["mail"];
  return typeof mail === "string" ? refuseTakenAddress(directory, mail, own) : undefined;
}

function refuseSensitive(body: JsonObject, entry: Entry, caller: Caller, directory: Directory): Refusal | undefined {
  const sensitive = Object.keys(body).some((name) => {
    const rule = ruleOf(userProperties, name);
    return rule !== undefined && "sensitive" in rule && rule.sensitive;
  });
  if (!sensitive || !directory.isProtected(entry) || directory.mayChangeProtected(caller)) return undefined;
  return refuse("sensitive-role-holder", insufficient);
}

function refuseDistinguishedName(body: JsonObject, caller: Caller): Refusal | undefined {
  if (!("onPremisesDistinguishedName" in body)) return undefined;
  const needed = findRole("Hybrid Identity Administrator");
  if (needed && caller.roles.has(needed.templateId)) return undefined;
  return refuse("distinguished-name-role", insufficient);
}

function refusePasswordChange(body: JsonObject, caller: Caller): Refusal | undefined {
  if (!("passwordProfile" in body)) return undefined;
  const permitted =
    caller.permissions.has("User-PasswordProfile.ReadWrite.All") || caller.permissions.has("Directory.ReadWrite.All");
  const holdsRole = ["User Administrator", "Privileged Authentication Administrator", "Global Administrator"].some(
    (name) => caller.roles.has(findRole(name)?.templateId ?? ""),
  );
  return permitted && holdsRole ? undefined : refuse("password-change-right", insufficient);
}

function managerOf(address: unknown, directory: Directory): Entry | Refusal {
  const entry = directory.resolve(address);
  if ("rule" in entry || entry.kind === "user") return entry;
  return refuse("reference-type", "Unsupported resource type for the reference property 'manager'.");
}

function visibleManager(directory: Directory, entry: Entry): Entry | undefined {
  const manager = entry.managerId === undefined ? undefined : directory.store.get(entry.managerId);
  return manager && directory.sees(manager) ? manager : undefined;
}

function refuseNoManager(): Refusal {
  return refuse(
    "manager-not-set",
    "Resource 'manager' does not exist or one of its queried reference-property objects are not present.",
  );
}

function expandUser(directory: Directory): (entry: Entry, view: View) => JsonObject {
  return (entry, view) => {
    if (!view.expand.has("manager")) return {};
    const manager = visibleManager(directory, entry);
    if (!manager) return {};
    const select = view.expand.get("manager");
    return { manager: { "@odata.type": types.user.odata, ...project(manager, select ?? types.user.defaults) } };
  };
}

/** The addresses of an object; what `restore` must find free. */
export function addressesOf(entry: Entry): string[] {
  return textsOf(entry, "proxyAddresses")
    .filter((address) => /^smtp:/i.test(address))
    .map((address) => address.slice("smtp:".length));
}
