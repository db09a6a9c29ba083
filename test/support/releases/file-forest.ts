/**
 * Directories that exist as LDIF files, for a service whose version changes under them: people with managers, groups with members, and
 * what the target must hold of them, worked out from the same list and from nothing else.
 */
import { createHash } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { ldifOf } from "../../../local/samples/ldif-text.ts";
import { guidToBytes } from "../../../shared/domain/values.ts";
import type { TargetObject } from "../ad-runtime.ts";

export type FileForest = {
  readonly fqdn: string;
  readonly people: number;
  readonly groups: number;
};

/** What changes from one version of a file to the next. */
export type FileEdition = { readonly title: string };

/** Offices of a quarter of the shards each; a text that holds one of them holds those before it too. */
export const GATES = ["Gate", "Gate+", "Gate++"] as const;
const MEMBERS = 12;
const GROUPS_FROM = 100_000;

const prefixOf = (fqdn: string): string => createHash("sha256").update(fqdn).digest("hex").slice(0, 8);
/** In every shard alike, but for the first ten: they and groups are in the first. */
const shardOf = (number: number): number => (number <= 10 || number >= GROUPS_FROM ? 0 : number % 16);
const guidOf = (fqdn: string, number: number): string =>
  `${shardOf(number).toString(16)}${prefixOf(fqdn).slice(1)}-0000-4000-8000-${String(number).padStart(12, "0")}`;
const anchorOf = (fqdn: string, number: number): string =>
  Buffer.from(guidToBytes(guidOf(fqdn, number))).toString("base64");
const upnOf = (fqdn: string, number: number): string => `person.${number}@${fqdn}`;
const officeOf = (number: number): string => GATES[Math.floor(shardOf(number) / 4) - 1] ?? "Hall";
/** Everybody but the first ten, who report to nobody. */
const managerOf = (number: number): number | undefined => (number <= 10 ? undefined : 1 + (number % 10));
const membersOf = ({ people }: FileForest, group: number): number[] =>
  Array.from({ length: MEMBERS }, (_, index) => 1 + ((group * 7 + index * 13) % people));

/** Puts a whole file in place of what was there, with its manifest. */
export async function writeForest(file: string, forest: FileForest, { title }: FileEdition): Promise<void> {
  const { fqdn } = forest;
  const root = fqdn
    .split(".")
    .map((label) => `DC=${label}`)
    .join(",");
  const dnOf = (number: number) => `CN=Person ${number},${root}`;
  const sid = `S-1-5-21-${prefixOf(fqdn)
    .match(/../g)
    ?.slice(0, 3)
    .map((pair) => Number.parseInt(pair, 16) + 1)
    .join("-")}`;
  const domain = { objectClass: ["top", "domain", "domainDNS"], objectGUID: guidOf(fqdn, 0), objectSid: sid };
  const people = Array.from({ length: forest.people }, (_, index) => {
    const number = index + 1;
    const manager = managerOf(number);
    return {
      dn: dnOf(number),
      attributes: {
        objectClass: ["top", "person", "organizationalPerson", "user"],
        ...{ cn: `Person ${number}`, displayName: `Person ${number}`, sAMAccountName: `person.${number}` },
        ...{ objectGUID: guidOf(fqdn, number), objectSid: `${sid}-${2000 + number}` },
        ...{ userPrincipalName: upnOf(fqdn, number), userAccountControl: "512", department: `Papers ${number % 5}` },
        ...{ title: number === 1 ? title : "Clerk", physicalDeliveryOfficeName: officeOf(number) },
        ...(manager === undefined ? {} : { manager: dnOf(manager) }),
      },
    };
  });
  const groups = Array.from({ length: forest.groups }, (_, index) => ({
    dn: `CN=Group ${index},${root}`,
    attributes: {
      objectClass: ["top", "group"],
      ...{ cn: `Group ${index}`, displayName: `Group ${index}`, sAMAccountName: `group.${index}` },
      ...{ objectGUID: guidOf(fqdn, GROUPS_FROM + index), objectSid: `${sid}-${GROUPS_FROM + index}` },
      ...{ groupType: "-2147483646", member: membersOf(forest, index).map(dnOf) },
    },
  }));
  const records = [{ dn: root, attributes: { ...domain, dc: fqdn.split(".")[0] ?? "" } }, ...people, ...groups];
  const text = records.map(ldifOf).join("");
  const sha256 = createHash("sha256").update(text).digest("hex");
  await writeFile(`${file}.new`, text);
  // In between the file and its manifest don't fit, and an agent that looks then comes again.
  await writeFile(`${file}.manifest.json`, JSON.stringify({ count: records.length, sha256 }));
  await rename(`${file}.new`, file);
}

/** What is wrong, in words: the target holds these forests as their files say, and nothing else. */
export function differencesFrom(
  objects: readonly TargetObject[],
  forests: readonly { readonly forest: FileForest; readonly edition: FileEdition; readonly configurationId: string }[],
): string[] {
  const nameOf = new Map(
    objects.map(({ id, properties: own }) => [id, String(own["userPrincipalName"] ?? own["uniqueName"])]),
  );
  const named = (ids: readonly string[] = []) => ids.map((id) => nameOf.get(id) ?? id).sort();
  const is = objects.map(({ kind, properties: own, manager, members, deleted }) =>
    JSON.stringify(
      kind === "user"
        ? [
            ...[own["onPremisesImmutableId"], own["userPrincipalName"], own["displayName"], own["department"]],
            ...[
              own["jobTitle"],
              own["officeLocation"],
              own["accountEnabled"],
              named(manager === undefined ? [] : [manager]),
              deleted,
            ],
          ]
        : [own["uniqueName"], own["displayName"], named(members), deleted],
    ),
  );
  const ought = forests.flatMap(({ forest, edition, configurationId }) => {
    const { fqdn } = forest;
    const people = Array.from({ length: forest.people }, (_, index) => {
      const number = index + 1;
      const manager = managerOf(number);
      return JSON.stringify([
        ...[anchorOf(fqdn, number), upnOf(fqdn, number), `Person ${number}`, `Papers ${number % 5}`],
        ...[number === 1 ? edition.title : "Clerk", officeOf(number), true],
        ...[manager === undefined ? [] : [upnOf(fqdn, manager)], false],
      ]);
    });
    const groups = Array.from({ length: forest.groups }, (_, index) => {
      const members = [...new Set(membersOf(forest, index))].map((number) => upnOf(fqdn, number)).sort();
      const uniqueName = `uplink-${configurationId}-${guidOf(fqdn, GROUPS_FROM + index)}`;
      return JSON.stringify([uniqueName, `Group ${index}`, members, false]);
    });
    return [...people, ...groups];
  });
  return [
    ...ought.filter((line) => !is.includes(line)).map((line) => `ought to be there: ${line}`),
    ...is.filter((line, index) => !ought.includes(line) || is.indexOf(line) !== index).map((line) => `is: ${line}`),
  ].sort();
}
