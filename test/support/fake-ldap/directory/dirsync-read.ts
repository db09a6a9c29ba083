/**
 * One page of a DirSync search, as Windows makes it.
 *
 * The changes of objects and those of single link values are one stream in the order of the local USN. A page ends at its bytes, at its
 * number of entries, or where the server has looked at enough. A group that got many members stands in it more than once, and with many
 * more in several pages; its members may come before the group itself when the group was changed after them.
 *
 * Windows doesn't say which cookies it refuses. Here: bytes that are no cookie get result 12 (Samba's answer, and the agent's trigger
 * for a full read); a cookie of another domain is taken, and since none of its invocations is known here, everything comes, as [MS-ADTS]
 * makes of it.
 */
import type { FakeAnswer } from "../fake-ldap.ts";
import type { FakeEntry, FakeSearch } from "../messages.ts";
import type { Sight } from "./access.ts";
import { type Cookie, readCookie, writeCookie } from "./cookie.ts";
import { predicateOf } from "./evaluate.ts";
import type { Limits } from "./limits.ts";
import { dnInForm } from "./names.ts";
import { type Attribute, type DirectoryObject, isDeleted, type LinkValue, type Stamp, type Value } from "./replica.ts";
import { canonicalName, isDnSyntax } from "./schema.ts";
import { dnOfStored, guidBytes, type View, valuesOf } from "./view.ts";

const INCREMENTAL_VALUES = 0x80000000;
const NOT_SENT = new Set(["cn", "ou", "distinguishedname"]);

interface Item {
  readonly usn: number;
  readonly object: DirectoryObject;
  readonly link?: { readonly attribute: string; readonly value: LinkValue };
}
/** An entry that is being made. */
interface Draft {
  readonly object: DirectoryObject;
  readonly attributes: Record<string, Value[]>;
  links: number;
}

export function readDirSyncPage(view: View, search: FakeSearch, limits: Limits, sight: Sight): FakeAnswer {
  const control = search.dirSync;
  const cookie = control && readCookie(control.cookieBytes);
  if (control === undefined || cookie === undefined) {
    return {
      result: 12,
      message: "00000057: LdapErr: DSID-0C090A69, comment: Error processing control, data 0, v4563",
    };
  }
  const isIncremental = (control.flags & INCREMENTAL_VALUES) !== 0;
  const round = roundOf(view, cookie, isIncremental);
  const asked = askedOf(search.attributes);
  const matches = predicateOf(view, search.term, sight);
  const verdicts = new Map<string, boolean>();
  const isAsked = (object: DirectoryObject): boolean => {
    const known = verdicts.get(object.guid);
    if (known !== undefined) return known;
    const verdict = sight.sees(object) && matches(object);
    verdicts.set(object.guid, verdict);
    return verdict;
  };
  const page = createPage(view, limits, control.maxBytes);
  let reached = cookie.invocationId === view.replica.invocationId ? cookie.objectUsn : round.from;
  let looked = 0;
  const items = round.items();
  for (const item of items) {
    if (page.isFull() || looked === limits.looked) break;
    looked++;
    reached = item.usn;
    if (!isAsked(item.object)) continue;
    if (item.link) {
      const { attribute, value } = item.link;
      if (asked(attribute) && sight.seesAttribute(attribute)) page.addLink(item.object, attribute, value);
    } else {
      const reported = reportedOf(view, item.object, round, isIncremental).filter(
        ({ name }) => asked(name.toLowerCase()) && sight.seesAttribute(name),
      );
      page.addObject(item.object, reported, limits.parentGuidMustBeAsked ? asked("parentguid") : true);
    }
  }
  const more = looked < items.length;
  return {
    entries: page.entries(),
    dirSync: { more, cookie: writeCookie(nextCookie(view, cookie, round, reached, more)) },
  };
}

interface Round {
  /** Attributes' changes above this local USN belong to the round. */
  readonly from: number;
  isNews(stamp: Stamp): boolean;
  items(): Item[];
}

