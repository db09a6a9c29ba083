/**
 * The attributes of SCIM 2.0 (RFC 7643: core User and Group, the enterprise extension of a User) by the paths that a
 * provisioning schema names them with, and the resource that values at such paths make up.
 *
 * A path is an attribute, a sub-attribute (`name.givenName`), one value of a list told by its type
 * (`emails[type eq "work"].value`), or any of these behind the URN of an extension. Values are kept flat, by path, so
 * that a difference is path by path, which is what a PATCH says; `scimResource` makes the tree that a POST wants.
 *
 * Lengths are the service provider's own business: SCIM sets none, so there are none here.
 */

import type { TargetEntry, TargetObjects, TargetProperty, TargetType } from "./target-table.ts";
import type { TargetValue, TargetValues } from "./target-value.ts";

export const SCIM_USER = "urn:ietf:params:scim:schemas:core:2.0:User";
export const SCIM_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
export const SCIM_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

type Flags = Omit<TargetProperty, "property" | "type" | "isPath">;

const at = (property: string, flags: Flags = { clearable: true }): TargetProperty => ({
  property,
  type: "string",
  isPath: true,
  ...flags,
});
const listAt = (property: string): TargetProperty => ({ property, type: "list", isPath: true, clearable: true });

const COUNTRY: Flags = {
  clearable: true,
  format: { pattern: /^[A-Za-z]{2}$/, wanted: "a country code of two letters", otherwise: "leave-out" },
};
const LANGUAGE: Flags = {
  clearable: true,
  format: {
    pattern: /^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$/,
    wanted: "a language such as en-US",
    otherwise: "leave-out",
  },
};

const PLAIN = [
  ..."name.formatted name.familyName name.givenName name.middleName name.honorificPrefix name.honorificSuffix".split(
    " ",
  ),
  ..."nickName profileUrl title userType timezone".split(" "),
  ...typed("emails", "value", "work home"),
  ...typed("phoneNumbers", "value", "work home mobile fax pager other"),
  ...typed("ims", "value", "aim gtalk icq xmpp msn skype qq yahoo"),
  ...typed("photos", "value", "photo thumbnail"),
  ...["formatted", "streetAddress", "locality", "region", "postalCode"].flatMap((sub) =>
    typed("addresses", sub, "work home other"),
  ),
  ...["employeeNumber", "costCenter", "organization", "division", "department"].map(
    (name) => `${SCIM_ENTERPRISE}:${name}`,
  ),
  ...["value", "display", "type"].map((sub) => `roles[primary eq "True"].${sub}`),
];

const USER_SETTABLE: readonly TargetProperty[] = [
  at("userName", { required: true, unique: true, matchedAs: 2 }),
  { property: "active", type: "boolean", isPath: true, sensitive: true },
  at("displayName"),
  at("externalId", { matchedAs: 1 }),
  at("preferredLanguage", LANGUAGE),
  at("locale", LANGUAGE),
  ...PLAIN.map((path) => at(path)),
  ...typed("addresses", "country", "work home other").map((path) => at(path, COUNTRY)),
  listAt('emails[type eq "other"].value'),
  listAt("entitlements"),
  listAt("roles"),
  { property: `${SCIM_ENTERPRISE}:manager`, type: "reference", isPath: true },
];

const GROUP_SETTABLE: readonly TargetProperty[] = [
  at("displayName", { required: true }),
  at("externalId", { matchedAs: 1 }),
  { property: "members", type: "reference", isPath: true, isList: true },
];

const ASSIGNED = "The service provider assigns it.";
const USER_REASONS: readonly (readonly [path: string, reason: string])[] = [
  ["id", ASSIGNED],
  ["meta", ASSIGNED],
  ["groups", "It is read-only: memberships are written on the group."],
  ["password", "Passwords don't flow."],
  ["x509Certificates", "Certificates don't flow."],
  [`${SCIM_ENTERPRISE}:manager.displayName`, "It is read-only."],
];

const USER_TABLE = tableOf(USER_SETTABLE, USER_REASONS);
const GROUP_TABLE = tableOf(GROUP_SETTABLE, [
  ["id", ASSIGNED],
  ["meta", ASSIGNED],
]);

/** A schema's target objects by the names that schemas use: the URN, as Microsoft's template has it, or the bare word. */
export const SCIM_TARGETS: TargetObjects = new Map([
  ["User", { type: "user", table: USER_TABLE }],
  [SCIM_USER, { type: "user", table: USER_TABLE }],
  [SCIM_ENTERPRISE, { type: "user", table: USER_TABLE }],
  ["Group", { type: "group", table: GROUP_TABLE }],
  [SCIM_GROUP, { type: "group", table: GROUP_TABLE }],
]);

