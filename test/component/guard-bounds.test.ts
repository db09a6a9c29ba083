/** The numbers of the guard (N6) at their edges: what is counted, of whom, and for how long. */
import { describe, expect, it } from "vitest";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { aGroup } from "../support/changes.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

const HOUR = 3_600_000;
const names = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => `user${String(at + from).padStart(4, "0")}`);
const groups = (count: number) => Array.from({ length: count }, (_, at) => `group${String(at).padStart(4, "0")}`);
const users = (list: readonly string[]) => list.map((name) => aUser(name));
const gone = (name: string) => ({ op: "delete" as const, objectGuid: guidOf(name) });
const off = (name: string) => aUser(name, { userAccountControl: "514" }, ["userAccountControl"]);
const blank = (name: string) => aUser(name, {}, ["department"]);
const living = (cloud: Cloud) => cloud.target.objects().filter((object) => !object.deleted).length;
const livingGroups = (cloud: Cloud) =>
  cloud.target.objects().filter((object) => !object.deleted && object.values["uniqueName"] !== undefined).length;
const enabled = (cloud: Cloud) =>
  cloud.target.objects().filter((object) => object.values["accountEnabled"] === true).length;

async function start(settings: Partial<JobSettings> = {}, options: CloudOptions = {}) {
  const cloud = await createCloud({ ...options, settings });
  const agent = await cloud.addDomain("corp.example");
  const later = (ms: number) => cloud.clock.set(cloud.clock.now() + ms);
  return { cloud, agent, later };
}

describe("a class", () => {
  it.each([
    [19, 19],
    [20, 20],
    [21, 0],
  ])("of %i in a company of thirty loses %i", async (wanted, lost) => {
    const { cloud, agent } = await start();
    await agent.read("full", users(names(30)));
    await agent.read("delta", names(wanted).map(gone));
    expect(30 - living(cloud)).toBe(lost);
    expect((await agent.status()).staged).toBe(wanted - lost);
  });

  it("of disables is bounded as that of deletes is, and each by itself", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", users(names(60)));
    await agent.read("delta", [...names(20).map(off), ...names(20, 20).map(gone)]);
    expect([enabled(cloud), living(cloud)]).toEqual([40, 40]);
    await agent.read("delta", [off("user0040"), gone("user0041"), aUser("fresh")]);
    expect([enabled(cloud), living(cloud)]).toEqual([41, 41]);
    expect((await agent.status()).staged).toBe(2);
  });

  it.each([
    ["deletes", gone],
    ["disables", off],
  ])("of %s doesn't count what the target refuses, however often it is tried", async (_, take) => {
    const { cloud, agent, later } = await start();
    const refused = { code: "InsufficientRights" as const, message: "no", remedy: "Grant it.", retriable: false };
    const left = () => cloud.target.objects().filter((own) => !own.deleted && own.values["accountEnabled"]).length;
    const retry = async () => {
      later(24 * HOUR - 1);
      await cloud.tick();
      await cloud.driver.settled();
      await cloud.run();
    };
    await agent.read("full", users(names(300)));
    cloud.target.order({ kind: "fail", failure: refused, count: 50 });
    await agent.read("delta", names(25).map(take));
    await retry();
    expect(left()).toBe(300);
    // All together more than the bound allows, were each attempt counted.
    await agent.read("delta", names(4, 100).map(take));
    expect(left()).toBe(296);
    await retry();
    expect(left()).toBe(271);
    expect(await agent.status()).toMatchObject({ staged: 0, escrowed: 0 });
  });

  it("counts what the target may have done, though its answer was lost", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", users(names(300)));
    const lost = { code: "Timeout" as const, message: "no answer", remedy: "Nothing.", retriable: true };
    cloud.target.order({ kind: "fail", failure: lost, count: 25 });
    await agent.read("delta", names(25).map(gone));
    expect(living(cloud)).toBe(300);
    await agent.read("delta", names(6, 100).map(gone));
    expect(living(cloud)).toBe(300);
    expect((await agent.status()).staged).toBe(6);
  });

  it("of blanked attributes counts objects", async () => {
    const { cloud, agent } = await start();
    await agent.read(
      "full",
      names(30).map((name) => aUser(name, { department: "Sales", title: "Clerk" })),
    );
    const both = (name: string) => aUser(name, {}, ["department", "title"]);
    await agent.read("delta", names(20).map(both));
    expect(cloud.target.objects().filter((own) => own.values["department"] === "Sales")).toHaveLength(10);
    await agent.read("delta", [blank("user0020")]);
    expect(cloud.target.objects().filter((own) => own.values["department"] === "Sales")).toHaveLength(10);
  });

  it("that is staged for users and groups tells each its own share, in the log", async () => {
    const { cloud, agent, later } = await start();
    await agent.read("full", [...users(names(60)), ...groups(30).map((name) => aGroup(name))]);
    later(HOUR);
    await agent.read("delta", [...names(25).map(gone), ...groups(22).map(gone)]);
    expect((await agent.status()).staged).toBe(47);
    const reasonIn = async (name: string) => {
      const own = { jobId: agent.jobId, objectGuid: guidOf(name), sinceDays: 1, top: 1 };
      return JSON.stringify(await readLog(cloud.cloud.routes, own));
    };
    expect(await reasonIn("user0000")).toContain("25 of 60 linked users");
    expect(await reasonIn("group0000")).toContain("22 of 30 linked groups");
  });

  it("of twenty users and twenty groups is one of forty: nobody loses everything because no half is more than twenty", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [...users(names(20)), ...groups(20).map((name) => aGroup(name))]);
    await agent.read("delta", [...names(20).map(gone), ...groups(20).map(gone)]);
    expect(living(cloud)).toBe(40);
    expect((await agent.status()).staged).toBe(40);
  });

  it("of users and one of groups are shares of their own, and one count together", async () => {
    const { cloud, agent } = await start({ guard: { floor: 20, count: 50, percent: 10 } });
    await agent.read("full", [...users(names(600)), ...groups(50).map((name) => aGroup(name))]);
    await agent.read("delta", [...names(25).map(gone), ...groups(21).map(gone)]);
    // 25 of 600 users are below 10 %, 21 of 50 groups are not.
    expect(living(cloud) - livingGroups(cloud)).toBe(575);
    expect(livingGroups(cloud)).toBe(50);
    expect((await agent.status()).lastCycle).toMatchObject({
      staged: [{ class: "deletes", count: 21, reason: "21 of 50 linked groups in 24 hours are more than 10 %" }],
    });
    // Six groups alone are below the floor of twenty; with the 25 users they aren't, and six of 50 are more than 10 %.
    await agent.read("delta", groups(6).map(gone));
    expect(livingGroups(cloud)).toBe(50);
    await agent.read(
      "delta",
      groups(5).map((name) => aGroup(name)),
    );
    await agent.read("delta", groups(5).map(gone));
    expect(livingGroups(cloud)).toBe(45);
    // 25 users and 5 groups so far: 20 users more are below 10 %, but with them the count of the class is reached.
    await agent.read("delta", names(20, 25).map(gone));
    expect(living(cloud)).toBe(575 + 45);
  });
});

