/**
 * One forest as the model knows it: domain controllers that lag, are put back from a backup or hide a unit, people and groups
 * in three units of which two are in scope, and an LDAP connection for the agent's real source.
 *
 * It also keeps the ground truth that removals are held against (`Evidence`): what was ever gone, disabled, empty or out of a
 * group on any domain controller. What merely has not arrived on one of them was never gone.
 */
import type { LdapConnection } from "../../agent/source/ldap/connection.ts";
import { guidToBytes, sameUpn } from "../../shared/domain/values.ts";
import { guidOf } from "../support/cloud.ts";
import { createFakeDirectory, type FakeDc } from "../support/fake-ldap/directory/fake-directory.ts";
import { windowsLimits } from "../support/fake-ldap/directory/limits.ts";
import {
  type DirectoryObject,
  isDeleted,
  liveTargets,
  type Replica,
  textOf,
} from "../support/fake-ldap/directory/replica.ts";
import { type ServedDc, serveDc } from "../support/fake-ldap/directory/serve-dc.ts";
import { ROOT_GUID } from "../support/fake-ldap/directory/well-known.ts";
import type { Kernel } from "./kernel.ts";
import { connectInProcess, type Disguise, silentServer } from "./ldap-connection.ts";
import { KEPT_OUT } from "./schemas.ts";
import type { Edit, UnitName } from "./steps.ts";

export const UNITS: readonly UnitName[] = ["People", "Staff", "Outside"];
/** At first. */
const IN_SCOPE: readonly UnitName[] = ["People", "Staff"];
const GLOBAL_SECURITY = "-2147483646";
const LDAP_MS = 3;

export interface Forest {
  readonly number: number;
  readonly fqdn: string;
  /** The units in scope, by objectGUID. */
  scope(): readonly string[];
  /** From now on these. */
  useScope(units: readonly UnitName[]): void;
  /** People of the department that `NARROW` keeps out are out of scope by their images, from now on. */
  narrow(): void;
  readonly evidence: Evidence;
  /** Of a person or a group by that name now. */
  guidOf(name: string): string;
  upnOf(name: string): string;
  mailOf(name: string): string;
  /** By objectGUID: the living in scope who have that name or that mail now. */
  wanting(upn: string, mail: string | undefined): readonly string[];
  /** False when the edit makes no sense now: nothing happened. */
  take(edit: Edit): boolean;
  connect(): LdapConnection;
  /** What the agent reads from. */
  current(): ServedDc;
  every(): readonly ServedDc[];
  useOtherDc(): void;
  replicate(): void;
  backup(): void;
  restore(how: "new-invocation" | "usn-rollback"): boolean;
  wasPutBack(): boolean;
  hide(unit: UnitName): void;
  /** Limits, rights and servers as they should be. */
  heal(): void;
  /** The names of those who hold one name twice, for whoever has to mend it. */
  mendNames(taken: ReadonlySet<string>): Set<string>;
  /** Called before each search. */
  beforeSearch: () => void;
}

/** What was seen of an object or of an edge on any domain controller, ever. */
export interface Evidence {
  wasGone(guid: string): boolean;
  wasDisabled(guid: string): boolean;
  wasWithout(guid: string, attribute: string): boolean;
  wasNoMember(group: string, member: string): boolean;
  hadUpn(guid: string, upn: string): boolean;
  hadMail(guid: string, mail: string): boolean;
  knows(guid: string): boolean;
}

