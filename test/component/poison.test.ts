import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type ChunkFile, FILES } from "../../shared/application/lanes/chunk-files.ts";
import { createClaimIndex } from "../../shared/application/state/claim-index.ts";
import { type CycleRow, jobTable, listRows } from "../../shared/application/state/job-rows.ts";
import { createObjectStore } from "../../shared/application/state/object-store.ts";
import { gunzipJson, packJson, unpackJson } from "../../shared/application/state/packing.ts";
import { shardOf } from "../../shared/domain/shard.ts";
import { type RowStore, type RowTable, type RowValues, StorageError } from "../../shared/ports/row-store.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const NAMES = ["ann", "bob", "cid"] as const;
const people = (department: string) => NAMES.map((name) => aUser(name, { department }));
const departmentsOf = (cloud: Cloud) =>
  Object.fromEntries(cloud.target.objects().map(({ values }) => [values["displayName"], values["department"]]));

async function start(options: Parameters<typeof createCloud>[0] = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", people("Sales"));
  expect(departmentsOf(cloud)).toEqual({ ann: "Sales", bob: "Sales", cid: "Sales" });
  return { cloud, agent };
}

type World = Awaited<ReturnType<typeof start>>;

async function escrowsOf({ cloud, agent }: World) {
  const found = await cloud.cloud.routes.queries.escrows(agent.jobId);
  if (!found.ok) throw new Error(found.failure.message);
  return found.value;
}

/** Writes over columns of somebody's row, as damage would; gives back what they were. */
async function damage({ cloud, agent }: World, name: string, change: (values: RowValues) => RowValues) {
  const table = cloud.rows.table("objects");
  const [partition, row] = [`tenant:${shardOf(guidOf(name))}`, `${agent.configurationId}:${guidOf(name)}`];
  const found = await table.get(partition, row);
  if (!found) throw new Error(`There is no row of ${name}.`);
  await table.transact(partition, [{ op: "upsert", row, values: { ...found.values, ...change(found.values) } }]);
  return found.values;
}

/** What somebody wants to claim is never written; a fault that is taken away again. */
function failingClaims(objectGuid: string, fault: { readonly thrown?: Error }) {
  return (rows: RowStore): RowStore => ({
    ...rows,
    table(name) {
      const table = rows.table(name);
      if (name !== "claims") return table;
      const transact: RowTable["transact"] = async (partition, operations) => {
        if (fault.thrown && JSON.stringify(operations).includes(objectGuid)) throw fault.thrown;
        return table.transact(partition, operations);
      };
      return { ...table, transact };
    },
  });
}

async function pass({ cloud }: World, ms: number) {
  cloud.clock.set(cloud.clock.now() + ms);
  await cloud.tick();
  await cloud.driver.settled();
  await cloud.run();
}

