/**
 * The plain account that an agent binds as, with exactly the rights that the documentation asks for, and an
 * organizational unit that is hidden from it.
 */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Client } from "ldapts";
import type { DomainController } from "./domain-controller.ts";
import { addEntry, bytesOf, readEntry, sidText, unicodePassword } from "./ldap.ts";

export type PlainAccount = {
  readonly dn: string;
  readonly userPrincipalName: string;
  readonly password: string;
  readonly sid: string;
};

export type Grant = { readonly dn: string; readonly aces: string };

const script = fileURLToPath(new URL("grant-rights.py", import.meta.url));
const replicatingDirectoryChanges = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2";

/** Creates a user without any right beyond those of every user. */
export async function createPlainAccount(
  controller: DomainController,
  admin: Client,
  name = "svc-uplink",
): Promise<PlainAccount> {
  const dn = `CN=${name},CN=Users,${controller.baseDn}`;
  const account = { dn, userPrincipalName: `${name}@${controller.dnsDomain}`, password: "Pl4in.Passw0rd!" };
  await addEntry(admin, dn, {
    objectClass: ["user"],
    sAMAccountName: name,
    userPrincipalName: account.userPrincipalName,
    // A normal account whose password doesn't expire.
    userAccountControl: String(0x200 | 0x10000),
    unicodePwd: unicodePassword(account.password),
  });
  const sid = bytesOf(await readEntry(admin, dn), "objectSid");
  if (sid === undefined) throw new Error(`The account ${dn} has no SID.`);
  return { ...account, sid: sidText(sid) };
}

/** *Replicating Directory Changes* on the domain's root: what DirSync asks for. */
export function mayReplicate(controller: DomainController, sid: string): Grant {
  return { dn: controller.baseDn, aces: `(OA;;CR;${replicatingDirectoryChanges};;${sid})` };
}

/**
 * *List contents* and *Read property* on `CN=Deleted Objects`, without which Samba shows the account no tombstone, and *Read
 * permissions*, by which the agent can tell that it has them.
 */
export function maySeeDeletedObjects(controller: DomainController, sid: string): Grant {
  return { dn: `CN=Deleted Objects,${controller.baseDn}`, aces: `(A;;LCRPRC;;;${sid})` };
}

/** Takes all sight of an organizational unit and of what lies in it. No error tells the account: it sees less. */
export function hiddenFrom(dn: string, sid: string): Grant {
  return { dn, aces: `(D;CI;RPLCLO;;;${sid})` };
}

/** Works on a running controller too. */
export function grantRights(controller: DomainController, grants: readonly Grant[]): void {
  // Debian's own Python: Samba's modules are not in any other.
  execFileSync("/usr/bin/python3", [script, controller.smbConf, controller.samDatabase], {
    input: JSON.stringify(grants),
    stdio: ["pipe", "pipe", "pipe"],
  });
}
