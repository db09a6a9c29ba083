/** Two admins who decide on one staged set at the same moment: the one between any two steps of the other. */
import { describe, expect, it } from "vitest";
import { createRemovals } from "../../shared/application/state/removal-rows.ts";
import type { Change } from "../../shared/contracts/change.ts";
import type { RowStore, RowTable } from "../../shared/ports/row-store.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { namesIn } from "../support/links.ts";

const PEOPLE = ["ann", "bob", "cid", "dan"];
const GONE = PEOPLE.slice(0, 3);
const MINUTE = 60_000;
type Decision = "approve" | "drop";

/** Calls `between` once, before the `at`th step on rows from when it is armed. */
function createInterruption() {
  const own: { left: number; steps: number; between?: (() => Promise<unknown>) | undefined } = { left: 0, steps: 0 };
  const pause = async (): Promise<void> => {
    own.steps++;
    if (--own.left !== 0 || !own.between) return;
    const { between } = own;
    own.between = undefined;
    await between();
  };
  const first =
    <A extends readonly unknown[], R>(step: (...args: A) => Promise<R>) =>
    async (...args: A) => {
      await pause();
      return step(...args);
    };
  const wrapTable = (table: RowTable): RowTable => ({
    ...table,
    get: first(table.get),
    getMany: first(table.getMany),
    transact: first(table.transact),
    async *range(...args) {
      await pause();
      yield* table.range(...args);
    },
  });
  const wrapRows = (rows: RowStore): RowStore => ({ ...rows, table: (name) => wrapTable(rows.table(name)) });
  return {
    wrapRows,
    arm(at: number, between: () => Promise<unknown>) {
      Object.assign(own, { left: at, steps: 0, between });
    },
    /** How many steps there were since; what was armed is off. */
    disarm(): number {
      own.between = undefined;
      return own.steps;
    },
  };
}

async function start() {
  const interruption = createInterruption();
  const cloud = await createCloud({
    settings: { guard: { floor: 1, count: 3, percent: 90 } },
    wrapRows: interruption.wrapRows,
  });
  const agent = await cloud.addDomain("corp.example");
  const { jobId } = agent;
  const { staged } = cloud.cloud.routes;
  await agent.read("full", [
    ...PEOPLE.map((name) => aUser(name, { department: "Sales" })),
    withMembers(PEOPLE, aGroup("sales")),
  ]);
  const sets = async () => {
    const found = await staged.list(jobId, { members: false });
    if (!found.ok) throw new Error(found.failure.message);
    return found.value;
  };
  return { cloud, agent, jobId, staged, sets, interruption };
}

type World = Awaited<ReturnType<typeof start>>;
const has = ({ cloud }: World, name: string, value: (values: Readonly<Record<string, unknown>>) => boolean) =>
  cloud.target.objects().some((own) => !own.deleted && own.values["displayName"] === name && value(own.values));

/** What of a class is staged, and whether it has been carried out. */
const CLASSES: readonly {
  readonly class: "deletes" | "disables" | "blanks" | "names" | "memberships";
  readonly changes: readonly Change[];
  isDone(world: World): boolean;
}[] = [
  {
    class: "deletes",
    changes: GONE.map((name) => ({ op: "delete", objectGuid: guidOf(name) })),
    isDone: (world) => GONE.every((name) => !has(world, name, () => true)),
  },
  {
    class: "disables",
    changes: GONE.map((name) => aUser(name, { userAccountControl: "514" }, ["userAccountControl"])),
    isDone: (world) => GONE.every((name) => has(world, name, (own) => own["accountEnabled"] === false)),
  },
  {
    class: "blanks",
    changes: GONE.map((name) => aUser(name, {}, ["department"])),
    isDone: (world) => GONE.every((name) => has(world, name, (own) => (own["department"] ?? null) === null)),
  },
  {
    class: "names",
    changes: GONE.map((name) => aUser(name, { userPrincipalName: `${name}.new@corp.example` }, ["userPrincipalName"])),
    isDone: (world) =>
      GONE.every((name) => has(world, name, (own) => String(own["userPrincipalName"]).includes(".new@"))),
  },
  {
    class: "memberships",
    changes: [withMembers(["dan"], aGroup("sales"))],
    isDone: ({ cloud }) => namesIn(cloud, "sales").length === 1,
  },
];
type Case = (typeof CLASSES)[number];

async function staged(of: Case) {
  const world = await start();
  world.cloud.clock.set(world.cloud.clock.now() + MINUTE);
  await world.agent.read("delta", of.changes);
  expect(of.isDone(world)).toBe(false);
  const [set, ...more] = (await world.sets()).filter((own) => own.class === of.class);
  if (!set || more.length > 0) throw new Error(`There is not one set of ${of.class}.`);
  world.cloud.bells.splice(0);
  const decide = (decision: Decision) => world.staged[decision](world.jobId, of.class, set.digest, `who ${decision}s`);
  return { ...world, digest: set.digest, decide };
}

