/**
 * The groups of the sample population, the same ones every time: every kind that a directory has, nested, in cycles, with
 * members that the target can't hold, and one that is larger than all the others together.
 *
 * Pure, like `population.ts`. Memberships are told apart from the entries, as links to set when everything is there: in a
 * cycle no order of creation would do.
 */
import { escapeRdnValue } from "./ldap.ts";
import type { DirectoryEntry, DirectoryLink } from "./population.ts";
import { departments, sites } from "./population-names.ts";
import { digestOf, pick } from "./population-picks.ts";

export type GroupsOptions = {
  readonly baseDn: string;
  /** 0, or enough for one of each kind. */
  readonly count: number;
  /** How many members the largest one has; contacts are made to fill it. 0: there is no such group. */
  readonly largest: number;
  readonly verifiedSuffix: string;
  /** Where groups may lie. */
  readonly parents: readonly string[];
  /** Of people who can be members. */
  readonly people: readonly string[];
  /** Of users who never get to the target: by name, or because nobody may see them. */
  readonly excluded: readonly string[];
  readonly hidden: readonly string[];
};

export type Groups = {
  readonly units: readonly DirectoryEntry[];
  readonly contacts: readonly DirectoryEntry[];
  readonly groups: readonly DirectoryEntry[];
  readonly links: readonly DirectoryLink[];
};

/** Bits of groupType. Negative in the directory: the security bit is the sign. */
const scopes = { global: 0x2, domainLocal: 0x4, universal: 0x8 };
const security = -0x80000000;
const mostMembers = 40;

/** Names that scenarios and checks look for. */
export const namedGroups = { largest: "Everybody everywhere", cycle: "Ring", chain: "Level" } as const;

export function generateGroups(options: GroupsOptions): Groups {
  if (options.count === 0) return { units: [], contacts: [], groups: [], links: [] };
  const { people, baseDn } = options;
  const contactUnit = `OU=Contacts,${baseDn}`;
  const contacts = Array.from({ length: Math.max(12, options.largest - people.length) }, (_, index) => ({
    dn: `CN=Contact ${index},${contactUnit}`,
    attributes: { objectClass: "contact", displayName: `Contact ${index}`, mail: `contact.${index}@partner.example` },
  }));
  const special = buildSpecialGroups(options, contacts);
  if (special.length > options.count)
    throw new Error(`At least ${special.length} groups, for there are so many kinds.`);
  const rest = Array.from({ length: options.count - special.length }, (_, index) => ordinary(index, options));
  const dns = rest.map(({ entry }) => entry.dn);
  const all = [
    ...special,
    // Every fifth also holds one that stands before it: nesting without a cycle, several levels deep.
    ...rest.map(({ entry, members }, index) => {
      const nested =
        index > 0 && index % 5 === 2 ? dns[digestOf(`nested ${index}`, 4).readUInt32LE() % index] : undefined;
      return { entry, members: nested === undefined ? members : [...members, nested] };
    }),
  ];
  return {
    units: [{ dn: contactUnit, attributes: { objectClass: "organizationalUnit" } }],
    contacts,
    groups: all.map(({ entry }) => entry),
    links: all.flatMap(({ entry, members }) =>
      members.length === 0 ? [] : [{ dn: entry.dn, attribute: "member", values: [...new Set(members)] }],
    ),
  };
}

type Group = { readonly entry: DirectoryEntry; readonly members: readonly string[] };

