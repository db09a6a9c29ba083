/** Deleted items: list, read, restore, delete for good. */
import { type Directory, expireDeleted, insufficient, parkedPrefix, refuseTakenAddress, shown } from "./directory.ts";
import { answerList, parseView, refuseOptions, types } from "./reading.ts";
import { type Refusal, refuse, refuseConflict, refuseMissing } from "./rules.ts";
import { type Answer, type Call, type Entry, type Kind, textOf, textsOf } from "./types.ts";
import { addressesOf } from "./users.ts";
import { checkUser } from "./validate.ts";

export function listDeleted(call: Call, directory: Directory, kind: Kind): Answer {
  expireDeleted(directory);
  return answerList(call, kind, { store: directory.store, sees: directory.seesDeleted }, "deleted");
}

export function readDeleted(call: Call, directory: Directory, id: string, kind?: Kind): Answer {
  const entry = findDeleted(directory, id, kind);
  if ("rule" in entry) return entry;
  const refused = refuseOptions(call, "$select");
  if (refused) return refused;
  const view = parseView(call, entry.kind);
  if ("rule" in view) return view;
  return { status: 200, body: { "@odata.type": types[entry.kind].odata, ...shown(call, entry, view.select) } };
}

/**
 * Restores an object with its id and memberships. A user's former userPrincipalName comes back, or
 * `newUserPrincipalName` of the body; `autoReconcileProxyConflict` drops addresses that others have meanwhile.
 */
export function restoreDeleted(call: Call, directory: Directory, id: string): Answer {
  const entry = findDeleted(directory, id);
  if ("rule" in entry) return entry;
  for (const name of Object.keys(call.body)) {
    if (name !== "newUserPrincipalName" && name !== "autoReconcileProxyConflict") {
      return refuse("property-unknown", `Invalid parameter '${name}' of action 'restore'.`);
    }
  }
  if (directory.isProtected(entry) && !directory.mayChangeProtected(call.caller)) {
    return refuse("sensitive-role-holder-delete", insufficient);
  }
  const upn = upnAfterRestore(call, directory, entry);
  if (upn !== undefined && typeof upn !== "string") return upn;
  const taken = addressesOf(entry).find((address) => refuseTakenAddress(directory, address, entry));
  const holder = taken === undefined ? undefined : directory.store.holder("address", taken);
  if (holder && call.body["autoReconcileProxyConflict"] !== true) {
    return refuseConflict("restore-mail-taken", "proxyAddresses", holder.id, holder.kind);
  }
  const delay = directory.visibilityDelayMs();
  directory.store.change(entry, (changed) => {
    delete changed.deletedAt;
    changed.visibleAt = directory.now() + delay;
    if (upn !== undefined) changed.properties["userPrincipalName"] = upn;
    dropTakenAddresses(directory, changed);
  });
  return {
    status: 200,
    body: { "@odata.type": types[entry.kind].odata, ...shown(call, entry, types[entry.kind].defaults) },
    wrote: "restore",
  };
}

export function deletePermanently(call: Call, directory: Directory, id: string): Answer {
  const entry = findDeleted(directory, id);
  if ("rule" in entry) return entry;
  if (directory.isProtected(entry) && !directory.mayChangeProtected(call.caller)) {
    return refuse("sensitive-role-holder-delete", insufficient);
  }
  directory.store.drop(entry);
  return { status: 204, wrote: "deletePermanently" };
}

function findDeleted(directory: Directory, id: string, kind?: Kind): Entry | Refusal {
  expireDeleted(directory);
  const entry = directory.store.get(id.toLowerCase());
  if (entry && directory.seesDeleted(entry) && (kind === undefined || entry.kind === kind)) return entry;
  return refuseMissing(id);
}

function upnAfterRestore(call: Call, directory: Directory, entry: Entry): string | undefined | Refusal {
  if (entry.kind !== "user") return undefined;
  const asked = call.body["newUserPrincipalName"];
  if (asked !== undefined) {
    const refusal = checkUser({ userPrincipalName: asked }, directory.tenant.domains, "update");
    if (refusal) return refusal;
  }
  const parked = textOf(entry, "userPrincipalName") ?? "";
  const former = parked.startsWith(parkedPrefix(entry.id)) ? parked.slice(parkedPrefix(entry.id).length) : parked;
  const upn = typeof asked === "string" ? asked : former;
  const holder = directory.store.holder("userPrincipalName", upn);
  return holder ? refuseConflict("restore-upn-taken", "userPrincipalName", holder.id, "user") : upn;
}

function dropTakenAddresses(directory: Directory, entry: Entry): void {
  const isFree = (address: string) => !refuseTakenAddress(directory, address.replace(/^smtp:/i, ""), entry);
  const mail = textOf(entry, "mail");
  if (mail !== undefined && !isFree(mail)) delete entry.properties["mail"];
  const addresses = textsOf(entry, "proxyAddresses");
  if (addresses.length > 0) entry.properties["proxyAddresses"] = addresses.filter(isFree);
}
