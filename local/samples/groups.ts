/**
 * The groups of a made-up domain: one a department, one that holds those, and a few of each kind that a cloud takes
 * differently or not at all. Members are named by DN, as directories export them.
 */
import { type Entry, escapeRdn } from "./ldif-text.ts";

export interface GroupsPlan {
  readonly root: string;
  readonly sid: string;
  readonly firstRid: number;
  readonly guid: (what: string) => string;
  readonly fqdn: string;
  /** In the order of the file; the first one leads all. */
  readonly people: readonly Entry[];
  readonly departments: readonly string[];
}

/** Bits of groupType, which a directory writes as a signed number. */
const GLOBAL = 0x2;
const DOMAIN_LOCAL = 0x4;
const UNIVERSAL = 0x8;
const BUILT_IN = 0x1;
const SECURITY = 0x80000000;

/** Departments' groups, one of all of them, heads (with an address), a distribution list, and one of the system's own. */
export function groupEntries(plan: GroupsPlan): Entry[] {
  const unit = `OU=Groups,${plan.root}`;
  let rid = plan.firstRid;
  const group = (name: string, type: number, members: readonly string[], more: Record<string, string> = {}): Entry => ({
    dn: `CN=${escapeRdn(name)},${unit}`,
    attributes: {
      objectClass: ["top", "group"],
      cn: name,
      name,
      sAMAccountName: name,
      displayName: name,
      groupType: String(type | 0),
      objectGUID: plan.guid(`group/${name}`),
      objectSid: `${plan.sid}-${rid++}`,
      ...(members.length === 0 ? {} : { member: members }),
      ...more,
    },
  });
  const inDepartment = (name: string) =>
    plan.people.filter((person) => person.attributes["department"] === name).map((person) => person.dn);
  const heads = plan.people.filter((person) => String(person.attributes["title"] ?? "").startsWith("Head of"));
  const departments = plan.departments.map((name) =>
    group(name, SECURITY | GLOBAL, inDepartment(name), { description: `Everybody in ${name}` }),
  );
  return [
    {
      dn: unit,
      attributes: {
        objectClass: ["top", "organizationalUnit"],
        ou: "Groups",
        name: "Groups",
        objectGUID: plan.guid("ou/Groups"),
      },
    },
    ...departments,
    group("All Staff", SECURITY | UNIVERSAL, [...departments.map((entry) => entry.dn), plan.people[0]?.dn ?? ""], {
      description: "Every department, and who leads them",
    }),
    group(
      "Department Heads",
      SECURITY | UNIVERSAL,
      heads.map((person) => person.dn),
      {
        mail: `heads@${plan.fqdn}`,
        mailNickname: "heads",
      },
    ),
    group(
      "Newsletter",
      UNIVERSAL,
      plan.people.slice(0, 12).map((person) => person.dn),
      {
        mail: `newsletter@${plan.fqdn}`,
        mailNickname: "newsletter",
      },
    ),
    {
      dn: `CN=Print Operators,CN=Builtin,${plan.root}`,
      attributes: {
        objectClass: ["top", "group"],
        cn: "Print Operators",
        name: "Print Operators",
        sAMAccountName: "Print Operators",
        groupType: String(SECURITY | DOMAIN_LOCAL | BUILT_IN | 0),
        isCriticalSystemObject: "TRUE",
        objectGUID: plan.guid("group/Print Operators"),
        objectSid: "S-1-5-32-550",
      },
    },
  ];
}
