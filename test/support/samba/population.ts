/**
 * A directory full of people, the same ones every time: names in a dozen scripts, organizational units whose names need
 * escapes, disabled accounts, inetOrgPersons, values with blanks around them or nothing but blanks, missing names,
 * logins and countries, managers in several levels, and accounts that the default exclusions must drop; on demand with
 * groups and contacts (`population-groups.ts`).
 *
 * Pure: it says what there is; `load-population.ts` puts it into a directory. Which oddity a person has follows from
 * its number, with periods that share no factor, so that oddities also meet.
 */

import { type AttributeValue, escapeRdnValue } from "./ldap.ts";
import { generateGroups } from "./population-groups.ts";
import { departments, type Name, type Site, sites, titles } from "./population-names.ts";
import { digestOf, pick } from "./population-picks.ts";

export type DirectoryEntry = {
  readonly dn: string;
  readonly attributes: Readonly<Record<string, AttributeValue | readonly AttributeValue[]>>;
};

/** Values of a linked attribute, as distinguished names, to be set when everything is there. */
export type DirectoryLink = { readonly dn: string; readonly attribute: string; readonly values: readonly string[] };

export type Population = {
  /** Parents before children. */
  readonly units: readonly DirectoryEntry[];
  /** Managers before the people whom they manage: loaded one after another in this order it works. */
  readonly managers: readonly DirectoryEntry[];
  readonly people: readonly DirectoryEntry[];
  /** Accounts that no default scope lets through. */
  readonly systemAccounts: readonly DirectoryEntry[];
  /** The unit to hide from the plain account, and who is in it. */
  readonly hiddenUnit: string;
  readonly hidden: readonly DirectoryEntry[];
  readonly contacts: readonly DirectoryEntry[];
  readonly groups: readonly DirectoryEntry[];
  /** Members, and those managers who can't come before the people whom they manage. */
  readonly links: readonly DirectoryLink[];
};

export type PopulationOptions = {
  readonly baseDn: string;
  /** How many people, managers and system accounts together; those hidden come on top. */
  readonly count: number;
  readonly hiddenCount?: number;
  /** The number of the first person: forests whose numbers differ have no login in common. 0 by default. */
  readonly firstNumber?: number;
  readonly verifiedSuffix: string;
  readonly unverifiedSuffix: string;
  /** How many groups, none by default, and how many members the largest one has. */
  readonly groups?: number;
  readonly largestGroup?: number;
};

const normalAccount = 0x200;
const disabledFlag = 0x2;
/** Accounts without a password load forty times as fast. */
const passwordNotRequired = 0x20;
const reportsPerManager = 20;

export function generatePopulation(options: PopulationOptions): Population {
  const root = `OU=Corp,${options.baseDn}`;
  const hiddenUnit = `OU=Hidden,${options.baseDn}`;
  const usedNames = new Set<string>();
  const unitDns = sites.map((site) => `OU=${escapeRdnValue(site.unit)},${root}`);
  // A third level below every third unit.
  const teamDns = unitDns
    .filter((_, index) => index % 3 === 0)
    .map((dn) => `OU=${escapeRdnValue('Team 1, "A"')},${dn}`);
  const parents = [...unitDns, ...teamDns];

  const first = options.firstNumber ?? 0;
  const personAt = (offset: number, parent: string, manager?: string): DirectoryEntry => {
    const index = first + offset;
    const siteOfUnit = sites.find((_, at) => parent.endsWith(unitDns[at] ?? ""));
    const site = siteOfUnit ?? pick(sites, index, 0);
    return buildPerson({ index, site, parent, manager, usedNames, options });
  };
  const systemAccounts = buildSystemAccounts(options.baseDn, root);
  const total = options.count - systemAccounts.length;
  const managerCount = Math.ceil(total / reportsPerManager);
  const managers: DirectoryEntry[] = [];
  for (let index = 0; index < managerCount; index += 1) {
    const boss = index === 0 ? undefined : managers[Math.floor((index - 1) / 4)]?.dn;
    managers.push(personAt(index, pick(parents, index, 0), boss));
  }
  const people = Array.from({ length: total - managerCount }, (_, offset) => {
    const index = managerCount + offset;
    // Every fifteenth has no manager.
    const manager = index % 15 === 0 ? undefined : managers[index % managerCount]?.dn;
    return personAt(index, pick(parents, index, 3), manager);
  });
  const hidden = Array.from({ length: options.hiddenCount ?? 20 }, (_, offset) =>
    personAt(1_000_000 + offset, hiddenUnit),
  );
  const dnsOf = (entries: readonly DirectoryEntry[]): string[] => entries.map(({ dn }) => dn);
  const groups = generateGroups({
    ...options,
    count: options.groups ?? 0,
    largest: options.largestGroup ?? 0,
    parents,
    people: dnsOf([...managers, ...people]),
    excluded: dnsOf(systemAccounts),
    hidden: dnsOf(hidden),
  });
  const unit = (dn: string): DirectoryEntry => ({ dn, attributes: { objectClass: "organizationalUnit" } });
  return {
    units: [...[root, ...parents, hiddenUnit].map(unit), ...groups.units],
    managers,
    people,
    systemAccounts,
    hiddenUnit,
    hidden,
    contacts: groups.contacts,
    groups: groups.groups,
    links: [...oddManagers(managers, people, systemAccounts, hidden, groups.contacts), ...groups.links],
  };
}

