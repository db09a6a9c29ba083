/**
 * A small source directory as a model: people and groups come, change and go; a read says what an agent would say of it (a
 * full read all that lives, a delta what happened since the read before, step by step); `projection` says what the target
 * should hold, told by the directory alone and by none of the engine's code.
 *
 * As in a real directory, whoever is deleted is out of every group and nobody's manager at once, and no delta says so: such
 * changes are `untold` until a full read shows them.
 */
import type { Change } from "../../shared/contracts/change.ts";
import { aGroup, managedBy, withMembers } from "../support/changes.ts";
import { aUser, guidOf } from "../support/cloud.ts";

export interface Person {
  readonly name: string;
  readonly upn: string;
  readonly department: string | null;
  readonly enabled: boolean;
  readonly deleted: boolean;
  readonly manager: string | null;
}

interface Group {
  readonly name: string;
  readonly description: string | null;
  readonly members: readonly string[];
  readonly deleted: boolean;
}

export type DirectoryStep =
  | { readonly do: "create"; readonly name: string }
  | { readonly do: "department"; readonly name: string; readonly to: string | null }
  | { readonly do: "enable"; readonly name: string; readonly to: boolean }
  | { readonly do: "upn"; readonly name: string; readonly to: string }
  | { readonly do: "manager"; readonly name: string; readonly to: string | null }
  | { readonly do: "delete"; readonly name: string }
  | { readonly do: "undelete"; readonly name: string }
  | GroupStep;

/** `name` is the group's. */
export type GroupStep =
  | { readonly do: "group"; readonly name: string; readonly description: string | null }
  | { readonly do: "join" | "quit"; readonly name: string; readonly member: string }
  | { readonly do: "delete-group" | "undelete-group"; readonly name: string };

/**
 * In every full read, and out of scope: a read that brings nobody at all is held back, whatever else it says.
 */
const KEEPER: Change = aUser("keeper", { isCriticalSystemObject: "TRUE" });

export function createDirectory() {
  const people = new Map<string, Person>();
  const groups = new Map<string, Group>();
  let journal: Change[] = [];
  let hasUntold = false;

  /** False when the step makes no sense now (nobody to change, a name that is taken): nothing happened. */
  function take(step: DirectoryStep): boolean {
    if (isGroupStep(step)) return takeGroup(step);
    const before = people.get(step.name);
    const after = next(before, step);
    if (!after) return false;
    if (!after.deleted && isTaken(after)) return false;
    if (step.do === "manager" && step.to !== null && (step.to === step.name || !isLiving(people.get(step.to))))
      return false;
    people.set(step.name, after);
    if (after.deleted) forget(step.name);
    journal.push(after.deleted ? { op: "delete", objectGuid: guidOf(step.name) } : changeOf(before, after));
    return true;
  }

  function takeGroup(step: GroupStep): boolean {
    const before = groups.get(step.name);
    const after = nextGroup(before, step);
    if (!after) return false;
    if (step.do === "join") {
      const member = people.get(step.member) ?? groups.get(step.member);
      if (step.member === step.name || !isLiving(member)) return false;
    }
    groups.set(step.name, after);
    if (after.deleted) forget(step.name);
    journal.push(after.deleted ? { op: "delete", objectGuid: guidOf(step.name) } : groupChange(step, before, after));
    return true;
  }

  /** Out of every group, and nobody's manager: no delta says that of the others. */
  function forget(name: string): void {
    for (const [other, person] of people)
      if (person.manager === name || (other === name && person.manager !== null)) {
        people.set(other, { ...person, manager: null });
        hasUntold ||= other !== name;
      }
    for (const [other, group] of groups) {
      const isOwn = other === name && group.members.length > 0;
      if (!isOwn && !group.members.includes(name)) continue;
      groups.set(other, { ...group, members: isOwn ? [] : group.members.filter((own) => own !== name) });
      hasUntold ||= !isOwn;
    }
  }

  function isTaken(wanted: Person): boolean {
    return [...people.values()].some((own) => own.name !== wanted.name && !own.deleted && own.upn === wanted.upn);
  }

  return {
    take,
    people: () => [...people.values()],
    /** What a read brings; with it the delta begins anew. */
    read(kind: "full" | "delta"): Change[] {
      const all = [...living(people).map(whole), ...living(groups).map(wholeGroup), KEEPER];
      const changes = kind === "delta" ? journal : all;
      if (kind === "full") hasUntold = false;
      journal = [];
      return changes;
    },
    /** As it is now; undefined: there is nobody of that name, or not any more. */
    present(name: string): Change | undefined {
      const person = people.get(name);
      return isLiving(person) && person ? whole(person) : undefined;
    },
    /** Whether something changed that only a full read shows. */
    hasUntold: () => hasUntold,
    projection: () =>
      new Map<string, Expected | ExpectedGroup>([
        ...living(people).map((person): [string, Expected] => [immutableIdOf(person.name), expected(person)]),
        ...living(groups).map((group): [string, ExpectedGroup] => [
          groupKey(group.name),
          {
            description: group.description ?? undefined,
            members: group.members.map((own) => (groups.has(own) ? groupKey(own) : immutableIdOf(own))).sort(),
          },
        ]),
      ]),
  };
}

/** How a group is named in a projection. */
export function groupKey(name: string): string {
  return `group ${name}`;
}

export interface ExpectedGroup {
  readonly description: string | undefined;
  readonly members: readonly string[];
}

