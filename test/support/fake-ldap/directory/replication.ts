/**
 * Replication between two copies of the domain, as by GetNCChanges: what the destination's up-to-dateness vector doesn't know, attribute by
 * attribute and link value by link value; the higher version wins, then the later time, then the greater invocation.
 */
import {
  type Attribute,
  type DirectoryObject,
  dropLinks,
  isDeleted,
  type LinkValue,
  type Replica,
  type Stamp,
  setAttribute,
  setLink,
} from "./replica.ts";
import { isKeptOnTombstone } from "./schema.ts";

export interface ReplicationOptions {
  /** Everything that came at or below this USN of the source, and nothing later: a replication that has not come to its end. */
  readonly upToUsn?: number | undefined;
  readonly recycleBin: boolean;
}

/** Brings `to` what `from` has and `to` doesn't know. */
export function replicateInto(to: Replica, from: Replica, options: ReplicationOptions): void {
  const limit = options.upToUsn ?? from.usn;
  const isNews = (stamp: Stamp): boolean => stamp.usn <= limit && stamp.originUsn > knownTo(to, stamp.origin);
  const objects = [...from.objects.values()].sort((one, other) => one.usnCreated - other.usnCreated);
  for (const source of objects) {
    const news = [...source.attributes.values()].filter(({ stamp }) => isNews(stamp));
    if (news.length > 0) takeAttributes(to, source, news, options.recycleBin);
  }
  const links = objects
    .flatMap((source) =>
      [...source.links].flatMap(([attribute, values]) =>
        [...values.values()].filter(({ stamp }) => isNews(stamp)).map((value) => ({ source, attribute, value })),
      ),
    )
    .sort((one, other) => one.value.stamp.usn - other.value.stamp.usn);
  for (const { source, attribute, value } of links) takeLink(to, source.guid, attribute, value);
  // Cut short, nothing is claimed: the next one brings the same once more, and its stamps show that it is there.
  if (limit < from.usn) return;
  for (const [invocation, usn] of [...from.vector, [from.invocationId, from.usn] as const]) {
    if (invocation !== to.invocationId) to.vector.set(invocation, Math.max(usn, to.vector.get(invocation) ?? 0));
  }
}

export function knownTo(replica: Replica, invocation: string): number {
  return invocation === replica.invocationId ? replica.usn : (replica.vector.get(invocation) ?? 0);
}

function takeAttributes(to: Replica, source: DirectoryObject, news: readonly Attribute[], recycleBin: boolean): void {
  const own = to.objects.get(source.guid);
  const winning = news.filter(({ name, stamp }) => wins(stamp, own?.attributes.get(name.toLowerCase())?.stamp));
  if (winning.length === 0) return;
  const usn = ++to.usn;
  const object = own ?? { ...source, usnCreated: usn, usnChanged: usn, attributes: new Map(), links: new Map() };
  to.objects.set(object.guid, object);
  const wasDeleted = isDeleted(object);
  for (const attribute of winning) {
    setAttribute(object, { ...attribute, stamp: { ...attribute.stamp, usn } });
    if (attribute.name === "name") object.parent = source.parent;
  }
  if (isDeleted(object) && !wasDeleted && !recycleBin) strip(to, object);
}

/** What deletion does where there is no recycle bin: without stamps, so that nothing of it is ever reported. */
export function strip(replica: Replica, object: DirectoryObject): void {
  for (const name of object.attributes.keys()) if (!isKeptOnTombstone(name)) object.attributes.delete(name);
  dropLinks(replica, object);
}

function takeLink(to: Replica, guid: string, attribute: string, value: LinkValue): void {
  const object = to.objects.get(guid);
  if (object === undefined || !wins(value.stamp, object.links.get(attribute)?.get(value.target)?.stamp)) return;
  setLink(to, object, attribute, { ...value, stamp: { ...value.stamp, usn: ++to.usn } });
}

function wins(stamp: Stamp, own: Stamp | undefined): boolean {
  if (own === undefined || stamp.version !== own.version) return own === undefined || stamp.version > own.version;
  if (stamp.time !== own.time) return stamp.time > own.time;
  return stamp.origin > own.origin;
}
