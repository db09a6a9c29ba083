/**
 * People, groups and contacts as a directory that has been in use for years holds them, each as an agent sends it.
 *
 * Most people have 60 to 90 attributes, in Active Directory's own spelling: names from many languages, phones, proxy
 * addresses, Exchange's and Lync's leftovers, counters and file times; some have a photo or a certificate. What an agent
 * never sends as an attribute (memberOf, objectGUID) isn't there. An object is a function of its number and the seed.
 */
import { FAMILY_NAMES, GIVEN_NAMES, OFFICES, OTHER_SCRIPTS } from "../local/samples/names.ts";
import type { SourceChange } from "../shared/domain/image.ts";
import { type AttributeBag, type AttributeValue, guidToBytes } from "../shared/domain/values.ts";
import { createDice, type Dice } from "./dice.ts";
import { exchangeOf, lyncOf } from "./exchange-attributes.ts";

export type AdObject = Extract<SourceChange, { op: "upsert" }>;
/** An attribute with what it holds; nothing where an object doesn't have it. */
export type Filled = Record<string, string | readonly AttributeValue[] | undefined>;

export const AD_DOMAIN = { fqdn: "corp.contoso.example", netBios: "CONTOSO" } as const;

const ROOT = "DC=corp,DC=contoso,DC=example";
const MAIL_DOMAIN = "contoso.example";
const SCHEMA = `CN=Schema,CN=Configuration,${ROOT}`;
const PERSON_CLASSES = ["top", "person", "organizationalPerson", "user"];
const DEPARTMENTS = ["Sales", "Finance & Controlling", "Forschung und Entwicklung", "IT", "Legal, Compliance", "HR"];
const TITLES = ["Engineer", "Senior Engineer", "Account Manager", "Sachbearbeiterin", "Chef de projet", "Controller"];
const SID_START = [
  1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x3c, 0x1e, 0xd7, 0x3b, 0x43, 0x17, 0x0a, 0x32, 7, 0xe5, 0x3b, 0x2b,
];

export interface Person {
  readonly given: string;
  readonly family: string;
  readonly display: string;
  readonly account: string;
  readonly mail: string;
  readonly createdAt: number;
}

/** A user, or an inetOrgPerson with the same attributes. */
export function adUser(index: number, seed = 1, objectClass: "user" | "inetOrgPerson" = "user"): AdObject {
  const dice = createDice(seed, index);
  const person = personOf(index, dice);
  const office = dice.pick(OFFICES);
  const department = dice.pick(DEPARTMENTS);
  const objectGuid = guidOf(dice);
  const dn = `CN=${escaped(person.display)},OU=${escaped(department)},OU=${escaped(office.city)},OU=Staff,${ROOT}`;
  const phone = `${office.phone} ${dice.digits(2)}`;
  const isDisabled = dice.chance(0.06);
  const street = dice.chance(0.1) ? `${office.street}\r\n${dice.digits(1)}. OG` : office.street;
  const text: Filled = {
    objectClass: objectClass === "user" ? PERSON_CLASSES : [...PERSON_CLASSES, "inetOrgPerson"],
    cn: person.display,
    sn: person.family,
    c: office.code,
    l: office.city,
    st: office.state,
    title: dice.pick(TITLES),
    description: dice.some(0.4, () => `${department} – ${dice.digits(6)}`),
    postalCode: office.postalCode,
    postOfficeBox: dice.some(0.05, () => [`PO Box ${dice.digits(4)}`]),
    physicalDeliveryOfficeName: `${office.city} ${dice.digits(1)}.${dice.digits(3)}`,
    telephoneNumber: phone,
    facsimileTelephoneNumber: dice.some(0.3, () => `${office.phone} 99`),
    givenName: person.given,
    initials: dice.some(0.3, () => `${person.given.slice(0, 1)}${person.family.slice(0, 1)}`),
    displayName: person.display,
    info: dice.some(0.1, () => `Moved from ${dice.pick(OFFICES).city}.\r\nBadge ${dice.digits(8)}`),
    otherTelephone: dice.some(0.15, () => [`${office.phone} ${dice.digits(2)}`, `${office.phone} ${dice.digits(2)}`]),
    co: office.country,
    department,
    company: "Contoso AG",
    streetAddress: street,
    wWWHomePage: dice.some(0.05, () => `https://intranet.${MAIL_DOMAIN}/~${person.account}`),
    name: person.display,
    employeeID: dice.digits(6),
    employeeNumber: dice.digits(8),
    employeeType: dice.pick(["internal", "external", "intern"]),
    division: dice.some(0.5, () => `D-${dice.digits(3)}`),
    homeDirectory: `\\\\files.${AD_DOMAIN.fqdn}\\home$\\${person.account}`,
    homeDrive: "H:",
    scriptPath: dice.some(0.4, () => "logon.cmd"),
    mobile: dice.some(0.7, () => `+41 79 ${dice.digits(3)} ${dice.digits(4)}`),
    pager: dice.some(0.03, () => dice.digits(6)),
    ipPhone: dice.some(0.4, () => dice.digits(5)),
    homePhone: dice.some(0.05, () => `+41 44 ${dice.digits(7)}`),
    preferredLanguage: dice.some(0.6, () => office.language),
    manager: dice.some(0.95, () => guidOf(dice)),
  };
  return {
    op: "upsert",
    objectGuid,
    objectClass,
    dn,
    parentGuid: guidOf(dice),
    attributes: bagOf({
      ...text,
      ...accountOf(person, dice, isDisabled ? "514" : dice.pick(["512", "512", "512", "66048"])),
      ...exchangeOf(person, dice, MAIL_DOMAIN),
      ...lyncOf(person, dice),
      "mS-DS-ConsistencyGuid": dice.some(0.5, () => [binary(guidToBytes(objectGuid))]),
      objectSid: [sidOf(dice)],
      thumbnailPhoto: dice.some(0.1, () => [{ base64: dice.base64(1_800) }]),
      userCertificate: dice.some(0.05, () => [{ base64: dice.base64(1_100) }]),
    }),
  };
}

