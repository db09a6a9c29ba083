/** Reads beside users and groups: memberships, roles, the organization, its domains, objects by their ids. */
import type { Directory } from "./directory.ts";
import { MAX_EXPANDED, nextLink, parsePage, projectTyped, refuseOptions, types } from "./reading.ts";
import { type DirectoryRole, directoryRoles, eligibleFor, findRole, roleObjectId } from "./roles.ts";
import { refuse, refuseMissing } from "./rules.ts";
import { type Answer, type Call, type Entry, isRefusal, type JsonObject } from "./types.ts";

const MAX_IDS = 1000;
const ROLE_TYPE = "#microsoft.graph.directoryRole";

export type Membership = { transitive: boolean; only: "directoryRole" | "group" | undefined };

/** The groups and roles of an object, as `memberOf` and `transitiveMemberOf` list them. */
export function listMemberships(call: Call, directory: Directory, id: string, membership: Membership): Answer {
  const refused = refuseOptions(call, "$select", "$top", "$skiptoken");
  if (refused) return refused;
  const entry = directory.find("user", id);
  const found = isRefusal(entry) ? directory.find("group", id) : entry;
  if ("rule" in found) return found;
  const page = parsePage(call);
  if ("rule" in page) return page;
  const groups = groupsOf(directory, found, membership.transitive);
  const value: JsonObject[] = [];
  let next: number | undefined;
  if (membership.only !== "group" && page.after === 0) {
    const holders = membership.transitive ? [found, ...groups] : [found];
    const roleIds = new Set(holders.flatMap((holder) => [...directory.store.rolesOf(holder.id)]));
    for (const role of directoryRoles) if (roleIds.has(role.templateId)) value.push(shownRole(role));
  }
  if (membership.only !== "directoryRole") {
    const rest = groups.filter((group) => group.seq > page.after);
    const part = rest.slice(0, page.top);
    value.push(...part.map((group) => projectTyped(group)));
    if (part.length < rest.length) next = part.at(-1)?.seq;
  }
  return {
    status: 200,
    body: {
      "@odata.context": `${call.root}/$metadata#directoryObjects`,
      ...(next === undefined ? {} : { "@odata.nextLink": nextLink(call, next) }),
      value,
    },
  };
}

export function listRoles(call: Call, directory: Directory): Answer {
  const refused = refuseOptions(call, "$expand", "$select");
  if (refused) return refused;
  const expand = call.query.get("$expand");
  if (expand !== undefined && !/^members(\(\$select=[\w,]+\))?$/.test(expand)) {
    return refuse(
      "select-unknown",
      `Parsing OData Select and Expand failed: Could not find a property named '${expand}'.`,
    );
  }
  // A role is listed once it was activated, that is, assigned at least once.
  const active = directoryRoles.filter((role) => directory.store.principalsWith(role.templateId).length > 0);
  const value = active.map((role) => ({
    ...shownRole(role),
    ...(expand === undefined ? {} : { members: roleMembers(directory, role).slice(0, MAX_EXPANDED) }),
  }));
  return { status: 200, body: { "@odata.context": `${call.root}/$metadata#directoryRoles`, value } };
}

export function listRoleMembers(call: Call, directory: Directory, id: string): Answer {
  const role = directoryRoles.find((candidate) => roleObjectId(candidate) === id);
  if (!role) return refuseMissing(id);
  return {
    status: 200,
    body: { "@odata.context": `${call.root}/$metadata#directoryObjects`, value: roleMembers(directory, role) },
  };
}

/** Role assignments, all or those that `principalId eq '…'` or `roleDefinitionId eq '…'` names. */
export function listRoleAssignments(call: Call, directory: Directory): Answer {
  const refused = refuseOptions(call, "$filter");
  if (refused) return refused;
  const filter = call.query.get("$filter");
  const match = /^(principalId|roleDefinitionId) eq '([^']+)'$/.exec(filter ?? "");
  if (filter !== undefined && !match) return refuse("filter-unsupported", `Invalid filter clause: '${filter}'.`);
  const [, property, wanted] = match ?? [];
  const value: JsonObject[] = [];
  for (const role of directoryRoles) {
    for (const principalId of directory.store.principalsWith(role.templateId)) {
      const assignment = { principalId, roleDefinitionId: role.templateId, directoryScopeId: "/" };
      const principal = directory.store.get(principalId);
      if (!principal || !directory.sees(principal)) continue;
      if (property === "principalId" && principalId !== wanted?.toLowerCase()) continue;
      if (property === "roleDefinitionId" && role.templateId !== wanted?.toLowerCase()) continue;
      value.push({ id: Buffer.from(`${role.templateId}:${principalId}`).toString("base64url"), ...assignment });
    }
  }
  return {
    status: 200,
    body: { "@odata.context": `${call.root}/$metadata#roleManagement/directory/roleAssignments`, value },
  };
}