function typed(list: string, sub: string, types: string): string[] {
  return types.split(" ").map((type) => `${list}[type eq "${type}"].${sub}`);
}

function tableOf(settable: readonly TargetProperty[], reasons: readonly (readonly [string, string])[]) {
  return new Map<string, TargetEntry>([
    ...settable.map((own): [string, TargetEntry] => [own.property, own]),
    ...reasons.map(([path, notSettable]): [string, TargetEntry] => [path, { notSettable }]),
  ]);
}

export interface ScimPath {
  /** The extension that the attribute belongs to; the core schema without it. */
  readonly urn?: string;
  readonly attribute: string;
  /** Which value of a list. */
  readonly filter?: { readonly name: string; readonly value: string };
  readonly sub?: string;
}

/** Without a URN's own dots: it ends at the last colon before an attribute's name. */
const PATH = /^(?:(urn:[^[\]"]+):)?([A-Za-z$][\w$-]*)(?:\[(\w+) eq "([^"\\\]]*)"\])?(?:\.([A-Za-z$][\w$-]*))?$/;

/** The parts of a path, or undefined for what is none that can be written to. */
export function parseScimPath(path: string): ScimPath | undefined {
  const found = PATH.exec(path);
  const [, urn, attribute, name, value, sub] = found ?? [];
  if (attribute === undefined) return undefined;
  return {
    ...(urn === undefined ? {} : { urn }),
    attribute,
    ...(name === undefined || value === undefined ? {} : { filter: { name, value } }),
    ...(sub === undefined ? {} : { sub }),
  };
}

type Json = string | boolean | Json[] | Tree;
interface Tree {
  [name: string]: Json;
}

/** What a resource holds, to be written as JSON. */
export type ScimResource = Readonly<Record<string, unknown>>;

/**
 * The resource that flat values (path → value) make up: `schemas` first, then what has a value; null and empty lists
 * are left out. The mail address of type `work` is the primary one, as Microsoft's client sends it. A manager's value
 * is the id of a user.
 */
export function scimResource(type: TargetType, values: TargetValues): ScimResource {
  const core = type === "user" ? SCIM_USER : SCIM_GROUP;
  const resource: Tree = {};
  const extensions = new Set<string>();
  for (const [name, value] of Object.entries(values)) {
    const path = parseScimPath(name);
    if (!path || !isSaid(value)) continue;
    const urn = path.urn === core ? undefined : path.urn;
    if (urn !== undefined) extensions.add(urn);
    put(urn === undefined ? resource : branchOf(resource, urn), path, value);
  }
  return { schemas: [core, ...[...extensions].sort()], ...resource };
}

type Said = string | boolean | readonly string[];

function isSaid(value: TargetValue): value is Said {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== "object";
}

/** Attributes with sub-attributes of which a mapping gives the value alone. */
const HAS_VALUE: ReadonlySet<string> = new Set(["manager"]);

function put(into: Tree, { attribute, filter, sub }: ScimPath, value: Said): void {
  if (filter) putInList(listOf(into, attribute), attribute, filter, sub ?? "value", value);
  else if (sub !== undefined || HAS_VALUE.has(attribute)) branchOf(into, attribute)[sub ?? "value"] = plain(value);
  else if (typeof value === "object") into[attribute] = value.map((text) => ({ value: text }));
  else into[attribute] = value;
}

function putInList(
  list: Json[],
  attribute: string,
  filter: NonNullable<ScimPath["filter"]>,
  sub: string,
  value: Said,
): void {
  const constant = /^(?:true|false)$/i.test(filter.value) ? filter.value.toLowerCase() === "true" : filter.value;
  const isPrimary = attribute === "emails" && constant === "work";
  const started = (): Tree => ({ ...(isPrimary ? { primary: true } : {}), [filter.name]: constant });
  if (typeof value === "object") {
    // Several values of one type are elements of their own.
    list.push(...value.map((text) => ({ ...started(), [sub]: text })));
    return;
  }
  const known = list.find((own): own is Tree => isTree(own) && own[filter.name] === constant);
  const element = known ?? started();
  element[sub] = value;
  if (!known) list.push(element);
}

function plain(value: Said): Json {
  return typeof value === "object" ? [...value] : value;
}

function isTree(value: Json | undefined): value is Tree {
  return typeof value === "object" && !Array.isArray(value);
}

function branchOf(tree: Tree, name: string): Tree {
  const known = tree[name];
  if (isTree(known)) return known;
  const made: Tree = {};
  tree[name] = made;
  return made;
}

function listOf(tree: Tree, name: string): Json[] {
  const known = tree[name];
  if (Array.isArray(known)) return known;
  const made: Json[] = [];
  tree[name] = made;
  return made;
}