/** `second` comes between the steps of `first`, before the `at`th; tells how many there were. */
async function play(of: Case, first: Decision, second: Decision, at: number): Promise<number> {
  const world = await staged(of);
  const answers: Partial<Record<Decision, boolean>> = {};
  const told = async (decision: Decision) => {
    const answer = await world.decide(decision);
    answers[decision] = answer.ok;
    if (!answer.ok) expect(answer.failure).toMatchObject({ status: 409 });
  };
  world.interruption.arm(at, () => told(second));
  await told(first);
  const steps = world.interruption.disarm();
  const when = `${of.class}: ${second} before step ${at} of ${first}`;
  if (at <= steps)
    expect(
      Object.values(answers).filter((yes) => yes),
      when,
    ).toHaveLength(1);
  await world.cloud.run();
  expect(of.isDone(world), when).toBe(answers.approve === true);
  expect(await world.sets(), when).toEqual([]);
  return steps;
}

describe("one staged set, decided on twice at the same moment", () => {
  it.each(CLASSES.map((own) => [own.class, own] as const))(
    "%s: one decision wins, the other is refused, and what is done is what won",
    async (_name, of) => {
      for (const [first, second] of [
        ["approve", "drop"],
        ["drop", "approve"],
      ] as const) {
        const steps = await play(of, first, second, Number.MAX_SAFE_INTEGER);
        expect(steps).toBeGreaterThan(3);
        for (let at = 1; at <= steps; at++) await play(of, first, second, at);
      }
    },
  );

  const deletes = () => {
    const of = CLASSES.find((own) => own.class === "deletes");
    if (!of) throw new Error("There are no deletes.");
    return staged(of);
  };
  const living = ({ cloud }: World) =>
    cloud.target
      .objects()
      .filter((own) => !own.deleted && own.values["displayName"] !== "sales")
      .map((own) => own.values["displayName"])
      .sort();

  it("can't be dropped while it is carried out, by the digest of what is left of it either", async () => {
    const of = CLASSES.find((own) => own.class === "names");
    if (!of) throw new Error("There are no names.");
    const world = await staged(of);
    const { cloud, jobId } = world;
    expect(await world.decide("approve")).toMatchObject({ ok: true });
    // As the other lane does with who wants his old name again.
    await createRemovals({ rows: cloud.rows }).unstage(jobId, "names", guidOf("ann"));
    const [left] = await world.sets();
    expect(left).toMatchObject({ count: 2, isApproved: true });
    expect(left?.digest).not.toBe(world.digest);
    expect(await world.staged.drop(jobId, "names", left?.digest ?? "", "admin")).toMatchObject({
      failure: { status: 409, code: "staged-set-approved" },
    });
    await cloud.run();
    expect(of.isDone(world)).toBe(true);
    expect(await world.sets()).toEqual([]);
  });

  it("isn't approved beside a drop that was interrupted, until that is asked for again or its time is over", async () => {
    for (const isAskedAgain of [true, false]) {
      const world = await deletes();
      const { cloud, interruption } = world;
      interruption.arm(7, () => Promise.reject(new Error("killed")));
      await expect(world.decide("drop")).rejects.toThrow("killed");
      expect(await world.decide("approve")).toMatchObject({
        failure: {
          status: 409,
          code: "staged-set-changed",
          message: expect.stringContaining("being dropped by who drops"),
        },
      });
      if (!isAskedAgain) cloud.clock.set(cloud.clock.now() + 10 * MINUTE);
      expect(await world.decide(isAskedAgain ? "drop" : "approve")).toMatchObject({ ok: true });
      await cloud.run();
      expect(living(world)).toEqual(isAskedAgain ? PEOPLE : ["dan"]);
    }
  });

  it("is no drop's any more that took longer than its time, once it was approved", async () => {
    const world = await deletes();
    const { cloud, interruption } = world;
    interruption.arm(7, async () => {
      cloud.clock.set(cloud.clock.now() + 10 * MINUTE);
      expect(await world.decide("approve")).toMatchObject({ ok: true });
    });
    expect(await world.decide("drop")).toMatchObject({ failure: { status: 409, code: "staged-set-approved" } });
  });

  it("isn't approved for another reason beside the job's deletion with its objects", async () => {
    const steps = async (at: number) => {
      const world = await deletes();
      const { cloud, agent, interruption, jobId } = world;
      const { configurationId } = agent;
      const answers: boolean[] = [];
      interruption.arm(at, async () => answers.push((await world.decide("approve")).ok));
      const { ok } = await cloud.cloud.routes.jobDeletion.remove({ configurationId, jobId }, "delete", "admin");
      const count = interruption.disarm();
      if (at <= count)
        expect(
          [...answers, ok].filter((yes) => yes),
          `before step ${at}`,
        ).toHaveLength(1);
      return count;
    };
    const most = await steps(Number.MAX_SAFE_INTEGER);
    for (let at = 1; at <= most; at++) await steps(at);
  });
});
