/**
 * What objects of Graph hold, by our names of properties: pages of users and groups, objects by id, members of groups.
 *
 * Lists may lag behind what was written a moment ago; an object by its id does so least. A manager comes with its user by
 * `$expand`. Among the deleted only existence is asked for: what they hold says nothing of what they hold when restored.
 */
import { isNested, type TargetValue, type TargetValues } from "../../domain/target-value.ts";
import type {
  FindOptions,
  TargetDirectory,
  TargetFailure,
  TargetObject,
  TargetObjectType,
  TargetPage,
  TargetQuery,
  TargetState,
} from "../../ports/target-directory.ts";
import { objectUrl } from "./addresses.ts";
import { type ListPage, pageOf, type ReadClient, refusedBy } from "./read-client.ts";
import { GROUP_SELECT, targetObjectOf, USER_SELECT } from "./read-objects.ts";
import { commonFault } from "./refused-questions.ts";

const PAGE = 999;

type Find = (queries: readonly TargetQuery[], options: FindOptions) => Promise<readonly (readonly TargetObject[])[]>;

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
    async states(type, ids, properties, options = {}) {
      const urls = ids.map((id) => `${objectUrl({ type, id })}?${viewOf(type, properties)}`);
      const { bodies, refused } = await getEach(reads, urls, options);
      const found = bodies.map((body) => (body === undefined ? undefined : stateOf(body, type, properties)));
      const open = ids.flatMap((value, at) => (found[at] === undefined && !refused.has(at) ? [{ value, at }] : []));
      const { onRefused } = options;
      const others = await find(
        open.map(({ value }) => ({ by: "id", value, type })),
        onRefused ? { onRefused: (index, failure) => onRefused(open[index]?.at ?? -1, failure) } : {},
      );
      const [...rest] = others;
      return found.map((state, at) => {
        if (state || refused.has(at)) return state;
        const [other] = rest.shift() ?? [];
        // Shown by a list though not by its address: it lives, and what it holds isn't known.
        return other && (other.deleted ? { ...other, values: {} } : undefined);
      });
    },
    async memberPages(asked, options = {}) {
      const pages: (TargetPage<string> | undefined)[] = asked.map(() => undefined);
      const first = asked.flatMap(({ groupId, from }, at) => (from === undefined ? [{ groupId, at }] : []));
      const urls = first.map(
        ({ groupId }) => `${objectUrl({ type: "group", id: groupId })}/members?$select=id&$top=${PAGE}`,
      );
      const { onRefused } = options;
      const { bodies } = await getEach(
        reads,
        urls,
        onRefused ? { onRefused: (index, failure) => onRefused(first[index]?.at ?? -1, failure) } : {},
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

/** Each of some addresses by itself. What is refused is told, unless it is no single one's matter. */
async function getEach(
  reads: ReadClient,
  urls: readonly string[],
  { onRefused }: FindOptions,
): Promise<{ readonly bodies: readonly unknown[]; readonly refused: ReadonlyMap<number, TargetFailure> }> {
  const refused = new Map<number, TargetFailure>();
  const bodies = await reads.getAll(urls, onRefused ? (at, failure) => void refused.set(at, failure) : undefined);
  const fault = commonFault([...urls.keys()], (at) => refused.get(at));
  if (fault) throw refusedBy(fault);
  for (const [at, failure] of refused) onRefused?.(at, failure);
  return { bodies, refused };
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