export function createForest(deps: { readonly number: number; readonly kernel: Kernel }): Forest {
  const { number, kernel } = deps;
  const fqdn = number === 0 ? "corp.example.com" : "beta.example.com";
  const disguise: Disguise | undefined =
    number === 0
      ? undefined
      : { name: "DC=beta", domainGuid: Buffer.from(guidToBytes("22222222-2222-4222-8222-222222222222")), sidPart: 4 };
  const directory = createFakeDirectory({ dcs: ["DC1", "DC2"], recycleBin: true, now: kernel.now });
  const servers = directory.dcs.map((dc) => {
    const server = silentServer();
    return { server, served: serveDc(server, dc) };
  });
  const unit = (name: UnitName) => guidOf(`${number} unit ${name}`);
  const incarnation = new Map<string, number>();
  const guidFor = (name: string) => guidOf(`${number} ${name} ${incarnation.get(name) ?? 0}`);
  let at = 0;
  let kept: Replica | undefined;
  let wasPutBack = false;
  let scope = IN_SCOPE.map(unit);
  let isNarrowed = false;
  const evidence = createEvidenceBook(
    () => scope,
    () => isNarrowed,
  );

  const first = directory.dc("DC1");
  for (const name of UNITS) first.add({ class: "organizationalUnit", name, parent: ROOT_GUID, guid: unit(name) });
  // In every full read and out of scope: a read that brings nobody at all is held back, whatever else it says.
  first.add({
    class: "user",
    name: "keeper",
    parent: unit("People"),
    guid: guidOf(`${number} keeper`),
    attributes: { sAMAccountName: "keeper", isCriticalSystemObject: "TRUE", userAccountControl: "512" },
  });
  directory.replicate();
  const observe = () => evidence.observe(directory.dcs);

  const served = () => servers[at] ?? raise();
  const dc = () => served().served.dc;
  const find = (name: string): DirectoryObject | undefined => dc().replica.objects.get(guidFor(name));
  const living = (name: string): DirectoryObject | undefined => {
    const object = find(name);
    return object && !isDeleted(object) ? object : undefined;
  };
  const upnOf = (name: string) => `${name}@${number === 0 ? "corp" : "beta"}.example`;
  const mailOf = (name: string) => `mail.of.${upnOf(name)}`;
  const isUpnFree = (upn: string, but: string) =>
    ![...dc().replica.objects.values()].some(
      (own) => own.guid !== but && !isDeleted(own) && sameUpn(textOf(own, "userprincipalname") ?? "", upn),
    );

  function take(edit: Edit): boolean {
    const isDone = takeOne(edit);
    observe();
    return isDone;
  }

  function takeOne(edit: Edit): boolean {
    const writer: FakeDc = dc();
    if (edit.kind === "rename-unit") {
      writer.rename(unit(edit.unit), `${edit.unit} ${edit.to}`);
      return true;
    }
    const object = find(edit.name);
    const guid = guidFor(edit.name);
    if (edit.kind === "person" || edit.kind === "group") {
      // What hasn't come to this controller yet is made nowhere a second time.
      if (directory.dcs.some((own) => own.replica.objects.has(guid))) return false;
      if (edit.kind === "person") addPerson(writer, edit.name, edit.unit);
      else addGroup(writer, edit.name);
      return true;
    }
    if (!object) return false;
    if (edit.kind === "undelete") {
      if (!isDeleted(object)) return false;
      const parent = textOf(object, "lastknownparent");
      const home = parent === undefined ? undefined : writer.replica.objects.get(parent);
      if (!home || isDeleted(home) || !isUpnFree(textOf(object, "userprincipalname") ?? "-", guid)) return false;
      writer.undelete(guid);
      return true;
    }
    if (isDeleted(object)) return false;
    switch (edit.kind) {
      case "department":
        writer.modify(guid, { department: edit.to });
        return true;
      case "mail":
        writer.modify(guid, { mail: edit.has ? mailOf(edit.name) : null });
        return true;
      case "enable":
        writer.modify(guid, { userAccountControl: edit.to ? "512" : "514" });
        return true;
      case "upn":
        if (!edit.evenIfTaken && !isUpnFree(upnOf(edit.to), guid)) return false;
        writer.modify(guid, { userPrincipalName: upnOf(edit.to) });
        return true;
      case "manager": {
        const manager = edit.to === null ? undefined : living(edit.to);
        if (edit.to === edit.name || (edit.to !== null && !manager)) return false;
        writer.modify(guid, { manager: manager ? [manager.guid] : null });
        return true;
      }
      case "move":
        if (object.parent === unit(edit.unit)) return false;
        writer.move(guid, unit(edit.unit));
        return true;
      case "describe":
        writer.modify(guid, { description: edit.to });
        return true;
      case "join":
      case "quit": {
        const member = living(edit.member);
        if (!member || member.guid === guid) return false;
        if (edit.kind === "join") writer.addMembers(guid, [member.guid]);
        else writer.removeMembers(guid, [member.guid]);
        return true;
      }
      case "delete":
        writer.delete(guid);
        return true;
      case "recreate": {
        writer.delete(guid);
        incarnation.set(edit.name, (incarnation.get(edit.name) ?? 0) + 1);
        addPerson(writer, edit.name, "People");
        return true;
      }
    }
  }

  function addPerson(writer: FakeDc, name: string, into: UnitName): void {
    const upn = isUpnFree(upnOf(name), "") ? upnOf(name) : upnOf(`${name}.${incarnation.get(name) ?? 0}.again`);
    const attributes = { sAMAccountName: name, userPrincipalName: upn, displayName: name, userAccountControl: "512" };
    writer.add({ class: "user", name, parent: unit(into), guid: guidFor(name), attributes });
  }

  function addGroup(writer: FakeDc, name: string): void {
    const attributes = { sAMAccountName: name, displayName: name, groupType: GLOBAL_SECURITY };
    writer.add({ class: "group", name, parent: unit("Staff"), guid: guidFor(name), attributes });
  }

  const forest: Forest = {
    number,
    fqdn,
    scope: () => scope,
    useScope(units) {
      scope = units.map(unit);
      observe();
    },
    narrow: () => {
      isNarrowed = true;
    },
    evidence,
    guidOf: guidFor,
    upnOf,
    mailOf,
    wanting: (upn, mail) =>
      [...dc().replica.objects.values()]
        .filter((own) => isInScope(dc().replica, own, scope))
        .filter((own) => {
          const has = textOf(own, "mail");
          return (
            sameUpn(textOf(own, "userprincipalname") ?? "", upn) ||
            (mail !== undefined && has !== undefined && sameUpn(has, mail))
          );
        })
        .map((own) => own.guid),
    take,
    beforeSearch: () => undefined,
    connect: () => {
      const { server } = served();
      return connectInProcess({
        url: `ldaps://${dc().dnsName}`,
        server,
        disguise,
        isReachable: () => server === served().server,
        around: (work) =>
          kernel.call("ldap", LDAP_MS, async () => {
            forest.beforeSearch();
            return work();
          }),
      });
    },
    current: () => served().served,
    every: () => servers.map((own) => own.served),
    useOtherDc: () => {
      at = (at + 1) % servers.length;
    },
    replicate: () => {
      directory.replicate();
      observe();
    },
    backup: () => {
      kept = dc().backup();
    },
    restore(how) {
      if (!kept || kept.invocationId !== dc().replica.invocationId) return false;
      dc().restore(kept, how);
      kept = undefined;
      wasPutBack = true;
      observe();
      return true;
    },
    wasPutBack: () => wasPutBack,
    hide: (name) => {
      for (const own of servers) own.served.access.hiddenObjects.add(unit(name));
    },
    heal: () => {
      for (const own of servers) {
        own.served.recover();
        own.served.access.hiddenObjects.clear();
        Object.assign(own.served.limits, windowsLimits());
      }
    },
    mendNames(taken) {
      const names = new Set(taken);
      for (const object of dc().replica.objects.values()) {
        const upn = textOf(object, "userprincipalname")?.toLowerCase();
        if (upn === undefined || isDeleted(object)) continue;
        if (names.has(upn)) dc().modify(object.guid, { userPrincipalName: upnOf(`mended.${object.guid.slice(0, 8)}`) });
        names.add((textOf(object, "userprincipalname") ?? "").toLowerCase());
      }
      observe();
      return names;
    },
  };
  observe();
  return forest;
}

