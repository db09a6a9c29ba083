/**
 * People and groups as an agent sends them, in batches made one by one: a directory of any size takes no memory here.
 *
 * People are those of `forest.ts`: eight report to each manager, and one manager in 20 comes after the people that he
 * leads. Groups come after the people, but for one in 20 that comes before their second half, and have 5 to 60 members;
 * each thousandth has 2,000. The same numbers give the same objects each time.
 */
import { BATCH_MAX_CHANGES, type Change } from "../shared/contracts/change.ts";
import { MEMBERS_A_WRITE } from "../shared/ports/target-directory.ts";
import { guidOf, managerOf } from "./forest.ts";

export interface Population {
  readonly domain: string;
  readonly people: number;
  readonly groups: number;
  /**
   * Everybody after whom he refers to, in units whose people report to one of their own, and no large groups: what an
   * object refers to lies as near in a directory of any size.
   */
  readonly isEven?: true;
}

const MEMBERS = [5, 10, 15, 18, 25, 40, 60, 12, 20, 8] as const;
const LARGE = { every: 1_000, members: 2_000 } as const;
const EARLY_GROUPS = 20;
const REPORTS = 8;
/** People of a unit; its head reports to the head of another. */
const UNIT = 100;
const DEPARTMENTS = 20;
const GLOBAL_SECURITY = "-2147483646";

export function objectsOf({ people, groups }: Population): number {
  return people + groups;
}

/** So many batches come of it. */
export function batchesOf(population: Population): number {
  return Math.ceil(objectsOf(population) / BATCH_MAX_CHANGES);
}

