/** Groups: create, upsert by uniqueName, read, change, delete, and their members. */
import { type Directory, insufficient, refuseSynced, shown, softDelete } from "./directory.ts";
import { groupProperties } from "./group-properties.ts";
import { ruleOf } from "./property-table.ts";
import {
  answerList,
  MAX_EXPANDED,
  nextLink,
  parsePage,
  parseView,
  projectTyped,
  refuseOptions,
  types,
  type View,
} from "./reading.ts";
import { type Refusal, refuse, refuseConflict, refuseMissing } from "./rules.ts";
import { type Answer, type Call, type Caller, type Entry, type JsonObject, textsOf } from "./types.ts";
import { settled } from "./users.ts";
import { checkGroup, checkProperties, type Mode } from "./validate.ts";

const MEMBERS_BIND = "members@odata.bind";
const MAX_LINKS = 20;

export function createGroup(call: Call, directory: Directory): Answer {
  return create(call, call.body, undefined, directory);
}

export function upsertGroup(call: Call, directory: Directory, uniqueName: string): Answer {
  const { body } = call;
  const { uniqueName: repeated, ...rest } = body;
  if (repeated !== undefined && repeated !== uniqueName) {
    return refuse("unique-name-fixed", "Property 'uniqueName' of the body differs from the address.");
  }
  const holder = directory.store.holder("uniqueName", uniqueName);
  if (holder?.deletedAt !== undefined) return refuseConflict("unique-name-fixed", "uniqueName", holder.id, "group");
  if (holder) return change(call, rest, holder, directory);
  const prefers = (call.header("prefer") ?? "")
    .split(",")
    .some((part) => part.trim().toLowerCase() === "create-if-missing");
  if (!prefers) return refuse("unique-name-upsert", refuseMissing(uniqueName).message);
  return create(call, rest, uniqueName, directory);
}

export function updateGroup(call: Call, directory: Directory, id: string): Answer {
  const { body } = call;
  const entry = directory.find("group", id);
  return "rule" in entry ? entry : change(call, body, entry, directory);
}

export function readGroup(call: Call, directory: Directory, id: string): Answer {
  const entry = directory.find("group", id);
  return "rule" in entry ? entry : answerGroup(call, directory, entry);
}

export function readGroupByName(call: Call, directory: Directory, uniqueName: string): Answer {
  const entry = directory.store.holder("uniqueName", uniqueName);
  if (!entry || entry.deletedAt !== undefined) return refuseMissing(uniqueName);
  return directory.sees(entry)
    ? answerGroup(call, directory, entry)
    : refuseMissing(uniqueName, "object-not-yet-visible");
}

export function listGroups(call: Call, directory: Directory): Answer {
  return answerList(call, "group", { ...directory, expand: expandGroup(directory) });
}

export function deleteGroup(call: Call, directory: Directory, id: string): Answer {
  const entry = directory.find("group", id);
  if ("rule" in entry) return entry;
  const refused = refuseSynced(entry, "synced-object-delete") ?? refuseUnwritable(entry, call.caller);
  if (refused) return refused;
  softDelete(directory, entry);
  return { status: 204, wrote: "deleteGroup" };
}

export function listMembers(call: Call, directory: Directory, id: string): Answer {
  const refused = refuseOptions(call, "$select", "$top", "$skiptoken");
  if (refused) return refused;
  const entry = directory.find("group", id);
  if ("rule" in entry) return entry;
  const page = parsePage(call);
  if ("rule" in page) return page;
  const select = call.query.get("$select")?.split(",");
  const unknown = select?.find((name) => !ruleOf(types.user.table, name) && !ruleOf(types.group.table, name));
  if (unknown !== undefined) return refuse("select-unknown", `Could not find a property named '${unknown}'.`);
  const part = firstVisible(directory, entry, page.after, page.top + 1);
  const hasMore = part.length > page.top;
  if (hasMore) part.pop();
  const last = part.at(-1);
  const known = (member: Entry) =>
    select?.filter((name) => groupOrUserHas(member, name)) ?? types[member.kind].defaults;
  return {
    status: 200,
    body: {
      "@odata.context": `${call.root}/$metadata#directoryObjects`,
      ...(last && hasMore ? { "@odata.nextLink": nextLink(call, last.seq) } : {}),
      value: part.map((member) => projectTyped(member, known(member))),
    },
  };
}

