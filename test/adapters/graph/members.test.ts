/** How the Graph target writes members: batches, throttling, lag, lost answers, big groups. The rest is the contract. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WRITES_A_GROUP } from "../../../shared/adapters/graph/change-members.ts";
import type { TargetMemberChange } from "../../../shared/ports/target-directory.ts";
import { startTestDirectory, type TestDirectory } from "../../local/directory/support.ts";
import { buildCreate, connect, type Rig } from "./support.ts";

const low = { priority: "low" } as const;

describe("members in Graph", () => {
  let directory: TestDirectory;
  let rig: Rig;

  beforeAll(async () => {
    directory = await startTestDirectory();
  });
  afterAll(() => directory.close());
  beforeEach(() => {
    directory.control.deleteAll();
    directory.control.clearFaults();
    directory.control.set({ quota: "off", visibilityDelayMs: 0 });
    directory.control.resetStats();
    rig = connect(directory);
    return () => rig.close();
  });

  const people = (count: number) =>
    directory.control.seed(
      Array.from({ length: count }, (_, at) => ({ properties: { userPrincipalName: `p${at}@contoso.example` } })),
    );
  const group = (members: readonly string[] = [], properties: Record<string, unknown> = {}) =>
    directory.control.seed([
      { kind: "group", properties: { displayName: "G", ...properties }, members: [...members] },
    ])[0]!;
  const change = (groupId: string, op: "add" | "remove", memberIds: readonly string[]): TargetMemberChange => ({
    ...{ key: `guid-of-${groupId}`, groupId, op, memberIds },
  });
  const apply = async (...changes: TargetMemberChange[]) => rig.target.changeMembers(changes, low);
  const add = async (groupId: string, memberIds: readonly string[]) =>
    (await apply(change(groupId, "add", memberIds)))[0]!;
  const take = async (groupId: string, memberIds: readonly string[]) =>
    (await apply(change(groupId, "remove", memberIds)))[0]!;
  const stored = (id: string) => [...directory.control.list("group")].find((one) => one.id === id)?.members ?? [];
  const batches = () => rig.sent.filter((text) => text.includes("/$batch"));
  /** The requests of a batch by their group. */
  const groupsOf = (batch: string) => [...batch.matchAll(/"url":"\/groups\/([0-9a-f-]+)/g)].map(([, id]) => id!);

  it("calls nothing when there is nothing to do", async () => {
    expect(await apply()).toEqual([]);
    expect(await add("any", [])).toMatchObject({ done: [], unsent: [], failed: [] });
    expect(rig.sent).toEqual([]);
  });

  it("keeps few writes of one group on their way, and fills batches with other groups", async () => {
    const members = people(200);
    const ids = Array.from({ length: 40 }, () => group());
    await apply(...ids.map((id) => change(id, "add", members)));
    for (const id of ids) expect(stored(id)).toHaveLength(200);
    for (const batch of batches()) {
      const asked = groupsOf(batch);
      for (const id of ids) expect(asked.filter((own) => own === id).length).toBeLessThanOrEqual(WRITES_A_GROUP);
    }
    // 40 groups of 10 writes: 20 full batches.
    expect(batches()).toHaveLength(20);
    expect(directory.control.stats().writes).toEqual({ addMembers: 400 });
    const alone = group();
    rig.sent.length = 0;
    await add(alone, members);
    expect(batches().map((batch) => groupsOf(batch).length)).toEqual([5, 5]);
  });

  it("lets a small group not wait for many big ones", async () => {
    const members = people(400);
    const big = Array.from({ length: 20 }, () => group());
    const small = group();
    await apply(...big.map((id) => change(id, "add", members)), change(small, "add", members.slice(0, 2)));
    // Of 20 writes each, five a round and 80 for all: 20 batches and one write. The small one has the second round's turn.
    expect(batches()).toHaveLength(21);
    expect(batches().findIndex((batch) => batch.includes(small))).toBeLessThan(8);
    for (const id of big) expect(stored(id)).toHaveLength(400);
  });

  it("adds 50,000 to one group and takes one out, in bounded memory and the fewest writes", async () => {
    const members = people(50_000);
    const id = group();
    const { done } = await add(id, members);
    expect(done).toHaveLength(50_000);
    expect(rig.target.writes()).toBe(2_500);
    // What is on its way is never more than a few writes, whatever the group's size.
    for (const batch of batches()) expect(groupsOf(batch).length).toBeLessThanOrEqual(WRITES_A_GROUP);
    await take(id, [members[7]!]);
    expect(rig.target.writes()).toBe(2_501);
    let count = 0;
    for await (const page of rig.target.members(id)) count += page.length;
    expect(count).toBe(49_999);
  });

  it.each([
    [1, 10],
    [2, 14],
    [3, 18],
    [20, 26],
  ])("with %i of 20 there already costs at most %i writes", async (count, most) => {
    const members = people(20);
    // Far from each other: the worst case.
    const there = count === 20 ? members : Array.from({ length: count }, (_, at) => members[at * 5]!);
    const id = group(there);
    const { done } = await add(id, members);
    expect([...done].sort()).toEqual([...members].sort());
    expect(rig.target.writes()).toBe(most);
  });

  describe("a target that throttles", () => {
    it("is given the short time it asks for", async () => {
      const members = people(100);
      const id = group();
      directory.control.order({ throttle: { count: 3, retryAfterSeconds: 1, match: { method: "PATCH" } } });
      const result = await add(id, members);
      expect(result).toMatchObject({ unsent: [], failed: [] });
      expect(stored(id)).toHaveLength(100);
      expect(rig.slept()).toBe(1_000);
      expect(rig.target.writes()).toBe(5);
    });

    it("for longer is sent no more: what is left is unsent, with the time", async () => {
      const members = people(400);
      const [one, two] = [group(), group()];
      directory.control.set({ quota: { writesPerWindow: 7, windowSeconds: 150 } });
      const results = await apply(change(one, "add", members), change(two, "add", members.slice(0, 40)));
      const done = results.flatMap((result) => result.done).length;
      const unsent = results.flatMap((result) => result.unsent).length;
      expect(done).toBe(140);
      expect(done + unsent).toBe(440);
      for (const result of results) {
        expect(result.failed).toEqual([]);
        if (result.unsent.length > 0) expect(result.retryAfterMs).toBeGreaterThan(2_000);
      }
      expect(rig.slept()).toBe(0);
      expect(directory.control.stats().throttled).toBeLessThanOrEqual(20);
      expect(rig.target.writes()).toBe(7);
    });

    it("that is down for all gives everything back", async () => {
      const members = people(30);
      const id = group();
      await rig.target.describe();
      directory.control.order({ down: true });
      const result = await add(id, members);
      expect(result.unsent).toHaveLength(30);
      expect(result.retryAfterMs).toBeGreaterThan(0);
      expect(rig.target.writes()).toBe(0);
    });
  });

  describe("an answer that doesn't come", () => {
    it("leaves those members unknown, worth another try, which finds them done", async () => {
      const members = people(30);
      const id = group();
      directory.control.order({ loseAnswers: { count: 1 } });
      const lost = await add(id, members);
      expect(lost.failed).toHaveLength(30);
      for (const { failure } of lost.failed) expect(failure).toMatchObject({ code: "Timeout", retriable: true });
      expect(stored(id)).toHaveLength(30);
      expect((await add(id, members)).done).toHaveLength(30);
    });

    it("as a 500 is the same for one write, and its neighbours are done", async () => {
      const members = people(60);
      const id = group();
      directory.control.order({ failWrites: { count: 1, status: 500 } });
      const { done, failed } = await add(id, members);
      expect([done.length, failed.length]).toEqual([40, 20]);
      expect(failed[0]).toMatchObject({ failure: { code: "InternalServerError", retriable: true } });
    });

    it("of a target that can't be reached is no result at all", async () => {
      const lost = connect(directory, { baseUrl: "https://127.0.0.1:1/v1.0" });
      await expect(lost.target.changeMembers([change("g", "add", ["x"])], low)).rejects.toMatchObject({
        code: "target-unreachable",
      });
      await expect(lost.target.members("g")[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        code: "target-unreachable",
      });
      lost.close();
    });
  });

  describe("writes that meet each other", () => {
    it.each([
      [409, "Request_Conflict"],
      [400, "Directory_ConcurrencyViolation"],
    ])("with %i %s go through a moment later", async (status, code) => {
      const members = people(60);
      const id = group();
      directory.control.order({ failWrites: { count: 2, status, code } });
      expect((await add(id, members)).done).toHaveLength(60);
      expect(rig.slept()).toBe(250);
      expect(rig.target.writes()).toBe(5);
    });

    it("for long are put off, the others are done", async () => {
      const members = people(40);
      const [id, other] = [group(), group()];
      const order = { count: 99, status: 409, match: { method: "PATCH", contains: id! } };
      directory.control.order({ failWrites: order });
      const [bad, good] = await apply(change(id!, "add", members), change(other!, "add", members));
      expect(bad?.unsent).toHaveLength(40);
      expect(bad?.retryAfterMs).toBeGreaterThan(0);
      expect(good?.done).toHaveLength(40);
      expect(rig.slept()).toBe(1_750);
    });
  });

  describe("objects that aren't seen everywhere yet", () => {
    const created = async (type: "user" | "group", name: string) => {
      const own = type === "user" ? { accountEnabled: true, userPrincipalName: `${name}@contoso.example` } : {};
      const kind = type === "user" ? {} : { mailEnabled: false, securityEnabled: true, uniqueName: name };
      const values = { displayName: name, mailNickname: name, ...own, ...kind };
      const [result] = await rig.target.apply([{ kind: "create", key: name, type, values }], low);
      return result?.outcome === "done" ? result.id : expect.fail(JSON.stringify(result));
    };

    it("are waited for, members as well as the group", async () => {
      directory.control.set({ visibilityDelayMs: 600 });
      const id = await created("group", "fresh");
      const member = await created("user", "member");
      const members = people(5);
      expect((await add(id, [...members, member])).done).toHaveLength(6);
      expect(rig.slept()).toBeGreaterThanOrEqual(600);
      expect(rig.slept()).toBeLessThanOrEqual(2_000);
    });

    it("are put off when that takes long: nothing failed", async () => {
      directory.control.set({ visibilityDelayMs: 60_000 });
      const id = await created("group", "fresh");
      const members = people(45);
      const late = await add(id, members);
      expect(late.unsent).toHaveLength(45);
      expect(late.retryAfterMs).toBeGreaterThan(0);
      expect(rig.slept()).toBeLessThanOrEqual(2_000);
      const fresh = await created("user", "member");
      const known = group();
      expect(await add(known, [...members.slice(0, 3), fresh])).toMatchObject({ failed: [] });
      directory.clock.ms += 60_000;
      expect((await add(id, [...members, fresh])).done).toHaveLength(46);
    });
  });

  it("finds a member that is nowhere among fresh ones, and adds those", async () => {
    const action = buildCreate();
    const [result] = await rig.target.apply([action], low);
    const fresh = result?.outcome === "done" ? result.id : expect.fail();
    const nobody = "8f0d9f0a-0000-4000-8000-00000000000f";
    const members = [...people(10), fresh, nobody];
    const id = group();
    const { done, failed, unsent } = await add(id, members);
    expect([done.length, unsent]).toEqual([11, []]);
    expect(failed).toMatchObject([{ memberId: nobody, failure: { retriable: true } }]);
    expect(rig.slept()).toBe(1_750);
  });

  it("asks whether a group is there, by a read and not by writes, when a 404 doesn't say", async () => {
    const members = people(12);
    const gone = "8f0d9f0a-0000-4000-8000-00000000000f";
    const { failed } = await take(gone, members);
    expect(failed).toHaveLength(12);
    expect(directory.control.stats()).toMatchObject({ reads: 2, writeCalls: WRITES_A_GROUP });
    const id = group();
    directory.control.resetStats();
    // Graph may name the group when it means the link.
    const order = { count: 9, status: 404, code: "Request_ResourceNotFound", match: { method: "DELETE" } };
    directory.control.order({ failWrites: order });
    expect((await take(id, members.slice(0, 9))).done).toHaveLength(9);
    expect(directory.control.stats()).toMatchObject({ reads: 1, writeCalls: 9 });
  });

  it("stops writing to a group that refuses us", async () => {
    const members = people(400);
    const id = group([], { groupTypes: ["DynamicMembership"] });
    const { failed } = await add(id, members);
    expect(failed).toHaveLength(400);
    expect(failed[0]?.failure).toMatchObject({ code: "InsufficientRights", status: 403, retriable: false });
    expect(failed[0]?.failure.remedy).toMatch(/dynamic/);
    expect(rig.target.writes()).toBe(WRITES_A_GROUP);
  });

  it("stops writing to a group with mail, too", async () => {
    const id = group([], { mailEnabled: true });
    const { failed } = await add(id, people(400));
    expect(failed).toHaveLength(400);
    expect(failed[0]?.failure).toMatchObject({ retriable: false });
    expect(rig.target.writes()).toBe(WRITES_A_GROUP);
  });

  it("names groups by the caller's key, and nobody by name", async () => {
    const id = group([], { groupTypes: ["DynamicMembership"], displayName: "Secret" });
    const { failed } = await add(id, people(1));
    expect(failed[0]?.failure.message).toContain(`guid-of-${id}`);
    expect(JSON.stringify(failed) + rig.logged.join()).not.toMatch(/Secret|p0@/);
  });

  it("never deletes a member when it takes one out", async () => {
    const members = people(3);
    const id = group(members);
    await take(id, members);
    expect(directory.control.stats().writes).toEqual({ removeMember: 3 });
    expect([...directory.control.list("user")].every((user) => !user.deleted)).toBe(true);
    const urls = [
      ...batches()
        .join()
        .matchAll(/"method":"DELETE","url":"([^"]*)"/g),
    ].map(([, url]) => url);
    expect(urls).toHaveLength(3);
    for (const url of urls) expect(url).toMatch(/\/\$ref$/);
  });
});