/** A ring of two at the top, and managers whom the target can't have. */
function oddManagers(
  ...[managers, people, excluded, hidden, contacts]: readonly (readonly DirectoryEntry[])[]
): DirectoryLink[] {
  const without = (people ?? []).filter(({ attributes }) => attributes["manager"] === undefined);
  const pairs = [
    [managers?.[0], managers?.[1]],
    [without[0], excluded?.[0]],
    [without[1], hidden?.[0]],
    [without[2], contacts?.[0]],
  ];
  return pairs.flatMap(([who, manager]) =>
    who === undefined || manager === undefined ? [] : [{ dn: who.dn, attribute: "manager", values: [manager.dn] }],
  );
}

function buildPerson(about: {
  readonly index: number;
  readonly site: Site;
  readonly parent: string;
  readonly manager: string | undefined;
  readonly usedNames: Set<string>;
  readonly options: PopulationOptions;
}): DirectoryEntry {
  const { index, site, parent, options } = about;
  const every = (period: number, rest = 0): boolean => index % period === rest;
  const [given, givenLogin] = pick<Name>(site.givenNames, index, 1);
  const [surname, surnameLogin] = pick<Name>(site.surnames, index, 2);
  const commonName = freeName(
    site.surnameFirst ? `${surname}, ${given}` : `${given} ${surname}`,
    parent,
    about.usedNames,
  );
  const login = `${givenLogin}.${surnameLogin}${index}`;
  const suffix = every(7, 4) ? options.unverifiedSuffix : options.verifiedSuffix;
  const department = pick(departments, index, 4);
  const flags = normalAccount | passwordNotRequired | (every(17) ? disabledFlag : 0);
  const number = String(index).padStart(4, "0");

  const attributes: Record<string, AttributeValue | readonly AttributeValue[] | undefined> = {
    objectClass: every(10, 3) ? "inetOrgPerson" : "user",
    sAMAccountName: `${surnameLogin.replaceAll("'", "").slice(0, 10)}.${index}`,
    userAccountControl: String(flags),
    userPrincipalName: every(31, 11) ? undefined : `${login}@${suffix}`,
    displayName: every(29, 7) ? undefined : `${given} ${surname}${every(53, 1) ? " " : ""}`,
    givenName: every(19, 2) ? undefined : given,
    sn: every(37, 5) ? undefined : surname,
    initials: every(4) ? [...given][0] : undefined,
    mail: every(19, 3) ? undefined : `${login.replaceAll("'", "")}@${options.verifiedSuffix}`,
    proxyAddresses: every(6)
      ? [`SMTP:${login.replaceAll("'", "")}@${options.verifiedSuffix}`, `smtp:p${index}@${suffix}`]
      : undefined,
    mailNickname: every(6) ? `nick.${index}` : undefined,
    department: blanksAround(department, index),
    title: every(13, 8) ? "   " : pick(titles, index, 5),
    company: every(5) ? undefined : `Contoso ${site.country}`.slice(0, 64),
    employeeID: every(3, 1) ? `E-${number}` : undefined,
    l: blanksAround(site.city, index + 1),
    st: site.state,
    postalCode: `${10_000 + (index % 80_000)}`,
    streetAddress: every(11, 6) ? `${site.street} ${index}\r\nAufgang B\r\n` : `${site.street} ${index}`,
    co: site.country,
    c: every(11) ? undefined : site.countryCode,
    msExchUsageLocation: every(9) ? "CH" : undefined,
    preferredLanguage: every(4, 1) ? site.language : undefined,
    physicalDeliveryOfficeName: every(8, 7) ? undefined : `${site.city} / ${index % 9}. OG`,
    telephoneNumber: every(5, 3) ? undefined : `${site.phonePrefix} ${number}`,
    mobile: every(3) ? ` ${site.phonePrefix} 9${number}` : undefined,
    facsimileTelephoneNumber: every(25) ? `${site.phonePrefix} 8${number}` : undefined,
    otherTelephone: every(21) ? [`${number}-1`, `${number}-2`, `${number}-3`] : undefined,
    extensionAttribute1: every(3) ? `CC-${index % 40}` : undefined,
    extensionAttribute2: every(16) ? " \t " : undefined,
    extensionAttribute7: every(14) ? `Grüße, ${given}` : undefined,
    extensionAttribute15: every(5, 1) ? "x".repeat(200 + (index % 300)) : undefined,
    description: every(12) ? `${commonName}: ${"lorem ipsum ".repeat(20)}` : undefined,
    info: every(33) ? "first line\r\nsecond line\r\n" : undefined,
    "msDS-PhoneticDisplayName": site.countryCode === "JP" ? `${surnameLogin} ${givenLogin}` : undefined,
    "mS-DS-ConsistencyGuid": every(13, 5) ? digestOf(`anchor ${index}`, 16) : undefined,
    thumbnailPhoto: every(40)
      ? Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), digestOf(number, 32)])
      : undefined,
    msExchRecipientTypeDetails: every(6) ? "1" : undefined,
    manager: about.manager,
  };
  const present = Object.entries(attributes).filter(([, value]) => value !== undefined && value !== "");
  return {
    dn: `CN=${escapeRdnValue(commonName)},${parent}`,
    attributes: Object.fromEntries(present) as DirectoryEntry["attributes"],
  };
}

