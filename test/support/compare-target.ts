/**
 * The target against the projection of the directories, object by object and link by link: what is missing, what is too much,
 * what differs. Empty when all is as it must be.
 */
import type { TargetObject } from "./ad-runtime.ts";
import type { ProjectedObject, Projection } from "./samba/projection.ts";

/** Whether members and managers are compared: from when on the product exports them. */
export const comparesLinks: boolean = true;

/** What the target gives an object by itself. */
const ownProperties = new Set([
  "id",
  "createdDateTime",
  "deletedDateTime",
  "userType",
  "proxyAddresses",
  "imAddresses",
  "renewedDateTime",
]);
const shown = 12;

/** The first differences, as lines that say where to look; `also` holds live objects that no source object stands behind. */
export function differences(
  objects: readonly TargetObject[],
  projection: Projection,
  also: ReadonlySet<string> = new Set(),
): string[] {
  const live = objects.filter((object) => !object.deleted);
  const guidOf = new Map<string, string>();
  const ofKind = (kind: TargetObject["kind"]): TargetObject[] =>
    live.filter((object) => object.kind === kind && !also.has(object.id));
  const found = [
    ...differencesOfKind(ofKind("user"), projection.users, "onPremisesImmutableId", guidOf),
    ...differencesOfKind(ofKind("group"), projection.groups, "uniqueName", guidOf),
    ...(comparesLinks ? linkDifferences(live, projection, guidOf, also) : []),
  ];
  return found.length > shown ? [...found.slice(0, shown), `… and ${found.length - shown} more`] : found;
}

/** Objects of one kind, told apart by a property of their own. Enters in `guidOf` which source object each one is. */
function differencesOfKind(
  live: readonly TargetObject[],
  projected: ReadonlyMap<string, ProjectedObject>,
  key: "onPremisesImmutableId" | "uniqueName",
  guidOf: Map<string, string>,
): string[] {
  const byKey = new Map<string, TargetObject[]>();
  for (const object of live) {
    const value = String(object.properties[key]);
    byKey.set(value, [...(byKey.get(value) ?? []), object]);
  }
  const found: string[] = [];
  const wanted = new Set<string>();
  for (const [guid, ought] of projected) {
    const value = String(ought[key]);
    wanted.add(value);
    const twins = byKey.get(value) ?? [];
    const [object] = twins;
    if (twins.length > 1) found.push(`${guid}: ${twins.length} objects in the target`);
    if (object === undefined) found.push(`${guid}: missing in the target (${nameOf(ought)})`);
    else {
      guidOf.set(object.id, guid);
      found.push(...propertyDifferences(guid, object, ought));
    }
  }
  for (const [value, own] of byKey) {
    if (wanted.has(value)) continue;
    const names = own.map(({ id, properties }) => `${id} (${nameOf(properties)})`);
    found.push(`${names.join(", ")}: in the target, not in the projection`);
  }
  return found;
}

function propertyDifferences(guid: string, object: TargetObject, projected: ProjectedObject): string[] {
  const names = new Set([...Object.keys(projected), ...Object.keys(object.properties)]);
  const lines: string[] = [];
  for (const name of [...names].sort()) {
    if (ownProperties.has(name)) continue;
    const is = canonical(object.properties[name]);
    const ought = canonical(projected[name]);
    if (is !== ought) lines.push(`${guid} ${name}: is ${is}, ought to be ${ought}`);
  }
  return lines;
}

/** Managers, and members of groups. What holds for an object that is deleted in the target isn't looked at. */
function linkDifferences(
  live: readonly TargetObject[],
  projection: Projection,
  guidOf: ReadonlyMap<string, string>,
  also: ReadonlySet<string>,
): string[] {
  const livingIds = new Set(live.map(({ id }) => id));
  const sourceOf = (id: string): string => guidOf.get(id) ?? id;
  const found: string[] = [];
  for (const { id, manager, members = [] } of live) {
    const guid = guidOf.get(id);
    if (guid === undefined) continue;
    const isThere = manager !== undefined && livingIds.has(manager) && !also.has(manager);
    const is = isThere ? sourceOf(manager) : "absent";
    const ought = projection.managers.get(guid) ?? "absent";
    if (is !== ought) found.push(`${guid} manager: is ${is}, ought to be ${ought}`);
    const held = new Set(members.filter((member) => livingIds.has(member) && !also.has(member)).map(sourceOf));
    const wanted = projection.members.get(guid) ?? new Set();
    const missing = [...wanted].filter((member) => !held.has(member));
    const surplus = [...held].filter((member) => !wanted.has(member));
    if (missing.length > 0) found.push(`${guid} members: ${listed(missing)} missing`);
    if (surplus.length > 0) found.push(`${guid} members: ${listed(surplus)} too much`);
  }
  return found;
}

const listed = (guids: readonly string[]): string =>
  guids.length > 3 ? `${guids.slice(0, 3).join(", ")} and ${guids.length - 3} more` : guids.join(", ");

/** Absent, null and empty are the same to a reader of the target. */
function canonical(value: unknown): string {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return "absent";
  if (typeof value !== "object" || Array.isArray(value)) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  if (entries.length === 0) return "absent";
  return JSON.stringify(Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1))));
}

/** Properties that the target has no way to clear: without a source value they keep the last one. */
const neverCleared = ["mail", "usageLocation"];

/**
 * What a target that lived through the directory's changes holds, where that differs from a new one: what was given at
 * creation, and what can't be cleared. Ask it in the order of the changes.
 */
export function createHistory(): { apply(now: Projection): Projection } {
  const held = new Map<string, ProjectedObject>();
  return {
    apply(now) {
      const users = new Map(
        [...now.users].map(([guid, user]): [string, ProjectedObject] => {
          const before = held.get(guid) ?? {};
          const kept = neverCleared.filter((name) => user[name] === undefined);
          const names = now.aliasFromName.has(guid) ? [...kept, "mailNickname"] : kept;
          const old = names.flatMap((name) => (before[name] === undefined ? [] : [[name, before[name]]]));
          const expected: ProjectedObject = { ...user, ...Object.fromEntries(old) };
          held.set(guid, expected);
          return [guid, expected];
        }),
      );
      return { ...now, users };
    },
  };
}

const nameOf = (properties: Readonly<Record<string, unknown>>): string =>
  String(properties["userPrincipalName"] ?? properties["displayName"]);
