/** Filters that ask for units and groups by objectGUID: who comes in and goes out by it, without being read again. */
import { describe, expect, it } from "vitest";
import type { Change } from "../../shared/contracts/change.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { shardOf } from "../../shared/domain/shard.ts";
import type {
  ScopeFilterClause,
  ScopeFilterGroup,
  SynchronizationSchema,
} from "../../shared/domain/synchronization-schema.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { changing, namesIn } from "../support/links.ts";
import { readLog } from "../support/log.ts";

const memberOf = (...groups: string[]): ScopeFilterClause => ({
  sourceOperandName: "objectGUID",
  operatorName: "IS_MEMBER_OF",
  targetOperand: { values: groups.map(guidOf) },
});
const below = (...units: string[]): ScopeFilterClause => ({
  sourceOperandName: "distinguishedName",
  operatorName: "IS_DESCENDANT_OF",
  targetOperand: { values: units.map(guidOf) },
});
const equals = (attribute: string, value: string): ScopeFilterClause => ({
  sourceOperandName: attribute,
  operatorName: "EQUALS",
  targetOperand: { values: [value] },
});
const not = (clause: ScopeFilterClause): ScopeFilterClause => ({
  ...clause,
  operatorName: `NOT ${clause.operatorName}`,
});
const ways = (...groups: ScopeFilterClause[][]): ScopeFilterGroup[] =>
  groups.map((clauses, index) => ({ name: `way ${index + 1}`, clauses }));

const ROOT = "domain corp.example";
const unit = (name: string, parent = ROOT): Change => ({
  op: "container",
  objectGuid: guidOf(name),
  objectClass: "organizationalUnit",
  dn: `OU=${name},DC=corp,DC=example`,
  parentGuid: guidOf(parent),
});
const inside = (parent: string, change: Change): Change =>
  change.op === "upsert" ? { ...change, parentGuid: guidOf(parent) } : change;
const user = (name: string, parent = "Everybody", attributes: Record<string, string> = {}) =>
  inside(parent, aUser(name, attributes));
const group = (name: string, members: readonly string[], parent = "Groups") =>
  inside(parent, withMembers(members, aGroup(name)));
const gone = (name: string): Change => ({ op: "delete", objectGuid: guidOf(name) });

interface Options {
  readonly settings?: Partial<JobSettings>;
  readonly cloud?: CloudOptions;
  /** Groups have the same filter as people. */
  readonly forAll?: boolean;
}

/** `groups`: of the filter for people. */
async function start(groups: ScopeFilterGroup[], options: Options = {}) {
  const cloud = await createCloud(options.cloud);
  const agent = await cloud.addDomain("corp.example", options.settings);
  await setFilter(groups);

  /** Each filter is a version of the schema of its own. */
  async function setFilter(own: ScopeFilterGroup[]) {
    const schema = defaultSchema();
    const [rule] = schema.synchronizationRules;
    const objectMappings = (rule?.objectMappings ?? []).map((mapping) =>
      mapping.sourceObjectName === "group" && !options.forAll ? mapping : { ...mapping, scope: { groups: own } },
    );
    const put = await cloud.cloud.routes.schemas.put(
      agent.jobId,
      { ...schema, synchronizationRules: [{ ...rule, objectMappings }] } as SynchronizationSchema,
      "test",
    );
    if (!put.ok) throw new Error(put.failure.message);
  }

  const people = () =>
    cloud.target
      .objects()
      .filter((own) => own.type !== "group" && !own.deleted)
      .map((own) => String(own.values["displayName"]))
      .sort();
  const logOf = async (name: string) => {
    const log = await readLog(cloud.cloud.routes, {
      jobId: agent.jobId,
      objectGuid: guidOf(name),
      sinceDays: 400,
      top: 50,
    });
    return JSON.stringify(log);
  };
  return { cloud, agent, people, setFilter, logOf };
}

const UNITS = [unit("Everybody"), unit("Groups")];

