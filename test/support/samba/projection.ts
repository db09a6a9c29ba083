/**
 * What the target must hold, worked out from the directory by the rules themselves: the default exclusions, the default
 * user mapping and the Graph property of each mapped attribute.
 *
 * It shares no code with the engine: a fault there must not repeat itself here. It reads as an administrator and takes
 * the hidden unit out by name, so it also knows what the agent could not see.
 */

import type { Client } from "ldapts";
import { bytesOf, type LdapEntry, objectGuidOf, searchEntries, textOf } from "./ldap.ts";

export type ProjectionRules = {
  readonly baseDn: string;
  /** Everything below it is out of the plain account's sight. */
  readonly hiddenUnit: string;
  readonly domainFqdn: string;
  /** Domains that the target has verified; another suffix is replaced by `initialDomain`. */
  readonly verifiedSuffixes: readonly string[];
  readonly initialDomain: string;
};

/** Graph properties by name; absent means: not set. */
export type ProjectedUser = Readonly<
  Record<string, string | boolean | readonly string[] | Readonly<Record<string, string>>>
>;

export type Projection = {
  /** By objectGUID. */
  readonly users: ReadonlyMap<string, ProjectedUser>;
  /** By objectGUID, with the rule that keeps them out. */
  readonly excluded: ReadonlyMap<string, string>;
  /** By objectGUID, with the distinguished name: users in the hidden unit. */
  readonly hidden: ReadonlyMap<string, string>;
  /**
   * ObjectGUIDs of users without an alias of their own. Theirs is given at creation, from the user principal name of that
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

export async function projectDirectory(admin: Client, rules: ProjectionRules): Promise<Projection> {
  const entries = await searchEntries(admin, rules.baseDn, {
    // Users and inetOrgPersons; a computer is a user too, of another category.
    filter: "(&(objectCategory=person)(objectClass=user))",
    attributes: ["*"],
  });
  const users = new Map<string, ProjectedUser>();
  const excluded = new Map<string, string>();
  const hidden = new Map<string, string>();
  const aliasFromName = new Set<string>();
  for (const entry of entries) {
    const guid = objectGuidOf(entry);
    const rule = exclusionOf(entry);
    if (textOf(entry, "mailNickname") === undefined) aliasFromName.add(guid);
    if (entry.dn.toLowerCase().endsWith(`,${rules.hiddenUnit.toLowerCase()}`)) hidden.set(guid, entry.dn);
    else if (rule !== undefined) excluded.set(guid, rule);
    else users.set(guid, projectUser(entry, rules));
  }
  return { users, excluded, hidden, aliasFromName };
}

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
  if (/^CN\s*=\s*[^,]*\\0ACNF/.test(entry.dn)) return "replication conflict";
  return undefined;
}

function projectUser(entry: LdapEntry, rules: ProjectionRules): ProjectedUser {
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