export function* batchesIn(population: Population): Generator<Change[]> {
  let batch: Change[] = [];
  for (const change of changesOf(population)) {
    batch.push(change);
    if (batch.length < BATCH_MAX_CHANGES) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function* changesOf(population: Population): Generator<Change> {
  const { people, groups, isEven } = population;
  const half = Math.floor(people / 2);
  const isEarly = (group: number) => !isEven && isEarlyGroup(group);
  for (let index = 0; index < half; index++) yield personOf(population, index);
  for (let index = 0; index < groups; index++) if (isEarly(index)) yield groupOf(population, index);
  for (let index = half; index < people; index++) yield personOf(population, index);
  for (let index = 0; index < groups; index++) if (!isEarly(index)) yield groupOf(population, index);
}

function isEarlyGroup(group: number): boolean {
  return group % EARLY_GROUPS === EARLY_GROUPS - 1;
}

/** A person, whole; with another title where one is given, as a delta says it. */
export function personOf(population: Population, index: number, title?: string): Change {
  const { domain } = population;
  const manager = superiorOf(population, index);
  const number = String(index).padStart(6, "0");
  const account = `ada.mueller.${number}`;
  const department = `Department ${String((index % DEPARTMENTS) + 1).padStart(2, "0")}`;
  const display = `Ada Müller ${number}`;
  const attributes: Record<string, string> = {
    cn: display,
    sn: `Müller ${number}`,
    givenName: "Ada",
    displayName: display,
    sAMAccountName: `u${number}`,
    userPrincipalName: `${account}@${domain}`,
    mail: `${account}@${domain}`,
    userAccountControl: index % 25 === 24 ? "514" : "512",
    company: "Bench",
    department,
    title: title ?? "Engineer",
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
  };
  const links =
    manager === undefined || title !== undefined ? [] : [listOf("manager", [personGuid(population, manager)])];
  return {
    op: "upsert",
    objectGuid: personGuid(population, index),
    objectClass: "user",
    dn: `CN=${display},OU=${department},OU=Staff,${dnOf(domain)}`,
    attributes: valuesOf(attributes),
    ...(title === undefined ? {} : { changed: ["title"] }),
    ...(links.length === 0 ? {} : { links }),
  };
}

function groupOf(population: Population, index: number): Change {
  const name = `Group ${String(index).padStart(5, "0")}`;
  return {
    op: "upsert",
    objectGuid: guidOf(`${population.domain}/group/${index}`),
    objectClass: "group",
    dn: `CN=${name},OU=Groups,${dnOf(population.domain)}`,
    attributes: valuesOf({
      cn: name,
      displayName: name,
      description: `The bench's ${name}`,
      sAMAccountName: `g${index}`,
      groupType: GLOBAL_SECURITY,
    }),
    links: [
      listOf(
        "member",
        membersOf(population, index).map((member) => personGuid(population, member)),
      ),
    ],
  };
}

/** Different people, spread over all of them. */
function membersOf(population: Population, group: number): number[] {
  const { people } = population;
  const wanted = membersWanted(population, group);
  const step = Math.max(1, Math.floor(people / wanted));
  return Array.from({ length: Math.min(wanted, people) }, (_, at) => (group * 37 + at * step) % people);
}

function membersWanted({ isEven }: Population, group: number): number {
  if (!isEven && group % LARGE.every === LARGE.every - 1) return LARGE.members;
  return MEMBERS[group % MEMBERS.length] ?? 0;
}

export function membershipsOf(population: Population): number {
  return sumOverGroups(population, (members) => members);
}

/** Writes that are needed at least. */
export interface Fewest {
  /** Whoever comes when: a create each, with the manager and the first 20 members in it, and one for 20 more members. */
  readonly inAnyOrder: number;
  /**
   * By who takes batches as they come: a person whose manager stands in a later batch is one more, and the members of a group
   * who stand in later batches than it can't come with the others.
   */
  readonly inOrder: number;
}

export function fewestWritesOf(population: Population): Fewest {
  const writes = (members: number) => Math.ceil(members / MEMBERS_A_WRITE);
  const early = earlyGroupsOf(population);
  const groups = sumOverGroups(population, (own) => Math.max(1, writes(own)));
  const inAnyOrder = population.people + groups;
  const more = early.map(
    ({ there, late }) => Math.max(1, writes(there)) + writes(late) - Math.max(1, writes(there + late)),
  );
  return { inAnyOrder, inOrder: inAnyOrder + lateManagersOf(population) + more.reduce((sum, own) => sum + own, 0) };
}

/** The number of a person's batch. */
function batchOf({ people, groups }: Population, index: number): number {
  const half = Math.floor(people / 2);
  return Math.floor((index + (index < half ? 0 : Math.floor(groups / EARLY_GROUPS))) / BATCH_MAX_CHANGES);
}

/** People whose manager stands in a later batch than they. */
function lateManagersOf(population: Population): number {
  let late = 0;
  for (let index = 0; index < population.people; index++) {
    const manager = superiorOf(population, index);
    if (manager !== undefined && batchOf(population, manager) > batchOf(population, index)) late++;
  }
  return late;
}

/** How many members of each group that comes before its turn stand in batches up to its own, and how many in later ones. */
function earlyGroupsOf(population: Population): { readonly there: number; readonly late: number }[] {
  const { people, groups, isEven } = population;
  if (isEven) return [];
  const early = Array.from({ length: groups }, (_, group) => group).filter(isEarlyGroup);
  return early.map((group, at) => {
    const own = Math.floor((Math.floor(people / 2) + at) / BATCH_MAX_CHANGES);
    const members = membersOf(population, group);
    const late = members.filter((member) => batchOf(population, member) > own).length;
    return { there: members.length - late, late };
  });
}

function superiorOf({ people, isEven }: Population, index: number): number | undefined {
  if (isEven) {
    const head = index - (index % UNIT);
    if (index !== head) return head + Math.floor((index - head - 1) / REPORTS);
    return index === 0 ? undefined : Math.floor((index / UNIT - 1) / REPORTS) * UNIT;
  }
  return managerOf(index, people);
}

function sumOverGroups(population: Population, of: (members: number) => number): number {
  const { people, groups } = population;
  let sum = 0;
  for (let index = 0; index < groups; index++) sum += of(Math.min(membersWanted(population, index), people));
  return sum;
}

function personGuid({ domain }: Population, index: number): string {
  return guidOf(`${domain}/user/${index}`);
}

function listOf(attribute: string, guids: readonly string[]) {
  return {
    attribute,
    mode: "replace" as const,
    add: guids.map((guid) => ({ guid })),
    ...{ remove: [], part: 0, last: true },
  };
}

function valuesOf(attributes: Readonly<Record<string, string>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, [value]]));
}

function dnOf(domain: string): string {
  return domain
    .split(".")
    .map((part) => `DC=${part}`)
    .join(",");
}
