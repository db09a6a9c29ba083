/** Memberships in tests: what an agent says of them, and what the memory target has, by the names that tests use. */
import type { Change } from "../../shared/contracts/change.ts";
import { aGroup } from "./changes.ts";
import { type Cloud, guidOf } from "./cloud.ts";

const refereesOf = (names: readonly string[]) => names.map((name) => ({ guid: guidOf(name) }));

/** A delta that only says who came into a group and who left it. */
export function changing(
  group: string,
  { add = [], remove = [] }: { readonly add?: readonly string[]; readonly remove?: readonly string[] },
): Change {
  const link = { attribute: "member", mode: "delta" as const, part: 0, last: true };
  return { ...aGroup(group, {}, []), links: [{ ...link, add: refereesOf(add), remove: refereesOf(remove) }] };
}

/** A piece of a list in parts. */
export function partOf(group: string, names: readonly string[], part: number, last: boolean): Change {
  const link = { attribute: "member", mode: "replace" as const, add: refereesOf(names), remove: [], part, last };
  return { ...aGroup(group, {}, []), ...(part === 0 ? {} : { attributes: {}, changed: [] }), links: [link] };
}

/** Ids of the living members of a group by its display name. */
export function membersIn(cloud: Cloud, group: string): readonly string[] {
  const found = cloud.target.objects().find((own) => own.type === "group" && !own.deleted && nameOf(own) === group);
  return found ? cloud.target.membersOf(found.id) : [];
}

/** Names of the living members, sorted. */
export function namesIn(cloud: Cloud, group: string): string[] {
  return membersIn(cloud, group)
    .map((id) => {
      const own = cloud.target.object(id);
      return own ? nameOf(own) : id;
    })
    .sort();
}

function nameOf(object: { readonly values: Readonly<Record<string, unknown>> }): string {
  return String(object.values["displayName"]);
}
