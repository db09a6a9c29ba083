/**
 * The edits that a test makes as an administrator of the directory, over LDAPS.
 *
 * Objects are named by objectGUID, since their distinguished names change under a test's hands.
 */

import { type Client, ResultCodeError } from "ldapts";
import type { DomainController } from "./domain-controller.ts";
import {
  type AttributeValue,
  addEntry,
  bytesOf,
  changeOf,
  connectLdap,
  escapeRdnValue,
  type LdapEntry,
  objectGuidOf,
  parentOf,
  rdnOf,
  readEntry,
  searchEntries,
  showDeleted,
  sidText,
  textOf,
} from "./ldap.ts";

export type DirectoryAdmin = Awaited<ReturnType<typeof connectDirectoryAdmin>>;

const accountDisabled = 0x2;
const noSuchObject = 32;
/** A security group for members from everywhere. */
const universalSecurity = -0x80000000 + 0x8;

type Attributes = Readonly<Record<string, AttributeValue | readonly AttributeValue[]>>;

export async function connectDirectoryAdmin(controller: DomainController) {
  const client: Client = await connectLdap(controller, {
    user: controller.adminDn,
    password: controller.adminPassword,
  });
  const at = (guid: string): string => `<GUID=${guid}>`;
  const read = (guid: string): Promise<LdapEntry> => readEntry(client, at(guid));
  const dnOf = async (guid: string): Promise<string> => (await read(guid)).dn;

  const set = async (guid: string, attribute: string, ...values: AttributeValue[]): Promise<void> => {
    await client.modify(await dnOf(guid), changeOf("replace", attribute, values));
  };

  /** Adds an object below a parent; returns its objectGUID. */
  const create = async (dn: string, attributes: Attributes): Promise<string> => {
    await addEntry(client, dn, attributes);
    return objectGuidOf(await readEntry(client, dn));
  };

  const changeMembers = async (
    operation: "add" | "delete",
    group: string,
    members: readonly string[],
  ): Promise<void> => {
    await client.modify(await dnOf(group), changeOf(operation, "member", members.map(at)));
  };

  const setDisabled = async (guid: string, disabled: boolean): Promise<void> => {
    const flags = Number(textOf(await read(guid), "userAccountControl"));
    await set(guid, "userAccountControl", String(disabled ? flags | accountDisabled : flags & ~accountDisabled));
  };

  return {
    /** For what isn't here. */
    client,
    read,
    dnOf,
    set,
    setDisabled,

    /** The objectGUID of the one object that an LDAP filter finds. */
    async find(filter: string): Promise<string> {
      const found = await searchEntries(client, controller.baseDn, { filter, attributes: ["objectGUID"] });
      const [only] = found;
      if (only === undefined || found.length > 1) throw new Error(`${found.length} objects match ${filter}.`);
      return objectGuidOf(only);
    },

    /** The objectGUID of the object with that distinguished name. */
    guidAt: async (dn: string): Promise<string> => objectGuidOf(await readEntry(client, dn)),

    async exists(guid: string): Promise<boolean> {
      try {
        await read(guid);
        return true;
      } catch (error) {
        if (error instanceof ResultCodeError && error.code === noSuchObject) return false;
        throw error;
      }
    },

    async clear(guid: string, attribute: string): Promise<void> {
      await client.modify(await dnOf(guid), changeOf("delete", attribute, []));
    },

    disable: (guid: string): Promise<void> => setDisabled(guid, true),
    enable: (guid: string): Promise<void> => setDisabled(guid, false),

    /** Gives a new common name (or name of an organizational unit) in the same place. */
    async rename(guid: string, name: string): Promise<void> {
      const dn = await dnOf(guid);
      const [type] = rdnOf(dn).split("=", 1);
      await client.modifyDN(dn, `${type}=${escapeRdnValue(name)},${parentOf(dn)}`);
    },

    async move(guid: string, newParentDn: string): Promise<void> {
      const dn = await dnOf(guid);
      await client.modifyDN(dn, `${rdnOf(dn)},${newParentDn}`);
    },

    changeUserPrincipalName: (guid: string, name: string): Promise<void> => set(guid, "userPrincipalName", name),

    /** Leaves a tombstone, which keeps little: no display name, no user principal name. */
    async delete(guid: string): Promise<void> {
      await client.del(await dnOf(guid));
    },

    /** Brings a tombstone back, with what it kept, under the parent that it had. */
    async undelete(guid: string, name: string): Promise<void> {
      const deletedObjects = `CN=Deleted Objects,${controller.baseDn}`;
      const tombstones = await searchEntries(client, deletedObjects, {
        scope: "one",
        attributes: ["objectGUID", "lastKnownParent"],
        controls: [showDeleted()],
      });
      const tombstone = tombstones.find((entry) => objectGuidOf(entry) === guid);
      if (tombstone === undefined) throw new Error(`No tombstone has the objectGUID ${guid}.`);
      const [type] = tombstone.dn.split("=", 1);
      const dn = `${type}=${escapeRdnValue(name)},${textOf(tombstone, "lastKnownParent")}`;
      await client.modify(
        tombstone.dn,
        [changeOf("delete", "isDeleted", []), changeOf("replace", "distinguishedName", [dn])],
        [showDeleted()],
      );
    },

    addMembers: (group: string, ...members: string[]): Promise<void> => changeMembers("add", group, members),
    removeMembers: (group: string, ...members: string[]): Promise<void> => changeMembers("delete", group, members),

    /** The object of another forest goes into the group by its SID, for which the directory makes a foreign security principal. */
    async addForeignMember(group: string, sid: string): Promise<void> {
      await client.modify(await dnOf(group), changeOf("add", "member", [`<SID=${sid}>`]));
    },

    async sidOf(guid: string): Promise<string> {
      const sid = bytesOf(await read(guid), "objectSid");
      if (sid === undefined) throw new Error(`${guid} has no SID.`);
      return sidText(sid);
    },

    async setManager(guid: string, manager: string): Promise<void> {
      await set(guid, "manager", await dnOf(manager));
    },

    /** Creates a user that can be found and synchronized at once, a normal account that needs no password. */
    createUser: (parentDn: string, name: string, attributes: Attributes): Promise<string> =>
      create(`CN=${escapeRdnValue(name)},${parentDn}`, {
        objectClass: "user",
        userAccountControl: String(0x200 | 0x20),
        ...attributes,
      }),

    createGroup: (parentDn: string, name: string, attributes: Attributes = {}): Promise<string> =>
      create(`CN=${escapeRdnValue(name)},${parentDn}`, {
        objectClass: "group",
        sAMAccountName: name,
        groupType: String(universalSecurity),
        ...attributes,
      }),

    createContact: (parentDn: string, name: string): Promise<string> =>
      create(`CN=${escapeRdnValue(name)},${parentDn}`, { objectClass: "contact", displayName: name }),

    createUnit: (parentDn: string, name: string): Promise<string> =>
      create(`OU=${escapeRdnValue(name)},${parentDn}`, { objectClass: "organizationalUnit" }),

    close: (): Promise<void> => client.unbind(),
  };
}
