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

export function attributeReader({ bag, dn, objectGuid }: SourceObject): ReadAttribute {
  let byLowerCase: Map<string, readonly AttributeValue[]> | undefined;
  return (name) => {
    const lower = name.toLowerCase();
    if (lower === "distinguishedname") return dn === "" ? null : dn;
    if (lower === "objectguid") return { kind: "binary", base64: encodeBase64(guidToBytes(objectGuid)), form: "guid" };
    if (Object.hasOwn(bag, name)) return valueOfAttribute(lower, bag[name] ?? []);
    byLowerCase ??= indexByLowerCase(bag);
    return valueOfAttribute(lower, byLowerCase.get(lower) ?? []);
  };
}

/** Of names that differ in case only, the first in code unit order: the order of keys must not decide. */
function indexByLowerCase(bag: AttributeBag): Map<string, readonly AttributeValue[]> {
  const index = new Map<string, readonly AttributeValue[]>();
  const names = new Map<string, string>();
  for (const [name, values] of Object.entries(bag)) {
    const lower = name.toLowerCase();
    const rival = names.get(lower);
    if (rival !== undefined && rival < name) continue;
    names.set(lower, name);
    index.set(lower, values);
  }
  return index;
}

function valueOfAttribute(lowerName: string, values: readonly AttributeValue[]): Value {
  const [first] = values;
  if (first === undefined) return null;
  if (values.length === 1) return scalarOfAttribute(lowerName, first);
  return values.map((value) => scalarOfAttribute(lowerName, value));
}

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
