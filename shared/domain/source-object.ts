/**
 * A source object as expressions and scope clauses see it: attribute name in, value out.
 *
 * Names are taken as written first and without regard to case then, as LDAP does (`otherIpPhone` is `otherIPPhone`).
 * One value is a single value, several are a list, none is null. `distinguishedName` and `objectGUID` come from the
 * change itself, never from the attributes. Binary values of GUID and SID attributes know their text form.
 */

import { encodeBase64 } from "./base64.ts";
import type { Binary, Scalar, Value } from "./expression/value.ts";
import { type AttributeBag, type AttributeValue, guidToBytes } from "./values.ts";

export interface SourceObject {
  readonly bag: AttributeBag;
  readonly dn: string;
  readonly objectGuid: string;
}

export type ReadAttribute = (name: string) => Value;

const GUID_ATTRIBUTES: ReadonlySet<string> = new Set([
  "objectguid",
  "ms-ds-consistencyguid",
  "msexcharchiveguid",
  "msexchmailboxguid",
]);
const SID_ATTRIBUTES: ReadonlySet<string> = new Set(["objectsid", "sidhistory", "ms-ds-creatorsid"]);

/**
 * Numbers for attribute names, the same for all ways to write one: an object's attributes are put in their places once,
 * and found there without lower-casing a name for each look.
 */
interface NameTable {
  readonly placeByName: Map<string, number>;
  readonly lowerNames: string[];
}

const FIXED_NAMES = ["distinguishedname", "objectguid"] as const;
const [DN, GUID] = [0, 1] as const;
/** Schemas and directories have a few thousand; a table that outgrew that is begun anew. */
const MOST_NAMES = 20_000;

let names = createNameTable();

function createNameTable(): NameTable {
  return { placeByName: new Map(FIXED_NAMES.map((name, place) => [name, place])), lowerNames: [...FIXED_NAMES] };
}

function placeOf(table: NameTable, name: string): number {
  const known = table.placeByName.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const place = table.placeByName.get(lower) ?? table.lowerNames.push(lower) - 1;
  table.placeByName.set(lower, place).set(name, place);
  return place;
}

export function attributeReader({ bag, dn, objectGuid }: SourceObject): ReadAttribute {
  if (names.placeByName.size > MOST_NAMES) names = createNameTable();
  const table = names;
  const { values, hasRivals } = inPlaces(bag, table);
  return (name) => {
    const place = placeOf(table, name);
    if (place === DN) return dn === "" ? null : dn;
    if (place === GUID) return { kind: "binary", base64: encodeBase64(guidToBytes(objectGuid)), form: "guid" };
    const own = hasRivals && Object.hasOwn(bag, name) ? bag[name] : values[place];
    return own === undefined ? null : valueOfAttribute(table.lowerNames[place] ?? "", own);
  };
}

interface InPlaces {
  readonly values: readonly (readonly AttributeValue[] | undefined)[];
  /** Names that differ in case only: the one as written counts, else the first in code unit order, never the last key. */
  readonly hasRivals: boolean;
}

/** A function of its own: a loop over the keys of something that a closure holds is four times slower. */
function inPlaces(bag: AttributeBag, table: NameTable): InPlaces {
  const values: (readonly AttributeValue[] | undefined)[] = new Array(table.lowerNames.length);
  let hasRivals = false;
  for (const name in bag) {
    const place = placeOf(table, name);
    if (values[place] !== undefined) hasRivals = true;
    values[place] = bag[name];
  }
  if (hasRivals) for (const name of Object.keys(bag).sort().reverse()) values[placeOf(table, name)] = bag[name];
  return { values, hasRivals };
}

function valueOfAttribute(lowerName: string, values: readonly AttributeValue[]): Value {
  const [first] = values;
  if (first === undefined) return null;
  if (values.length === 1) return scalarOfAttribute(lowerName, first);
  return values.every(isText) ? values : values.map((value) => scalarOfAttribute(lowerName, value));
}

const isText = (value: AttributeValue): value is string => typeof value === "string";

function scalarOfAttribute(lowerName: string, value: AttributeValue): Scalar {
  if (typeof value === "string") return value;
  return { kind: "binary", base64: value.base64, form: formOf(lowerName) };
}

/** The text form that binary values of an attribute have. */
export function binaryForm(name: string): Binary["form"] {
  return formOf(name.toLowerCase());
}

function formOf(lowerName: string): Binary["form"] {
  if (GUID_ATTRIBUTES.has(lowerName)) return "guid";
  return SID_ATTRIBUTES.has(lowerName) ? "sid" : "bytes";
}