describe("the percentage", () => {
  it("is of who was linked as the window began: those who went since are still counted among them", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", users(names(300)));
    await agent.read("delta", names(15).map(gone));
    await agent.read("delta", names(15, 15).map(gone));
    expect(living(cloud)).toBe(270);
    await agent.read("delta", names(1, 30).map(gone));
    expect(living(cloud)).toBe(270);
    expect((await agent.status()).lastCycle?.staged).toMatchObject([{ reason: expect.stringContaining("31 of 300") }]);
  });

  it("is not raised by who came since", async () => {
    const { cloud, agent, later } = await start();
    await agent.read("full", users(names(210)));
    later(25 * HOUR);
    await agent.read("delta", users(names(90, 210)));
    expect(living(cloud)).toBe(300);
    await agent.read("delta", names(22).map(gone));
    expect(living(cloud)).toBe(300);
    expect((await agent.status()).lastCycle?.staged).toMatchObject([{ reason: expect.stringContaining("22 of 210") }]);
    later(25 * HOUR);
    await agent.read(
      "delta",
      names(22).map((name) => gone(name)),
    );
    expect(living(cloud)).toBe(278);
  });

  it("is of the job's own, and what another job of the target removes doesn't count", async () => {
    const { cloud, agent } = await start();
    const other = await cloud.addDomain("child.corp.example");
    await agent.read("full", users(names(100)));
    await other.read("full", users(names(400, 1000)));
    await other.read("delta", names(40, 1000).map(gone));
    await agent.read("delta", names(20).map(gone));
    expect(living(cloud)).toBe(440);
    await agent.read("delta", names(1, 20).map(gone));
    expect(living(cloud)).toBe(440);
  });
});

describe("the 24 hours", () => {
  it("begin when the last removal was carried out, not when they were let pass", async () => {
    let delayMs = 5 * HOUR;
    const { cloud, agent, later } = await start(
      {},
      {
        aroundActivity: async (name, input, run) => {
          const isEnd = name === "ExportChunk" && JSON.stringify(input).includes("-end");
          if (isEnd && delayMs > 0) {
            later(delayMs);
            delayMs = 0;
          }
          return run();
        },
      },
    );
    await agent.read("full", users(names(60)));
    await agent.read("delta", names(15).map(gone));
    expect(living(cloud)).toBe(45);
    later(20 * HOUR);
    await agent.read("delta", names(10, 15).map(gone));
    expect(living(cloud)).toBe(45);
    later(4 * HOUR + 1);
    await agent.read("delta", names(10, 15).map(gone));
    expect(living(cloud)).toBe(35);
  });

  it("count what is still on its way, however long ago it was let pass", async () => {
    let isHeld = true;
    const { cloud, agent, later } = await start(
      {},
      {
        aroundActivity: async (name, input, run) => {
          const { lane } = input as { lane?: string };
          if (isHeld && name === "ExportChunk" && lane === "bulk" && JSON.stringify(input).includes("-end")) {
            isHeld = false;
            later(30 * HOUR);
            // The other lane decides in between.
            await agentOf()
              .read("delta", names(10, 15).map(gone))
              .catch(() => undefined);
          }
          return run();
        },
      },
    );
    const agentOf = () => agent;
    await agent.read("full", users(names(60)));
    await agent.read("full", users(names(45, 15)));
    expect(living(cloud)).toBe(45);
    expect((await agent.status()).staged).toBe(10);
  });
});
