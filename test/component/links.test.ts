import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import type { Change } from "../../shared/contracts/change.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { changing, membersIn, namesIn, partOf } from "../support/links.ts";
import { readLog } from "../support/log.ts";

async function start(settings: Partial<JobSettings> = {}) {
  const cloud = await createCloud({ settings });
  const agent = await cloud.addDomain("corp.example");
  return { cloud, agent };
}

async function logOf(cloud: Cloud, jobId: string, name: string) {
  return readLog(cloud.cloud.routes, { jobId, objectGuid: guidOf(name), sinceDays: 400, top: 20 });
}

function groupId(cloud: Cloud, name: string, isDeleted = false): string {
  const found = cloud.target
    .objects()
    .find((own) => own.type === "group" && own.deleted === isDeleted && own.values["displayName"] === name);
  return found?.id ?? "";
}

const users = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `u${from + at}`);

async function later(cloud: Cloud, minutes: number): Promise<void> {
  cloud.clock.set(cloud.clock.now() + minutes * 60_000);
  await cloud.tick();
  await cloud.driver.settled();
  await cloud.run();
}

describe("members", () => {
  it("of a first load are in the group, twenty with its create, and a second read writes nothing", async () => {
    const { cloud, agent } = await start();
    const names = users(50);
    const changes = [withMembers(names, aGroup("sales")), ...names.map((name) => aUser(name))];
    await agent.read("full", changes);
    expect(namesIn(cloud, "sales")).toEqual([...names].sort());
    // 50 users, one group with 20 members, two writes of 15 and 15 or 20 and 10.
    expect(cloud.target.writes()).toBe(50 + 1 + 2);
    expect((await agent.status()).lastCycle).toMatchObject({ writes: 53, links: { added: 30, removed: 0, failed: 0 } });
    await agent.read("full", changes);
    expect(cloud.target.writes()).toBe(53);
  });

  it("come and go by deltas, one write each", async () => {
    const { cloud, agent } = await start();
    const names = users(5);
    await agent.read("full", [withMembers(names, aGroup("sales")), ...[...names, "new"].map((name) => aUser(name))]);
    const writes = cloud.target.writes();
    await agent.read("delta", [changing("sales", { add: ["new"] })]);
    expect(cloud.target.writes()).toBe(writes + 1);
    await agent.read("delta", [changing("sales", { remove: ["u1"] })]);
    expect(cloud.target.writes()).toBe(writes + 2);
    expect(namesIn(cloud, "sales")).toEqual(["new", "u0", "u2", "u3", "u4"]);
    expect((await agent.status()).lastCycle).toMatchObject({ links: { added: 0, removed: 1 } });
  });

  it("that come later, in whatever order, are added when they appear", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [withMembers(["a", "b", "inner"], aGroup("outer")), aUser("a")]);
    expect(namesIn(cloud, "outer")).toEqual(["a"]);
    await agent.read("delta", [aUser("b"), withMembers(["outer"], aGroup("inner"))]);
    expect(namesIn(cloud, "outer")).toEqual(["a", "b", "inner"]);
    expect(membersIn(cloud, "inner")).toHaveLength(1);
  });
});

