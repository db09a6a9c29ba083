/** Groups, contacts and links as an agent sends them. Names stand for GUIDs, as everywhere in the tests. */

import type { z } from "zod";
import type { Change, UpsertChange } from "../../shared/contracts/change.ts";
import { aUser, guidOf } from "./cloud.ts";

type Upsert = z.infer<typeof UpsertChange>;
type Attributes = Readonly<Record<string, string | readonly string[]>>;

export const GLOBAL_SECURITY = "-2147483646";
export const UNIVERSAL_DISTRIBUTION = "8";
export const BUILT_IN = "-2147483643";

/** A global security group. */
export function aGroup(name: string, attributes: Attributes = {}, changed?: readonly string[]): Upsert {
  return anObject(
    "group",
    name,
    { cn: name, sAMAccountName: name, groupType: GLOBAL_SECURITY, ...attributes },
    changed,
  );
}

export function aContact(name: string, attributes: Attributes = {}): Upsert {
  return anObject("contact", name, { cn: name, ...attributes });
}

/** The change with its manager; null: it says that there is none. */
export function managedBy(manager: string | null, change: Change): Change {
  return withLink(change, "manager", manager === null ? [] : [manager]);
}

/** The change with a whole list of members. */
export function withMembers(members: readonly string[], change: Change): Change {
  return withLink(change, "member", members);
}

export function aManagedUser(name: string, manager: string | null, attributes: Attributes = {}): Change {
  return managedBy(manager, aUser(name, attributes));
}

function withLink(change: Change, attribute: string, names: readonly string[]): Change {
  if (change.op !== "upsert") throw new Error("Only an upsert has links.");
  const add = names.map((name) => ({ guid: guidOf(name) }));
  const link = { attribute, mode: "replace" as const, add, remove: [], part: 0, last: true };
  return { ...change, links: [...(change.links ?? []), link] };
}

function anObject(objectClass: string, name: string, attributes: Attributes, changed?: readonly string[]): Upsert {
  const values = Object.entries(attributes).map(([key, value]) => [
    key,
    typeof value === "string" ? [value] : [...value],
  ]);
  return {
    op: "upsert",
    objectGuid: guidOf(name),
    objectClass,
    dn: `CN=${name},OU=Groups,DC=corp,DC=example`,
    attributes: Object.fromEntries(values),
    ...(changed ? { changed: [...changed] } : {}),
  };
}
