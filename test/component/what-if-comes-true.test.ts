/**
 * What a what-if says comes true: the change is made, everybody is read again, and target, guard, escrows and writes are
 * compared with what it said; for populations, schemas and bounds that are drawn. `UPLINK_TEST_RUNS` sets how many are drawn; a
 * failure prints its seed, and `UPLINK_TEST_SEED` draws that one again, or others. Then the same with activities that die.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jobTable, readRow } from "../../shared/application/state/job-rows.ts";
import { WHAT_IF_ROW, type WhatIfRow } from "../../shared/application/state/what-if-rows.ts";
import type { Change } from "../../shared/contracts/change.ts";
import type { SynchronizationSchema } from "../../shared/domain/synchronization-schema.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type Cloud } from "../support/cloud.ts";
import { runSchema, schemaWith } from "../support/schema.ts";
import { allBlobs, mapped, names, onlyWhere, start } from "./what-if-world.ts";

const RUNS = Number(process.env["UPLINK_TEST_RUNS"] ?? 12);
/** The same ones each time, unless told another seed. */
const SEED = Number(process.env["UPLINK_TEST_SEED"] ?? 1);
/** As many as are asked for have their time. */
const TIME_MS = Math.max(120_000, RUNS * 10_000);

interface Person {
  readonly title: "a" | "b" | "c";
  readonly department: string | null;
  readonly isOff: boolean;
}

/** One way of several to map people, and to filter them. */
interface Choice {
  readonly title: string | null;
  readonly department: string | null;
  readonly upn: string | null;
  readonly enabled: string | null;
  readonly clause: readonly [attribute: string, operator: string, value: string] | null;
}

const DEFAULT: Choice = { title: null, department: null, upn: null, enabled: null, clause: null };

const person: fc.Arbitrary<Person> = fc.record({
  title: fc.constantFrom("a", "b", "c"),
  department: fc.constantFrom("Sales", "Stores", null),
  isOff: fc.boolean(),
});

const choice: fc.Arbitrary<Choice> = fc.record({
  title: fc.constantFrom(null, 'Join("-", [title], "x")', "[department]"),
  department: fc.constantFrom(null, "[extensionAttribute1]", "[title]"),
  upn: fc.constant(null),
  enabled: fc.constantFrom(null, 'IIF([title]="c", "False", "True")', '"True"'),
  clause: fc.constantFrom(
    null,
    ["title", "EQUALS", "a"] as const,
    ["title", "NOT EQUALS", "b"] as const,
    ["department", "IS NOT NULL", ""] as const,
  ),
});

const change = fc.oneof(
  fc.record({ before: choice, after: choice }),
  // Who among those in the target has a name is drawn by nobody when all are there.
  choice.map((after) => ({ before: DEFAULT, after: { ...after, upn: 'Join("@", [title], "corp.example")' } })),
);

function schemaOf({ title, department, upn, enabled, clause }: Choice): SynchronizationSchema {
  const expressions = { Title: title, Department: department, UserPrincipalName: upn, AccountEnabled: enabled };
  const attributes = Object.fromEntries(
    Object.entries(expressions).flatMap(([name, expression]) =>
      expression ? [[name, { source: { expression } }]] : [],
    ),
  );
  const [sourceOperandName = "", operatorName = "", value = ""] = clause ?? [];
  const clauses = [{ sourceOperandName, operatorName, targetOperand: { values: value === "" ? [] : [value] } }];
  return schemaWith({ user: { attributes, ...(clause ? { scope: { groups: [{ name: "some", clauses }] } } : {}) } });
}

function everybody(people: readonly Person[]): Change[] {
  const all = names(people.length);
  return [
    ...people.map(({ title, department, isOff }, at) =>
      aUser(all[at] ?? "", {
        title,
        userAccountControl: isOff ? "514" : "512",
        extensionAttribute1: "ext",
        ...(department === null ? {} : { department }),
      }),
    ),
    withMembers(all, aGroup("everybody")),
  ];
}

type Values = Readonly<Record<string, unknown>>;