export function addMember(call: Call, directory: Directory, id: string): Answer {
  const { body } = call;
  const entry = directory.find("group", id);
  if ("rule" in entry) return entry;
  const refused = refuseMemberChange(entry, call.caller);
  if (refused) return refused;
  const member = memberOf(body["@odata.id"], entry.id, directory);
  if ("rule" in member) return member;
  if (directory.store.hasLink(entry.id, member.id)) return refuse("member-already-there", ALREADY);
  directory.store.link(entry.id, member.id);
  return { status: 204, wrote: "addMember" };
}

export function removeMember(call: Call, directory: Directory, id: string, memberId: string): Answer {
  const entry = directory.find("group", id);
  if ("rule" in entry) return entry;
  const refused = refuseMemberChange(entry, call.caller);
  if (refused) return refused;
  const member = directory.store.get(memberId.toLowerCase());
  if (!member || !directory.store.hasLink(entry.id, member.id) || !directory.sees(member)) {
    return refuse("member-not-there", refuseMissing(memberId).message);
  }
  directory.store.unlink(entry.id, member.id);
  return { status: 204, wrote: "removeMember" };
}

const ALREADY = "One or more added object references already exist for the following modified properties: 'members'.";

function create(call: Call, body: JsonObject, uniqueName: string | undefined, directory: Directory): Answer {
  const refusal = checkBody(body, "create");
  if (refusal) return refusal;
  if (body["isAssignableToRole"] === true && !call.caller.permissions.has(ROLE_PERMISSION)) {
    return refuse("role-assignable-group-right", insufficient);
  }
  const members = membersOf(body, undefined, directory);
  if ("rule" in members) return members;
  const properties = settled({ groupTypes: [] }, body);
  if (uniqueName !== undefined) properties["uniqueName"] = uniqueName;
  const entry = directory.add("group", properties);
  for (const member of members) directory.store.link(entry.id, member.id);
  return {
    status: 201,
    headers: { location: `${call.root}/groups/${entry.id}` },
    body: shown(call, entry, types.group.defaults),
    wrote: "createGroup",
  };
}

function change(call: Call, body: JsonObject, entry: Entry, directory: Directory): Answer {
  const bindsMembers = MEMBERS_BIND in body;
  const refusal =
    checkBody(body, "update") ??
    refuseSynced(entry, "synced-object-update") ??
    refuseOtherKind(body, entry) ??
    (bindsMembers ? refuseMemberChange(entry, call.caller) : refuseUnwritable(entry, call.caller));
  if (refusal) return refusal;
  const members = membersOf(body, entry, directory);
  if ("rule" in members) return members;
  for (const member of members) directory.store.link(entry.id, member.id);
  const hasProperties = Object.keys(body).some((name) => !name.includes("@"));
  if (hasProperties) {
    directory.store.change(entry, (changed) => {
      changed.properties = settled(changed.properties, body);
    });
  }
  return { status: 204, wrote: bindsMembers && !hasProperties ? "addMembers" : "updateGroup" };
}

function checkBody(body: JsonObject, mode: Mode): Refusal | undefined {
  for (const name of Object.keys(body)) {
    if (name.includes("@") && name !== "@odata.type" && name !== MEMBERS_BIND) {
      return refuse("property-unknown", `Invalid property '${name}' of resource 'Group'.`);
    }
  }
  if ("uniqueName" in body) return refuse("unique-name-fixed", "Property 'uniqueName' is read-only and cannot be set.");
  if (mode === "update" && Object.keys(body).length === 0)
    return refuse("patch-empty", "The request has no property to update.");
  return checkProperties(body, groupProperties, "Group", mode) ?? checkGroup(body, mode);
}

