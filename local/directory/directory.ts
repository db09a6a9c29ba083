/**
 * What users.ts, groups.ts and the rest share: the tenant, the clock, who sees what, who is protected, references.
 */
import { randomUUID } from "node:crypto";
import { project } from "./reading.ts";
import { directoryRoles } from "./roles.ts";
import { type Refusal, refuse, refuseConflict, refuseMissing } from "./rules.ts";
import type { Store } from "./store.ts";
import { type Call, type Caller, type Entry, type JsonObject, type Kind, textOf } from "./types.ts";
import type { Domains } from "./validate.ts";

const DELETED_LIFE_MS = 30 * 86_400_000;

export type Tenant = { id: string; initialDomain: string; domains: Domains };

export type Directory = {
  store: Store;
  tenant: Tenant;
  now(): number;
  /** For how long a new object can't be seen, in milliseconds. */
  visibilityDelayMs(): number;
  /** Whether reads see the live object. */
  sees(entry: Entry): boolean;
  seesDeleted(entry: Entry): boolean;
  /** Finds a live, visible object by id (a user by userPrincipalName too), or says what Graph says. */
  find(kind: Kind, idOrName: string): Entry | Refusal;
  /** Finds what a $ref or @odata.bind address points to. */
  resolve(address: unknown): Entry | Refusal;
  isProtected(entry: Entry): boolean;
  mayChangeProtected(caller: Caller): boolean;
  /** Adds an object; it is visible after the delay. */
  add(kind: Kind, properties: JsonObject, extra?: Partial<Entry>): Entry;
};

export function createDirectory(deps: {
  store: Store;
  tenant: Tenant;
  now: () => number;
  visibilityDelayMs: () => number;
}): Directory {
  const { store, now } = deps;
  const privileged = new Set(directoryRoles.filter((role) => role.privileged).map((role) => role.templateId));
  const holdsPrivileged = (id: string) => [...store.rolesOf(id)].some((role) => privileged.has(role));
  const sees = (entry: Entry) => entry.deletedAt === undefined && entry.visibleAt <= now();

  return {
    ...deps,
    sees,
    seesDeleted: (entry) =>
      entry.deletedAt !== undefined &&
      entry.deletedAt + deps.visibilityDelayMs() <= now() &&
      entry.deletedAt + DELETED_LIFE_MS > now(),
    find(kind, idOrName) {
      const entry =
        store.get(idOrName.toLowerCase()) ??
        (kind === "user" ? store.holder("userPrincipalName", idOrName) : undefined);
      if (!entry || entry.kind !== kind || entry.deletedAt !== undefined) return refuseMissing(idOrName);
      return sees(entry) ? entry : refuseMissing(idOrName, "object-not-yet-visible");
    },
    resolve(address) {
      const match = /\/(?:users|groups|directoryObjects)\/([^/?]+)$/i.exec(typeof address === "string" ? address : "");
      const id = match?.[1];
      if (id === undefined) {
        return refuse(
          "reference-malformed",
          "Invalid URL format specified in @odata.id or @odata.bind for relationship.",
        );
      }
      const entry = store.get(id.toLowerCase());
      if (entry && sees(entry)) return entry;
      return refuse(
        "reference-not-found",
        `The source resource object or one of the objects being referenced do not exist: '${id}'.`,
      );
    },
    isProtected(entry) {
      if (holdsPrivileged(entry.id)) return true;
      return [...store.groupsOf(entry.id)].some((id) => store.get(id)?.properties["isAssignableToRole"] === true);
    },
    mayChangeProtected: (caller) => [...caller.roles].some((role) => privileged.has(role)),
    add(kind, properties, extra = {}) {
      const time = now();
      return store.insert({
        id: randomUUID(),
        kind,
        properties: { ...properties, createdDateTime: new Date(time).toISOString().replace(/\.\d+Z$/, "Z") },
        visibleAt: time + deps.visibilityDelayMs(),
        ...extra,
      });
    },
  };
}

/** Drops what was deleted more than 30 days ago. */
export function expireDeleted(directory: Directory): void {
  const limit = directory.now() - DELETED_LIFE_MS;
  for (const entry of directory.store.deleted()) {
    if ((entry.deletedAt ?? 0) > limit) return;
    directory.store.drop(entry);
  }
}

/** Refuses an address that another live object has. Graph names proxyAddresses, not mail. */
export function refuseTakenAddress(directory: Directory, mail: string, own: Entry | undefined): Refusal | undefined {
  const holder = directory.store.holder("address", mail);
  if (!holder || holder === own) return undefined;
  return refuseConflict("unique-mail", "proxyAddresses", holder.id, holder.kind);
}

/** Refuses a change of what Microsoft's own sync masters. */
export function refuseSynced(entry: Entry, rule: "synced-object-update" | "synced-object-delete"): Refusal | undefined {
  if (entry.properties["onPremisesSyncEnabled"] !== true || entry.cloudManaged) return undefined;
  return refuse(
    rule,
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
  );
}

export const insufficient = "Insufficient privileges to complete the operation.";

/** Sets the primary address that follows from mail: the former primary goes, other addresses stay. */
export function withPrimaryAddress(present: readonly string[], mail: string | null): string[] {
  const others = present.filter(
    (address) => !address.startsWith("SMTP:") && address.toLowerCase() !== `smtp:${mail?.toLowerCase() ?? ""}`,
  );
  return mail === null ? others : [`SMTP:${mail}`, ...others];
}

/**
 * Soft-deletes: a user's name is parked behind its id, so that the name is free and the object can come back. It is
 * nobody's manager any more, also when it comes back.
 */
export function softDelete(directory: Directory, entry: Entry): void {
  for (const report of directory.store.reportsOf(entry.id)) {
    directory.store.change(report, (changed) => {
      delete changed.managerId;
    });
  }
  directory.store.change(entry, (changed) => {
    changed.deletedAt = directory.now();
    const upn = textOf(changed, "userPrincipalName");
    if (upn !== undefined) changed.properties["userPrincipalName"] = `${parkedPrefix(changed.id)}${upn}`;
  });
}

export function parkedPrefix(id: string): string {
  return id.replaceAll("-", "");
}

/** The answer that shows one object with its context. */
export function shown(call: Call, entry: Entry, select: readonly string[]): JsonObject {
  return { "@odata.context": `${call.root}/$metadata#${entry.kind}s/$entity`, ...project(entry, select) };
}