/** What is in the target, by id. */
function shown(cloud: Cloud): Map<string, { readonly values: Values; readonly isDeleted: boolean }> {
  return new Map(
    cloud.target
      .objects()
      .map(({ id, values, deleted }) => [id, { values: { ...values }, isDeleted: Boolean(deleted) }]),
  );
}

const isGroup = ({ values }: { readonly values: Values }) => values["uniqueName"] !== undefined;

/** What became of people, as a what-if counts it. */
function difference(before: ReturnType<typeof shown>, after: ReturnType<typeof shown>) {
  const counts: Record<string, number> = { create: 0, update: 0, disable: 0, delete: 0, restore: 0 };
  const attributes: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  for (const [id, now] of after) {
    const was = before.get(id);
    if (isGroup(now)) continue;
    if (!was) count("create");
    else if (now.isDeleted !== was.isDeleted) count(now.isDeleted ? "delete" : "restore");
    else if (!now.isDeleted) {
      const changed = [...new Set([...Object.keys(was.values), ...Object.keys(now.values)])].filter(
        (name) => JSON.stringify(was.values[name] ?? null) !== JSON.stringify(now.values[name] ?? null),
      );
      for (const name of changed) attributes[name] = (attributes[name] ?? 0) + 1;
      if (changed.includes("accountEnabled") && now.values["accountEnabled"] === false) count("disable");
      else if (changed.length > 0) count("update");
    }
  }
  return { counts, attributes };
}

describe("what a what-if says", () => {
  it(
    `comes true: actions, attributes, failures, what is staged, and writes (${RUNS} drawn)`,
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(person, { minLength: 1, maxLength: 14 }),
          change,
          fc.constantFrom(1, 20),
          fc.integer({ min: 1, max: 5 }),
          async (people, { before, after }, floor, chunkObjects) => {
            const guard = { floor, count: 500, percent: 10 };
            const world = await start({ chunkObjects, settings: { guard } });
            const { cloud, agent, jobId, tryOut, approve } = world;
            if (JSON.stringify(before) !== JSON.stringify(DEFAULT)) await runSchema(cloud, jobId, schemaOf(before));
            const all = everybody(people);
            await agent.read("full", all);
            // Removals of the first read would be in the window of the guard.
            cloud.clock.set(cloud.clock.now() + 25 * 3_600_000);
            await agent.read("full", all);
            cloud.clock.set(cloud.clock.now() + 25 * 3_600_000);
            const [was, writes] = [shown(cloud), cloud.target.writes()];

            const { result, digest } = await tryOut({ kind: "schema", schema: schemaOf(after) });
            const done = await approve(digest);
            if (!done.ok) throw new Error(JSON.stringify(done.failure));
            await agent.read("full", all);

            const judged = result.guard.filter((own) => own.isStaged);
            const staged = new Map(judged.map((own) => [own.class, own.count]));
            const listed = await cloud.cloud.routes.staged.list(jobId, { members: false });
            const sets = listed.ok ? listed.value : [];
            // Of names those go out that come before the bound.
            const counted = (own: { readonly class: string; readonly count: number }) => [
              own.class,
              own.class === "names" ? "some" : own.count,
            ];
            expect(sets.map(counted).sort()).toEqual(judged.map(counted).sort());
            const escrows = await cloud.cloud.routes.queries.escrows(jobId);
            const failed = result.failures.reduce((sum, own) => sum + own.count, 0);
            expect(escrows.ok && escrows.value.length).toBe(failed);

            const real = difference(was, shown(cloud));
            const { create = 0, restore = 0 } = result.counts;
            expect(real.counts).toMatchObject({
              create,
              restore,
              delete: staged.has("deletes") ? 0 : result.counts.delete,
            });
            // Attributes of those that stay; what is staged keeps its value.
            const blanked = staged.has("blanks") ? 0 : 1;
            for (const { objectClass, attribute, changed, cleared } of result.attributes) {
              if (objectClass !== "user" || attribute.includes(".")) continue;
              const isHeld =
                (attribute === "accountEnabled" && staged.has("disables")) ||
                (attribute === "userPrincipalName" && staged.has("names"));
              if (!isHeld && restore === 0)
                expect([attribute, real.attributes[attribute] ?? 0]).toEqual([attribute, changed + cleared * blanked]);
            }
            const said = new Set(result.attributes.map((own) => own.attribute.split(".")[0]));
            expect(Object.keys(real.attributes).filter((name) => !said.has(name))).toEqual([]);
            if (staged.size === 0) expect(real.counts["disable"]).toBe(result.counts.disable);
            if (staged.size === 0) expect(real.counts["update"]).toBe(result.counts.update);
            // Members come on top of what is counted here, where people come.
            if (create + restore === 0 && !staged.has("names"))
              expect(cloud.target.writes() - writes).toBe(result.estimate.writes);
          },
        ),
        { numRuns: RUNS, endOnFailure: false, seed: SEED },
      );
    },
    TIME_MS,
  );

  it("leaves nothing to say once it was done", async () => {
    const { agent, tryOut, approve } = await start();
    const all = everybody(Array.from({ length: 12 }, () => ({ title: "a", department: "Sales", isOff: false })));
    await agent.read("full", all);
    const { digest } = await tryOut({ kind: "schema", schema: mapped({ Title: 'Join("-", [title], "x")' }) });
    expect(await approve(digest)).toMatchObject({ ok: true, value: { effect: "schema", schemaVersion: 2 } });
    await agent.read("full", all);
    const { result, base } = await tryOut({ kind: "present" });
    expect(base.schemaVersion).toBe(2);
    expect(result).toMatchObject({ counts: { none: 13 }, attributes: [], estimate: { writes: 0 } });
  });
});