describe("a filter by group", () => {
  it("lets in who is in it, nested ones included, whatever the order in which they come", async () => {
    const { agent, people, cloud } = await start(ways([memberOf("staff")]));
    const changes = [
      user("ann"),
      user("bob"),
      user("cat"),
      user("dan"),
      group("staff", ["ann", "sales"]),
      group("sales", ["bob", "deep"]),
      group("deep", ["cat", "sales"]),
      ...UNITS,
    ];
    await agent.read("full", changes, 2);
    expect(people()).toEqual(["ann", "bob", "cat"]);
    expect(namesIn(cloud, "sales")).toEqual(["bob", "deep"]);
    const writes = cloud.target.writes();
    await agent.read("full", changes, 3);
    expect(cloud.target.writes()).toBe(writes);
    expect((await agent.status()).trouble).toBeNull();
  });

  it("follows who comes and goes, and groups that are nested in and out, without another read of the members", async () => {
    const { agent, people } = await start(ways([memberOf("staff")]));
    await agent.read("full", [
      ...UNITS,
      ...["ann", "bob", "cat", "dan"].map((name) => user(name)),
      group("staff", ["ann"]),
      group("sales", ["bob", "deep"]),
      group("deep", ["cat"]),
    ]);
    expect(people()).toEqual(["ann"]);
    await agent.read("delta", [changing("staff", { add: ["sales"] })]);
    expect(people()).toEqual(["ann", "bob", "cat"]);
    await agent.read("delta", [changing("deep", { add: ["dan"], remove: ["cat"] })]);
    expect(people()).toEqual(["ann", "bob", "dan"]);
    await agent.read("delta", [changing("sales", { remove: ["deep"] }), changing("staff", { remove: ["ann"] })]);
    expect(people()).toEqual(["bob"]);
    await agent.read("delta", [gone("sales")]);
    expect(people()).toEqual([]);
  });

  it.each([
    ["staff", "ann"],
    ["sales", "bob"],
  ])("lets nobody go while the row of its members can't be read (%s)", async (damaged, who) => {
    const { agent, people, cloud } = await start(ways([memberOf("staff")]));
    const all = (department: string) => [
      ...UNITS,
      ...["ann", "bob", "cat", "dan"].map((name) => user(name, "Everybody", { department })),
      group("staff", ["ann", "sales"]),
      group("sales", ["bob"]),
    ];
    await agent.read("full", all("Sales"));
    const table = cloud.rows.table("links");
    const [partition, row] = [
      `tenant:${shardOf(guidOf(damaged))}`,
      `h:${agent.configurationId}:${guidOf(damaged)}:member`,
    ];
    const before = await table.get(partition, row);
    if (!before) throw new Error("There is no such row.");
    const values = { ...before.values, edges: Buffer.from([1, 2, 3]) };
    await table.transact(partition, [{ op: "upsert", row, values }]);
    await agent.read("delta", [changing(damaged, { add: ["cat"], remove: [who] })]);
    await agent.read("delta", [user("dan", "Groups"), user("ann"), user("bob")]);
    await agent.read("full", all("Finance"));
    expect(people()).toEqual(["ann", "bob"]);
    expect(cloud.logged.filter(({ event }) => event === "step-failed")).toEqual([]);
    await table.transact(partition, [{ op: "upsert", row, values: before.values }]);
    await agent.read("full", all("Legal"));
    expect(people()).toEqual(["ann", "bob"]);
    expect(cloud.target.objects().map(({ values: { department } }) => department)).not.toContain("Sales");
  });
});