describe("a list", () => {
  it("of a delta takes out whom it lacks; one of a full read does when that read is complete and trusted", async () => {
    const { cloud, agent } = await start();
    const names = users(6);
    const people = names.map((name) => aUser(name));
    await agent.read("full", [withMembers(names, aGroup("sales")), ...people]);
    await agent.read("delta", [withMembers(names.slice(1), aGroup("sales", {}, []))]);
    expect(namesIn(cloud, "sales")).toEqual(names.slice(1));
    await agent.read("full", [withMembers(names.slice(2), aGroup("sales")), ...people]);
    expect(namesIn(cloud, "sales")).toEqual(names.slice(2));
  });

  it("of a full read by an account that may not see everything takes out nobody", async () => {
    const { cloud, agent } = await start({ trustVisibility: null });
    const names = users(3);
    const people = names.map((name) => aUser(name));
    await agent.read("full", [withMembers(names, aGroup("sales")), ...people]);
    await agent.read("full", [withMembers(["u0"], aGroup("sales")), ...people]);
    expect(namesIn(cloud, "sales")).toEqual(names);
    await agent.read("delta", [changing("sales", { remove: ["u2"] })]);
    expect(namesIn(cloud, "sales")).toEqual(["u0", "u1"]);
  });

  it("of a group without an object in the target is believed, too, when the group gets one", async () => {
    const { cloud, agent } = await start();
    const away = (names: readonly string[]) => withMembers(names, aGroup("sales", { isCriticalSystemObject: "TRUE" }));
    const people = ["a", "b"].map((name) => aUser(name));
    await agent.read("full", [away(["a", "b"]), ...people]);
    await agent.read("full", [away(["a"]), ...people]);
    await agent.read("delta", [aGroup("sales", { isCriticalSystemObject: "FALSE" }, ["isCriticalSystemObject"])]);
    expect(namesIn(cloud, "sales")).toEqual(["a"]);
  });

  it("in parts over many batches is compared when all have come, and with a part missing takes out nobody", async () => {
    const { cloud, agent } = await start();
    const names = users(60);
    const people = names.map((name) => aUser(name));
    const parts = (own: readonly string[]) =>
      [0, 1, 2].map((part) => partOf("sales", own.slice(part * 20, part * 20 + 20), part, part === 2));
    await agent.read("full", [...people, ...parts(names)], 7);
    expect(membersIn(cloud, "sales")).toHaveLength(60);
    const fewer = parts(names.slice(0, 50));
    await agent.read("delta", [...fewer.slice(0, 1), ...fewer.slice(2)], 1);
    expect(membersIn(cloud, "sales")).toHaveLength(60);
    await agent.read("delta", fewer, 1);
    expect(namesIn(cloud, "sales")).toEqual(names.slice(0, 50).sort());
  });
});

describe("a full read's list", () => {
  it("takes out whom it lacks though a delta read ends before the full read's links are planned", async () => {
    const people = users(3).map((name) => aUser(name));
    const live = { begins: false, isOver: () => {} };
    const cloud: Cloud = await createCloud({
      aroundActivity: async (name, input, run) => {
        const { lane } = input as { readonly lane?: string };
        if (live.begins && lane === "bulk" && name === ACTIVITY.planLinks) {
          live.begins = false;
          const isOver = new Promise<void>((resolve) => {
            live.isOver = resolve;
          });
          await agent.send(onlyBatch(await agent.order("delta"), [aUser("new")]));
          await cloud.wakeJob(agent.jobId, "live");
          await isOver;
        }
        const result = await run();
        if (lane === "live" && name === ACTIVITY.commitCycle) live.isOver();
        return result;
      },
    });
    const agent = await cloud.addDomain("corp.example");
    const onlyBatch = (read: Parameters<typeof agent.batch>[0], changes: readonly Change[]) =>
      agent.batch(read, 1, changes, {
        isLast: true,
        end: { batches: 1, objects: changes.length, digest: "" },
        watermarkAfter: {
          mode: "dirsync",
          id: "after",
          token: "dzM=",
          invocationId: guidOf("dc"),
          dnsName: "dc1",
          usn: "1025",
          at: new Date(cloud.clock.now()).toISOString(),
        },
      });
    await agent.read("full", [withMembers(users(3), aGroup("sales")), ...people]);
    live.begins = true;
    await agent.read("full", [withMembers(users(2), aGroup("sales")), ...people]);
    expect(live.begins).toBe(false);
    expect(cloud.target.objects().map((own) => own.values["displayName"])).toContain("new");
    expect(namesIn(cloud, "sales")).toEqual(users(2));
  });
});