/** What the directory itself keeps of an account. */
function accountOf({ account, createdAt }: Person, dice: Dice, userAccountControl: string): Filled {
  const fileTime = () =>
    String(116_444_736_000_000_000n + BigInt(createdAt + dice.below(200_000_000) * 1_000) * 10_000n);
  return {
    instanceType: "4",
    whenCreated: generalizedTime(createdAt),
    whenChanged: generalizedTime(createdAt + dice.below(200_000_000) * 1_000),
    uSNCreated: dice.digits(7),
    uSNChanged: dice.digits(9),
    userAccountControl,
    badPwdCount: "0",
    codePage: "0",
    countryCode: dice.pick(["0", "756", "276"]),
    badPasswordTime: fileTime(),
    lastLogon: fileTime(),
    pwdLastSet: dice.chance(0.03) ? "0" : fileTime(),
    primaryGroupID: "513",
    adminCount: dice.some(0.02, () => "1"),
    accountExpires: dice.chance(0.9) ? "9223372036854775807" : fileTime(),
    logonCount: dice.digits(4),
    sAMAccountName: account.slice(0, 20),
    sAMAccountType: "805306368",
    userPrincipalName: `${account}@${MAIL_DOMAIN}`,
    lockoutTime: dice.some(0.3, () => "0"),
    objectCategory: `CN=Person,${SCHEMA}`,
    lastLogonTimestamp: fileTime(),
    "msDS-SupportedEncryptionTypes": dice.some(0.3, () => "0"),
    dSCorePropagationData: dice.some(0.8, () => [generalizedTime(createdAt), "16010101000000.0Z"]),
  };
}