describe("a filter by unit", () => {
  it("follows objects, and units, into it and out of it, at any depth", async () => {
    const { agent, people } = await start(ways([below("Sales")]));
    const placed = [user("ann", "Sales"), user("bob", "North"), user("cat", "Lab")];
    await agent.read("full", [...placed, unit("North", "Sales"), unit("Lab"), unit("Sales"), ...UNITS], 2);
    expect(people()).toEqual(["ann", "bob"]);
    await agent.read("delta", [user("ann", "Lab"), user("cat", "North")]);
    expect(people()).toEqual(["bob", "cat"]);
    await agent.read("delta", [unit("North", "Lab")]);
    expect(people()).toEqual([]);
    await agent.read("delta", [unit("Lab", "Sales")]);
    expect(people()).toEqual(["ann", "bob", "cat"]);
  });

  it("knows what stands outside of all units, and in a container below one, by its name", async () => {
    const { agent, people } = await start(ways([below("Sales")]));
    const inContainer = (name: string, path: string) => {
      const change = user(name, `container of ${path}`);
      return change.op === "upsert" ? { ...change, dn: `CN=${name},${path}` } : change;
    };
    const users = inContainer("ann", "CN=Users,DC=corp,DC=example");
    await agent.read("full", [
      unit("Sales"),
      inContainer("bob", "CN=Robots,OU=Sales,DC=corp,DC=example"),
      inContainer("cat", "CN=Robots,OU=Unheard,DC=corp,DC=example"),
      user("ann", "Sales"),
      user("dan", "Sales"),
    ]);
    expect(people()).toEqual(["ann", "bob", "dan"]);
    await agent.read("delta", [users, inContainer("dan", "CN=Robots,OU=Unheard,DC=corp,DC=example")]);
    // Of dan nobody can say it: he stays.
    expect(people()).toEqual(["bob", "dan"]);
  });
});

describe("filters by both, and by attributes", () => {
  it("hold together, and in any of several ways", async () => {
    const { agent, people, logOf, cloud } = await start(
      ways([below("Sales"), equals("department", "IT")], [memberOf("staff", "guests"), not(below("Lab"))]),
    );
    await agent.read("full", [
      unit("Sales"),
      unit("Lab"),
      user("ann", "Sales", { department: "IT" }),
      user("bob", "Sales"),
      user("cat", "Lab"),
      user("dan", "Everybody"),
      group("staff", ["bob", "cat"]),
      group("guests", ["dan"]),
      ...UNITS,
    ]);
    expect(people()).toEqual(["ann", "bob", "dan"]);
    await agent.read("delta", [user("cat", "Sales"), user("bob", "Lab")]);
    expect(people()).toEqual(["ann", "cat", "dan"]);
    cloud.clock.set(cloud.clock.now() + 60_000);
    await agent.read("delta", [changing("guests", { remove: ["dan"] })]);
    expect(people()).toEqual(["ann", "cat"]);
    const log = await logOf("dan");
    expect(log).toContain(guidOf("guests"));
    expect(log).toContain(`guests (${guidOf("guests")})`);
  });
});

