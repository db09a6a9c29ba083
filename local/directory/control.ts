/**
 * What tests and the demo may do that no client of Graph can: seed, look at everything, order faults, read counters.
 *
 * Served below `/control` without a token, to loopback only. Nothing here is Graph; nothing here keeps Graph's rules,
 * but that unique values stay unique.
 */
import { randomUUID } from "node:crypto";
import { type Directory, softDelete } from "./directory.ts";
import type { FaultOrder, Faults } from "./faults.ts";
import type { Quota, QuotaSetting } from "./quota.ts";
import { project, types } from "./reading.ts";
import { directoryRoles, eligibleFor, findRole } from "./roles.ts";
import type { Stats } from "./stats.ts";
import type { Entry, JsonObject, Kind } from "./types.ts";
import { addressesOf } from "./users.ts";

/**
 * An object as a test wants it: any property, read-only ones too, visible at once. `roles` are names of directory
 * roles, `members` and `manager` ids of objects that were seeded before or stand earlier in the list.
 */
export type Seed = {
  kind?: Kind;
  id?: string;
  properties: JsonObject;
  manager?: string;
  members?: string[];
  roles?: string[];
  /** Roles that it may take up. */
  eligibleRoles?: string[];
  cloudManaged?: boolean;
  deleted?: boolean;
};

/** An object with all that the directory knows of it; properties that are absent are left out. */
type Listed = {
  kind: Kind;
  id: string;
  properties: JsonObject;
  manager?: string;
  members?: string[];
  roles?: string[];
  deleted: boolean;
};

export type Settings = { quota?: QuotaSetting; visibilityDelayMs?: number };

export type Control = {
  stats(): Stats;
  resetStats(): void;
  /** Adds objects and returns their ids. @throws when a unique value is taken, naming it; nothing is added then. */
  seed(seeds: readonly Seed[]): string[];
  list(kind?: Kind): Iterable<Listed>;
  order(faults: FaultOrder): void;
  clearFaults(): void;
  pendingFaults(): FaultOrder;
  /** Gives or takes a directory role. @throws when the role or the object is unknown. */
  setRole(principalId: string, role: string, held?: boolean): void;
  set(settings: Settings): void;
  deleteAll(): void;
};

export function createControl(deps: {
  directory: Directory;
  faults: Faults;
  quota: Quota;
  stats: () => Stats;
  resetStats: () => void;
  setVisibilityDelay: (milliseconds: number) => void;
  /** Called after each change, so that it is on disk before the caller goes on. */
  flush: () => void;
}): Control {
  const { directory, faults, quota, flush } = deps;
  const { store } = directory;

  function add(seed: Seed): string {
    const kind = seed.kind ?? "user";
    const created = { createdDateTime: new Date(directory.now()).toISOString() };
    const entry = store.insert({
      id: (seed.id ?? randomUUID()).toLowerCase(),
      kind,
      properties: { ...created, ...defaultsOf(kind), ...seed.properties },
      visibleAt: 0,
      ...(seed.manager === undefined ? {} : { managerId: seed.manager }),
      ...(seed.cloudManaged === undefined ? {} : { cloudManaged: seed.cloudManaged }),
    });
    for (const member of seed.members ?? []) store.link(entry.id, member);
    for (const name of seed.roles ?? []) store.setRole(entry.id, roleNamed(name).templateId, true);
    for (const name of seed.eligibleRoles ?? []) store.setRole(entry.id, eligibleFor(roleNamed(name).templateId), true);
    if (seed.deleted) softDelete(directory, entry);
    return entry.id;
  }

  return {
    stats: () => structuredClone(deps.stats()),
    resetStats: deps.resetStats,
    seed(seeds) {
      refuseClashes(directory, seeds);
      for (const seed of seeds)
        for (const name of [...(seed.roles ?? []), ...(seed.eligibleRoles ?? [])]) roleNamed(name);
      const ids = seeds.map(add);
      flush();
      return ids;
    },
    *list(kind) {
      for (const one of kind ? [kind] : (["user", "group"] as const)) {
        for (const entry of store.scan(one, 0)) yield listed(directory, entry);
      }
    },
    order: (order) => faults.order(order),
    clearFaults: () => faults.clear(),
    pendingFaults: () => faults.pending(),
    setRole(principalId, role, held = true) {
      const entry = store.get(principalId.toLowerCase());
      if (!entry) throw new Error(`Cannot set a role of '${principalId}': there is no such object. Seed it first.`);
      store.setRole(entry.id, roleNamed(role).templateId, held);
      flush();
    },
    set(settings) {
      if (settings.quota !== undefined) quota.set(settings.quota);
      if (settings.visibilityDelayMs !== undefined) deps.setVisibilityDelay(settings.visibilityDelayMs);
    },
    deleteAll() {
      store.clear();
      flush();
    },
  };
}

function listed(directory: Directory, entry: Entry): Listed {
  const { store } = directory;
  const members = [...store.membersOf(entry.id)];
  const roles = [...store.rolesOf(entry.id)].map((id) => findRole(id)?.name ?? id);
  // Asking for all names and dropping the empty ones gives the same order of properties for every object.
  const names = Object.keys(types[entry.kind].table).filter((name) => entry.properties[name] !== undefined);
  const properties = project(entry, names);
  const extensions = entry.properties["onPremisesExtensionAttributes"];
  if (extensions !== undefined) properties["onPremisesExtensionAttributes"] = extensions;
  return {
    kind: entry.kind,
    id: entry.id,
    properties,
    ...(entry.managerId === undefined ? {} : { manager: entry.managerId }),
    ...(members.length > 0 ? { members } : {}),
    ...(roles.length > 0 ? { roles } : {}),
    deleted: entry.deletedAt !== undefined,
  };
}

function defaultsOf(kind: Kind): JsonObject {
  return kind === "user"
    ? { accountEnabled: true, userType: "Member" }
    : { groupTypes: [], mailEnabled: false, securityEnabled: true };
}

function roleNamed(name: string) {
  const role = findRole(name);
  if (role) return role;
  const known = directoryRoles.map((one) => one.name).join(", ");
  throw new Error(`Cannot use the directory role '${name}': it is unknown. Known ones: ${known}.`);
}

function refuseClashes(directory: Directory, seeds: readonly Seed[]): void {
  const seen = new Set<string>();
  const refuseTaken = (what: string, value: unknown, held: (value: string) => boolean, live = true) => {
    if (typeof value !== "string" || !live) return;
    const key = `${what} ${what === "onPremisesImmutableId" ? value : value.toLowerCase()}`;
    if (held(value) || seen.has(key))
      throw new Error(`Cannot seed: ${what} '${value}' is taken. Choose another value.`);
    seen.add(key);
  };
  for (const { id, properties, deleted } of seeds) {
    const live = deleted !== true;
    const { store } = directory;
    refuseTaken("id", id, (value) => store.get(value.toLowerCase()) !== undefined);
    for (const name of ["onPremisesImmutableId", "uniqueName"] as const) {
      refuseTaken(name, properties[name], (value) => store.holder(name, value) !== undefined);
    }
    const taken = (value: string) => store.holder("userPrincipalName", value) !== undefined;
    refuseTaken("userPrincipalName", properties["userPrincipalName"], taken, live);
    const mail = typeof properties["mail"] === "string" ? [properties["mail"]] : [];
    const addresses = [...mail, ...addressesOf({ properties } as Entry)].map((address) => address.toLowerCase());
    for (const address of new Set(addresses)) {
      refuseTaken("address", address, (value) => store.holder("address", value) !== undefined, live);
    }
  }
}