/** Repeating what a group is changes nothing and is allowed: an upsert sends its whole body again. */
function refuseOtherKind(body: JsonObject, entry: Entry): Refusal | undefined {
  for (const name of ["isAssignableToRole", "mailEnabled", "securityEnabled"]) {
    if (!(name in body) || (body[name] ?? false) === (entry.properties[name] ?? false)) continue;
    return refuse("group-kind-fixed", `Property '${name}' can't be changed after the group was created.`);
  }
  return undefined;
}

/** The objects that members@odata.bind names: all of them, or the reason why none. */
function membersOf(body: JsonObject, group: Entry | undefined, directory: Directory): Entry[] | Refusal {
  const addresses = body[MEMBERS_BIND];
  if (addresses === undefined) return [];
  if (!Array.isArray(addresses)) return refuse("reference-malformed", `'${MEMBERS_BIND}' must be a list of addresses.`);
  if (addresses.length > MAX_LINKS) {
    return refuse("members-at-most-20", `The number of links in a request exceeds the maximum of ${MAX_LINKS}.`);
  }
  const found = new Map<string, Entry>();
  for (const address of addresses) {
    const member = memberOf(address, group?.id, directory);
    if ("rule" in member) return member;
    if (found.has(member.id) || (group && directory.store.hasLink(group.id, member.id))) {
      return refuse("members-all-or-nothing", ALREADY);
    }
    found.set(member.id, member);
  }
  return [...found.values()];
}

function memberOf(address: unknown, groupId: string | undefined, directory: Directory): Entry | Refusal {
  const member = directory.resolve(address);
  if ("rule" in member) return member;
  const nests = member.kind === "user" || member.properties["securityEnabled"] === true;
  if (nests && member.id !== groupId) return member;
  return refuse("reference-type", "Unsupported resource type for the reference property 'members'.");
}

const ROLE_PERMISSION = "RoleManagement.ReadWrite.Directory";

function refuseUnwritable(group: Entry, caller: Caller): Refusal | undefined {
  const unified = textsOf(group, "groupTypes").includes("Unified");
  if (group.properties["mailEnabled"] === true && !unified) {
    return refuse(
      "group-mail-enabled-change",
      "Cannot Update a mail-enabled security groups and or distribution list.",
    );
  }
  if (group.properties["isAssignableToRole"] === true && !caller.permissions.has(ROLE_PERMISSION)) {
    return refuse("role-assignable-group-right", insufficient);
  }
  return undefined;
}

function refuseMemberChange(group: Entry, caller: Caller): Refusal | undefined {
  const refused = refuseSynced(group, "synced-object-update") ?? refuseUnwritable(group, caller);
  if (refused) return refused;
  if (textsOf(group, "groupTypes").includes("DynamicMembership")) return refuse("group-dynamic-members", insufficient);
  return undefined;
}

/** The first `most` members after `seq` that reads see. */
function firstVisible(directory: Directory, group: Entry, seq: number, most: number): Entry[] {
  const members: Entry[] = [];
  for (const member of directory.store.membersAfter(group.id, seq)) {
    if (directory.sees(member)) members.push(member);
    if (members.length === most) break;
  }
  return members;
}

function answerGroup(call: Call, directory: Directory, entry: Entry): Answer {
  const refused = refuseOptions(call, "$select", "$expand");
  if (refused) return refused;
  const view = parseView(call, "group");
  if ("rule" in view) return view;
  return { status: 200, body: { ...shown(call, entry, view.select), ...expandGroup(directory)(entry, view) } };
}

function expandGroup(directory: Directory): (entry: Entry, view: View) => JsonObject {
  return (entry, view) => {
    if (!view.expand.has("members")) return {};
    const select = view.expand.get("members");
    const shownMembers = firstVisible(directory, entry, 0, MAX_EXPANDED);
    return { members: shownMembers.map((member) => projectTyped(member, select)) };
  };
}

function groupOrUserHas(member: Entry, name: string): boolean {
  return ruleOf(types[member.kind].table, name) !== undefined;
}
