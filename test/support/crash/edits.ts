/**
 * Somebody at work in the directory: bursts of edits of every kind, drawn from a seed. What takes something away is
 * rationed, for the service stages removals beyond a bound.
 */
import { ResultCodeError } from "ldapts";
import type { DirectoryAdmin } from "../samba/directory-admin.ts";
import { changeOf, objectGuidOf, searchEntries } from "../samba/ldap.ts";
import type { Population } from "../samba/population.ts";
import type { Random } from "./random.ts";

/** Of the person `guid`; `number` is the edit's own. */
type Edit = (guid: string, number: number) => Promise<void>;
/** `left`: how often it may still be drawn; absent: as often as it comes. */
type Kind = {
  readonly weight: number;
  left?: number;
  /** The service maps what it changes, whatever it was before: an agent has something to send after it. */
  readonly isNews?: boolean;
  /** Whether there is somebody to do it to; absent: always. */
  readonly isPossible?: () => boolean;
  readonly edit: Edit;
};

export type Editor = {
  /** So many edits, each of another person. */
  burst(edits: number): Promise<void>;
  /** When the last edit was made that changed something for the service: milliseconds since 1970. */
  lastNewsAt(): number;
  /** Edits made, by kind. */
  made(): Readonly<Record<string, number>>;
};

/** Requests under way at once. */
const inFlight = 4;
const noSuchObject = 32;
/** What the directory says of a manager who was renamed since his name was asked for. */
const constraintViolation = 19;
const plainAttributes = ["department", "title", "physicalDeliveryOfficeName", "telephoneNumber", "streetAddress"];

/** Once more for an object that another edit renamed between two requests of this one. */
async function carryOut(edit: () => Promise<void>, tries = 3): Promise<void> {
  try {
    await edit();
  } catch (error) {
    const isElsewhere = error instanceof ResultCodeError && [noSuchObject, constraintViolation].includes(error.code);
    if (tries <= 1 || !isElsewhere) throw error;
    await carryOut(edit, tries - 1);
  }
}

export async function createEditor(deps: {
  readonly admin: DirectoryAdmin;
  readonly population: Population;
  readonly baseDn: string;
  readonly random: Random;
  /** ObjectGUIDs of those who are edited. */
  readonly people: readonly string[];
  /** The suffix of user principal names. */
  readonly suffix: string;
}): Promise<Editor> {
  const { admin, population, random, suffix } = deps;
  const people = [...deps.people];
  const disabled: string[] = [];
  const created: string[] = [];
  const tombstones: { guid: string; name: string }[] = [];
  const made: Record<string, number> = {};
  const units = population.units.map((unit) => unit.dn).filter((dn) => dn !== population.hiddenUnit);
  const groups = (
    await searchEntries(admin.client, units[0] ?? deps.baseDn, {
      filter: "(objectClass=group)",
      attributes: ["objectGUID"],
    })
  ).map(objectGuidOf);
  let lastNewsAt = 0;
  let number = 0;

  const linkMember = async (mode: "add" | "delete", guid: string): Promise<void> => {
    const group = await admin.read(random.pick(groups));
    const dn = await admin.dnOf(guid);
    const isMember = (group.attributes.get("member") ?? []).some((value) => value.toString("utf8") === dn);
    if (isMember === (mode === "delete")) await admin.client.modify(group.dn, changeOf(mode, "member", [dn]));
  };

  const kinds: Readonly<Record<string, Kind>> = {
    set: {
      ...{ weight: 40, isNews: true },
      edit: (guid, number) => admin.set(guid, random.pick(plainAttributes), `Edit ${number}`),
    },
    rename: { weight: 5, edit: (guid, number) => admin.rename(guid, `Renamed, ${number} + more`) },
    move: {
      weight: 5,
      async edit(guid, number) {
        // Somebody there may have the same name.
        await admin.rename(guid, `Moved ${number}`);
        await admin.move(guid, random.pick(units));
      },
    },
    manager: {
      weight: 8,
      async edit(guid) {
        const manager = random.pick(people);
        if (manager !== guid) await admin.set(guid, "manager", await admin.dnOf(manager));
      },
    },
    userPrincipalName: {
      ...{ weight: 3, left: 10, isNews: true },
      edit: (guid, number) => admin.changeUserPrincipalName(guid, `edited.${number}@${suffix}`),
    },
    clear: { weight: 3, left: 12, edit: (guid) => admin.set(guid, random.pick(["department", "title", "company"])) },
    disable: {
      ...{ weight: 3, left: 10, isNews: true },
      async edit(guid) {
        await admin.disable(guid);
        disabled.push(guid);
      },
    },
    enable: {
      ...{ weight: 3, isPossible: () => disabled.length > 0 },
      async edit() {
        const guid = disabled.shift();
        if (guid !== undefined) await admin.enable(guid);
      },
    },
    create: {
      ...{ weight: 8, isNews: true },
      async edit(_guid, number) {
        // Named alike, so that an alias given at creation is the one that it would be given later.
        const login = `made-${number}`;
        const names = { sAMAccountName: login, userPrincipalName: `${login}@${suffix}` };
        created.push(await admin.createUser(random.pick(units), `Made ${number}`, { ...names, displayName: login }));
      },
    },
    delete: {
      ...{ weight: 4, left: 12, isPossible: () => created.length > 0 },
      async edit(_guid, number) {
        const guid = created.shift();
        if (guid === undefined) return;
        await admin.delete(guid);
        tombstones.push({ guid, name: `Back ${number}` });
      },
    },
    undelete: {
      ...{ weight: 3, isPossible: () => tombstones.length > 0 },
      async edit() {
        const tombstone = tombstones.shift();
        if (tombstone !== undefined) await admin.undelete(tombstone.guid, tombstone.name);
      },
    },
    ...(groups.length > 0 && {
      addMember: { weight: 12, edit: (guid: string) => linkMember("add", guid) },
      removeMember: { weight: 4, left: 12, edit: (guid: string) => linkMember("delete", guid) },
    }),
  };

  function draw(): [string, Kind] {
    const open = Object.entries(kinds).filter(([, kind]) => kind.left !== 0 && kind.isPossible?.() !== false);
    let at = random.below(open.reduce((sum, [, kind]) => sum + kind.weight, 0));
    for (const entry of open) {
      at -= entry[1].weight;
      if (at < 0) return entry;
    }
    throw new Error("No kind of edit is left.");
  }

  return {
    async burst(edits) {
      const first = random.below(people.length);
      let open = Math.min(edits, people.length);
      const worker = async (): Promise<void> => {
        while (open > 0) {
          open -= 1;
          number += 1;
          const own = number;
          const guid = people[(first + open) % people.length];
          const [name, kind] = draw();
          if (guid === undefined) return;
          if (kind.left !== undefined) kind.left -= 1;
          await carryOut(() => kind.edit(guid, own));
          made[name] = (made[name] ?? 0) + 1;
          if (kind.isNews) lastNewsAt = Date.now();
        }
      };
      await Promise.all(Array.from({ length: inFlight }, worker));
    },
    lastNewsAt: () => lastNewsAt,
    made: () => made,
  };
}
