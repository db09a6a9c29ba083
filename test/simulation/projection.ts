/**
 * f(S), told by the directory alone and by none of the engine's code: what the target should hold of who lives in one of the
 * units of the scope. And what the target holds, in the same words.
 */
import { type DirectoryObject, liveTargets, type Replica, textOf } from "../support/fake-ldap/directory/replica.ts";
import { isInScope } from "./forest.ts";
import type { Shown } from "./graph.ts";
import { KEPT_OUT, NARROW } from "./schemas.ts";

export interface ExpectedUser {
  readonly kind: "user";
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly department: string | null;
  readonly accountEnabled: boolean;
  readonly manager: string | null;
}

export interface ExpectedGroup {
  readonly kind: "group";
  readonly displayName: string;
  readonly description: string | null;
  readonly members: readonly string[];
}

export type Projection = ReadonlyMap<string, ExpectedUser | ExpectedGroup>;

/** The objectGUID behind an immutableId or a uniqueName (`uplink-<configuration>-<objectGUID>`). */
export function guidOfAnchor(anchor: string): string | undefined {
  const named = /([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i.exec(anchor)?.[1];
  if (named) return named.toLowerCase();
  const hex = Buffer.from(anchor, "base64").toString("hex");
  if (hex.length !== 32) return undefined;
  const swap = (part: string) => (part.match(/../g) ?? []).reverse().join("");
  return [
    swap(hex.slice(0, 8)),
    swap(hex.slice(8, 12)),
    swap(hex.slice(12, 16)),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}

export function projectionOf(
  replica: Replica,
  units: readonly string[],
  variant = 0,
): Map<string, ExpectedUser | ExpectedGroup> {
  const expected = new Map<string, ExpectedUser | ExpectedGroup>();
  const isIn = (object: DirectoryObject | undefined): object is DirectoryObject =>
    isInScope(replica, object, units) && !(variant === NARROW && textOf(object, "department") === KEPT_OUT);
  for (const object of replica.objects.values()) {
    if (!isIn(object)) continue;
    const classes = object.attributes.get("objectclass")?.values ?? [];
    const displayName = textOf(object, "displayname") ?? "";
    if (classes.includes("group")) {
      const members = liveTargets(replica, object, "member").filter(isIn);
      expected.set(object.guid, {
        kind: "group",
        displayName,
        description: textOf(object, "description") ?? null,
        members: members.map((own) => own.guid).sort(),
      });
    } else if (classes.includes("user")) {
      const [manager] = liveTargets(replica, object, "manager").filter(isIn);
      expected.set(object.guid, {
        kind: "user",
        userPrincipalName: (textOf(object, "userprincipalname") ?? "").toLowerCase(),
        displayName: shownName(displayName, variant),
        department: textOf(object, "department") ?? null,
        accountEnabled: (Number(textOf(object, "useraccountcontrol")) & 2) === 0,
        manager: manager?.guid ?? null,
      });
    }
  }
  return expected;
}

/** People's names by each of the simulation's schemas (`schemas.ts`). */
function shownName(name: string, variant: number): string {
  return variant === 0 || variant === NARROW ? name : `${name} ${variant}`;
}

/** The target in the projection's words: by objectGUID, the living alone. */
export function shownAsProjection(objects: readonly Shown[]): Map<string, ExpectedUser | ExpectedGroup> {
  const guidById = new Map(objects.map((own) => [own.id, guidOfAnchor(own.anchor) ?? own.id]));
  const living = new Set(objects.filter((own) => !own.isDeleted).map((own) => own.id));
  const shown = new Map<string, ExpectedUser | ExpectedGroup>();
  for (const { id, kind, isDeleted, properties, manager, members } of objects) {
    if (isDeleted) continue;
    const guid = guidById.get(id) ?? id;
    shown.set(
      guid,
      kind === "group"
        ? {
            kind,
            displayName: String(properties["displayName"]),
            description: textOrNull(properties["description"]),
            members: members
              .filter((own) => living.has(own))
              .map((own) => guidById.get(own) ?? own)
              .sort(),
          }
        : {
            kind,
            userPrincipalName: String(properties["userPrincipalName"]).toLowerCase(),
            displayName: String(properties["displayName"]),
            department: textOrNull(properties["department"]),
            accountEnabled: properties["accountEnabled"] === true,
            manager: manager === undefined ? null : (guidById.get(manager) ?? manager),
          },
    );
  }
  return shown;
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The first differences, in words. */
export function differencesOf(expected: Projection, actual: Projection): string[] {
  const found: string[] = [];
  for (const [guid, own] of expected) {
    const other = actual.get(guid);
    if (!other) found.push(`${own.kind} ${guid} (${own.displayName}) is missing`);
    else
      for (const name of Object.keys(own)) {
        const wanted = JSON.stringify(own[name as keyof typeof own]);
        const held = JSON.stringify(other[name as keyof typeof other]);
        if (wanted !== held)
          found.push(`${own.kind} ${guid} (${own.displayName}) has ${name} ${held}, wanted is ${wanted}`);
      }
  }
  for (const [guid, own] of actual)
    if (!expected.has(guid)) found.push(`${own.kind} ${guid} (${own.displayName}) is too many`);
  return found;
}
