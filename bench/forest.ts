/**
 * The directory of the bench: one domain, 20 departments, as many people as wanted, each with the attributes that a
 * usual directory fills and a manager, and a group for every 20 of them with 50 members. The same numbers give the same
 * text, GUIDs and SIDs each time.
 *
 * Managers have eight reports each. Most stand in the file before those, because a directory lists objects in the order
 * in which they were made; one in 20 stands after them.
 */
import { createHash } from "node:crypto";
import { ldifOf } from "../local/samples/ldif-text.ts";
import { BATCH_MAX_CHANGES } from "../shared/contracts/change.ts";
import { MEMBERS_A_WRITE } from "../shared/ports/target-directory.ts";

export const BENCH_DOMAIN = { fqdn: "bench.example", netBios: "BENCH" } as const;

const ROOT = "DC=bench,DC=example";
const STAFF = `OU=Staff,${ROOT}`;
const GROUPS = `OU=Groups,${ROOT}`;
const SID = "S-1-5-21-1004336348-1177238915-682003330";
const DEPARTMENTS = 20;
const FIRST_RID = 10_000;

/** The export's text. Of the first `promoted` people out of a hundred the title is another one. */
export function benchLdif(users: number, promotedPercent = 0): string {
  const records = [
    ldifOf({
      dn: ROOT,
      attributes: {
        objectClass: ["top", "domain", "domainDNS"],
        dc: "bench",
        name: "bench",
        objectGUID: guidOf("domain"),
        objectSid: SID,
      },
    }),
    unit("Staff", STAFF),
    ...Array.from({ length: DEPARTMENTS }, (_, index) =>
      unit(departmentOf(index), `OU=${departmentOf(index)},${STAFF}`),
    ),
    ...Array.from({ length: users }, (_, index) => person(index, index % 100 < promotedPercent, users)),
    unit("Groups", GROUPS),
    ...Array.from({ length: groupsFor(users) }, (_, index) => group(index, users)),
  ];
  return `version: 1\n\n${records.join("")}`;
}

function unit(name: string, dn: string): string {
  const objectClass = ["top", "organizationalUnit"];
  return ldifOf({ dn, attributes: { objectClass, ou: name, name, objectGUID: guidOf(`ou/${name}`) } });
}

/** One for every 20 people. */
export function groupsFor(users: number): number {
  return Math.floor(users / 20);
}

/** Members of each group. */
export const MEMBERS_A_GROUP = 50;

const REPORTS = 8;

/** Whom a person reports to: a tree with eight branches at each node. */
export function managerOf(index: number, users: number): number | undefined {
  const node = swapped(index, users);
  return node === 0 ? undefined : swapped(Math.floor((node - 1) / REPORTS), users);
}

/** One manager in 20 came later than the people that he leads: he changed places with somebody of the second half. */
function swapped(place: number, users: number): number {
  const half = Math.floor(users / 2);
  const isLate = (node: number) => node % 20 === 19 && node < users / REPORTS;
  if (isLate(place)) return place + half;
  return place >= half && isLate(place - half) ? place - half : place;
}

/**
 * The fewest writes that can bring this directory into an empty target: one a user, with the manager bound; and for a
 * group one with the first 20 members bound and one for every 20 more. A manager who comes in a later batch than the person
 * can't be bound with the create: that is a write more.
 */
export function fewestWrites(users: number): number {
  const batchOf = (index: number) => Math.floor((FIRST_UNITS + index) / BATCH_MAX_CHANGES);
  let late = 0;
  for (let index = 0; index < users; index++) {
    const manager = managerOf(index, users);
    if (manager !== undefined && batchOf(manager) > batchOf(index)) late++;
  }
  const members = Math.min(MEMBERS_A_GROUP, users);
  return users + late + groupsFor(users) * Math.max(1, Math.ceil(members / MEMBERS_A_WRITE));
}

/** Staff and its departments, which stand before the people. */
const FIRST_UNITS = DEPARTMENTS + 1;

function group(index: number, users: number): string {
  const number = String(index).padStart(5, "0");
  const members = Array.from({ length: Math.min(MEMBERS_A_GROUP, users) }, (_, at) =>
    dnOf((index * 37 + at * 101) % users),
  );
  return ldifOf({
    dn: `CN=Group ${number},${GROUPS}`,
    attributes: {
      objectClass: ["top", "group"],
      cn: `Group ${number}`,
      name: `Group ${number}`,
      displayName: `Group ${number}`,
      description: `The bench's group ${number}`,
      sAMAccountName: `g${number}`,
      groupType: String(0x80000002 | 0),
      objectGUID: guidOf(`group/${number}`),
      objectSid: `${SID}-${FIRST_RID + users + index}`,
      member: [...new Set(members)],
    },
  });
}

function dnOf(index: number): string {
  const number = String(index).padStart(6, "0");
  return `CN=Ada Müller ${number},OU=${departmentOf(index % DEPARTMENTS)},${STAFF}`;
}

function person(index: number, isPromoted: boolean, users: number): string {
  const manager = managerOf(index, users);
  const number = String(index).padStart(6, "0");
  const department = departmentOf(index % DEPARTMENTS);
  const display = `Ada Müller ${number}`;
  const account = `ada.mueller.${number}`;
  return ldifOf({
    dn: dnOf(index),
    attributes: {
      objectClass: ["top", "person", "organizationalPerson", "user"],
      cn: display,
      sn: `Müller ${number}`,
      givenName: "Ada",
      displayName: display,
      name: display,
      sAMAccountName: `u${number}`,
      userPrincipalName: `${account}@${BENCH_DOMAIN.fqdn}`,
      mail: `${account}@${BENCH_DOMAIN.fqdn}`,
      userAccountControl: index % 25 === 24 ? "514" : "512",
      company: "Bench",
      department,
      title: isPromoted ? "Senior Engineer" : "Engineer",
      employeeID: number,
      telephoneNumber: `+41 44 ${number}`,
      mobile: `+41 79 ${number}`,
      physicalDeliveryOfficeName: "Zürich",
      streetAddress: `Seestrasse ${index % 400}`,
      l: "Zürich",
      st: "ZH",
      postalCode: "8002",
      co: "Switzerland",
      c: "CH",
      preferredLanguage: "de-CH",
      ...(manager === undefined ? {} : { manager: dnOf(manager) }),
      objectGUID: guidOf(`user/${number}`),
      objectSid: `${SID}-${FIRST_RID + index}`,
    },
  });
}

function departmentOf(index: number): string {
  return `Department ${String(index + 1).padStart(2, "0")}`;
}

export function guidOf(what: string): string {
  const hex = createHash("sha256").update(`${BENCH_DOMAIN.fqdn}/${what}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