describe("an object that always fails holds up nobody else", () => {
  it("when its mapping meets a defect: it waits with its own gap, and goes on when the cause is gone", async () => {
    const world = await start();
    const { cloud, agent } = world;
    // No value that a directory could send, and no expression that fails: the engine itself falls over it.
    const before = await damage(world, "bob", (values) => {
      const image = unpackJson<Record<string, unknown>>(values["image"] as Uint8Array);
      return { image: packJson({ ...image, mobile: [{ toString: 1 }, 42] }) };
    });
    await agent.read(
      "delta",
      NAMES.map((name) => aUser(name, { department: "Finance" }, ["department"])),
    );
    expect(departmentsOf(cloud)).toEqual({ ann: "Finance", bob: "Sales", cid: "Finance" });
    expect(await escrowsOf(world)).toMatchObject([
      {
        objectGuid: guidOf("bob"),
        code: "InternalError",
        attempts: 1,
        message: expect.stringContaining(guidOf("bob")),
      },
    ]);
    expect(cloud.logged.filter((line) => line.event === "step-failed")).toEqual([]);
    await pass(world, 10 * MINUTE);
    const [escrow] = await escrowsOf(world);
    expect(escrow).toMatchObject({ attempts: 2 });
    expect(Date.parse(escrow?.nextAttemptAt ?? "") - cloud.clock.now()).toBe(HOUR);
    await damage(world, "bob", () => ({ image: before["image"] ?? "" }));
    await pass(world, HOUR);
    expect(await escrowsOf(world)).toEqual([]);
    await agent.read("delta", people("Legal"));
    expect(departmentsOf(cloud)).toEqual({ ann: "Legal", bob: "Legal", cid: "Legal" });
  });

  it("when its row can't be read: nothing is written over it, and once mended it goes on with its link", async () => {
    const world = await start();
    const { cloud, agent } = world;
    const before = await damage(world, "bob", () => ({ image: Buffer.from([1, 2, 3]), link: Buffer.from([9]) }));
    await agent.read("delta", people("Finance"));
    expect(departmentsOf(cloud)).toEqual({ ann: "Finance", bob: "Sales", cid: "Finance" });
    expect(await escrowsOf(world)).toMatchObject([{ objectGuid: guidOf("bob"), code: "EntryUnreadable" }]);
    // Somebody new who wants its name waits for it, and takes nobody else along.
    await agent.read("delta", [aUser("dan", { userPrincipalName: "bob@corp.example" }), aUser("eve")]);
    expect(departmentsOf(cloud)).toMatchObject({ eve: undefined, bob: "Sales" });
    expect((await escrowsOf(world)).map(({ code }) => code).sort()).toEqual([
      "AttributeValueMustBeUnique",
      "EntryUnreadable",
    ]);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("bob") }]);
    expect(cloud.target.objects().filter((object) => object.deleted)).toEqual([]);

    const damaged = await damage(world, "bob", () => before);
    expect(damaged["link"]).toEqual(new Uint8Array([9]));
    await agent.read("full", [...people("Finance"), aUser("eve")]);
    expect(departmentsOf(cloud)).toMatchObject({ bob: "Finance" });
    expect(cloud.target.objects().filter(({ values }) => values["displayName"] === "bob")).toHaveLength(1);
    await pass(world, HOUR);
    expect((await escrowsOf(world)).map(({ code }) => code)).not.toContain("EntryUnreadable");
  });

  it("when it is too large for a row: it waits with the attribute's name and stays as it is, until that fits again", async () => {
    const world = await start();
    const { cloud, agent } = world;
    const large = Array.from({ length: 800 }, () => randomBytes(1900).toString("base64"));
    const grown = { department: "Finance", userCertificate: large };
    for (const kind of ["full", "delta", "full"] as const) {
      const changed = kind === "delta" ? ["department", "userCertificate"] : undefined;
      const [ann, cid] = ["ann", "cid"].map((name) => aUser(name, { department: "Finance" }));
      if (!ann || !cid) throw new Error("Nobody is there.");
      await agent.read(kind, [ann, aUser("bob", grown, changed), cid]);
      expect(departmentsOf(cloud)).toEqual({ ann: "Finance", bob: "Sales", cid: "Finance" });
      expect((await agent.status()).fullReadWanted).toBeNull();
    }
    await agent.read("delta", [aUser("dan", grown), aUser("eve", { department: "Legal" })]);
    expect(departmentsOf(cloud)).toMatchObject({ eve: "Legal" });
    const told = (await escrowsOf(world)).filter(({ objectGuid }) => objectGuid === guidOf("bob"));
    expect(told).toMatchObject([{ code: "ExceededAllowedLength" }]);
    expect(told[0]?.message).toContain("userCertificate (");
    expect(await escrowsOf(world)).toHaveLength(2);
    // A later change of something else, and another try, don't bring what is missing.
    await agent.read("delta", [aUser("bob", { department: "Legal" }, ["department"])]);
    await pass(world, 24 * HOUR);
    expect(departmentsOf(cloud)["bob"]).toBe("Sales");
    await agent.read("delta", [aUser("bob", { department: "Legal" }, ["userCertificate"])]);
    expect(departmentsOf(cloud)["bob"]).toBe("Legal");
    await agent.read("full", [
      ...people("Legal"),
      ...["dan", "eve"].map((name) => aUser(name, { department: "Legal" })),
    ]);
    expect(departmentsOf(cloud)).toEqual({ ann: "Legal", bob: "Legal", cid: "Legal", dan: "Legal", eve: "Legal" });
    expect(await escrowsOf(world)).toEqual([]);
  });

  it("when an attribute of it was too large to be sent: it waits with that one's name, which is not taken for empty", async () => {
    const world = await start();
    const { cloud, agent } = world;
    const sent = (name: string, changed?: readonly string[]) => ({
      ...aUser(name, {}, changed),
      tooLarge: { department: 5_000_000 },
    });
    for (const kind of ["delta", "full"] as const) {
      const changed = kind === "delta" ? ["department"] : undefined;
      const [ann, cid] = ["ann", "cid"].map((name) => aUser(name, { department: "Finance" }));
      if (!ann || !cid) throw new Error("Nobody is there.");
      await agent.read(kind, [ann, sent("bob", changed), cid, sent("dan")]);
      expect(departmentsOf(cloud)).toEqual({ ann: "Finance", bob: "Sales", cid: "Finance" });
      const told = await escrowsOf(world);
      expect(told.map(({ objectGuid, code }) => [objectGuid, code]).sort()).toEqual(
        ["bob", "dan"].map((name) => [guidOf(name), "ExceededAllowedLength"]).sort(),
      );
      for (const { message } of told) expect(message).toContain("department (4883 KiB)");
      expect((await agent.status()).fullReadWanted).toBeNull();
    }
    await agent.read("delta", [aUser("bob", { department: "Legal" }, ["department"])]);
    await agent.read("full", [...people("Legal"), aUser("dan")]);
    expect(departmentsOf(cloud)).toEqual({ ann: "Legal", bob: "Legal", cid: "Legal", dan: undefined });
    expect(await escrowsOf(world)).toEqual([]);
  });

  it("when a change of it meets a defect: it stays as it is until it is told whole, whatever is tried before", async () => {
    const world = await start();
    const { cloud, agent } = world;
    // No row that this service writes: folding a change into it fails before anything is known.
    await damage(world, "bob", () => ({ missing: JSON.stringify({ readNo: 1, names: 7 }) }));
    await agent.read(
      "delta",
      NAMES.map((name) => aUser(name, { department: "Finance" }, ["department"])),
    );
    const settled = async (code: string | undefined) => {
      expect(departmentsOf(cloud)).toEqual({ ann: "Finance", bob: "Sales", cid: "Finance" });
      expect((await escrowsOf(world)).map((own) => [own.objectGuid, own.code])).toEqual([[guidOf("bob"), code]]);
      expect(cloud.logged.filter((line) => line.event === "step-failed")).toEqual([]);
      expect((await agent.status()).fullReadWanted).toBeNull();
    };
    await settled("InternalError");
    // The row is as it was, but the change is lost: what it says is not to be taken for what the directory says.
    await damage(world, "bob", () => ({ missing: "null" }));
    await pass(world, 24 * HOUR);
    await settled("InternalError");
    await agent.read("full", people("Legal"));
    expect(departmentsOf(cloud)).toEqual({ ann: "Legal", bob: "Legal", cid: "Legal" });
    expect(await escrowsOf(world)).toEqual([]);
  });

  it("when nobody can be planned together with it: a batch's last attempt goes on without it", async () => {
    const fault: { thrown?: Error } = { thrown: new TypeError("poison") };
    const world = await start({ wrapRows: failingClaims(guidOf("dan"), fault) });
    const { cloud, agent } = world;
    await agent.read("delta", [...people("Finance"), aUser("dan"), aUser("eve")]);
    expect(departmentsOf(cloud)).toMatchObject({ ann: "Finance", bob: "Finance", cid: "Finance", eve: undefined });
    expect(cloud.target.objects()).toHaveLength(4);
    expect(await escrowsOf(world)).toMatchObject([{ objectGuid: guidOf("dan"), code: "InternalError", attempts: 1 }]);
    expect(cloud.logged.filter((line) => line.event === "object-isolated")).toMatchObject([
      { fields: { jobId: agent.jobId, objectGuid: guidOf("dan") } },
    ]);
    expect(cloud.logged.filter((line) => line.event === "step-failed")).toHaveLength(2);
    expect(cloud.logged.filter((line) => line.event === "batch-parked")).toEqual([]);
    expect(await agent.status()).toMatchObject({ fullReadWanted: null, escrowed: 1 });
    const [cycle] = (await listRows<CycleRow>(jobTable(cloud.rows), agent.jobId, "cycle:")).reverse();
    expect(cycle?.value).toMatchObject({ received: 5, outcomes: { exported: 4, escrowed: 1 }, state: "ended" });
    // Its change is in its row: the next try needs no read.
    delete fault.thrown;
    await pass(world, 10 * MINUTE);
    expect(await escrowsOf(world)).toEqual([]);
    expect(cloud.target.objects()).toHaveLength(5);
  });

  it("when it alone can't be planned, what it had claimed by then stands on its row, and is given up with it", async () => {
    const cloud = await createCloud();
    // Somebody's with the name that it wants, so that the target is asked.
    cloud.target.seed([{ values: { displayName: "stranger", userPrincipalName: "dan@corp.example" } }]);
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", people("Sales"));
    const { find } = cloud.target;
    let isPoisoned = true;
    cloud.target.find = (queries, options) => {
      if (isPoisoned && JSON.stringify(queries).includes("dan@corp.example")) throw new TypeError("poison");
      return find(queries, options);
    };
    await agent.read("delta", [...people("Finance"), aUser("dan")]);
    expect(await escrowsOf({ cloud, agent })).toMatchObject([{ objectGuid: guidOf("dan"), code: "InternalError" }]);
    const objects = createObjectStore({ rows: cloud.rows, targetKey: "tenant" });
    const row = await objects.get(agent.configurationId, guidOf("dan"));
    const anchor = row?.record.claims?.find(({ kind }) => kind === "sourceAnchor");
    expect(anchor).toBeDefined();
    const claims = createClaimIndex({ rows: cloud.rows, targetKey: "tenant" });
    expect(await claims.holder(anchor ?? { kind: "sourceAnchor", value: "" })).toMatchObject({ kind: "taken" });
    isPoisoned = false;
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("dan") }]);
    expect(await claims.holder(anchor ?? { kind: "sourceAnchor", value: "" })).toBeUndefined();
  });

  it("but nobody is taken for the fault when storage can't be reached: the batch is set aside as ever", async () => {
    const thrown = new StorageError("storage-unreachable", "No answer.");
    const { cloud, agent } = await start({ wrapRows: failingClaims(guidOf("dan"), { thrown }) });
    await agent.read("delta", [...people("Finance"), aUser("dan")]);
    expect(cloud.logged.filter((line) => line.event === "object-isolated")).toEqual([]);
    expect(cloud.logged.filter((line) => line.event === "batch-parked")).toHaveLength(1);
    expect((await agent.status()).fullReadWanted).toBe("parked-batch");
  });

  it("when its export always times out: it is tried within 40 minutes, for ever, and the others go on", async () => {
    const world = await start();
    const { cloud, agent } = world;
    const failure = { code: "Timeout" as const, message: "no answer", remedy: "", retriable: true };
    cloud.target.order({ kind: "fail", count: 1_000, failure, matches: (action) => action.key === guidOf("bob") });
    await agent.read("delta", people("Finance"));
    expect(departmentsOf(cloud)).toEqual({ ann: "Finance", bob: "Sales", cid: "Finance" });
    const sent = () => cloud.target.received.filter((action) => action.key === guidOf("bob")).length;
    const before = sent();
    for (let minutes = 0; minutes < 240; minutes += 2) await pass(world, 2 * MINUTE);
    expect(sent() - before).toBe(5 + Math.floor((240 - 62) / 40));
    await agent.read("delta", people("Legal"));
    expect(departmentsOf(cloud)).toEqual({ ann: "Legal", bob: "Sales", cid: "Legal" });
    expect(await escrowsOf(world)).toMatchObject([{ code: "Timeout" }]);
  });

  it("when the work of many fails with it: that is halved until it stands alone", async () => {
    const poisoned = guidOf("bob");
    let isPoisoned = true;
    let cloud: Cloud | undefined;
    const world = await start({
      aroundActivity: async (name, input, run) => {
        const { batchId, chunk } = input as { batchId?: string; chunk?: number };
        if (name === "MapChunk" && isPoisoned && cloud && batchId?.includes("-work-")) {
          const file = await cloud.blobs.get(FILES.chunk(batchId, chunk ?? 0));
          if (file && gunzipJson<ChunkFile>(file).items.some((item) => item.objectGuid === poisoned))
            throw new Error("Something nobody thought of.");
        }
        return run();
      },
    });
    cloud = world.cloud;
    const refused = { code: "UnprocessableEntity" as const, message: "no", remedy: "", retriable: false };
    cloud.target.order({ kind: "fail", count: 3, failure: refused });
    await world.agent.read("delta", people("Finance"));
    expect(await escrowsOf(world)).toHaveLength(3);
    await pass(world, 2 * MINUTE);
    expect(departmentsOf(cloud)).toEqual({ ann: "Finance", bob: "Sales", cid: "Finance" });
    expect(await escrowsOf(world)).toMatchObject([{ objectGuid: poisoned, code: "InternalError", attempts: 1 }]);
    expect(cloud.logged.filter((line) => line.event === "object-isolated")).toHaveLength(1);
    expect((await world.agent.status()).waiting).toMatchObject({ work: 0 });
    isPoisoned = false;
    await pass(world, 10 * MINUTE);
    expect(departmentsOf(cloud)).toEqual({ ann: "Finance", bob: "Finance", cid: "Finance" });
    expect(await escrowsOf(world)).toEqual([]);
  });

  it("however many there are: who has waited longest has its turn first", async () => {
    const cloud = await createCloud({ escrowsAtOnce: 2 });
    const agent = await cloud.addDomain("corp.example");
    const names = Array.from({ length: 12 }, (_, at) => `user${at}`);
    const failure = { code: "UnprocessableEntity" as const, message: "no", remedy: "", retriable: false };
    cloud.target.order({ kind: "fail", count: 12, failure });
    cloud.target.order({ kind: "fail", count: 10_000, failure, matches: (action) => action.key !== guidOf("user7") });
    await agent.read(
      "full",
      names.map((name) => aUser(name)),
    );
    const world = { cloud, agent };
    expect(await escrowsOf(world)).toHaveLength(12);
    // At each tick all of them are due: whoever is asked first again and again would keep the others from their turn.
    for (let ticks = 0; ticks < 6; ticks++) await pass(world, 13 * HOUR);
    expect(cloud.target.objects().map(({ values }) => values["displayName"])).toEqual(["user7"]);
  });
});