describe("a member without an object in the target", () => {
  it("is pending: one warning a group, no failure, and again only when the number changes", async () => {
    const { cloud, agent } = await start();
    const out = (name: string) => aUser(name, { isCriticalSystemObject: "TRUE" });
    const people = [aUser("in"), out("out"), out("out2")];
    const warnings = async () =>
      (await logOf(cloud, agent.jobId, "sales")).filter((own) => own.provisioningStatusInfo.status === "warning");
    await agent.read("full", [withMembers(["in", "out"], aGroup("sales")), ...people]);
    expect(namesIn(cloud, "sales")).toEqual(["in"]);
    expect(await warnings()).toHaveLength(1);
    expect(JSON.stringify(await warnings())).toContain(guidOf("out"));
    expect((await agent.status()).lastCycle).toMatchObject({ links: { pending: 1, failed: 0 } });
    await agent.read("full", [withMembers(["in", "out"], aGroup("sales")), ...people]);
    expect(await warnings()).toHaveLength(1);
    await agent.read("delta", [changing("sales", { add: ["out2"] })]);
    expect(await warnings()).toHaveLength(2);
    expect((await agent.status()).escrowed).toBe(0);
    // Once it is in scope, it comes.
    await agent.read("delta", [aUser("out", { isCriticalSystemObject: "FALSE" }, ["isCriticalSystemObject"])]);
    expect(namesIn(cloud, "sales")).toEqual(["in", "out"]);
  });

  it("that is deleted is suspended: nothing is sent, and it is back with its object", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [
      withMembers(["a", "b", "c"], aGroup("sales")),
      ...["a", "b", "c"].map((own) => aUser(own)),
    ]);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("a") }]);
    const writes = cloud.target.writes();
    await agent.read("delta", [changing("sales", { remove: ["a"] })]);
    expect(cloud.target.writes()).toBe(writes);
    expect((await agent.status()).lastCycle).toMatchObject({ links: { suspended: 1, removed: 0 } });
    expect(namesIn(cloud, "sales")).toEqual(["b", "c"]);
    // The target brings its membership back, and the directory doesn't have it any more.
    await agent.read("delta", [aUser("a")]);
    expect(namesIn(cloud, "sales")).toEqual(["b", "c"]);
    expect(cloud.target.writes()).toBe(writes + 2);
  });

  it("that comes back says in which groups it is: those get it, the others lose it", async () => {
    const { cloud, agent } = await start();
    const groups = ["kept", "lost", "new"].map((name) =>
      withMembers(name === "new" ? ["b"] : ["a", "b"], aGroup(name)),
    );
    await agent.read("full", [...groups, aUser("a"), aUser("b")]);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("a") }]);
    expect(namesIn(cloud, "lost")).toEqual(["b"]);
    const memberOf = { attribute: "memberOf", mode: "replace" as const, remove: [], part: 0, last: true };
    const add = ["kept", "new"].map((name) => ({ guid: guidOf(name) }));
    await agent.read("delta", [{ ...aUser("a"), links: [{ ...memberOf, add }] } as Change]);
    expect(["kept", "lost", "new"].map((name) => namesIn(cloud, name))).toEqual([["a", "b"], ["b"], ["a", "b"]]);
  });

  it("of another domain is found by its GUID, in whatever order the domains are read", async () => {
    const { cloud, agent } = await start();
    const other = await cloud.addDomain("child.corp.example");
    await agent.read("full", [withMembers(["far", "near"], aGroup("sales")), aUser("near")]);
    expect(namesIn(cloud, "sales")).toEqual(["near"]);
    await other.read("full", [aUser("far")]);
    expect(namesIn(cloud, "sales")).toEqual(["far", "near"]);
    await agent.read("delta", [changing("sales", { remove: ["far"] })]);
    expect(namesIn(cloud, "sales")).toEqual(["near"]);
  });

  it("of a trusted forest is found by its SID, whichever of both is read first", async () => {
    const { cloud, agent } = await start();
    const other = await cloud.addDomain("other.example");
    const sid = "S-1-5-21-7-8-9-1105";
    const foreign = (group: string) => {
      const link = { attribute: "member", mode: "replace" as const, remove: [], part: 0, last: true };
      return { ...aGroup(group), links: [{ ...link, add: [{ guid: guidOf("principal"), sid }] }] };
    };
    await agent.read("full", [foreign("before"), aUser("near")]);
    await other.read("full", [aUser("far", { objectSid: sid })]);
    expect(namesIn(cloud, "before")).toEqual(["far"]);
    await agent.read("delta", [foreign("after")]);
    expect(namesIn(cloud, "after")).toEqual(["far"]);
  });
});

describe("members that nobody here named", () => {
  it("stay, whatever comes and goes", async () => {
    const { cloud, agent } = await start();
    const [stranger = ""] = cloud.target.seed([{ values: { displayName: "stranger" } }]);
    await agent.read("full", [withMembers(["a", "b"], aGroup("sales")), aUser("a"), aUser("b")]);
    await cloud.target.changeMembers(
      [{ key: "by hand", groupId: groupId(cloud, "sales"), op: "add", memberIds: [stranger] }],
      { priority: "normal" },
    );
    await agent.read("full", [withMembers(["a"], aGroup("sales")), aUser("a"), aUser("b")]);
    expect(namesIn(cloud, "sales")).toEqual(["a", "stranger"]);
  });
});

