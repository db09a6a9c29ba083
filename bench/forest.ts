/**
 * The directory of the bench: one domain, 20 departments, as many people as wanted, each with the attributes that a
 * usual directory fills. The same numbers give the same text, GUIDs and SIDs each time.
 */
import { createHash } from "node:crypto";
import { ldifOf } from "../local/samples/ldif-text.ts";

export const BENCH_DOMAIN = { fqdn: "bench.example", netBios: "BENCH" } as const;

const ROOT = "DC=bench,DC=example";
const STAFF = `OU=Staff,${ROOT}`;
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
    ...Array.from({ length: users }, (_, index) => person(index, index % 100 < promotedPercent)),
  ];
  return `version: 1\n\n${records.join("")}`;
}

function unit(name: string, dn: string): string {
  const objectClass = ["top", "organizationalUnit"];
  return ldifOf({ dn, attributes: { objectClass, ou: name, name, objectGUID: guidOf(`ou/${name}`) } });
}

function person(index: number, isPromoted: boolean): string {
  const number = String(index).padStart(6, "0");
  const department = departmentOf(index % DEPARTMENTS);
  const display = `Ada Müller ${number}`;
  const account = `ada.mueller.${number}`;
  return ldifOf({
    dn: `CN=${display},OU=${department},${STAFF}`,
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
      objectGUID: guidOf(`user/${number}`),
      objectSid: `${SID}-${FIRST_RID + index}`,
    },
  });
}

function departmentOf(index: number): string {
  return `Department ${String(index + 1).padStart(2, "0")}`;
}

function guidOf(what: string): string {
  const hex = createHash("sha256").update(`${BENCH_DOMAIN.fqdn}/${what}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