/** A security or a distribution group; its members travel as links. */
export function adGroup(index: number, seed = 1): AdObject {
  const dice = createDice(seed, index);
  const name = `${dice.pick(["GG", "DL", "UG"])}_${dice.pick(DEPARTMENTS)}_${dice.pick(TITLES)} ${index}`;
  const createdAt = momentOf(dice);
  const alias = dice.some(0.4, () => `grp-${index}`);
  return {
    op: "upsert",
    objectGuid: guidOf(dice),
    objectClass: "group",
    dn: `CN=${escaped(name)},OU=Groups,${ROOT}`,
    parentGuid: guidOf(dice),
    attributes: bagOf({
      objectClass: ["top", "group"],
      cn: name,
      name,
      displayName: dice.some(0.6, () => name.replaceAll("_", " ")),
      description: dice.some(
        0.7,
        () => `  Zugriff: ${dice.pick(DEPARTMENTS)} (Änderung nur über Antrag ${dice.digits(6)}) `,
      ),
      info: dice.some(0.2, () => `Owner: ${dice.pick(FAMILY_NAMES)}`),
      groupType: dice.pick(["-2147483646", "-2147483640", "-2147483644", "2", "8"]),
      sAMAccountName: `${name.replace(/[^\w-]/g, "")}`.slice(0, 64),
      sAMAccountType: "268435456",
      managedBy: dice.some(0.5, () => guidOf(dice)),
      mailNickname: alias,
      mail: alias && `${alias}@${MAIL_DOMAIN}`,
      proxyAddresses: alias && [`SMTP:${alias}@${MAIL_DOMAIN}`, `smtp:${alias}@${MAIL_DOMAIN}.mail.onmicrosoft.com`],
      objectCategory: `CN=Group,${SCHEMA}`,
      instanceType: "4",
      whenCreated: generalizedTime(createdAt),
      uSNChanged: dice.digits(9),
      objectSid: [sidOf(dice)],
    }),
  };
}

/** Somebody elsewhere, with a mail address. */
export function adContact(index: number, seed = 1): AdObject {
  const dice = createDice(seed, index);
  const person = personOf(index, dice);
  return {
    op: "upsert",
    objectGuid: guidOf(dice),
    objectClass: "contact",
    dn: `CN=${escaped(person.display)},OU=Partners,${ROOT}`,
    parentGuid: guidOf(dice),
    attributes: bagOf({
      objectClass: ["top", "person", "organizationalPerson", "contact"],
      cn: person.display,
      sn: person.family,
      givenName: person.given,
      displayName: person.display,
      company: "Fabrikam SA",
      mail: `${person.account}@fabrikam.example`,
      targetAddress: `SMTP:${person.account}@fabrikam.example`,
      proxyAddresses: [`SMTP:${person.account}@fabrikam.example`],
      mailNickname: person.account,
      telephoneNumber: `+33 4 ${dice.digits(8)}`,
      objectCategory: `CN=Person,${SCHEMA}`,
      whenCreated: generalizedTime(person.createdAt),
    }),
  };
}

function personOf(index: number, dice: Dice): Person {
  const createdAt = momentOf(dice);
  const other = dice.some(0.02, () => dice.pick(OTHER_SCRIPTS));
  const given = other?.[1] ?? dice.pick(GIVEN_NAMES);
  const [family = "", ascii = family] = other ? [other[2]] : dice.pick(FAMILY_NAMES).split(":");
  const login = other?.[3] ?? `${plain(given)}.${plain(ascii)}`.toLowerCase();
  const account = `${login}${index}`;
  const display = other?.[0] ?? (dice.chance(0.3) ? `${family}, ${given} (${index})` : `${given} ${family} ${index}`);
  const name = dice.chance(0.8) ? account : `${login}.${index}`;
  return { given, family, display, account, mail: `${name}@${MAIL_DOMAIN}`, createdAt };
}

function bagOf(filled: Filled): AttributeBag {
  const bag: Record<string, readonly AttributeValue[]> = {};
  for (const [name, value] of Object.entries(filled)) {
    if (value !== undefined) bag[name] = typeof value === "string" ? [value] : value;
  }
  return bag;
}

/** Of the years 2010 to 2022. */
function momentOf(dice: Dice): number {
  return Date.UTC(2010, 0, 1) + dice.below(400_000_000) * 1_000;
}

function generalizedTime(at: number): string {
  return `${new Date(at).toISOString().replace(/[-T:]/g, "").slice(0, 14)}.0Z`;
}

export function guidOf(dice: Dice): string {
  const hex = dice.hex(32);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20)}`;
}

function sidOf(dice: Dice): AttributeValue {
  const rid = dice.below(900_000) + 1_100;
  return binary([...SID_START, rid & 255, (rid >> 8) & 255, (rid >> 16) & 255, 0]);
}

export function binary(bytes: Iterable<number>): AttributeValue {
  return { base64: Buffer.from([...bytes]).toString("base64") };
}

function escaped(value: string): string {
  return value.replace(/[,=+<>#;"\\]/g, (character) => `\\${character}`);
}

function plain(name: string): string {
  return name.normalize("NFD").replace(/[^A-Za-z]/g, "");
}
