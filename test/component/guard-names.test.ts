/** Changed userPrincipalName and mail under the guard (N6). */
import { describe, expect, it } from "vitest";
import { addWork } from "../../shared/application/lanes/add-work.ts";
import { StagedSetReply } from "../../shared/contracts/admin/staged.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import type { GuardSettings } from "../../shared/domain/guard.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

const BY = "admin ann";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const names = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => `user${String(at + from).padStart(3, "0")}`);
const upn = (local: string) => `${local}@corp.example`;
const renamed = (name: string, to = `${name}.new`, more: Readonly<Record<string, string>> = {}) =>
  aUser(name, { userPrincipalName: upn(to), ...more }, ["userPrincipalName", ...Object.keys(more)]);
const all = (list: readonly string[], change = (name: string) => aUser(name)) => list.map(change);
const valuesOf = (cloud: Cloud, name: string) =>
  cloud.target.objects().find((own) => own.values["displayName"] === name)?.values ?? {};
const upnOf = (cloud: Cloud, name: string) => valuesOf(cloud, name)["userPrincipalName"];
const newOnes = (cloud: Cloud) =>
  cloud.target.objects().filter((own) => String(own.values["userPrincipalName"]).includes(".new@")).length;

async function start(people: readonly string[], settings: Partial<JobSettings> = {}, options: CloudOptions = {}) {
  const cloud = await createCloud({ chunkObjects: 5, ...options, settings });
  const agent = await cloud.addDomain("corp.example");
  const { jobId } = agent;
  await agent.read("full", all(people));
  const { staged } = cloud.cloud.routes;
  const sets = async () => {
    const found = await staged.list(jobId, { members: true });
    if (!found.ok) throw new Error(found.failure.message);
    return found.value.map((own) => StagedSetReply.parse(own));
  };
  const only = async () => {
    const [first, ...more] = await sets();
    if (!first || more.length > 0) throw new Error(`There are ${more.length + (first ? 1 : 0)} sets.`);
    return first;
  };
  const decide = async (action: "approve" | "drop") => {
    const done = await staged[action](jobId, "names", (await only()).digest, BY);
    await cloud.run();
    return done;
  };
  const later = (ms: number) => cloud.clock.set(cloud.clock.now() + ms);
  const escrows = async () => {
    const found = await cloud.cloud.routes.queries.escrows(jobId);
    return found.ok ? found.value : [];
  };
  return { cloud, agent, jobId, staged, sets, only, decide, later, escrows };
}

/** Forty people; twenty-five of them renamed in one read, with a department each. */
async function manyRenamed(options: CloudOptions = {}) {
  const world = await start(names(40), {}, options);
  await world.agent.read(
    "delta",
    all(names(25), (name) => renamed(name, `${name}.new`, { department: "Sales" })),
  );
  return world;
}

