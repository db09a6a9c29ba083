/** An entry of the exclusion list is taken off by a service that dies at any of its writes: whoever it kept is caught up with all the same. */
import { describe, expect, it } from "vitest";
import type { Change } from "../../shared/contracts/change.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";

const BY = "an admin";
const REASON = "break-glass";
const DIED = "The service is gone.";
const BEFORE = ["sales", "sales"];
const AFTER = ["law", "law"];

/** The write that is the last one, counted from 1, and whether it is there. */
interface Moment {
  readonly fatal: number;
  readonly isWritten: boolean;
}

/** A service that dies at its `fatal`-th write from `arm()` on, before it is there or right after, and writes nothing more. */
function mortal({ fatal, isWritten }: Moment) {
  let isArmed = false;
  let writes = 0;
  const write = async <T>(run: () => Promise<T>): Promise<T> => {
    if (!isArmed) return run();
    writes += 1;
    if (writes > fatal) throw new Error(DIED);
    if (writes < fatal) return run();
    if (isWritten) await run();
    throw new Error(DIED);
  };
  const wrapRows = (rows: RowStore): RowStore => ({
    ...rows,
    table: (name) => {
      const table = rows.table(name);
      return { ...table, transact: (partition, operations) => write(() => table.transact(partition, operations)) };
    },
  });
  const wrapBlobs = (blobs: BlobStore): BlobStore => ({
    ...blobs,
    put: (path, bytes, options) => write(() => blobs.put(path, bytes, options)),
  });
  return {
    ...{ wrapRows, wrapBlobs },
    writes: () => writes,
    arm: (to: boolean) => {
      isArmed = to;
    },
  };
}

/** Ann changed while she was on the list, in either forest: one job may have its work when the service dies, and the other none. */
async function start(moment: Moment) {
  const service = mortal(moment);
  const cloud = await createCloud(service);
  const agents = [await cloud.addDomain("corp.example"), await cloud.addDomain("other.example")];
  const { exclusions } = cloud.cloud.routes;
  const guid = guidOf("ann");
  const read = async (want: "full" | "delta", department: string) => {
    for (const [at, agent] of agents.entries()) await agent.read(want, [annOf(at, department)]);
  };
  await read("full", "sales");
  await exclusions.add(guid, REASON, BY);
  await cloud.run();
  await read("delta", "law");
  const remove = () => exclusions.remove(guid, BY);
  const departments = () => cloud.target.objects().map((own) => own.values["department"]);
  return { service, cloud, guid, read, remove, departments, exclusions };
}

/** The same objectGUID in two forests, of two people. */
function annOf(forest: number, department: string): Change {
  const anchor = { base64: Buffer.from(`person ${forest}`.padEnd(16, "!")).toString("base64") };
  const names = { userPrincipalName: `ann${forest}@corp.example`, mail: `ann${forest}@corp.example` };
  const change = aUser("ann", { ...names, department });
  if (change.op !== "upsert") throw new Error("Not an upsert.");
  return { ...change, attributes: { ...change.attributes, "ms-DS-ConsistencyGuid": [anchor] } };
}

/** Of a removal that nobody ends. */
async function writesOfARemoval(): Promise<number> {
  const { service, remove } = await start({ fatal: Number.POSITIVE_INFINITY, isWritten: true });
  service.arm(true);
  expect(await remove()).toMatchObject({ ok: true });
  return service.writes();
}

async function died(moment: Moment) {
  const all = await start(moment);
  expect(all.departments()).toEqual(BEFORE);
  all.service.arm(true);
  await expect(all.remove()).rejects.toThrow(DIED);
  all.service.arm(false);
  // Nobody rings for a service that died: the sweep takes up what waits for too long.
  all.cloud.bells.splice(0);
  return all;
}

async function moments(): Promise<Moment[]> {
  const count = await writesOfARemoval();
  expect(count).toBeGreaterThanOrEqual(4);
  const each = Array.from({ length: count }, (_, at) => at + 1);
  return each.flatMap((fatal) => [false, true].map((isWritten) => ({ fatal, isWritten })));
}

/** Late enough for what waits for a bell that nobody rang. */
async function tickLater(cloud: Awaited<ReturnType<typeof createCloud>>) {
  cloud.clock.set(cloud.clock.now() + 180_000);
  await cloud.tick();
  await cloud.run();
}

describe("a removal whose service dies at a write of it", () => {
  it("is ended by whoever asks for it again, at each write", async () => {
    for (const moment of await moments()) {
      const { cloud, remove, departments, exclusions, guid } = await died(moment);
      const again = await remove();
      if (again.ok) await cloud.run();
      else {
        // The last write was there: what it left to do waits for the sweep alone.
        expect(again.failure).toMatchObject({ status: 404 });
        await tickLater(cloud);
      }
      expect({ ...moment, departments: departments() }).toEqual({ ...moment, departments: AFTER });
      expect(await exclusions.show(guid)).toMatchObject({ failure: { status: 404 } });
    }
  });

  it("is ended by the tick once it is begun, at each write; before that the entry holds", async () => {
    for (const moment of await moments()) {
      const { cloud, departments, exclusions, guid } = await died(moment);
      const isBegun = moment.fatal > 1 || moment.isWritten;
      expect({ ...moment, holds: (await exclusions.show(guid)).ok }).toEqual({ ...moment, holds: !isBegun });
      expect(await exclusions.list()).toHaveLength(isBegun ? 0 : 1);
      await tickLater(cloud);
      await tickLater(cloud);
      expect({ ...moment, departments: departments() }).toEqual({ ...moment, departments: isBegun ? AFTER : BEFORE });
      expect((await exclusions.show(guid)).ok).toBe(!isBegun);
    }
  });

  it("gives way to whoever puts the entry there again", async () => {
    const { cloud, departments, exclusions, guid, read } = await died({ fatal: 1, isWritten: true });
    expect(await exclusions.add(guid, "on second thoughts", "another admin")).toMatchObject({ ok: true });
    await cloud.run();
    await tickLater(cloud);
    expect(await exclusions.list()).toMatchObject([{ guid, by: "another admin", reason: "on second thoughts" }]);
    await read("delta", "art");
    expect(departments()).toEqual(BEFORE);
  });
});