describe("what is not known", () => {
  it("removes nobody and makes nobody when the group is deleted, says so, and goes on when it is back", async () => {
    const { agent, people } = await start(ways([memberOf("staff")], [memberOf("guests")]));
    const all = [
      ...UNITS,
      ...["ann", "bob", "cat", "dan"].map((name) => user(name)),
      group("staff", ["ann", "bob"]),
      group("guests", ["cat"]),
    ];
    await agent.read("full", all);
    expect(people()).toEqual(["ann", "bob", "cat"]);
    await agent.read("delta", [gone("staff"), changing("guests", { remove: ["cat"] })]);
    expect(people()).toEqual(["ann", "bob", "cat"]);
    expect((await agent.status()).trouble).toMatchObject({
      code: "ScopeObjectMissing",
      objectGuids: [guidOf("staff")],
      message: expect.stringContaining(guidOf("staff")),
    });
    await agent.read("delta", [user("ann", "Groups"), user("eve")]);
    expect(people()).toEqual(["ann", "bob", "cat"]);
    expect(await agent.order("delta")).toMatchObject({ kind: "delta" });
    await agent.read("delta", [group("staff", ["bob", "dan"])]);
    expect((await agent.status()).trouble).toBeNull();
    expect(people()).toEqual(["bob", "dan"]);
  });

  it("is a group that was never read", async () => {
    const { agent, people } = await start(ways([]));
    await agent.read("full", [...UNITS, user("ann"), user("bob")]);
    expect(people()).toEqual(["ann", "bob"]);
    const {
      cloud,
      agent: other,
      people: others,
    } = await start(ways([memberOf("nowhere")], [equals("department", "IT")]));
    await other.read("full", [...UNITS, user("ann"), user("bob", "Everybody", { department: "IT" })]);
    expect(others()).toEqual(["bob"]);
    expect((await other.status()).trouble).toMatchObject({ objectGuids: [guidOf("nowhere")] });
    expect(cloud.logged.some((line) => line.event === "scope-objects-missing")).toBe(true);
  });

  it("is who is in a group before a full read has told of it, for a job that held everybody", async () => {
    const { agent, people, setFilter, cloud } = await start([]);
    const all = [...UNITS, user("ann"), user("bob"), user("cat"), group("staff", ["ann"])];
    await agent.read("full", all);
    expect(people()).toEqual(["ann", "bob", "cat"]);
    await setFilter(ways([memberOf("staff")]));
    // Half a full read, and given up.
    const order = await agent.order("full");
    await agent.send(agent.batch(order, 1, all.slice(0, 4)));
    await cloud.run();
    await agent.heartbeat({ want: "none", abortReadNo: order.readNo });
    await cloud.run();
    expect(people()).toEqual(["ann", "bob", "cat"]);
    await agent.read("full", all);
    expect(people()).toEqual(["ann"]);
  });

  it("is a group that agents may not tell of any more: its members stay, and no new ones come", async () => {
    const { agent, people } = await start(ways([memberOf("staff")]));
    await agent.read("full", [...UNITS, user("ann"), user("bob"), group("staff", ["sales"]), group("sales", ["ann"])]);
    expect(people()).toEqual(["ann"]);
    const leave: Change = { op: "leave", objectGuid: guidOf("sales"), reason: "below none of the scope's units" };
    await agent.read("delta", [leave, changing("sales", { add: ["bob"] })]);
    expect(people()).toEqual(["ann", "bob"]);
    await agent.read("delta", [leave]);
    expect(people()).toEqual(["ann", "bob"]);
  });

  it("stays so while a delta is half-way through: nobody goes who is about to come back in", async () => {
    const { agent, people, cloud } = await start(ways([memberOf("staff", "guests")]));
    await agent.read("full", [...UNITS, user("ann"), user("bob"), group("staff", ["ann"]), group("guests", [])]);
    await agent.read("delta", [changing("staff", { remove: ["ann"] }), changing("guests", { add: ["ann", "bob"] })], 1);
    expect(people()).toEqual(["ann", "bob"]);
    expect(cloud.target.objects().filter((own) => own.deleted)).toEqual([]);
    const order = await agent.order("delta");
    await agent.send(agent.batch(order, 1, [changing("guests", { remove: ["ann"] })]));
    await cloud.run();
    expect(people()).toEqual(["ann", "bob"]);
    // Given up there: the next delta goes on where this one began, and tells both.
    await agent.heartbeat({ want: "none", abortReadNo: order.readNo });
    await cloud.run();
    expect(people()).toEqual(["ann", "bob"]);
    await agent.read("delta", [changing("guests", { remove: ["ann"] })]);
    expect(people()).toEqual(["bob"]);
  });

  it("is concluded from nothing while work of a read before meets the next one half-way", async () => {
    const { agent, people, cloud } = await start(ways([memberOf("staff", "guests")]));
    await agent.read("full", [...UNITS, user("ann"), user("bob"), group("staff", ["ann"]), group("guests", [])]);
    const last = (id: string) => ({
      isLast: true,
      end: { batches: 1, objects: 1, digest: "" },
      watermarkAfter: { mode: "ldif" as const, id, token: id, at: new Date(cloud.clock.now()).toISOString() },
    });
    const first = await agent.order("delta");
    await agent.send(agent.batch(first, 1, [changing("staff", { add: ["bob"] })], last("w1")));
    const second = await agent.order("delta");
    await agent.send(agent.batch(second, 1, [changing("staff", { remove: ["ann"] })]));
    await cloud.run();
    expect(people()).toEqual(["ann", "bob"]);
    const end = { ...last("w2"), end: { batches: 2, objects: 2, digest: "" } };
    expect(
      await agent.send(agent.batch(second, 2, [changing("staff", { remove: ["bob"], add: [] })], end)),
    ).toMatchObject({
      ok: true,
    });
    await cloud.run();
    expect(people()).toEqual([]);
  });
});