describe("changed names", () => {
  it("go out at once within the bounds, and from the chunk on that would pass them they are staged; the rest goes out", async () => {
    const { cloud, agent, jobId, only } = await manyRenamed();
    const passed = newOnes(cloud);
    expect(passed).toBeLessThanOrEqual(20);
    expect(passed).toBeGreaterThan(10);
    expect(names(25).map((name) => valuesOf(cloud, name)["department"])).toEqual(names(25).map(() => "Sales"));
    const set = await only();
    expect(set).toMatchObject({ class: "names", count: 25 - passed, reason: expect.stringContaining("linked users") });
    expect(await agent.status()).toMatchObject({
      staged: 25 - passed,
      escrowed: 0,
      lastCycle: {
        received: 25,
        outcomes: { exported: passed, staged: 25 - passed },
        staged: [{ class: "names", count: 25 - passed }],
      },
    });
    expect(cloud.logged.filter((line) => line.event === "removals-staged")).toHaveLength(1);
    const objectGuid = set.members?.[0] ?? "";
    const entries = await readLog(cloud.cloud.routes, { jobId, objectGuid, sinceDays: 400, top: 20 });
    expect(entries.find((entry) => entry.provisioningAction === "update")).toMatchObject({
      provisioningStatusInfo: { status: "warning", errorInformation: { errorCode: "NamesStaged" } },
    });
  });

  it.each<[string, number, number, number, Partial<GuardSettings>]>([
    ["20 of 30 pass", 30, 20, 20, {}],
    ["the 21st of 30 is staged", 30, 21, 20, {}],
    ["10 % of 100 pass", 100, 10, 10, { floor: 5 }],
    ["one more than 10 % of 100 is staged", 100, 11, 10, { floor: 5 }],
    ["what stays below the count passes", 100, 7, 7, { floor: 5, count: 8 }],
    ["what reaches the count is staged", 100, 8, 7, { floor: 5, count: 8 }],
  ])("%s", async (_, people, changed, most, more) => {
    const guard = { floor: 20, count: 500, percent: 10, ...more };
    const { cloud, agent } = await start(names(people), { guard }, { chunkObjects: 1 });
    await agent.read(
      "delta",
      all(names(changed), (name) => renamed(name)),
    );
    expect(newOnes(cloud)).toBe(most);
    expect((await agent.status()).staged).toBe(changed - most);
  });

  it("are counted over 24 hours, read by read, and by people: whoever is renamed twice is one", async () => {
    const { cloud, agent, later } = await start(names(40));
    await agent.read(
      "delta",
      all(names(12), (name) => renamed(name)),
    );
    later(HOUR);
    await agent.read(
      "delta",
      all(names(12), (name) => renamed(name, `${name}.new2`)),
    );
    expect((await agent.status()).staged).toBe(0);
    later(12 * HOUR);
    await agent.read(
      "delta",
      all(names(9, 12), (name) => renamed(name)),
    );
    expect((await agent.status()).staged).toBeGreaterThan(0);
    expect(
      cloud.target.objects().filter((own) => /\.new2?@/.test(String(own.values["userPrincipalName"]))),
    ).toHaveLength(21 - (await agent.status()).staged);
    // The twelve were last renamed 24 hours ago then.
    later(12 * HOUR + 1);
    await agent.read(
      "delta",
      all(names(9, 12), (name) => renamed(name, `${name}.new3`)),
    );
    expect((await agent.status()).staged).toBe(0);
  });

  it("of mail alone count as well; a first mail address, a name in another case and a blank don't", async () => {
    const people = names(40);
    const mail = (domain: string) => (name: string) => aUser(name, { mail: `${name}@${domain}` }, ["mail"]);
    const { agent, only } = await start(people);
    await agent.read("delta", all(people, mail("corp.example")));
    await agent.read(
      "delta",
      all(people, (name) =>
        aUser(name, { userPrincipalName: upn(name.toUpperCase()), mail: `${name}@corp.example` }, [
          "userPrincipalName",
        ]),
      ),
    );
    expect((await agent.status()).staged).toBe(0);
    await agent.read("delta", all(people, mail("other.example")));
    expect(await only()).toMatchObject({ class: "names", count: expect.any(Number) });
    expect((await only()).count).toBeGreaterThanOrEqual(20);
  });

  it("of two chunks that go out at the same moment count each other", async () => {
    const { cloud, agent } = await start(names(40), {}, { chunkObjects: 3 });
    await agent.read(
      "delta",
      all(names(40), (name) => renamed(name)),
    );
    expect(newOnes(cloud)).toBeLessThanOrEqual(20);
    expect(newOnes(cloud)).toBeGreaterThan(14);
  });

  it("are counted for the job that changes them", async () => {
    const { cloud, agent } = await start(names(40));
    const other = await cloud.addDomain("child.corp.example");
    const others = names(40, 500);
    await other.read("full", all(others));
    await agent.read(
      "delta",
      all(names(15), (name) => renamed(name)),
    );
    await other.read(
      "delta",
      all(others.slice(0, 15), (name) => renamed(name)),
    );
    expect(newOnes(cloud)).toBe(30);
  });

  it("are counted once by activities that run twice, and let pass the same", async () => {
    const twice: CloudOptions = {
      aroundActivity: async (_name, _input, run) => {
        await run();
        return run();
      },
    };
    const { cloud, agent } = await start(names(40), {}, twice);
    await agent.read(
      "delta",
      all(names(20), (name) => renamed(name)),
    );
    expect(newOnes(cloud)).toBe(20);
    expect((await agent.status()).staged).toBe(0);
  });

  it("of two who swap count as two, and a swap that would pass the bound waits for room", async () => {
    const { cloud, agent, later, escrows } = await start(names(40), { guard: { floor: 4, count: 500, percent: 1 } });
    await agent.read("delta", [renamed("user000", "user001"), renamed("user001", "user000")]);
    expect([upnOf(cloud, "user000"), upnOf(cloud, "user001")]).toEqual([upn("user001"), upn("user000")]);
    await agent.read("delta", [renamed("user002"), renamed("user003")]);
    expect((await agent.status()).staged).toBe(0);
    await agent.read("delta", [renamed("user004", "user005"), renamed("user005", "user004")]);
    expect([upnOf(cloud, "user004"), upnOf(cloud, "user005")]).toEqual([upn("user004"), upn("user005")]);
    expect((await escrows()).map((own) => own.code)).toEqual([
      "AttributeValueMustBeUnique",
      "AttributeValueMustBeUnique",
    ]);
    later(25 * HOUR);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
    expect([upnOf(cloud, "user004"), upnOf(cloud, "user005")]).toEqual([upn("user005"), upn("user004")]);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });

  it("that fall back on the initial domain and get theirs later count once in a day", async () => {
    const { cloud, agent, later } = await start(names(40));
    const foreign = (name: string) => aUser(name, { userPrincipalName: `${name}@new.example` }, ["userPrincipalName"]);
    await agent.read("delta", all(names(20), foreign));
    expect((await agent.status()).staged).toBe(0);
    later(HOUR);
    await agent.read(
      "delta",
      all(names(20), (name) => renamed(name)),
    );
    expect((await agent.status()).staged).toBe(0);
    expect(newOnes(cloud)).toBe(20);
  });

  it("of somebody who is on the exclusion list, new or taken over are nobody's to count", async () => {
    const { cloud, agent } = await start(names(40));
    await cloud.cloud.routes.exclusions.add(guidOf("user000"), "break-glass", BY);
    await agent.read("delta", [...all(names(30, 100)), ...all(names(21), (name) => renamed(name))]);
    expect(newOnes(cloud)).toBe(20);
    expect((await agent.status()).staged).toBe(0);
  });
});