export interface Expected {
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly department: string | undefined;
  readonly accountEnabled: boolean;
  readonly manager: string | undefined;
}

export function immutableIdOf(name: string): string {
  const [a = "", b = "", c = "", ...rest] = guidOf(name).split("-");
  const swap = (hex: string) => (hex.match(/../g) ?? []).reverse().join("");
  return Buffer.from(swap(a) + swap(b) + swap(c) + rest.join(""), "hex").toString("base64");
}

function expected(person: Person): Expected {
  return {
    userPrincipalName: person.upn,
    displayName: person.name,
    department: person.department ?? undefined,
    accountEnabled: person.enabled,
    manager: person.manager === null ? undefined : immutableIdOf(person.manager),
  };
}

function living<T extends { readonly deleted: boolean }>(all: ReadonlyMap<string, T>): T[] {
  return [...all.values()].filter((own) => !own.deleted);
}

function isLiving(own: { readonly deleted: boolean } | undefined): boolean {
  return own?.deleted === false;
}

function isGroupStep(step: DirectoryStep): step is GroupStep {
  return ["group", "join", "quit", "delete-group", "undelete-group"].includes(step.do);
}

function next(before: Person | undefined, step: Exclude<DirectoryStep, GroupStep>): Person | undefined {
  if (step.do === "create") {
    const upn = `${step.name}@corp.example`;
    return before
      ? undefined
      : { name: step.name, upn, department: null, enabled: true, deleted: false, manager: null };
  }
  if (!before) return undefined;
  if (step.do === "undelete") return before.deleted ? { ...before, deleted: false } : undefined;
  if (before.deleted) return undefined;
  switch (step.do) {
    case "department":
      return before.department === step.to ? undefined : { ...before, department: step.to };
    case "enable":
      return before.enabled === step.to ? undefined : { ...before, enabled: step.to };
    case "upn":
      return before.upn === step.to ? undefined : { ...before, upn: step.to };
    case "manager":
      return before.manager === step.to ? undefined : { ...before, manager: step.to };
    case "delete":
      return { ...before, deleted: true };
  }
}

function nextGroup(before: Group | undefined, step: GroupStep): Group | undefined {
  const { name } = step;
  if (step.do === "group") {
    const { description } = step;
    if (!before) return { name, description, members: [], deleted: false };
    return before.deleted || before.description === description ? undefined : { ...before, description };
  }
  if (!before) return undefined;
  if (step.do === "undelete-group") return before.deleted ? { ...before, deleted: false } : undefined;
  if (before.deleted) return undefined;
  const { members } = before;
  switch (step.do) {
    case "join":
      return members.includes(step.member) ? undefined : { ...before, members: [...members, step.member] };
    case "quit":
      return members.includes(step.member)
        ? { ...before, members: members.filter((own) => own !== step.member) }
        : undefined;
    case "delete-group":
      return { ...before, deleted: true };
  }
}

function attributesOf(person: Person): Record<string, string> {
  return {
    userPrincipalName: person.upn,
    displayName: person.name,
    userAccountControl: person.enabled ? "512" : "514",
    ...(person.department === null ? {} : { department: person.department }),
  };
}

function whole(person: Person): Change {
  const change = aUser(person.name, attributesOf(person));
  return person.manager === null ? change : managedBy(person.manager, change);
}

function groupAttributes({ name, description }: Group): Record<string, string> {
  return { cn: name, sAMAccountName: name, ...(description === null ? {} : { description }) };
}

function wholeGroup(group: Group): Change {
  return withMembers(group.members, aGroup(group.name, groupAttributes(group)));
}

function groupChange(step: GroupStep, before: Group | undefined, after: Group): Change {
  const attributes = groupAttributes(after);
  if (step.do === "join" || step.do === "quit") {
    const values = [{ guid: guidOf(step.member) }];
    const link = { attribute: "member", mode: "delta" as const, part: 0, last: true };
    const [add, remove] = step.do === "join" ? [values, []] : [[], values];
    return { ...aGroup(after.name, attributes, []), links: [{ ...link, add, remove }] };
  }
  if (before && !before.deleted) return aGroup(after.name, attributes, ["description"]);
  const isBack = before !== undefined;
  const change = withMembers(after.members, aGroup(after.name, attributes, [...Object.keys(attributes), "groupType"]));
  return isBack ? withoutGroups(change) : change;
}

/** Of somebody who came back the agent says in which groups he is: none any more. */
function withoutGroups(change: Change): Change {
  if (change.op !== "upsert") return change;
  const link = { attribute: "memberOf", mode: "replace" as const, add: [], remove: [], part: 0, last: true };
  return { ...change, links: [...(change.links ?? []), link] };
}

const NAMES = ["department", "displayName", "userAccountControl", "userPrincipalName"];

function changeOf(before: Person | undefined, after: Person): Change {
  if (!before || before.deleted) {
    const all = [...NAMES, "sAMAccountName", "cn", "manager"];
    const change = managedBy(after.manager, aUser(after.name, attributesOf(after), all));
    return before ? withoutGroups(change) : change;
  }
  const old = attributesOf(before);
  const now = attributesOf(after);
  const changed = NAMES.filter((name) => old[name] !== now[name]);
  if (before.manager === after.manager) return aUser(after.name, now, changed);
  return managedBy(after.manager, aUser(after.name, now, [...changed, "manager"]));
}