describe("the guard over one group", () => {
  const names = users(60);
  const people = names.map((name) => aUser(name));

  it("holds back what is too much, tells it, and judges it again with the next change", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [withMembers(names, aGroup("sales")), withMembers(["u1"], aGroup("other")), ...people]);
    await agent.read("delta", [changing("sales", { remove: names.slice(0, 21) }), changing("other", { add: ["u2"] })]);
    expect(membersIn(cloud, "sales")).toHaveLength(60);
    expect(namesIn(cloud, "other")).toEqual(["u1", "u2"]);
    expect((await agent.status()).lastCycle).toMatchObject({
      links: { removed: 0, staged: 21, added: 1 },
      staged: [{ class: "memberships", count: 21, reason: expect.stringContaining("21 of 60") }],
    });
    expect((await agent.status()).staged).toBe(1);
    expect(JSON.stringify(await logOf(cloud, agent.jobId, "sales"))).toContain("StagedMemberships");
    await agent.read("delta", [changing("sales", { add: names.slice(0, 10) })]);
    expect(namesIn(cloud, "sales")).toEqual([...names.slice(0, 10), ...names.slice(21)].sort());
    expect((await agent.status()).staged).toBe(0);
  });

  it("counts the last 24 hours", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [withMembers(names, aGroup("sales")), ...people]);
    await agent.read("delta", [changing("sales", { remove: names.slice(0, 15) })]);
    expect(membersIn(cloud, "sales")).toHaveLength(45);
    await agent.read("delta", [changing("sales", { remove: names.slice(15, 30) })]);
    expect(membersIn(cloud, "sales")).toHaveLength(45);
    cloud.clock.set(cloud.clock.now() + 25 * 3_600_000);
    await agent.read("full", [withMembers(names.slice(30), aGroup("sales")), ...people]);
    expect(membersIn(cloud, "sales")).toHaveLength(30);
    expect((await agent.status()).staged).toBe(0);
  });
});

