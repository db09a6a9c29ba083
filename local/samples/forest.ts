/**
 * A made-up Active Directory domain: organisational units, people in a reporting line, groups, accounts of the system that
 * must stay out of a cloud, and a few people who are awkward on purpose. The same input gives the same entries, GUIDs and
 * SIDs each time.
 */
import { createHash } from "node:crypto";
import { groupEntries } from "./groups.ts";
import { type Entry, escapeRdn } from "./ldif-text.ts";
import { DEPARTMENTS, FAMILY_NAMES, GIVEN_NAMES, OFFICES, OTHER_SCRIPTS } from "./names.ts";

export interface ForestPlan {
  readonly fqdn: string;
  readonly netBios: string;
  readonly company: string;
  readonly people: number;
  /** Shifts names and offices, so that two forests don't hold the same people. */
  readonly offset: number;
  /** One person who has an account in every forest that names the same. */
  readonly alsoElsewhere: { readonly given: string; readonly family: string; readonly consistencyGuid: string };
  /** A UPN suffix that the tenant has not verified; one person has it. */
  readonly unverifiedSuffix?: string;
}

const ENABLED = "512";
const DISABLED = "514";
const FIRST_RID = 1104;
const PERSON_CLASSES = ["top", "person", "organizationalPerson", "user"];

interface Person {
  readonly display: string;
  readonly given: string;
  readonly family: string;
  readonly account: string;
  readonly consistencyGuid?: string;
}

/** Every entry of the domain, parents before children. */
export function forestEntries(plan: ForestPlan): Entry[] {
  const root = plan.fqdn
    .split(".")
    .map((label) => `DC=${label}`)
    .join(",");
  const sid = domainSid(plan.fqdn);
  const guid = (what: string) => guidFrom(`${plan.fqdn}/${what}`);
  const unit = (name: string, parent: string): Entry => ({
    dn: `OU=${escapeRdn(name)},${parent}`,
    attributes: {
      objectClass: ["top", "organizationalUnit"],
      ou: name,
      name,
      objectGUID: guid(`ou/${name}`),
    },
  });
  const staff = unit("Staff", root);
  const people = peopleEntries(plan, staff.dn, sid, guid);
  return [
    {
      dn: root,
      attributes: {
        objectClass: ["top", "domain", "domainDNS"],
        dc: plan.fqdn.split(".")[0] ?? plan.fqdn,
        name: plan.fqdn.split(".")[0] ?? plan.fqdn,
        objectGUID: guid("domain"),
        objectSid: sid,
      },
    },
    unit("Domain Controllers", root),
    staff,
    ...DEPARTMENTS.map((department) => unit(department.name, staff.dn)),
    unit("Leavers", staff.dn),
    unit("Service Accounts", root),
    ...systemEntries(plan, root, sid, guid),
    ...people,
    ...groupEntries({
      root,
      sid,
      guid,
      people,
      fqdn: plan.fqdn,
      firstRid: FIRST_RID + plan.people,
      departments: DEPARTMENTS.map((department) => department.name),
    }),
  ];
}

function peopleEntries(plan: ForestPlan, staff: string, sid: string, guid: (what: string) => string): Entry[] {
  const people = peopleOf(plan);
  const dns: string[] = [];
  const entries: Entry[] = [];
  for (const [index, person] of people.entries()) {
    const office = OFFICES[(index + plan.offset) % OFFICES.length];
    // The first leads all, the next ones a department each, and those their department's people.
    const isHead = index > 0 && index <= DEPARTMENTS.length;
    const managerIndex = index === 0 ? undefined : isHead ? 0 : 1 + ((index - 1) % DEPARTMENTS.length);
    const manager = managerIndex === undefined ? undefined : dns[managerIndex];
    const department = DEPARTMENTS[(index - 1) % DEPARTMENTS.length];
    const own = department?.name ?? "Executive Office";
    const titles = department?.titles ?? ["Managing Director"];
    const title = isHead ? `Head of ${own}` : titles[index % titles.length];
    // Every 24th has left: disabled, in an OU of their own, in scope all the same.
    const isDisabled = index > DEPARTMENTS.length && index % 24 === 0;
    const unitName = isDisabled ? "Leavers" : own;
    const parent = index === 0 ? staff : `OU=${escapeRdn(unitName)},${staff}`;
    const dn = `CN=${escapeRdn(person.display)},${parent}`;
    const suffix = plan.unverifiedSuffix !== undefined && index === 20 ? plan.unverifiedSuffix : plan.fqdn;
    const number = String(1000 + index * 7 + plan.offset);
    dns.push(dn);
    entries.push({
      dn,
      attributes: {
        objectClass: index === 12 ? [...PERSON_CLASSES, "inetOrgPerson"] : PERSON_CLASSES,
        cn: person.display,
        sn: person.family,
        givenName: person.given,
        displayName: person.display,
        name: person.display,
        sAMAccountName: person.account.slice(0, 20),
        userPrincipalName: `${person.account}@${suffix}`,
        mail: `${person.account}@${plan.fqdn}`,
        userAccountControl: isDisabled ? DISABLED : ENABLED,
        company: plan.company,
        department: own,
        ...(title === undefined ? {} : { title }),
        employeeID: `${plan.netBios.slice(0, 1)}${number}`,
        telephoneNumber: `${office?.phone} ${number.slice(-2)}`,
        ...(index % 3 === 0 ? { mobile: `+41 79 555 ${number}` } : {}),
        ...(office === undefined
          ? {}
          : {
              physicalDeliveryOfficeName: office.city,
              streetAddress: office.street,
              l: office.city,
              ...(office.state === undefined ? {} : { st: office.state }),
              postalCode: office.postalCode,
              co: office.country,
              c: office.code,
              preferredLanguage: office.language,
            }),
        ...(manager === undefined ? {} : { manager }),
        objectGUID: guid(`user/${person.account}`),
        objectSid: `${sid}-${FIRST_RID + index}`,
        ...(person.consistencyGuid === undefined ? {} : { "mS-DS-ConsistencyGuid": person.consistencyGuid }),
      },
    });
  }
  return entries;
}