describe("staged names", () => {
  it("keep their claim: nobody else gets the new name, nor the old one", async () => {
    const { cloud, agent, only, escrows } = await manyRenamed();
    const [guid = ""] = (await only()).members ?? [];
    const name = names(25).find((own) => guidOf(own) === guid) ?? "";
    await agent.read("delta", [
      aUser("fresh", { userPrincipalName: upn(`${name}.new`) }),
      aUser("other", { userPrincipalName: upn(name) }),
    ]);
    expect(valuesOf(cloud, "fresh")).toEqual({});
    expect(valuesOf(cloud, "other")).toEqual({});
    expect((await escrows()).map((own) => own.message)).toEqual([
      expect.stringContaining(guid),
      expect.stringContaining(guid),
    ]);
  });

  it("go out when that set is approved, named with who approved it, and don't count for the guard", async () => {
    const { cloud, agent, jobId, sets, only, decide } = await manyRenamed();
    const { members = [] } = await only();
    expect(await decide("approve")).toMatchObject({ ok: true, value: { objects: members.length } });
    expect(newOnes(cloud)).toBe(25);
    expect(await sets()).toEqual([]);
    expect(await agent.status()).toMatchObject({ staged: 0, waiting: { work: 0 } });
    const entries = await readLog(cloud.cloud.routes, {
      jobId,
      objectGuid: members[0] ?? "",
      sinceDays: 400,
      top: 20,
    });
    expect(entries.flatMap((entry) => entry.provisioningSteps)).toContainEqual(
      expect.objectContaining({ name: "RemovalApproval", description: `Staged, and approved by ${BY}.` }),
    );
    const room = 20 - (25 - members.length);
    await agent.read(
      "delta",
      all(names(room, 25), (name) => renamed(name)),
    );
    expect(newOnes(cloud)).toBe(25 + room);
  });

  it("go out as approved only while the directory wants just those", async () => {
    const { cloud, agent, jobId, staged, only } = await manyRenamed();
    const { digest, members = [] } = await only();
    const [one = "", two = ""] = names(25).filter((own) => members.includes(guidOf(own)));
    cloud.bells.splice(0);
    expect(await staged.approve(jobId, "names", digest, BY)).toMatchObject({ ok: true });
    await agent.read("delta", [renamed(one, `${one}.newer`), aUser(two, {}, ["userPrincipalName"])]);
    expect(upnOf(cloud, one)).not.toBe(upn(`${one}.new`));
    expect(upnOf(cloud, two)).toBe(upn(two));
    expect(newOnes(cloud)).toBe(23);
  });

  it("are another set, by another digest, once the directory wants others", async () => {
    const { agent, jobId, staged, only, sets } = await manyRenamed();
    const before = await only();
    const again = names(25).filter((own) => (before.members ?? []).includes(guidOf(own)));
    await agent.read(
      "delta",
      all(again, (name) => renamed(name, `${name}.newer`)),
    );
    const digests = (await sets()).map((own) => own.digest);
    expect(digests).not.toContain(before.digest);
    expect(await staged.approve(jobId, "names", before.digest, BY)).toMatchObject({
      failure: { status: 409, code: "staged-set-changed" },
    });
  });

  it("dropped stay as they are whatever else changes and is read, until the directory changes them again", async () => {
    const { cloud, agent, sets, only, decide, later } = await manyRenamed();
    const { members = [] } = await only();
    const dropped = names(25).filter((own) => members.includes(guidOf(own)));
    const passed = newOnes(cloud);
    expect(await decide("drop")).toMatchObject({ ok: true, value: { decision: "dropped" } });
    expect(await sets()).toEqual([]);
    later(30 * HOUR);
    await agent.read("delta", [renamed(dropped[0] ?? "", `${dropped[0]}.new`, { department: "Ads" })]);
    expect(valuesOf(cloud, dropped[0] ?? "")["department"]).toBe("Ads");
    await agent.read("full", [
      ...all(names(25), (name) => aUser(name, { userPrincipalName: upn(`${name}.new`), department: "Sales" })),
      ...all(names(15, 25)),
    ]);
    expect(newOnes(cloud)).toBe(passed);
    expect((await agent.status()).staged).toBe(0);
    const writes = cloud.target.writes();
    await agent.read("delta", [renamed(dropped[1] ?? "", "quite.another")]);
    expect(upnOf(cloud, dropped[1] ?? "")).toBe(upn("quite.another"));
    expect(cloud.target.writes()).toBe(writes + 1);
  });

  it("are judged anew by the next full read, and by the object's own next change, not by a retry", async () => {
    const { cloud, agent, jobId, only, later } = await manyRenamed();
    const { members = [] } = await only();
    const waiting = names(25).filter((own) => members.includes(guidOf(own)));
    later(25 * HOUR);
    const passed = newOnes(cloud);
    // Work of the cloud's own brings no news of anybody.
    await addWork(cloud, jobId, "reevaluate", { objectGuids: members });
    await cloud.cloud.routes.wakeJob(jobId);
    await cloud.run();
    expect(newOnes(cloud)).toBe(passed);
    await agent.read("delta", [renamed(waiting[0] ?? "")]);
    expect(newOnes(cloud)).toBe(passed + 1);
    await agent.read("full", [
      ...all(names(25), (name) => aUser(name, { userPrincipalName: upn(`${name}.new`), department: "Sales" })),
      ...all(names(15, 25)),
    ]);
    expect(newOnes(cloud)).toBe(25);
    expect(await agent.status()).toMatchObject({ staged: 0 });
  });

  it("are forgotten when the directory takes them back, and when the object goes", async () => {
    const { agent, only, sets } = await manyRenamed();
    const { members = [] } = await only();
    const waiting = names(25).filter((own) => members.includes(guidOf(own)));
    await agent.read("delta", [
      ...waiting.slice(1).map((name) => aUser(name, { department: "Sales" }, ["userPrincipalName"])),
      { op: "delete" as const, objectGuid: guidOf(waiting[0] ?? "") },
    ]);
    expect(await sets()).toEqual([]);
    expect((await agent.status()).staged).toBe(0);
  });

  it("approved that fail in the target are still approved when they are tried again", async () => {
    const { cloud, agent, only, decide, later } = await manyRenamed();
    const { count } = await only();
    const failure = { code: "UnprocessableEntity" as const, message: "no", remedy: "Mend it.", retriable: false };
    cloud.target.order({ kind: "fail", failure, count });
    await decide("approve");
    expect(await agent.status()).toMatchObject({ escrowed: count, staged: 0 });
    expect(newOnes(cloud)).toBe(25 - count);
    later(HOUR);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
    expect(newOnes(cloud)).toBe(25);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });
});