describe("the guard", () => {
  it("counts who leaves by a group as whoever else is removed", async () => {
    const names = Array.from({ length: 30 }, (_, at) => `u${at}`);
    const settings = { guard: { floor: 5, count: 10, percent: 10 } };
    const { agent, people } = await start(ways([memberOf("staff")]), { settings });
    await agent.read("full", [...UNITS, ...names.map((name) => user(name)), group("staff", names)]);
    expect(people()).toHaveLength(30);
    await agent.read("delta", [changing("staff", { remove: names.slice(0, 20) })]);
    expect(people()).toHaveLength(30);
    // And the group's own members in the target, as one.
    expect((await agent.status()).staged).toBe(20 + 1);
    await agent.read("delta", [changing("staff", { remove: ["u20", "u21"] })]);
    expect(people()).toHaveLength(30 - 2);
  });
});

describe("an explanation", () => {
  it("names the group as it is called now", async () => {
    const { agent, logOf, cloud } = await start(ways([memberOf("staff")]));
    const renamed = group("staff", []);
    await agent.read("full", [...UNITS, user("ann"), user("bob"), group("staff", ["ann", "bob"])]);
    await agent.read("delta", [
      renamed.op === "upsert"
        ? { ...renamed, dn: "CN=Colleagues,OU=Groups,DC=corp,DC=example", links: [], changed: ["cn"] }
        : renamed,
    ]);
    cloud.clock.set(cloud.clock.now() + 600_000);
    await agent.read("delta", [changing("staff", { remove: ["bob"] })]);
    expect(await logOf("bob")).toContain(`Colleagues (${guidOf("staff")})`);
  });
});

describe("the agents' part", () => {
  const scopeOf = (units: string[], groups: string[]) => ({
    organizationalUnits: units.map(guidOf).sort(),
    groups: groups.map(guidOf).sort(),
  });

  it("is what every way of every filter asks for, and another one is read whole, with who leaves by it", async () => {
    const { agent, setFilter, people } = await start(
      ways([below("Sales")], [below("Lab"), equals("department", "IT")]),
      {
        forAll: true,
      },
    );
    const placed = [unit("Sales"), unit("Lab"), user("ann", "Sales"), user("bob", "Lab", { department: "IT" })];
    expect(await agent.read("full", placed)).toMatchObject({
      scope: scopeOf(["Sales", "Lab"], []),
      reportsLeaves: false,
    });
    expect(people()).toEqual(["ann", "bob"]);
    await setFilter(ways([below("Lab")]));
    const order = await agent.order("delta");
    expect(order).toMatchObject({ kind: "full", scope: scopeOf(["Lab"], []), reportsLeaves: true });
    expect(await agent.order("delta")).toMatchObject({ readNo: order.readNo });
    await agent.read("full", [...placed.slice(0, 2), user("bob", "Lab")]);
    expect(people()).toEqual(["bob"]);
    await setFilter(ways([memberOf("staff"), below("Lab")]));
    expect((await agent.order("delta")).scope).toEqual(scopeOf([], ["staff"]));
  });

  it("is the job's own where it has one, and none where a filter lets others in", async () => {
    const own = { scope: scopeOf(["Elsewhere"], []) };
    const { agent, setFilter } = await start(ways([below("Sales")]), { forAll: true, settings: own });
    expect((await agent.order("full")).scope).toEqual(own.scope);
    const { agent: free } = await start(ways([below("Sales")]));
    expect((await free.order("full")).scope).toEqual(scopeOf([], []));
    await setFilter(ways([below("Sales")], [equals("department", "IT")]));
    expect((await agent.order("full")).scope).toEqual(own.scope);
  });

  it("reads groups with their members though none is mapped", async () => {
    const { cloud, agent, people } = await start(ways([memberOf("staff")]));
    const schema = defaultSchema();
    const [rule] = schema.synchronizationRules;
    const people_ = (rule?.objectMappings ?? []).filter((mapping) => mapping.sourceObjectName === "user");
    const objectMappings = people_.map((mapping) => ({ ...mapping, scope: { groups: ways([memberOf("staff")]) } }));
    const only = { ...schema, synchronizationRules: [{ ...rule, objectMappings }] } as SynchronizationSchema;
    expect(await cloud.cloud.routes.schemas.put(agent.jobId, only, "test")).toMatchObject({ ok: true });
    const order = await agent.read("full", [...UNITS, user("ann"), user("bob"), group("staff", ["ann"])]);
    expect(order.objectClasses).toEqual(["group", "user"]);
    expect(order.attributes).toContain("member");
    expect(people()).toEqual(["ann"]);
    expect(cloud.target.objects().filter((own) => own.type === "group")).toEqual([]);
  });

  it("says what is gone, and nothing is read until it is back", async () => {
    const { agent } = await start(ways([below("Sales")]), { forAll: true });
    await agent.read("full", [unit("Sales"), user("ann", "Sales")]);
    const message = "The scope names objects that can't be read.";
    const trouble = { code: "ScopeObjectMissing" as const, message, objectGuids: [guidOf("Sales")] };
    expect(await agent.heartbeat({ want: "delta", trouble })).toMatchObject({ value: { order: null } });
    expect((await agent.status()).trouble).toMatchObject({ message, agentId: agent.proven.agent.agentId });
  });
});

