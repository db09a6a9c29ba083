/**
 * What the target must hold, worked out from the directories by the rules themselves: the scope, the default exclusions, the
 * default mappings of users and groups, and who of members and managers is there to be named.
 *
 * It shares no code with the engine: a fault there must not repeat itself here. It reads as an administrator and takes
 * the hidden unit out by name, so it also knows what the agent could not see.
 */

import type { Client } from "ldapts";
import { bytesOf, type LdapEntry, objectGuidOf, searchEntries, sidText, textOf, textsOf } from "./ldap.ts";

export type ProjectionRules = {
  readonly baseDn: string;
  /** Everything below it is out of the plain account's sight. */
  readonly hiddenUnit: string;
  readonly domainFqdn: string;
  readonly configurationId: string;
  /** ObjectGUIDs. Below one of these units and in one of these groups, or in groups in them; empty: anywhere, in any. */
  readonly scope?: { readonly organizationalUnits: readonly string[]; readonly groups: readonly string[] };
  /** Domains that the target has verified; another suffix is replaced by `initialDomain`. */
  readonly verifiedSuffixes: readonly string[];
  readonly initialDomain: string;
};

export type ProjectedForest = { readonly admin: Client; readonly rules: ProjectionRules };

/** Graph properties by name; absent means: not set. */
export type ProjectedObject = Readonly<
  Record<string, string | boolean | readonly string[] | Readonly<Record<string, string>>>
>;

/** Everything by objectGUID. */
export type Projection = {
  readonly users: ReadonlyMap<string, ProjectedObject>;
  readonly groups: ReadonlyMap<string, ProjectedObject>;
  /** With the rule that keeps them out, scope included. */
  readonly excluded: ReadonlyMap<string, string>;
  readonly excludedGroups: ReadonlyMap<string, string>;
  /** With the distinguished name: users in the hidden unit. */
  readonly hidden: ReadonlyMap<string, string>;
  /** Of each user who has one in the target. */
  readonly managers: ReadonlyMap<string, string>;
  /** Of each group, those who are in the target. */
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
  /**
   * Users without an alias of their own. Theirs is given at creation, from the user principal name of that
   * moment, and a later name doesn't change it: for them `mailNickname` tells what a user created now would get.
   */
  readonly aliasFromName: ReadonlySet<string>;
};

/** Mapped with Trim: the Graph property, the attribute, the most characters that the property holds. */
const trimmedProperties: readonly (readonly [property: string, attribute: string, max: number])[] = [
  ["city", "l", 128],
  ["companyName", "company", 64],
  ["country", "co", 128],
  ["department", "department", 64],
  ["faxNumber", "facsimileTelephoneNumber", 64],
  ["givenName", "givenName", 64],
  ["jobTitle", "title", 128],
  ["mail", "mail", 256],
  ["mobilePhone", "mobile", 64],
  ["officeLocation", "physicalDeliveryOfficeName", 128],
  ["postalCode", "postalCode", 40],
  ["preferredLanguage", "preferredLanguage", 64],
  ["state", "st", 128],
  ["streetAddress", "streetAddress", 1024],
  ["surname", "sn", 64],
];

const accountDisabled = 0x2;
/** Recipient types that are no people: system mailboxes, mailbox plans, discovery mailboxes … */
const systemRecipientTypes = 0x21c07000n;

/** A link value as the directory shows it, by forest: names are unique within one only. */
type Reference = { readonly forest: number; readonly dn: string };

export const projectDirectory = (admin: Client, rules: ProjectionRules): Promise<Projection> =>
  projectForests([{ admin, rules }]);

