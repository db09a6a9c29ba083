/**
 * Groups, members and managers through the whole cloud side, with activities that die at any of their writes or are called
 * twice. What the target should hold is told by the directory alone.
 */
import { expect } from "vitest";
import type { Change } from "../../shared/contracts/change.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { aGroup, managedBy, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { changing, namesIn } from "../support/links.ts";

class Crash extends Error {}

const KEEPER = aUser("keeper", { isCriticalSystemObject: "TRUE" });

export async function createLinkWorld(options: { readonly twice?: boolean } = {}) {
  let crashAfter: number | undefined;
  let writes = 0;
  let isActive = 0;
  const onWrite = () => {
    if (isActive === 0) return;
    writes++;
    if (crashAfter === undefined || --crashAfter > 0) return;
    crashAfter = undefined;
    throw new Crash("The activity died here.");
  };
  const cloud: Cloud = await createCloud({
    chunkObjects: 3,
    wrapRows: (rows) => watched(rows, onWrite),
    wrapBlobs: (blobs) => ({
      ...blobs,
      put: (path, content, more) => {
        onWrite();
        return blobs.put(path, content, more);
      },
    }),
    aroundActivity: async (_name, _input, run) => {
      isActive++;
      try {
        if (options.twice) await repeated(run);
        return await repeated(run);
      } finally {
        isActive--;
      }
    },
  });
  // The target is written in one go, and the activity may die before its answer is noted.
  for (const method of ["apply", "changeMembers"] as const) {
    const call = cloud.target[method] as (...own: unknown[]) => Promise<unknown>;
    Object.assign(cloud.target, {
      [method]: async (...own: unknown[]) => {
        const answer = await call(...own);
        onWrite();
        return answer;
      },
    });
  }
  const agent = await cloud.addDomain("corp.example");
  const people = new Map<string, { readonly manager: string | null; readonly deleted: boolean }>();
  const groups = new Map<string, Set<string>>();
  let journal: Change[] = [];

  const person = (name: string): Change => {
    const own = people.get(name);
    return managedBy(own?.manager ?? null, aUser(name));
  };

  return {
    cloud,
    agent,
    writes: () => writes,
    crashAt: (n: number) => {
      crashAfter = n;
    },
    hire(name: string, manager: string | null = null) {
      people.set(name, { manager, deleted: false });
      journal.push(person(name));
    },
    fire(name: string) {
      people.set(name, { manager: people.get(name)?.manager ?? null, deleted: true });
      // The directory takes the links of what it deletes, and says nothing of it.
      for (const members of groups.values()) members.delete(name);
      journal.push({ op: "delete", objectGuid: guidOf(name) });
    },
    rehire(name: string, into: readonly string[]) {
      people.set(name, { manager: people.get(name)?.manager ?? null, deleted: false });
      for (const group of into) groups.get(group)?.add(name);
      const back = person(name);
      if (back.op !== "upsert") return;
      const memberOf = { attribute: "memberOf", mode: "replace" as const, remove: [], part: 0, last: true };
      const add = into.map((group) => ({ guid: guidOf(group) }));
      journal.push({ ...back, links: [...(back.links ?? []), { ...memberOf, add }] });
    },
    found(group: string, members: readonly string[]) {
      groups.set(group, new Set(members));
      journal.push(withMembers(members, aGroup(group)));
    },
    change(group: string, add: readonly string[], remove: readonly string[]) {
      for (const name of add) groups.get(group)?.add(name);
      for (const name of remove) groups.get(group)?.delete(name);
      journal.push(changing(group, { add, remove }));
    },
    manage(name: string, manager: string) {
      people.set(name, { manager, deleted: false });
      const own = person(name);
      journal.push(own.op === "upsert" ? { ...own, changed: ["manager"] } : own);
    },
    read(want: "full" | "delta", size: number) {
      const living = [...people].filter(([, own]) => !own.deleted).map(([name]) => person(name));
      const all = [...[...groups].map(([name, own]) => withMembers([...own], aGroup(name))), ...living, KEEPER];
      const changes = want === "full" ? all : journal;
      journal = [];
      return agent.read(want, changes, size);
    },
    async settle() {
      crashAfter = undefined;
      for (let round = 0; round < 6; round++) {
        await cloud.run();
        cloud.clock.set(cloud.clock.now() + 3_600_000);
        await cloud.tick();
        await cloud.driver.settled();
        await cloud.run();
      }
    },
    /** Memberships and managers are those of the directory; another full read writes nothing. */
    async check() {
      await this.settle();
      const known = new Set([...[...people].filter(([, own]) => !own.deleted).map(([name]) => name), ...groups.keys()]);
      const wanted = Object.fromEntries(
        [...groups].map(([group, own]) => [group, [...own].filter((name) => known.has(name)).sort()]),
      );
      expect(Object.fromEntries([...groups.keys()].map((group) => [group, namesIn(cloud, group)]))).toEqual(wanted);
      for (const [name, { manager, deleted }] of people) {
        if (deleted || manager === null || !known.has(manager)) continue;
        const own = objectOf(name);
        expect(own?.values["manager"], `manager of ${name}`).toBe(objectOf(manager)?.id);
      }
      expect((await agent.status()).escrowed).toBe(0);
      const before = cloud.target.writes();
      await this.read("full", 4);
      await this.settle();
      expect(cloud.target.writes(), "a read without changes wrote").toBe(before);
      const twins = cloud.target.objects().map((own) => String(own.values["displayName"]));
      expect(new Set(twins).size, "twins").toBe(twins.length);
    },
  };

  function objectOf(name: string) {
    return cloud.target.objects().find((own) => !own.deleted && own.values["displayName"] === name);
  }
}

export type LinkWorld = Awaited<ReturnType<typeof createLinkWorld>>;

async function repeated(run: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }
}

function watched(rows: RowStore, onWrite: () => void): RowStore {
  return {
    ...rows,
    table(name) {
      const table = rows.table(name);
      return {
        ...table,
        transact(partition, operations) {
          onWrite();
          return table.transact(partition, operations);
        },
      };
    },
  };
}