describe("activities", () => {
  const story = async (cloud: CloudOptions) => {
    const {
      agent,
      people,
      cloud: own,
    } = await start(ways([memberOf("staff")], [below("Lab")]), {
      cloud: { chunkObjects: 3, ...cloud },
    });
    const names = ["ann", "bob", "cat", "dan", "eve", "fay"];
    await agent.read(
      "full",
      [...UNITS, unit("Lab"), ...names.map((name) => user(name)), group("staff", ["ann", "in"]), group("in", ["bob"])],
      4,
    );
    expect(people()).toEqual(["ann", "bob"]);
    await agent.read("delta", [
      changing("staff", { add: ["cat"], remove: ["ann"] }),
      user("dan", "Lab"),
      user("new", "Lab"),
    ]);
    expect(people()).toEqual(["bob", "cat", "dan", "new"]);
    await agent.read("delta", [changing("staff", { remove: ["in"] }), unit("Lab", "Groups")]);
    expect(people()).toEqual(["cat", "dan", "new"]);
    expect((await agent.status()).waiting.work).toBe(0);
    const left: string[] = [];
    for await (const rows of own.rows.table("scopenotes").scan()) left.push(...rows.map((row) => row.row));
    expect(left).toEqual([]);
    const writes = own.target.writes();
    await agent.read("delta", [user("cat")]);
    expect(own.target.writes()).toBe(writes);
  };

  it("called twice come to the same", async () => {
    await story({
      aroundActivity: async (_name, _input, run) => {
        await run();
        return run();
      },
    });
  });

  it("killed at each of their first writes come to the same", async () => {
    let left = Number.POSITIVE_INFINITY;
    await story({
      wrapRows: (rows) => ({
        ...rows,
        table: (name) => {
          const table = rows.table(name);
          return {
            ...table,
            transact: (partition, operations) => {
              if (--left === 0) throw new Error("The activity died here.");
              return table.transact(partition, operations);
            },
          };
        },
      }),
      aroundActivity: async (_name, _input, run) => {
        for (let deadly = 1; deadly <= 6; deadly++) {
          left = deadly;
          await run().catch((error: unknown) => {
            if (!String(error).includes("died here")) throw error;
          });
        }
        left = Number.POSITIVE_INFINITY;
        return run();
      },
    });
  });
});