/** Several directories that share one target. `waiting` are objects that must not get there yet, for a reason of their own. */
export async function projectForests(
  forests: readonly ProjectedForest[],
  waiting: ReadonlySet<string> = new Set(),
): Promise<Projection> {
  const users = new Map<string, ProjectedObject>();
  const groups = new Map<string, ProjectedObject>();
  const excluded = new Map<string, string>();
  const excludedGroups = new Map<string, string>();
  const hidden = new Map<string, string>();
  const aliasFromName = new Set<string>();
  const managerOf = new Map<string, Reference>();
  const membersOf = new Map<string, readonly Reference[]>();
  const byName = new Map<string, string>();
  const bySid = new Map<string, string>();
  for (const [forest, { admin, rules }] of forests.entries()) {
    const entries = await searchEntries(admin, rules.baseDn, {
      // Users and inetOrgPersons; a computer is a user too, of another category.
      filter: "(|(&(objectCategory=person)(objectClass=user))(objectClass=group))",
      attributes: ["*"],
    });
    const inScope = await scopeOf(admin, rules, entries);
    for (const entry of entries) {
      const guid = objectGuidOf(entry);
      const isGroup = textsOf(entry, "objectClass").includes("group");
      const reference = (dn: string): Reference => ({ forest, dn });
      byName.set(`${forest} ${entry.dn.toLowerCase()}`, guid);
      const sid = bytesOf(entry, "objectSid");
      if (sid !== undefined) bySid.set(sidText(sid), guid);
      const rule = (isGroup ? groupExclusionOf(entry) : exclusionOf(entry)) ?? (inScope(entry) ? undefined : "scope");
      if (waiting.has(guid)) continue;
      if (isBelow(entry.dn, rules.hiddenUnit)) hidden.set(guid, entry.dn);
      else if (rule !== undefined) (isGroup ? excludedGroups : excluded).set(guid, rule);
      else if (isGroup) {
        groups.set(guid, projectGroup(entry, rules));
        membersOf.set(guid, textsOf(entry, "member").map(reference));
      } else {
        users.set(guid, projectUser(entry, rules));
        if (textOf(entry, "mailNickname") === undefined) aliasFromName.add(guid);
        const manager = textOf(entry, "manager");
        if (manager !== undefined) managerOf.set(guid, reference(manager));
      }
    }
  }
  /** Who that is, if the target has them. A foreign security principal stands for the object with its SID. */
  const inTarget = ({ forest, dn }: Reference): string | undefined => {
    const foreign = /^CN=(S-1-[\d-]+),CN=ForeignSecurityPrincipals,/i.exec(dn)?.[1];
    const guid = foreign === undefined ? byName.get(`${forest} ${dn.toLowerCase()}`) : bySid.get(foreign);
    return guid !== undefined && (users.has(guid) || groups.has(guid)) ? guid : undefined;
  };
  const managers = [...managerOf].flatMap(([guid, reference]): [string, string][] => {
    const manager = inTarget(reference);
    return manager !== undefined && users.has(manager) ? [[guid, manager]] : [];
  });
  const members = [...membersOf].map(([guid, references]): [string, Set<string>] => [
    guid,
    new Set(references.map(inTarget).filter((member) => member !== undefined)),
  ]);
  return {
    ...{ users, groups, excluded, excludedGroups, hidden, aliasFromName },
    ...{ managers: new Map(managers), members: new Map(members) },
  };
}

async function scopeOf(
  admin: Client,
  rules: ProjectionRules,
  entries: readonly LdapEntry[],
): Promise<(entry: LdapEntry) => boolean> {
  const { organizationalUnits: units = [], groups = [] } = rules.scope ?? {};
  const unitDns: string[] = [];
  for (const guid of units) {
    const [unit] = await searchEntries(admin, `<GUID=${guid}>`, { scope: "base", attributes: ["name"] });
    if (unit !== undefined) unitDns.push(unit.dn);
  }
  const membersByDn = new Map(entries.map((entry) => [entry.dn.toLowerCase(), textsOf(entry, "member")]));
  const inGroups = new Set<string>();
  const pending = entries.filter((entry) => groups.includes(objectGuidOf(entry))).map(({ dn }) => dn);
  for (const dn of pending) {
    if (inGroups.has(dn.toLowerCase())) continue;
    inGroups.add(dn.toLowerCase());
    pending.push(...(membersByDn.get(dn.toLowerCase()) ?? []));
  }
  return ({ dn }) =>
    (units.length === 0 || unitDns.some((unit) => isBelow(dn, unit))) &&
    (groups.length === 0 || inGroups.has(dn.toLowerCase()));
}

const isBelow = (dn: string, unit: string): boolean => dn.toLowerCase().endsWith(`,${unit.toLowerCase()}`);

