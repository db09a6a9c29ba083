/** Writing to one domain controller as administrators do: every call is one originating write, with the stamps that belong to it. */
import { randomUUID } from "node:crypto";
import { dnOf } from "./names.ts";
import {
  type DirectoryObject,
  isDeleted,
  liveTargets,
  objectOf,
  type Replica,
  textOf,
  type Value,
  writeAttributes,
  writeLink,
} from "./replica.ts";
import { strip } from "./replication.ts";
import { canonicalName, categoryOf, classesOf, isPrincipal, linkNumberOf } from "./schema.ts";
import { DELETED_OBJECTS_GUID, DOMAIN_SID, USERS_GUID } from "./well-known.ts";

export type Values = string | Buffer | readonly Value[];

export interface NewObject {
  /** The most specific class; the others follow. */
  readonly class: string;
  readonly name: string;
  /** GUID; without it CN=Users. */
  readonly parent?: string;
  readonly guid?: string;
  /** Principals get one of the domain by themselves. */
  readonly sid?: string;
  /** A linked attribute takes GUIDs. */
  readonly attributes?: Readonly<Record<string, Values>>;
}

export interface DirectoryWriter {
  /** Returns the GUID. */
  add(object: NewObject): string;
  /** `null` clears. A linked attribute takes the GUIDs that are to be its values. */
  modify(guid: string, attributes: Readonly<Record<string, Values | null>>): void;
  rename(guid: string, name: string): void;
  move(guid: string, parent: string): void;
  /** Everything below goes too, the lowest first. */
  delete(guid: string): void;
  /** Without `parent`, to where it was. */
  undelete(guid: string, to?: { readonly parent?: string; readonly name?: string }): void;
  addMembers(group: string, members: readonly string[], attribute?: string): void;
  removeMembers(group: string, members: readonly string[], attribute?: string): void;
  /** GUIDs of the members that are there and alive. */
  membersOf(group: string, attribute?: string): string[];
  dnOf(guid: string): string;
}

export interface WriterDeps {
  readonly state: { readonly replica: Replica };
  readonly root: string;
  readonly recycleBin: boolean;
  readonly rids: { next: number };
}

/** Between a deleted object's name and its GUID. */
const DELETED_MARK = "\nDEL:";

export function createWriter(deps: WriterDeps): DirectoryWriter {
  const { state, root, rids } = deps;
  const find = (guid: string): DirectoryObject => objectOf(state.replica, guid);

  function replaceLinks(object: DirectoryObject, attribute: string, targets: readonly string[]): void {
    const wanted = new Set(targets);
    for (const { guid } of liveTargets(state.replica, object, attribute)) {
      if (!wanted.has(guid)) writeLink(state.replica, object, attribute, guid, false);
    }
    for (const guid of wanted) writeLink(state.replica, object, attribute, guid, true);
  }

  function write(object: DirectoryObject, attributes: Readonly<Record<string, Values | null>>): void {
    const plain = new Map<string, readonly Value[]>();
    const links: [string, readonly string[]][] = [];
    for (const [given, value] of Object.entries(attributes)) {
      const name = canonicalName(given);
      const list = value === null ? [] : Array.isArray(value) ? value : [value as Value];
      if (linkNumberOf(name) === undefined) plain.set(name, list);
      else links.push([name, list.map(String)]);
    }
    if (plain.size > 0) writeAttributes(state.replica, object, plain);
    for (const [name, targets] of links) replaceLinks(object, name, targets);
  }

  const writer: DirectoryWriter = {
    add: ({ class: objectClass, name, parent = USERS_GUID, guid = randomUUID(), sid, attributes = {} }) => {
      find(parent);
      const ownSid = sid ?? (isPrincipal(objectClass) ? `${DOMAIN_SID}-${rids.next++}` : undefined);
      const object: DirectoryObject = {
        guid,
        sid: ownSid,
        parent,
        usnCreated: state.replica.usn + 1,
        usnChanged: state.replica.usn + 1,
        whenChanged: 0,
        attributes: new Map(),
        links: new Map(),
      };
      state.replica.objects.set(guid, object);
      write(object, {
        objectClass: classesOf(objectClass),
        objectCategory: categoryOf(objectClass, root),
        instanceType: "4",
        name,
        ...(ownSid === undefined ? {} : { objectSid: ownSid }),
        ...attributes,
      });
      return guid;
    },
    modify: (guid, attributes) => write(find(guid), attributes),
    rename: (guid, name) => writeAttributes(state.replica, find(guid), new Map([["name", [name]]])),
    move: (guid, parent) => {
      const object = find(guid);
      object.parent = find(parent).guid;
      writeAttributes(state.replica, object, new Map([["name", [textOf(object, "name") ?? ""]]]));
    },
    delete: (guid) => {
      for (const child of [...state.replica.objects.values()]) if (child.parent === guid) writer.delete(child.guid);
      const object = find(guid);
      // A GUID: the name is computed when it is read, as the directory does.
      const lastParent = object.parent ?? "";
      object.parent = DELETED_OBJECTS_GUID;
      const name = `${textOf(object, "name")}${DELETED_MARK}${guid}`;
      writeAttributes(
        state.replica,
        object,
        new Map([
          ["isDeleted", ["TRUE"]],
          ["lastKnownParent", [lastParent]],
          ["name", [name]],
        ]),
      );
      if (!deps.recycleBin) strip(state.replica, object);
    },
    undelete: (guid, to = {}) => {
      const object = find(guid);
      if (!isDeleted(object)) throw new Error(`${guid} is not deleted.`);
      const name = to.name ?? (textOf(object, "name") ?? "").split(DELETED_MARK)[0] ?? "";
      object.parent = find(to.parent ?? textOf(object, "lastknownparent") ?? "").guid;
      writeAttributes(
        state.replica,
        object,
        new Map([
          ["isDeleted", []],
          ["lastKnownParent", []],
          ["name", [name]],
        ]),
      );
    },
    addMembers: (group, members, attribute = "member") => {
      for (const guid of members) writeLink(state.replica, find(group), attribute, find(guid).guid, true);
    },
    removeMembers: (group, members, attribute = "member") => {
      for (const guid of members) writeLink(state.replica, find(group), attribute, guid, false);
    },
    membersOf: (group, attribute = "member") =>
      liveTargets(state.replica, find(group), attribute).map(({ guid }) => guid),
    dnOf: (guid) => dnOf(state.replica, find(guid), root),
  };
  return writer;
}