/** A department's group. Which oddity it has follows from its number, as with people. */
function ordinary(index: number, options: GroupsOptions): Group {
  const every = (period: number, rest = 0): boolean => index % period === rest;
  const department = pick(departments, index, 11);
  const site = pick(sites, index, 12);
  const name = `${department} ${site.city} ${index}`;
  const mailEnabled = every(7, 3) || every(9, 4);
  const members = Array.from(
    { length: every(11, 5) ? 0 : 1 + (digestOf(`size ${index}`, 4).readUInt32LE() % mostMembers) },
    (_, at) => pick(options.people, index * mostMembers + at, 13),
  );
  const attributes = {
    // A distribution group has no security bit; one that mail goes to is universal.
    groupType: every(9, 4) ? scopes.universal : security + (mailEnabled ? scopes.universal : scopeOf(index)),
    sAMAccountName: every(6, 1) ? `${department.replace(/["/\\[\]:;|=,+*?<>]/g, "")} (${index})` : `grp-${index}`,
    displayName: every(3) ? undefined : `${name}${every(8, 1) ? " " : ""}`,
    description: descriptionOf(index, name),
    mail: mailEnabled ? `group.${index}@${options.verifiedSuffix}` : undefined,
    proxyAddresses: mailEnabled ? `SMTP:group.${index}@${options.verifiedSuffix}` : undefined,
    mailNickname: mailEnabled ? `list.${index}` : undefined,
    adminDescription: every(61, 13) ? "Group_0c6f1b3e-1111-2222-3333-444455556666" : undefined,
  };
  return { entry: groupEntry(name, pick(options.parents, index, 14), attributes), members };
}

function scopeOf(index: number): number {
  return pick([scopes.global, scopes.universal, scopes.domainLocal], index, 0);
}

function descriptionOf(index: number, name: string): string | undefined {
  if (index % 4 === 0) return undefined;
  // Longer than what is mapped, and with blanks around it.
  return index % 10 === 1 ? `  ${name}: ${"dolor sit amet ".repeat(40)}` : `Members of ${name}`;
}

/** Those that are there for one reason each. */
function buildSpecialGroups(options: GroupsOptions, contacts: readonly DirectoryEntry[]): Group[] {
  const { people, parents, baseDn } = options;
  const parent = parents[0] ?? baseDn;
  let made = 0;
  const global = (name: string, members: readonly string[], extra: Record<string, string> = {}): Group => {
    made += 1;
    const attributes = { groupType: security + scopes.universal, sAMAccountName: `special-${made}`, ...extra };
    return { entry: groupEntry(name, parent, attributes), members };
  };
  const dnOf = (name: string): string => `CN=${escapeRdnValue(name)},${parent}`;
  const somebody = (index: number): string => pick(people, index, 15);
  const contactDns = contacts.map(({ dn }) => dn);
  const ring = (names: readonly string[]): Group[] =>
    names.map((name, index) => global(name, [dnOf(names[(index + 1) % names.length] ?? name), somebody(index)]));
  const { largest, cycle, chain } = namedGroups;
  const distribution = global("Newsletter", [somebody(20), contactDns[1] ?? ""], {
    mail: `news@${options.verifiedSuffix}`,
  });
  return [
    ...(options.largest > 0 ? [global(largest, [...people, ...contactDns].slice(0, options.largest))] : []),
    ...ring([`${cycle} of two A`, `${cycle} of two B`]),
    ...ring([`${cycle} of three A`, `${cycle} of three B`, `${cycle} of three C`]),
    ...[1, 2, 3, 4, 5, 6].map((level) =>
      global(`${chain} ${level}`, [somebody(30 + level), ...(level < 6 ? [dnOf(`${chain} ${level + 1}`)] : [])]),
    ),
    global("Nobody", []),
    global("Nobody whom the target can hold", contactDns.slice(0, 5)),
    global("With somebody hidden", [somebody(40), ...options.hidden.slice(0, 2)]),
    global("With system accounts", [somebody(41), ...options.excluded.slice(0, 3)]),
    global("With the built-in", [somebody(42), `CN=Domain Admins,CN=Users,${baseDn}`]),
    {
      ...distribution,
      entry: { ...distribution.entry, attributes: { ...distribution.entry.attributes, groupType: "8" } },
    },
    global("With a distribution list", [somebody(43), dnOf("Newsletter")]),
    global("Long alias", [somebody(44)], { sAMAccountName: `long-${"x".repeat(70)}` }),
    global("Überblick @ Köln", [somebody(45)], { sAMAccountName: "Überblick (Köln)" }),
  ];
}

function groupEntry(
  name: string,
  parent: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
): DirectoryEntry {
  const present = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)] as const],
  );
  return {
    dn: `CN=${escapeRdnValue(name)},${parent}`,
    attributes: { objectClass: "group", ...Object.fromEntries(present) },
  };
}