/** The first of the default exclusions that applies. Comparisons heed case, as the service's do. */
function exclusionOf(entry: LdapEntry): string | undefined {
  const text = (attribute: string): string => textOf(entry, attribute) ?? "";
  const account = text("sAMAccountName");
  const nickname = text("mailNickname");
  if (text("isCriticalSystemObject") === "TRUE") return "isCriticalSystemObject";
  if (text("adminDescription").startsWith("User_")) return "adminDescription User_";
  if (account === "") return "no sAMAccountName";
  if (account === "SUPPORT_388945a0") return "SUPPORT_388945a0";
  if (nickname.startsWith("SystemMailbox{")) return "SystemMailbox";
  if (account.startsWith("AAD_")) return "AAD_";
  if (account.startsWith("MSOL_")) return "MSOL_";
  if (/^CAS_[^{]*\{/.test(nickname)) return "mailNickname CAS_";
  if (/^CAS_[^{]*\{/.test(account)) return "sAMAccountName CAS_";
  if ((BigInt(text("msExchRecipientTypeDetails") || 0) & systemRecipientTypes) !== 0n) return "recipient type";
  return isConflict(entry) ? "replication conflict" : undefined;
}

const isConflict = (entry: LdapEntry): boolean => /^CN\s*=\s*[^,]*\\0ACNF/.test(entry.dn);

const securityEnabled = 0x80000000;
const createdBySystem = 0x1;

/** The first rule that keeps a group out. */
function groupExclusionOf(entry: LdapEntry): string | undefined {
  const type = Number(textOf(entry, "groupType")) >>> 0;
  if ((type & createdBySystem) !== 0) return "built-in";
  if (textOf(entry, "isCriticalSystemObject") === "TRUE") return "isCriticalSystemObject";
  if ((type & securityEnabled) === 0) return "distribution";
  if (textOf(entry, "adminDescription")?.startsWith("Group_")) return "adminDescription Group_";
  return isConflict(entry) ? "replication conflict" : undefined;
}

function projectGroup(entry: LdapEntry, rules: ProjectionRules): ProjectedObject {
  const guid = objectGuidOf(entry);
  const description = textOf(entry, "description")?.trim().slice(0, 448);
  return {
    displayName: textOf(entry, "displayName") ?? textOf(entry, "cn") ?? "",
    ...(description && { description }),
    mailNickname: groupAliasOf(entry) || guid,
    mailEnabled: false,
    securityEnabled: true,
    uniqueName: `uplink-${rules.configurationId}-${guid}`,
  };
}

/** Letters lose their diacritics; blanks, what addresses are built with and all that isn't ASCII go. */
function groupAliasOf(entry: LdapEntry): string {
  const name = textOf(entry, "mailNickname") ?? textOf(entry, "sAMAccountName") ?? "";
  const plain = name.normalize("NFD").replace(/\p{M}/gu, "");
  return plain.replace(/[^!-~]|[@()\\[\]";:<>,]/g, "").slice(0, 64);
}

function projectUser(entry: LdapEntry, rules: ProjectionRules): ProjectedObject {
  const anchor = bytesOf(entry, "mS-DS-ConsistencyGuid") ?? bytesOf(entry, "objectGUID");
  const userPrincipalName = userPrincipalNameOf(entry, rules);
  const phone = trimmed(entry, "telephoneNumber");
  const usageLocation = textOf(entry, "msExchUsageLocation") ?? textOf(entry, "c");
  const employeeId = textOf(entry, "employeeID");
  const extensionAttributes = Object.fromEntries(
    Array.from({ length: 15 }, (_, index) => `extensionAttribute${index + 1}`).flatMap((name) => {
      const value = trimmed(entry, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return {
    accountEnabled: (Number(textOf(entry, "userAccountControl")) & accountDisabled) === 0,
    displayName: textOf(entry, "displayName") ?? textOf(entry, "cn") ?? "",
    mailNickname: textOf(entry, "mailNickname") ?? userPrincipalName.slice(0, userPrincipalName.lastIndexOf("@")),
    onPremisesImmutableId: anchor?.toString("base64") ?? "",
    userPrincipalName,
    ...Object.fromEntries(
      trimmedProperties.flatMap(([property, attribute, max]) => {
        const value = trimmed(entry, attribute);
        if (value === undefined) return [];
        // No mapping cuts these, so a longer value would have no right answer.
        if (value.length > max) throw new Error(`${attribute} of ${entry.dn} is longer than ${property} can be.`);
        return [[property, value]];
      }),
    ),
    ...(employeeId !== undefined && { employeeId }),
    ...(phone !== undefined && { businessPhones: [phone] }),
    ...(usageLocation !== undefined && { usageLocation }),
    ...(Object.keys(extensionAttributes).length > 0 && { onPremisesExtensionAttributes: extensionAttributes }),
  };
}

function userPrincipalNameOf(entry: LdapEntry, rules: ProjectionRules): string {
  const given = textOf(entry, "userPrincipalName") ?? `${textOf(entry, "sAMAccountName")}@${rules.domainFqdn}`;
  const at = given.lastIndexOf("@");
  const suffix = given.slice(at + 1).toLowerCase();
  const verified = rules.verifiedSuffixes.some((domain) => domain.toLowerCase() === suffix);
  return verified ? given : `${given.slice(0, at)}@${rules.initialDomain}`;
}

function trimmed(entry: LdapEntry, attribute: string): string | undefined {
  const value = textOf(entry, attribute)?.trim();
  return value === "" ? undefined : value;
}