class Died extends Error {}

const ACTIVITIES = ["BeginWhatIf", "MapWhatIf", "SettleWhatIf", "TallyWhatIf", "FinishWhatIf"];

describe("an activity of a what-if", () => {
  const candidate = mapped({ UserPrincipalName: 'Join("@", [title], "corp.example")' });
  const people = Array.from(
    { length: 9 },
    (_, at): Person => ({ title: at % 2 ? "a" : "b", department: null, isOff: false }),
  );

  it.each(ACTIVITIES)("%s killed at any of its writes, or called twice, says the same in the end", async (name) => {
    let dieIn = Number.POSITIVE_INFINITY;
    let isWatched = false;
    let deaths = 0;
    const onWrite = () => {
      if (!isWatched || --dieIn > 0) return;
      dieIn = Number.POSITIVE_INFINITY;
      deaths++;
      throw new Died("The activity died here.");
    };
    const world = await start({
      chunkObjects: 1,
      wrapRows: (rows) => ({
        ...rows,
        table: (table) => {
          const own = rows.table(table);
          return {
            ...own,
            transact: async (partition, operations) => {
              onWrite();
              return own.transact(partition, operations);
            },
          };
        },
      }),
      wrapBlobs: (blobs) => ({
        ...blobs,
        put: async (...args) => {
          onWrite();
          return blobs.put(...args);
        },
        delete: async (path) => {
          onWrite();
          return blobs.delete(path);
        },
      }),
      aroundActivity: async (own, _input, run) => {
        if (own !== name) return run();
        isWatched = true;
        try {
          await run().catch((error: unknown) => {
            if (!(error instanceof Died)) throw error;
          });
        } finally {
          isWatched = false;
        }
        return run();
      },
    });
    await world.agent.read("full", everybody(people));
    const expected = await world.tryOut({ kind: "schema", schema: candidate });
    for (let at = 1; at <= 4; at++) {
      dieIn = at;
      const { result, digest } = await world.tryOut({ kind: "schema", schema: candidate });
      expect(result).toEqual(expected.result);
      expect(digest).toBe(expected.digest);
      dieIn = Number.POSITIVE_INFINITY;
    }
    if (name === "MapWhatIf" || name === "FinishWhatIf") expect(deaths).toBeGreaterThan(0);
    expect((await allBlobs(world.cloud)).filter((path) => path.includes("-whatif-"))).toEqual([]);
  });

  it("has no more than a slice of the objects, whatever their number", async () => {
    const most: number[] = [];
    const { agent, tryOut } = await start({
      chunkObjects: 3,
      wrapRows: (rows) => ({
        ...rows,
        table: (table) => {
          const own = rows.table(table);
          return {
            ...own,
            range: (partition, options) => {
              if (table === "objects" && options?.select === undefined)
                most.push(options?.limit ?? Number.POSITIVE_INFINITY);
              return own.range(partition, options);
            },
          };
        },
      }),
    });
    await agent.read(
      "full",
      everybody(Array.from({ length: 90 }, (): Person => ({ title: "a", department: null, isOff: false }))),
    );
    most.length = 0;
    const { result } = await tryOut({ kind: "present" });
    expect(result.objects).toBe(91);
    expect(most.length).toBeGreaterThan(16);
    expect(Math.max(...most)).toBe(3);
  });

  it("that always fails ends it, with the reason, and the lane goes on", async () => {
    let isBroken = true;
    const { agent, ask, show, cloud, jobId } = await start({
      // Also when what notes the failure dies and is repeated.
      aroundActivity: async (name, _input, run) => {
        if (name === "NoteFailure") await run();
        return run();
      },
      beforeActivity: (name) => {
        if (isBroken && name === "TallyWhatIf") throw new Error("The tally is broken.");
      },
    });
    await agent.read("full", [aUser("ann")]);
    const id = await ask({ kind: "present" });
    await cloud.run();
    expect(await show(id)).toMatchObject({ state: "failed", failure: expect.stringContaining("The tally is broken.") });
    isBroken = false;
    await agent.read("full", [aUser("ann", { title: "boss" })]);
    expect(await readRow<WhatIfRow>(jobTable(cloud.rows), jobId, WHAT_IF_ROW(id))).toMatchObject({
      value: { digest: null },
    });
    expect((await agent.status()).waiting.work).toBe(0);
    expect(cloud.logged.filter((line) => line.event === "what-if-failed")).toHaveLength(1);
  });

  it("finds another schema in effect: it comes to nothing, and says why", async () => {
    let schemaChanges: (() => Promise<unknown>) | undefined;
    const { agent, ask, show, cloud, jobId, approve } = await start({
      beforeActivity: async (name) => {
        if (name !== "FinishWhatIf") return;
        await schemaChanges?.();
        schemaChanges = undefined;
      },
    });
    await agent.read("full", [aUser("ann", { title: "clerk" })]);
    schemaChanges = () => runSchema(cloud, jobId, onlyWhere("title", "clerk"));
    const id = await ask({ kind: "present" });
    await cloud.run();
    expect(await show(id)).toMatchObject({ state: "failed", failure: expect.stringContaining("schema was changed") });
    expect(await approve("0".repeat(32))).toMatchObject({ ok: false, failure: { code: "what-if-not-newest" } });
  });

  it("gives the lane back after some waves: what agents sent meanwhile goes first", async () => {
    const { agent, cloud, ask, show } = await start({
      chunkObjects: 1,
      beforeActivity: async (name) => {
        if (name !== "MapWhatIf" || sent) return;
        sent = true;
        const order = await agent.order("full");
        const batch = agent.batch(order, 1, [aUser("late")], { kind: order.kind });
        const accepted = await agent.send(batch);
        if (!accepted.ok) throw new Error(accepted.failure.message);
      },
    });
    let sent = true;
    await agent.read(
      "full",
      everybody(Array.from({ length: 250 }, (): Person => ({ title: "a", department: null, isOff: false }))),
      1000,
    );
    sent = false;
    const id = await ask({ kind: "present" });
    const from = cloud.driver.calls.length;
    await cloud.run();
    const called = cloud.driver.calls.slice(from).map((call) => call.name);
    expect(called.filter((name) => name === "BeginWhatIf").length).toBeGreaterThan(1);
    expect(called.indexOf("PlanChunks")).toBeGreaterThan(called.indexOf("MapWhatIf"));
    expect(called.indexOf("PlanChunks")).toBeLessThan(called.indexOf("FinishWhatIf"));
    expect(await show(id)).toMatchObject({ state: "done" });
  });
});