describe("trouble with the target", () => {
  const trio = ["a", "b", "c"];

  it("a change whose answer was lost is sent again, by itself", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [withMembers(["a"], aGroup("sales")), ...trio.map((own) => aUser(own))]);
    cloud.target.orderMembers({ kind: "lose-answer" });
    await agent.read("delta", [changing("sales", { add: ["b"], remove: ["a"] })]);
    expect((await agent.status()).escrowed).toBe(1);
    const escrows = await cloud.cloud.routes.queries.escrows(agent.jobId);
    expect(escrows.ok && escrows.value).toMatchObject([{ objectGuid: guidOf("sales"), code: "Timeout", attempts: 1 }]);
    await later(cloud, 3);
    expect(namesIn(cloud, "sales")).toEqual(["b"]);
    expect((await agent.status()).escrowed).toBe(0);
  });

  it("one who is gone from a full list, and whose removal failed, is taken out later", async () => {
    const { cloud, agent } = await start();
    const people = trio.map((own) => aUser(own));
    await agent.read("full", [withMembers(trio, aGroup("sales")), ...people]);
    cloud.target.orderMembers({ kind: "fail" });
    await agent.read("full", [withMembers(["a", "b"], aGroup("sales")), ...people]);
    expect(namesIn(cloud, "sales")).toEqual(trio);
    expect((await agent.status()).escrowed).toBe(1);
    await later(cloud, 3);
    expect(namesIn(cloud, "sales")).toEqual(["a", "b"]);
    expect((await agent.status()).escrowed).toBe(0);
  });

  it("one whom the directory took out again, after an answer was lost, isn't left in the group", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [withMembers(["a"], aGroup("sales")), ...trio.map((own) => aUser(own))]);
    cloud.target.orderMembers({ kind: "lose-answer" });
    await agent.read("delta", [changing("sales", { add: ["b"] })]);
    expect(namesIn(cloud, "sales")).toEqual(["a", "b"]);
    await agent.read("delta", [changing("sales", { remove: ["b"] })]);
    expect(namesIn(cloud, "sales")).toEqual(["a"]);
  });

  it("a group whose create got no answer gets all its members", async () => {
    const { cloud, agent } = await start();
    cloud.target.order({ kind: "lose-answer", matches: (action) => action.type === "group" });
    await agent.read("full", [withMembers(trio, aGroup("sales")), ...trio.map((own) => aUser(own))]);
    await later(cloud, 10);
    expect(namesIn(cloud, "sales")).toEqual(trio);
    expect(cloud.target.objects().filter((own) => own.type === "group")).toHaveLength(1);
  });

  it("is waited for when it throttles", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [withMembers([], aGroup("sales")), ...trio.map((own) => aUser(own))]);
    cloud.target.orderMembers({ kind: "throttle", count: 2 });
    await agent.read("delta", [changing("sales", { add: trio })]);
    expect(namesIn(cloud, "sales")).toEqual(trio);
    expect((await agent.status()).lastCycle).toMatchObject({ links: { added: 3, failed: 0 } });
  });

  it("a group that somebody removed there is made anew, members and all", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [withMembers(["a", "b"], aGroup("sales")), ...trio.map((own) => aUser(own))]);
    cloud.target.purge(groupId(cloud, "sales"));
    await agent.read("delta", [changing("sales", { add: ["c"] })]);
    await later(cloud, 3);
    await later(cloud, 60);
    expect(namesIn(cloud, "sales")).toEqual(trio);
    expect((await agent.status()).escrowed).toBe(0);
  });

  it("a group deleted and made anew after its window gets all its members again", async () => {
    const { cloud, agent } = await start();
    // More than go with its create.
    const names = users(25);
    await agent.read("full", [withMembers(names, aGroup("sales")), ...names.map((own) => aUser(own))]);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("sales") }]);
    cloud.target.purge(groupId(cloud, "sales", true));
    cloud.clock.set(cloud.clock.now() + 31 * 86_400_000);
    await agent.read("delta", [withMembers(names, aGroup("sales"))]);
    expect(namesIn(cloud, "sales")).toEqual([...names].sort());
  });

  it("a member who got another object in the target takes the place of the one before", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [withMembers(["a", "b"], aGroup("sales")), ...trio.map((own) => aUser(own))]);
    const before = membersIn(cloud, "sales");
    const lost = cloud.target.objects().find((own) => own.values["displayName"] === "a")?.id ?? "";
    cloud.target.purge(lost);
    // One that is missing within five minutes of its making may just not be shown yet.
    await later(cloud, 6);
    await agent.read("delta", [aUser("a", { department: "new" }, ["department"])]);
    await later(cloud, 3);
    await later(cloud, 60);
    expect(namesIn(cloud, "sales")).toEqual(["a", "b"]);
    expect(membersIn(cloud, "sales")).not.toEqual(before);
  });

  it("a member who got another object, while another member stands for the one before, is there as both", async () => {
    const { cloud, agent } = await start();
    const { links } = cloud.cloud.routes;
    const { jobId } = agent;
    await agent.read("full", [withMembers(["a", "b"], aGroup("sales")), aUser("a"), aUser("b")]);
    const before = cloud.target.objects().find((own) => own.values["displayName"] === "a")?.id ?? "";
    const values = { userPrincipalName: "x@corp.example", accountEnabled: true, displayName: "x" };
    const [other = ""] = cloud.target.seed([{ values }]);
    expect(await links.unlink(jobId, guidOf("b"), "me")).toMatchObject({ ok: true });
    expect(await links.move(jobId, guidOf("a"), { jobId, objectGuid: guidOf("b") }, "me")).toMatchObject({ ok: true });
    await cloud.run();
    await later(cloud, 60);
    expect(await links.join(jobId, guidOf("a"), other, "me")).toMatchObject({ ok: true });
    await cloud.run();
    await later(cloud, 60);
    expect([...membersIn(cloud, "sales")].sort()).toEqual([before, other].sort());
  });
});

describe("managers", () => {
  it("that come in a later batch or read are set when they appear, and only where they are missing", async () => {
    const { cloud, agent } = await start();
    await agent.read(
      "full",
      [aManagedUser("a", "boss"), aManagedUser("b", "a"), aManagedUser("c", "late"), aUser("boss")],
      1,
    );
    const managerOf = (name: string) =>
      cloud.target.objects().find((own) => own.values["displayName"] === name)?.values["manager"];
    const idOf = (name: string) => cloud.target.objects().find((own) => own.values["displayName"] === name)?.id;
    expect(managerOf("a")).toBe(idOf("boss"));
    expect(managerOf("b")).toBe(idOf("a"));
    expect(managerOf("c")).toBeUndefined();
    expect(cloud.target.writes()).toBe(4 + 1);
    await agent.read("delta", [aUser("late")]);
    expect(managerOf("c")).toBe(idOf("late"));
  });
});