/** `plan.people` people, none with another's account name. */
function peopleOf(plan: ForestPlan): Person[] {
  const shared = plan.alsoElsewhere;
  const people: Person[] = [];
  const accounts = new Set<string>();
  const add = (person: Person): void => {
    if (accounts.has(person.account)) return;
    accounts.add(person.account);
    people.push(person);
  };
  for (let index = 0; people.length < plan.people - OTHER_SCRIPTS.length - 1; index++) {
    const given = GIVEN_NAMES[(index * 5 + plan.offset) % GIVEN_NAMES.length] ?? "";
    const round = Math.floor(index / GIVEN_NAMES.length);
    const [family = "", ascii = family] = (
      FAMILY_NAMES[(index * 3 + plan.offset + round) % FAMILY_NAMES.length] ?? ""
    ).split(":");
    add({ display: `${given} ${family}`, given, family, account: `${plain(given)}.${plain(ascii)}`.toLowerCase() });
  }
  for (const [display, given, family, account] of OTHER_SCRIPTS) add({ display, given, family, account });
  add({
    display: `${shared.given} ${shared.family}`,
    given: shared.given,
    family: shared.family,
    account: `${shared.given}.${shared.family}`.toLowerCase(),
    consistencyGuid: shared.consistencyGuid,
  });
  return people;
}

/** What every Active Directory holds and no cloud should: the default exclusions have a clause for each. */
function systemEntries(plan: ForestPlan, root: string, sid: string, guid: (what: string) => string): Entry[] {
  const account = (name: string, rid: number, more: Record<string, string | string[]>): Entry => ({
    dn: `CN=${escapeRdn(name)},CN=Users,${root}`,
    attributes: {
      objectClass: PERSON_CLASSES,
      cn: name,
      name,
      sAMAccountName: name.slice(0, 20),
      userAccountControl: DISABLED,
      objectGUID: guid(`system/${name}`),
      objectSid: `${sid}-${rid}`,
      ...more,
    },
  });
  const critical = { isCriticalSystemObject: "TRUE" };
  const conflictGuid = guid("conflict");
  const mailbox = `SystemMailbox{${guid("mailbox")}}`;
  return [
    account("Administrator", 500, { ...critical, userAccountControl: ENABLED }),
    account("Guest", 501, critical),
    account("krbtgt", 502, critical),
    account(`AAD_${guid("aad").slice(0, 12).replace("-", "")}`, 1100, { userAccountControl: ENABLED }),
    account(`MSOL_${guid("msol").slice(0, 12).replace("-", "")}`, 1101, { userAccountControl: ENABLED }),
    account(mailbox, 1102, { mailNickname: mailbox, displayName: "Microsoft Exchange" }),
    {
      dn: `CN=${escapeRdn(`Printer\nCNF:${conflictGuid}`)},OU=Service Accounts,${root}`,
      attributes: {
        objectClass: PERSON_CLASSES,
        cn: `Printer\nCNF:${conflictGuid}`,
        name: `Printer\nCNF:${conflictGuid}`,
        sAMAccountName: `$DUPLICATE-${FIRST_RID - 1}`,
        userAccountControl: DISABLED,
        objectGUID: conflictGuid,
        objectSid: `${sid}-${FIRST_RID - 1}`,
      },
    },
    {
      dn: `CN=DC1,OU=Domain Controllers,${root}`,
      attributes: {
        objectClass: [...PERSON_CLASSES, "computer"],
        cn: "DC1",
        name: "DC1",
        sAMAccountName: "DC1$",
        dNSHostName: `dc1.${plan.fqdn}`,
        userAccountControl: "532480",
        ...critical,
        objectGUID: guid("dc1"),
        objectSid: `${sid}-1000`,
      },
    },
  ];
}

function plain(name: string): string {
  return name
    .normalize("NFD")
    .replace(/[łŁøØ]/g, (letter) => ({ ł: "l", Ł: "L", ø: "o", Ø: "O" })[letter] ?? "")
    .replace(/[^A-Za-z-]/g, "");
}

function guidFrom(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function domainSid(fqdn: string): string {
  const bytes = createHash("sha256").update(`sid/${fqdn}`).digest();
  return `S-1-5-21-${bytes.readUInt32LE(0)}-${bytes.readUInt32LE(4)}-${bytes.readUInt32LE(8)}`;
}