function raise(): never {
  throw new Error("A forest has two domain controllers.");
}

/** Below one of these units, and not deleted. */
export function isInScope(
  replica: Replica,
  object: DirectoryObject | undefined,
  units: readonly string[],
): object is DirectoryObject {
  if (!object || isDeleted(object) || textOf(object, "iscriticalsystemobject") === "TRUE") return false;
  for (let at = object.parent; at !== undefined; at = replica.objects.get(at)?.parent)
    if (units.includes(at)) return true;
  return false;
}

function createEvidenceBook(units: () => readonly string[], isNarrowed: () => boolean) {
  const gone = new Set<string>();
  /** Who ever was of the department that a schema keeps out. */
  const keptOut = new Set<string>();
  const disabled = new Set<string>();
  const without = new Set<string>();
  const noMember = new Set<string>();
  const upns = new Set<string>();
  const mails = new Set<string>();
  /** By domain controller: what was in scope there, and which edges were. */
  const seen = new Map<string, { readonly objects: Set<string>; readonly edges: Set<string> }>();
  const known = new Set<string>();

  function observe(dcs: readonly FakeDc[]): void {
    for (const { name, replica } of dcs) {
      const before = seen.get(name) ?? { objects: new Set<string>(), edges: new Set<string>() };
      seen.set(name, before);
      const edges = new Set<string>();
      for (const object of replica.objects.values()) {
        const { guid } = object;
        if (!isInScope(replica, object, units())) {
          // A tombstone is evidence wherever it is; who was never in scope isn't missed.
          gone.add(guid);
          continue;
        }
        before.objects.add(guid);
        known.add(guid);
        if (textOf(object, "department") === KEPT_OUT) keptOut.add(guid);
        if ((Number(textOf(object, "useraccountcontrol")) & 2) !== 0) disabled.add(guid);
        for (const attribute of ["department", "description", "manager"])
          if ((object.attributes.get(attribute)?.values.length ?? 0) === 0) without.add(`${guid} ${attribute}`);
        upns.add(`${guid} ${textOf(object, "userprincipalname")?.toLowerCase()}`);
        mails.add(`${guid} ${textOf(object, "mail")?.toLowerCase()}`);
        for (const member of liveTargets(replica, object, "member")) edges.add(`${guid} ${member.guid}`);
      }
      for (const guid of before.objects) if (!replica.objects.has(guid)) gone.add(guid);
      for (const edge of before.edges) if (!edges.has(edge)) noMember.add(edge);
      for (const edge of edges) before.edges.add(edge);
    }
  }

  const wasGone = (guid: string) => gone.has(guid) || (isNarrowed() && keptOut.has(guid));
  return {
    observe,
    wasGone,
    wasDisabled: (guid: string) => disabled.has(guid),
    wasWithout: (guid: string, attribute: string) => without.has(`${guid} ${attribute}`),
    wasNoMember: (group: string, member: string) =>
      noMember.has(`${group} ${member}`) || wasGone(member) || wasGone(group),
    hadUpn: (guid: string, upn: string) => upns.has(`${guid} ${upn.toLowerCase()}`),
    hadMail: (guid: string, mail: string) => mails.has(`${guid} ${mail.toLowerCase()}`),
    knows: (guid: string) => known.has(guid),
  };
}
