/**
 * Batches as they mostly come: right, and with thousands of attribute values. The schema of `change.ts` is what a batch must be; walking
 * it makes an object for each value. Here each change is only looked at, and where anything about one isn't plainly right, the schema says
 * what: faults and their paths come from there, never from here.
 *
 * What is taken for right is right by the schema, and comes out as it went in: a test plays both against each other.
 * For values that come from JSON, where nothing is undefined and nothing is inherited.
 */
import { isGuid } from "../domain/values.ts";
import { BATCH_MAX_CHANGES, type Change, ChangeBatch, LinkChange } from "./change.ts";

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const ATTRIBUTE_NAME = /^[A-Za-z][A-Za-z0-9-]{0,255}$/;
/** Many objects have the same attributes. */
const MOST_NAMES = 1_000;

/** Says of a batch what `ChangeBatch.safeParse` says, for less. */
export const checkedBatch: Pick<typeof ChangeBatch, "safeParse"> = {
  safeParse(value, params) {
    const changes = isObject(value) ? value["changes"] : undefined;
    if (!isObject(value) || !isList(changes) || changes.length > BATCH_MAX_CHANGES || !arePlainlyRight(changes))
      return ChangeBatch.safeParse(value, params);
    // The rest is for the schema, once for a batch.
    const rest = ChangeBatch.safeParse({ ...value, changes: [] }, params);
    return rest.success ? { success: true, data: { ...rest.data, changes } } : ChangeBatch.safeParse(value, params);
  },
};

type Fields = Readonly<Record<string, unknown>>;

/** Whether the schema would take each of them. False: ask it. */
export function arePlainlyRight(changes: readonly unknown[]): changes is Change[] {
  const names = new Set<string>();
  const isName = (name: unknown): boolean => {
    if (typeof name !== "string") return false;
    if (names.has(name)) return true;
    if (!ATTRIBUTE_NAME.test(name)) return false;
    if (names.size < MOST_NAMES) names.add(name);
    return true;
  };
  for (const change of changes) if (!isChange(change, isName)) return false;
  return true;
}

function isChange(change: unknown, isName: (name: unknown) => boolean): boolean {
  if (!isObject(change) || !isGuidText(change["objectGuid"])) return false;
  switch (change["op"]) {
    case "upsert":
      return isUpsert(change, isName);
    case "container":
      return isPlaced(change) && hasOnly(change, PLACED);
    case "leave":
      return isText(change["reason"]) && hasOnly(change, LEAVE);
    case "delete":
      return hasOnly(change, DELETE);
    default:
      return false;
  }
}

const DELETE: ReadonlySet<string> = new Set(["op", "objectGuid"]);
const LEAVE: ReadonlySet<string> = new Set([...DELETE, "reason"]);
const PLACED: ReadonlySet<string> = new Set([...DELETE, "objectClass", "dn", "parentGuid"]);
const UPSERT: ReadonlySet<string> = new Set([...PLACED, "attributes", "changed", "links"]);

function isUpsert(change: Fields, isName: (name: unknown) => boolean): boolean {
  const { attributes, changed, links } = change;
  if (!isPlaced(change) || !hasOnly(change, UPSERT) || !isObject(attributes)) return false;
  for (const name in attributes) if (!isName(name) || !areValues(attributes[name])) return false;
  if (changed !== undefined && !(isList(changed) && changed.every(isName))) return false;
  // Lists of members are long, but few objects have one.
  return links === undefined || (isList(links) && links.every((link) => LinkChange.safeParse(link).success));
}

function isPlaced({ objectClass, dn, parentGuid }: Fields): boolean {
  return isText(objectClass) && isText(dn) && (parentGuid === undefined || isGuidText(parentGuid));
}

function areValues(values: unknown): boolean {
  if (!isList(values)) return false;
  for (const value of values) if (typeof value !== "string" && !isBinary(value)) return false;
  return true;
}

function isBinary(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { base64, ...more } = value;
  return typeof base64 === "string" && BASE64.test(base64) && Object.keys(more).length === 0;
}

function hasOnly(change: Fields, fields: ReadonlySet<string>): boolean {
  for (const name in change) if (!fields.has(name)) return false;
  return true;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.length > 0;
}

function isGuidText(value: unknown): boolean {
  return typeof value === "string" && isGuid(value);
}
