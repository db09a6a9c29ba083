/**
 * The target against the projection of the directory, attribute by attribute: what is missing, what is too much, what
 * differs. Empty when all is as it must be.
 */
import type { TargetUser } from "./ad-runtime.ts";
import type { ProjectedUser, Projection } from "./samba/projection.ts";

/** What the target gives an object by itself. */
const ownProperties = new Set([
  "id",
  "createdDateTime",
  "deletedDateTime",
  "userType",
  "proxyAddresses",
  "imAddresses",
]);
const shown = 12;

/** The first differences, as lines that say where to look; `also` holds live users that no source object stands behind. */
export function differences(
  users: readonly TargetUser[],
  projection: Projection,
  also: ReadonlySet<string> = new Set(),
): string[] {
  const live = users.filter((user) => !user.deleted && !also.has(user.id));
  const byAnchor = new Map<string, TargetUser[]>();
  for (const user of live) {
    const anchor = String(user.properties["onPremisesImmutableId"]);
    byAnchor.set(anchor, [...(byAnchor.get(anchor) ?? []), user]);
  }
  const found: string[] = [];
  const wanted = new Set<string>();
  for (const [guid, projected] of projection.users) {
    const anchor = String(projected["onPremisesImmutableId"]);
    wanted.add(anchor);
    const twins = byAnchor.get(anchor) ?? [];
    const [user] = twins;
    if (twins.length > 1) found.push(`${guid}: ${twins.length} objects in the target`);
    if (user === undefined) found.push(`${guid}: missing in the target (${String(projected["userPrincipalName"])})`);
    else found.push(...differencesOf(guid, user, projected));
  }
  for (const [anchor, own] of byAnchor) {
    if (!wanted.has(anchor)) found.push(`${own.map(nameOf).join(", ")}: in the target, not in the projection`);
  }
  return found.length > shown ? [...found.slice(0, shown), `… and ${found.length - shown} more`] : found;
}

function differencesOf(guid: string, user: TargetUser, projected: ProjectedUser): string[] {
  const names = new Set([...Object.keys(projected), ...Object.keys(user.properties)]);
  const lines: string[] = [];
  for (const name of [...names].sort()) {
    if (ownProperties.has(name)) continue;
    const is = canonical(user.properties[name]);
    const ought = canonical(projected[name]);
    if (is !== ought) lines.push(`${guid} ${name}: is ${is}, ought to be ${ought}`);
  }
  return lines;
}

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
  const held = new Map<string, ProjectedUser>();
  return {
    apply(now) {
      const users = new Map(
        [...now.users].map(([guid, user]): [string, ProjectedUser] => {
          const before = held.get(guid) ?? {};
          const kept = neverCleared.filter((name) => user[name] === undefined);
          const names = now.aliasFromName.has(guid) ? [...kept, "mailNickname"] : kept;
          const old = names.flatMap((name) => (before[name] === undefined ? [] : [[name, before[name]]]));
          const expected: ProjectedUser = { ...user, ...Object.fromEntries(old) };
          held.set(guid, expected);
          return [guid, expected];
        }),
      );
      return { ...now, users };
    },
  };
}

const nameOf = (user: TargetUser): string => `${user.id} (${String(user.properties["userPrincipalName"])})`;