/** Who may take up which role; as with its permission, told to few. */
export function listRoleEligibilities(call: Call, directory: Directory): Answer {
  const refused = refuseOptions(call);
  if (refused) return refused;
  const value: JsonObject[] = [];
  for (const role of directoryRoles) {
    for (const principalId of directory.store.principalsWith(eligibleFor(role.templateId))) {
      const principal = directory.store.get(principalId);
      if (!principal || !directory.sees(principal)) continue;
      const instance = { principalId, roleDefinitionId: role.templateId, directoryScopeId: "/", memberType: "Direct" };
      value.push({ id: Buffer.from(`${role.templateId}:${principalId}:e`).toString("base64url"), ...instance });
    }
  }
  const context = `${call.root}/$metadata#roleManagement/directory/roleEligibilityScheduleInstances`;
  return { status: 200, body: { "@odata.context": context, value } };
}

export function readOrganization(call: Call, directory: Directory): Answer {
  const { tenant } = directory;
  const verifiedDomains = domainNames(directory).map((name) => ({
    capabilities: "Email, OfficeCommunicationsOnline",
    isDefault: name === tenant.initialDomain,
    isInitial: name === tenant.initialDomain,
    name,
    type: tenant.domains.federated.has(name) ? "Federated" : "Managed",
  }));
  const organization = {
    id: tenant.id,
    displayName: "Directory Uplink demo",
    onPremisesSyncEnabled: null,
    tenantType: "AAD",
    verifiedDomains,
  };
  return { status: 200, body: { "@odata.context": `${call.root}/$metadata#organization`, value: [organization] } };
}

export function listDomains(call: Call, directory: Directory): Answer {
  const { tenant } = directory;
  const value = domainNames(directory).map((name) => ({
    id: name,
    authenticationType: tenant.domains.federated.has(name) ? "Federated" : "Managed",
    isAdminManaged: true,
    isDefault: name === tenant.initialDomain,
    isInitial: name === tenant.initialDomain,
    isRoot: true,
    isVerified: true,
    supportedServices: ["Email", "OfficeCommunicationsOnline"],
  }));
  return { status: 200, body: { "@odata.context": `${call.root}/$metadata#domains`, value } };
}

/** Reads objects by id, in one call. It is a POST that writes nothing; ids that aren't there are left out. */
export function getByIds(call: Call, directory: Directory): Answer {
  const { ids, types: wanted } = call.body;
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === "string")) {
    return refuse("property-required", "A value is required for property 'ids' of action 'getByIds'.");
  }
  if (ids.length > MAX_IDS) return refuse("get-by-ids-1000", `Too many identifiers. The maximum is ${MAX_IDS}.`);
  const kinds = Array.isArray(wanted) ? wanted.map(String) : ["user", "group"];
  const value = [...new Set(ids.map((id: string) => id.toLowerCase()))]
    .map((id) => directory.store.get(id))
    .filter((entry): entry is Entry => entry !== undefined && directory.sees(entry))
    .filter((entry) => kinds.includes(entry.kind) || kinds.includes("directoryObject"))
    .map((entry) => projectTyped(entry));
  return { status: 200, body: { "@odata.context": `${call.root}/$metadata#directoryObjects`, value } };
}

export function readDirectoryObject(call: Call, directory: Directory, id: string): Answer {
  const entry = directory.store.get(id.toLowerCase());
  if (!entry || entry.deletedAt !== undefined) return refuseMissing(id);
  if (!directory.sees(entry)) return refuseMissing(id, "object-not-yet-visible");
  return {
    status: 200,
    body: { "@odata.context": `${call.root}/$metadata#directoryObjects/$entity`, ...projectTyped(entry) },
  };
}

function groupsOf(directory: Directory, entry: Entry, transitive: boolean): Entry[] {
  const found = new Set<Entry>();
  const open = [entry.id];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const groupId of directory.store.groupsOf(id)) {
      const group = directory.store.get(groupId);
      if (!group || found.has(group) || !directory.sees(group)) continue;
      found.add(group);
      if (transitive) open.push(groupId);
    }
  }
  return [...found].sort((a, b) => a.seq - b.seq);
}

function shownRole(role: DirectoryRole): JsonObject {
  return { "@odata.type": ROLE_TYPE, id: roleObjectId(role), displayName: role.name, roleTemplateId: role.templateId };
}

function roleMembers(directory: Directory, role: DirectoryRole): JsonObject[] {
  const members: JsonObject[] = [];
  for (const id of directory.store.principalsWith(findRole(role.templateId)?.templateId ?? "")) {
    const entry = directory.store.get(id);
    if (entry && directory.sees(entry)) members.push(projectTyped(entry, types[entry.kind].defaults));
  }
  return members;
}

function domainNames(directory: Directory): string[] {
  const { initialDomain, domains } = directory.tenant;
  return [initialDomain, ...[...domains.verified].filter((name) => name !== initialDomain)];
}
