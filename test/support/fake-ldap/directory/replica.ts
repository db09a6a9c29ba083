/**
 * One domain controller's copy of the domain: objects, and for every attribute and every link value the stamp that replication keeps
 * (version, when, by which invocation, at which of its USNs) with the local USN at which this copy took it.
 *
 * Every originating write takes one USN; every link value takes one of its own, as on Windows since 2003. No LDAP here.
 */
import { linkNumberOf } from "./schema.ts";

export type Value = string | Buffer;

export interface Stamp {
  readonly version: number;
  readonly time: number;
  /** The invocation that made the change, and its USN there. */
  readonly origin: string;
  readonly originUsn: number;
  /** Of this copy. */
  readonly usn: number;
}
export interface Attribute {
  /** As it is to be written. */
  readonly name: string;
  readonly values: readonly Value[];
  readonly stamp: Stamp;
}
export interface LinkValue {
  readonly target: string;
  readonly isPresent: boolean;
  readonly stamp: Stamp;
}
export interface DirectoryObject {
  readonly guid: string;
  readonly sid: string | undefined;
  readonly usnCreated: number;
  usnChanged: number;
  whenChanged: number;
  /** Goes with the stamp of the attribute `name`. Undefined for the domain itself. */
  parent: string | undefined;
  /** By name in lower case; a cleared one is there without values. */
  readonly attributes: Map<string, Attribute>;
  /** Forward links by attribute's name in lower case, then by the target's GUID. */
  readonly links: Map<string, Map<string, LinkValue>>;
}

export interface Replica {
  invocationId: string;
  usn: number;
  /** What this copy has of other invocations' changes: their highest USN, without gaps. */
  readonly vector: Map<string, number>;
  readonly objects: Map<string, DirectoryObject>;
  /** Who links to an object, in which attribute: `holder attribute`. */
  readonly backLinks: Map<string, Set<string>>;
  readonly now: () => number;
}

export function createReplica(invocationId: string, now: () => number): Replica {
  // 1,000: the schema and configuration that come with a new domain controller.
  return { invocationId, usn: 1_000, vector: new Map(), objects: new Map(), backLinks: new Map(), now };
}

export function copyReplica(from: Replica): Replica {
  const objects = new Map(
    [...from.objects].map(([guid, object]) => [
      guid,
      {
        ...object,
        attributes: new Map(object.attributes),
        links: new Map([...object.links].map(([name, values]) => [name, new Map(values)])),
      },
    ]),
  );
  const backLinks = new Map([...from.backLinks].map(([guid, holders]) => [guid, new Set(holders)]));
  return { ...from, vector: new Map(from.vector), objects, backLinks };
}

export function objectOf(replica: Replica, guid: string): DirectoryObject {
  const object = replica.objects.get(guid);
  if (object === undefined) throw new Error(`This copy of the domain has no object ${guid}.`);
  return object;
}

export function textOf(object: DirectoryObject, name: string): string | undefined {
  return object.attributes.get(name)?.values[0]?.toString();
}

export const isDeleted = (object: DirectoryObject): boolean => textOf(object, "isdeleted") === "TRUE";

export function nextStamp(replica: Replica, previous: Stamp | undefined): Stamp {
  replica.usn++;
  return {
    version: (previous?.version ?? 0) + 1,
    time: replica.now(),
    origin: replica.invocationId,
    originUsn: replica.usn,
    usn: replica.usn,
  };
}

/** One write: all attributes take the same USN. */
export function writeAttributes(
  replica: Replica,
  object: DirectoryObject,
  values: ReadonlyMap<string, readonly Value[]>,
): void {
  const base = nextStamp(replica, undefined);
  for (const [name, list] of values) {
    const key = name.toLowerCase();
    const version = (object.attributes.get(key)?.stamp.version ?? 0) + 1;
    setAttribute(object, { name: object.attributes.get(key)?.name ?? name, values: list, stamp: { ...base, version } });
  }
}

export function setAttribute(object: DirectoryObject, attribute: Attribute): void {
  object.attributes.set(attribute.name.toLowerCase(), attribute);
  touch(object, attribute.stamp);
}

export function writeLink(
  replica: Replica,
  object: DirectoryObject,
  attribute: string,
  target: string,
  isPresent: boolean,
): void {
  const previous = object.links.get(attribute.toLowerCase())?.get(target);
  if ((previous?.isPresent ?? false) === isPresent) return;
  setLink(replica, object, attribute, { target, isPresent, stamp: nextStamp(replica, previous?.stamp) });
}

export function setLink(replica: Replica, object: DirectoryObject, attribute: string, value: LinkValue): void {
  const key = attribute.toLowerCase();
  if (linkNumberOf(key) === undefined) throw new Error(`'${attribute}' is no linked attribute of the schema.`);
  const values = object.links.get(key) ?? new Map<string, LinkValue>();
  object.links.set(key, values);
  values.set(value.target, value);
  const holders = replica.backLinks.get(value.target) ?? new Set<string>();
  replica.backLinks.set(value.target, holders);
  if (value.isPresent) holders.add(`${object.guid} ${key}`);
  else holders.delete(`${object.guid} ${key}`);
  touch(object, value.stamp);
}

/** What deletion without a recycle bin does to links, on each copy by itself and without a sign: none to it, none from it. */
export function dropLinks(replica: Replica, object: DirectoryObject): void {
  for (const holder of replica.backLinks.get(object.guid) ?? []) {
    const [guid = "", attribute = ""] = holder.split(" ");
    replica.objects.get(guid)?.links.get(attribute)?.delete(object.guid);
  }
  replica.backLinks.delete(object.guid);
  for (const [attribute, values] of object.links) {
    for (const target of values.keys()) replica.backLinks.get(target)?.delete(`${object.guid} ${attribute}`);
  }
  object.links.clear();
}

/** Targets that are there and alive, in the order in which they were added. */
export function liveTargets(replica: Replica, object: DirectoryObject, attribute: string): DirectoryObject[] {
  const targets: DirectoryObject[] = [];
  for (const value of object.links.get(attribute.toLowerCase())?.values() ?? []) {
    const target = value.isPresent ? replica.objects.get(value.target) : undefined;
    if (target !== undefined && !isDeleted(target)) targets.push(target);
  }
  return targets;
}

/** Objects alive that link to this one. */
export function liveHolders(replica: Replica, object: DirectoryObject, attribute: string): DirectoryObject[] {
  const holders: DirectoryObject[] = [];
  for (const holder of replica.backLinks.get(object.guid) ?? []) {
    const [guid = "", name = ""] = holder.split(" ");
    const found = name === attribute.toLowerCase() ? replica.objects.get(guid) : undefined;
    if (found !== undefined && !isDeleted(found)) holders.push(found);
  }
  return holders;
}

function touch(object: DirectoryObject, stamp: Stamp): void {
  object.usnChanged = Math.max(object.usnChanged, stamp.usn);
  object.whenChanged = stamp.time;
}