/** One for each rule of the default exclusions that a directory without Exchange and without conflicts can break. */
function buildSystemAccounts(baseDn: string, root: string): DirectoryEntry[] {
  const account = (name: string, extra: Record<string, string>, parent: string): DirectoryEntry => ({
    dn: `CN=${escapeRdnValue(name)},${parent}`,
    attributes: {
      objectClass: "user",
      sAMAccountName: name.slice(0, 20),
      userAccountControl: String(normalAccount | passwordNotRequired),
      displayName: name,
      ...extra,
    },
  });
  return [
    account("AAD_7f3a91c0", {}, `CN=Users,${baseDn}`),
    account("MSOL_5b1e0d2277", {}, `CN=Users,${baseDn}`),
    account("SUPPORT_388945a0", {}, `CN=Users,${baseDn}`),
    account("CAS_{0a1b2c}", {}, `CN=Users,${baseDn}`),
    account("SystemMailbox 1", { mailNickname: "SystemMailbox{1f05a927}" }, root),
    account("Cas Mailbox", { mailNickname: "CAS_{8d1f}" }, root),
    account("Discovery Mailbox", { msExchRecipientTypeDetails: "536870912" }, root),
    account("Written back", { adminDescription: "User_2f6b2c1e-1111-2222-3333-444455556666" }, root),
  ];
}

function freeName(wanted: string, parent: string, used: Set<string>): string {
  for (let attempt = 1; ; attempt += 1) {
    const name = attempt === 1 ? wanted : `${wanted} (${attempt})`;
    const key = `${name}\0${parent}`.normalize("NFKC").toUpperCase();
    if (used.has(key)) continue;
    used.add(key);
    return name;
  }
}

function blanksAround(value: string, index: number): string {
  if (index % 23 === 0) return `  ${value}`;
  return index % 23 === 1 ? `${value} ` : value;
}
