/**
 * A small Active Directory domain for tests: domain controllers with a copy each, written to like the real ones, replicating when told to.
 *
 * `serveDc` puts a domain controller on the wire; here is no LDAP. A write counts on its own domain controller alone until
 * `directory.replicate()`: between the two the others lag.
 */
import { randomUUID } from "node:crypto";
import { copyReplica, createReplica, type DirectoryObject, type Replica, writeAttributes } from "./replica.ts";
import { replicateInto } from "./replication.ts";
import { categoryOf, classesOf } from "./schema.ts";
import { DELETED_OBJECTS_GUID, DOMAIN_SID, ROOT, ROOT_GUID, USERS_GUID } from "./well-known.ts";
import { createWriter, type DirectoryWriter } from "./writer.ts";

export interface FakeDc extends DirectoryWriter {
  readonly name: string;
  readonly dnsName: string;
  readonly root: string;
  /** Its copy: to look into, not to write to. */
  readonly replica: Replica;
  backup(): Replica;
  /**
   * Back to a backup. `new-invocation`: as a proper restore does it. `usn-rollback`: as an image of the machine does it, with the
   * invocation kept and its USNs given out a second time.
   */
  restore(backup: Replica, how: "new-invocation" | "usn-rollback"): void;
}
export interface FakeDirectory {
  readonly root: string;
  readonly dcs: readonly FakeDc[];
  dc(name: string): FakeDc;
  /** All to all, until nobody has news; or one way between two, up to a USN of the source if it is to end half way. */
  replicate(one?: { readonly from: string; readonly to: string; readonly upToUsn?: number }): void;
}
export interface FakeDirectoryOptions {
  readonly dcs?: readonly string[];
  /** Deleted objects keep attributes and links, and come back with them. */
  readonly recycleBin?: boolean;
  readonly now?: () => number;
}

export function createFakeDirectory(options: FakeDirectoryOptions = {}): FakeDirectory {
  const root = ROOT;
  const recycleBin = options.recycleBin ?? false;
  let tick = Date.UTC(2026, 10, 21);
  const now = options.now ?? (() => (tick += 1_000));
  const rids = { next: 1_200 };
  const names = options.dcs ?? ["DC1"];
  const first = createReplica(randomUUID(), now);
  addWellKnown(first, root);
  const dcs = names.map((name, index) => {
    const replica = index === 0 ? first : createReplica(randomUUID(), now);
    if (index > 0) replicateInto(replica, first, { recycleBin });
    return createDc(name, replica);
  });

  function createDc(name: string, initial: Replica): FakeDc {
    const state = { replica: initial };
    const writer = createWriter({ state, root, recycleBin, rids });
    const fqdn = root.replace(/DC=/gi, "").replaceAll(",", ".");
    return {
      ...writer,
      name,
      dnsName: `${name}.${fqdn}`.toLowerCase(),
      root,
      get replica() {
        return state.replica;
      },
      backup: () => copyReplica(state.replica),
      restore: (backup, how) => {
        state.replica = copyReplica(backup);
        if (how === "usn-rollback") return;
        state.replica.vector.set(backup.invocationId, backup.usn);
        state.replica.invocationId = randomUUID();
      },
    };
  }

  const dc = (name: string): FakeDc => {
    const found = dcs.find((one) => one.name === name);
    if (found === undefined) throw new Error(`The domain has no ${name}.`);
    return found;
  };
  return {
    root,
    dcs,
    dc,
    replicate: (one) => {
      if (one !== undefined) {
        replicateInto(dc(one.to).replica, dc(one.from).replica, { recycleBin, upToUsn: one.upToUsn });
        return;
      }
      for (let round = 0; round < dcs.length; round++) {
        for (const from of dcs) {
          for (const to of dcs) if (to !== from) replicateInto(to.replica, from.replica, { recycleBin });
        }
      }
    },
  };
}

function addWellKnown(replica: Replica, root: string): void {
  const make = (guid: string, name: string, objectClass: string, parent: string | undefined, sid?: string) => {
    const object: DirectoryObject = {
      guid,
      sid,
      parent,
      usnCreated: replica.usn + 1,
      usnChanged: replica.usn + 1,
      whenChanged: 0,
      attributes: new Map(),
      links: new Map(),
    };
    replica.objects.set(guid, object);
    writeAttributes(
      replica,
      object,
      new Map([
        ["objectClass", classesOf(objectClass)],
        ["objectCategory", [categoryOf(objectClass, root)]],
        ["name", [name]],
        ...(guid === DELETED_OBJECTS_GUID ? [["isDeleted", ["TRUE"]] as const] : []),
      ]),
    );
  };
  make(ROOT_GUID, root.split(",")[0]?.slice(3) ?? "", "domainDNS", undefined, DOMAIN_SID);
  make(DELETED_OBJECTS_GUID, "Deleted Objects", "container", ROOT_GUID);
  make(USERS_GUID, "Users", "container", ROOT_GUID);
}
