/**
 * What objects of Graph hold, by our names of properties: pages of users and groups, objects by id, members of groups.
 *
 * Lists may lag behind what was written a moment ago; an object by its id does so least. A manager comes with its user by
 * `$expand`. Among the deleted only existence is asked for: what they hold says nothing of what they hold when restored.
 */
import { isNested, type TargetValue, type TargetValues } from "../../domain/target-value.ts";
import type {
  TargetDirectory,
  TargetObject,
  TargetObjectType,
  TargetPage,
  TargetQuery,
  TargetState,
} from "../../ports/target-directory.ts";
import { objectUrl } from "./addresses.ts";
import { type ListPage, pageOf, type ReadClient } from "./read-client.ts";
import { GROUP_SELECT, targetObjectOf, USER_SELECT } from "./read-objects.ts";

const PAGE = 999;

type Find = (queries: readonly TargetQuery[]) => Promise<readonly (readonly TargetObject[])[]>;

/** `find` is the adapter's own: it knows where the deleted are. */
export function createStateReads(
  reads: ReadClient,
  find: Find,
): Pick<TargetDirectory, "page" | "states" | "memberPages"> {
  return {
    async page(type, properties, from) {
      const { values = [], link } =
        (await reads.page(from ?? `/${type}s?${viewOf(type, properties)}&$top=${PAGE}`)) ?? {};
      const items = values.flatMap((value) => stateOf(value, type, properties) ?? []);
      return { items, ...(link === undefined ? {} : { next: link }) };
    },
    async states(type, ids, properties) {
      const bodies = await reads.getAll(ids.map((id) => `${objectUrl({ type, id })}?${viewOf(type, properties)}`));
      const found = bodies.map((body) => (body === undefined ? undefined : stateOf(body, type, properties)));
      const open = ids.filter((_, index) => found[index] === undefined);
      const others = await find(open.map((value) => ({ by: "id", value, type })));
      const [...rest] = others;
      return found.map((state) => {
        if (state) return state;
        const [other] = rest.shift() ?? [];
        // Shown by a list though not by its address: it lives, and what it holds isn't known.
        return other && (other.deleted ? { ...other, values: {} } : undefined);
      });
    },
    async memberPages(asked) {
      const pages: (TargetPage<string> | undefined)[] = asked.map(() => undefined);
      const first = asked.flatMap(({ groupId, from }, at) => (from === undefined ? [{ groupId, at }] : []));
      const bodies = await reads.getAll(
        first.map(({ groupId }) => `${objectUrl({ type: "group", id: groupId })}/members?$select=id&$top=${PAGE}`),
      );
      for (const [index, { at }] of first.entries())
        if (bodies[index] !== undefined) pages[at] = memberPage(pageOf(bodies[index]));
      for (const [at, { from }] of asked.entries()) {
        const page = from === undefined ? undefined : await reads.page(from);
        if (page) pages[at] = memberPage(page);
      }
      return pages;
    },
  };
}

function memberPage({ values, link }: ListPage): TargetPage<string> {
  const items = values.flatMap((value) => targetObjectOf(value, "user", false)?.id ?? []);
  return { items, ...(link === undefined ? {} : { next: link }) };
}

function viewOf(type: TargetObjectType, properties: readonly string[]): string {
  const base = (type === "user" ? USER_SELECT : GROUP_SELECT).split(",");
  const select = [...new Set([...base, ...properties.filter((name) => name !== "manager")])].join(",");
  const withManager = type === "user" && properties.includes("manager");
  return `$select=${select}${withManager ? "&$expand=manager($select=id)" : ""}`;
}

function stateOf(value: unknown, type: TargetObjectType, properties: readonly string[]): TargetState | undefined {
  const object = targetObjectOf(value, type, false);
  if (!object) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const values: Record<string, TargetValue> = {};
  for (const name of properties) {
    const own = name === "manager" ? targetObjectOf(fields[name], "user", false)?.id : fields[name];
    const held = heldValue(own);
    if (held !== undefined) values[name] = held;
  }
  return { ...object, values: values satisfies TargetValues };
}

/** Undefined for what is empty; of a structure its members that aren't. */
function heldValue(value: unknown): TargetValue | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (Array.isArray(value)) {
    const texts = value.filter((item): item is string => typeof item === "string");
    return texts.length > 0 ? texts : undefined;
  }
  if (typeof value !== "object" || !isNested(value as TargetValue)) return undefined;
  const members = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "",
  );
  return members.length > 0 ? Object.fromEntries(members) : undefined;
}