function roundOf(view: View, cookie: Cookie, isIncremental: boolean): Round {
  const { replica } = view;
  const isOwn = cookie.invocationId === replica.invocationId;
  const from = isOwn ? cookie.attributeUsn : (cookie.vector.get(replica.invocationId) ?? 0);
  const reached = isOwn ? cookie.objectUsn : from;
  const isNews = (stamp: Stamp): boolean =>
    stamp.usn > from && stamp.originUsn > (cookie.vector.get(stamp.origin) ?? 0);
  const latest = (stamps: Iterable<{ readonly stamp: Stamp }>): number => {
    let usn = 0;
    for (const { stamp } of stamps) if (stamp.usn > usn && isNews(stamp)) usn = stamp.usn;
    return usn;
  };
  return {
    from,
    isNews,
    items: () => {
      const items: Item[] = [];
      for (const object of replica.objects.values()) {
        if (object.usnChanged <= reached) continue;
        let usn = latest(object.attributes.values());
        for (const [attribute, values] of object.links) {
          if (!isIncremental) usn = Math.max(usn, latest(values.values()));
          else {
            for (const value of values.values()) {
              if (value.stamp.usn > reached && isNews(value.stamp)) {
                items.push({ usn: value.stamp.usn, object, link: { attribute, value } });
              }
            }
          }
        }
        if (usn > reached) items.push({ usn, object });
      }
      return items.sort((one, other) => one.usn - other.usn);
    },
  };
}

function nextCookie(view: View, cookie: Cookie, round: Round, reached: number, more: boolean): Cookie {
  const { invocationId, usn, vector } = view.replica;
  if (more) return { invocationId, objectUsn: reached, attributeUsn: round.from, vector: cookie.vector };
  const own = new Map([...cookie.vector, ...vector, [invocationId, usn] as const]);
  return { invocationId, objectUsn: usn, attributeUsn: usn, vector: own };
}

/**
 * Attributes that changed. One that was cleared comes without values, also of an object that the reader may not know yet: in the middle
 * of a round nobody knows what it has seen of it.
 */
function reportedOf(view: View, object: DirectoryObject, round: Round, isIncremental: boolean): Attribute[] {
  const reported = [...object.attributes.values()].filter(
    ({ name, stamp }) => round.isNews(stamp) && !NOT_SENT.has(name.toLowerCase()),
  );
  if (isIncremental) return reported;
  for (const [attribute, values] of object.links) {
    const news = [...values.values()].find(({ stamp }) => round.isNews(stamp));
    if (news === undefined) continue;
    reported.push({ name: canonicalName(attribute), values: valuesOf(view, object, attribute), stamp: news.stamp });
  }
  return reported;
}

function createPage(view: View, limits: Limits, maxBytes: number) {
  const drafts: Draft[] = [];
  const latest = new Map<string, Draft>();
  let bytes = 0;
  const draft = (object: DirectoryObject): Draft => {
    const made: Draft = { object, attributes: { objectGUID: [guidBytes(object.guid)] }, links: 0 };
    drafts.push(made);
    latest.set(object.guid, made);
    bytes += 150;
    return made;
  };
  const put = (to: Draft, name: string, values: readonly Value[]): void => {
    const list = to.attributes[name] ?? [];
    to.attributes[name] = list;
    for (const value of values) list.push(value);
    bytes += name.length + values.reduce((sum, value) => sum + value.length + 4, 8);
  };
  return {
    isFull: () => drafts.length >= limits.pageEntries || (drafts.length > 0 && maxBytes > 0 && bytes >= maxBytes),
    addObject: (object: DirectoryObject, reported: readonly Attribute[], withParent: boolean): void => {
      if (reported.length === 0) return;
      const to = latest.get(object.guid) ?? draft(object);
      for (const { name, values } of reported) {
        const key = name.toLowerCase();
        put(
          to,
          name,
          key === "objectsid"
            ? valuesOf(view, object, key)
            : isDnSyntax(key)
              ? values.map((value) => dnOfStored(view, value))
              : values,
        );
        if (key === "name" && withParent && object.parent !== undefined)
          put(to, "parentGUID", [guidBytes(object.parent)]);
      }
    },
    addLink: (object: DirectoryObject, attribute: string, value: LinkValue): void => {
      const target = view.replica.objects.get(value.target);
      // Behind a recycle bin links to deleted objects are still there, and nobody is shown them.
      if (target === undefined || (value.isPresent && isDeleted(target))) return;
      const last = latest.get(object.guid);
      const to = last !== undefined && last.links < limits.linkValues ? last : draft(object);
      to.links++;
      const name = `${canonicalName(attribute)};range=${value.isPresent ? "1-1" : "0-0"}`;
      put(to, name, [dnInForm(view.replica, target, view.form)]);
    },
    entries: (): FakeEntry[] =>
      drafts.map(({ object, attributes }) => ({ dn: dnInForm(view.replica, object, view.form), attributes })),
  };
}

/** `*` and nothing ask for everything. */
function askedOf(names: readonly string[]): (name: string) => boolean {
  if (names.length === 0 || names.includes("*")) return () => true;
  const set = new Set(names);
  return (name) => set.has(name);
}
