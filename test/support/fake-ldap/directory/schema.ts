/** The part of Active Directory's schema that the fake domain has: names, syntaxes, link numbers, and what tombstones keep. */
import type { FakeEntry } from "../messages.ts";

interface AttributeSchema {
  readonly name: string;
  readonly syntax: string;
  readonly linkId?: number;
  readonly systemFlags?: number;
}
const DN = "2.5.5.1";
const TEXT = "2.5.5.12";
const BYTES = "2.5.5.10";
const NUMBER = "2.5.5.9";
/** Not replicated (1), constructed (4), in the base schema (16). */
const BASE = 16;
const LOCAL = 17;
const CONSTRUCTED = 20;

const text = (names: string): AttributeSchema[] => names.split(" ").map((name) => ({ name, syntax: TEXT }));
const link = (forward: string, linkId: number, back: string): AttributeSchema[] => [
  { name: forward, syntax: DN, linkId },
  { name: back, syntax: DN, linkId: linkId + 1, systemFlags: LOCAL },
];

export const SCHEMA: readonly AttributeSchema[] = [
  ...text(
    "cn ou name displayName givenName sn initials title department company mail userPrincipalName sAMAccountName",
  ),
  ...text(
    "description info telephoneNumber mobile streetAddress l st postalCode c co employeeID employeeType mailNickname",
  ),
  ...text("proxyAddresses targetAddress extensionAttribute1 physicalDeliveryOfficeName preferredLanguage url"),
  ...link("member", 2, "memberOf"),
  ...link("manager", 42, "directReports"),
  ...link("managedBy", 72, "managedObjects"),
  ...link("owner", 44, "ownerBL"),
  ...["userAccountControl", "groupType", "primaryGroupID", "instanceType"].map((name) => ({ name, syntax: NUMBER })),
  { name: "objectClass", syntax: "2.5.5.2", systemFlags: BASE },
  { name: "objectCategory", syntax: DN, systemFlags: BASE },
  { name: "distinguishedName", syntax: DN, systemFlags: 19 },
  { name: "lastKnownParent", syntax: DN, systemFlags: BASE },
  { name: "isDeleted", syntax: "2.5.5.8", systemFlags: BASE },
  { name: "objectGUID", syntax: BYTES, systemFlags: 19 },
  { name: "objectSid", syntax: "2.5.5.17", systemFlags: BASE },
  { name: "parentGUID", syntax: BYTES, systemFlags: CONSTRUCTED },
  { name: "companyBadge", syntax: BYTES },
  { name: "thumbnailPhoto", syntax: BYTES },
  { name: "mS-DS-ConsistencyGuid", syntax: BYTES },
  { name: "whenChanged", syntax: "2.5.5.11", systemFlags: 19 },
  { name: "whenCreated", syntax: "2.5.5.11", systemFlags: BASE },
  { name: "uSNChanged", syntax: "2.5.5.16", systemFlags: 19 },
  { name: "uSNCreated", syntax: "2.5.5.16", systemFlags: 19 },
];

const BY_NAME = new Map(SCHEMA.map((row) => [row.name.toLowerCase(), row]));

/** In the schema's case; what it doesn't know stays as it is. */
export const canonicalName = (name: string): string => BY_NAME.get(name.toLowerCase())?.name ?? name;

/** Of a forward link; undefined for everything else. */
export function linkNumberOf(name: string): number | undefined {
  const linkId = BY_NAME.get(name.toLowerCase())?.linkId;
  return linkId !== undefined && linkId % 2 === 0 ? linkId : undefined;
}

/** The forward link that a back link shows the other end of. */
export function forwardOf(name: string): string | undefined {
  const linkId = BY_NAME.get(name.toLowerCase())?.linkId;
  if (linkId === undefined || linkId % 2 === 0) return undefined;
  return SCHEMA.find((row) => row.linkId === linkId - 1)?.name;
}

export const isDnSyntax = (name: string): boolean => BY_NAME.get(name.toLowerCase())?.syntax === DN;

/** What a tombstone keeps without a recycle bin. */
const KEPT = new Set(
  "name objectclass objectsid isdeleted lastknownparent samaccountname useraccountcontrol grouptype sidhistory instancetype whencreated".split(
    " ",
  ),
);
export const isKeptOnTombstone = (name: string): boolean => KEPT.has(name.toLowerCase());

const CLASSES: Readonly<Record<string, readonly string[]>> = {
  user: ["top", "person", "organizationalPerson", "user"],
  inetOrgPerson: ["top", "person", "organizationalPerson", "user", "inetOrgPerson"],
  computer: ["top", "person", "organizationalPerson", "user", "computer"],
  contact: ["top", "person", "organizationalPerson", "contact"],
  group: ["top", "group"],
  organizationalUnit: ["top", "organizationalUnit"],
  container: ["top", "container"],
  builtinDomain: ["top", "builtinDomain"],
  foreignSecurityPrincipal: ["top", "foreignSecurityPrincipal"],
  domainDNS: ["top", "domain", "domainDNS"],
};
/** All classes of an object of this class. */
export const classesOf = (name: string): readonly string[] => CLASSES[name] ?? ["top", name];

const PRINCIPALS = new Set(["user", "inetOrgPerson", "computer", "group"]);
/** Gets a SID of the domain when it is made. */
export const isPrincipal = (name: string): boolean => PRINCIPALS.has(name);

const CATEGORIES: Readonly<Record<string, string>> = {
  user: "Person",
  inetOrgPerson: "Person",
  contact: "Person",
  organizationalUnit: "Organizational-Unit",
  foreignSecurityPrincipal: "Foreign-Security-Principal",
};
export function categoryOf(objectClass: string, root: string): string {
  const name = CATEGORIES[objectClass] ?? `${objectClass.slice(0, 1).toUpperCase()}${objectClass.slice(1)}`;
  return `CN=${name},CN=Schema,CN=Configuration,${root}`;
}

/** As a search of the schema partition brings them. */
export function schemaEntries(root: string): FakeEntry[] {
  return SCHEMA.map(({ name, syntax, linkId, systemFlags }) => ({
    dn: `CN=${name},CN=Schema,CN=Configuration,${root}`,
    attributes: {
      lDAPDisplayName: [name],
      attributeSyntax: [syntax],
      ...(linkId === undefined ? {} : { linkID: [String(linkId)] }),
      ...(systemFlags === undefined ? {} : { systemFlags: [String(systemFlags)] }),
    },
  }));
}
