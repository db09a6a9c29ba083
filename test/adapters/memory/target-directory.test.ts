/** The switches of the memory target: what tests of use cases order. The rest is the contract of every target. */

import { beforeEach, describe, expect, it } from "vitest";
import {
  createMemoryTargetDirectory,
  type MemoryTargetDirectory,
} from "../../../shared/adapters/memory/target-directory.ts";
import { type TargetAction, TargetUnavailable } from "../../../shared/ports/target-directory.ts";

describe("the memory target", () => {
  let target: MemoryTargetDirectory;
  beforeEach(() => {
    target = createMemoryTargetDirectory({ verifiedDomains: ["contoso.example"], pageSize: 2 });
  });

  const create = (name: string): TargetAction => ({
    kind: "create",
    key: name,
    type: "user",
    values: {
      accountEnabled: true,
      displayName: name,
      mailNickname: name,
      userPrincipalName: `${name}@contoso.example`,
    },
  });
  const apply = (...actions: TargetAction[]) => target.apply(actions, { priority: "low" });

  it("throttles what it was told to: no effect, no write, a time to wait", async () => {
    target.order({ kind: "throttle", retryAfterMs: 5_000, matches: (action) => action.key === "b" });
    expect(await apply(create("a"), create("b"))).toMatchObject([
      { outcome: "done" },
      { outcome: "unsent", failure: { code: "TooManyRequests", retryAfterMs: 5_000 } },
    ]);
    expect(target.writes()).toBe(1);
    expect(await apply(create("b"))).toMatchObject([{ outcome: "done" }]);
  });

  it("fails as often as told, without effect", async () => {
    target.order({ kind: "fail", count: 2 });
    const results = await apply(create("a"), create("b"), create("c"));
    expect(results.map((result) => result.outcome)).toEqual(["failed", "failed", "done"]);
    expect(target.objects()).toHaveLength(1);
  });

  it("loses an answer after the write took effect", async () => {
    target.order({ kind: "lose-answer" });
    expect(await apply(create("a"))).toMatchObject([
      { outcome: "failed", failure: { code: "Timeout", retriable: true } },
    ]);
    expect(target.objects()).toMatchObject([{ values: { displayName: "a" }, deleted: false }]);
    expect(await apply(create("a"))).toMatchObject([{ failure: { code: "AttributeValueMustBeUnique" } }]);
  });

  it("can be unavailable, in every method", async () => {
    target.setUnavailable(new TargetUnavailable("target-unreachable", "It is away.", "Wait.", 1_000));
    const calls = [target.describe(), target.find([]), target.privileged([]), apply(create("a"))];
    const all = await Promise.allSettled([...calls, target.users()[Symbol.asyncIterator]().next()]);
    for (const result of all)
      expect(result).toMatchObject({ status: "rejected", reason: { code: "target-unreachable" } });
    target.setUnavailable(undefined);
    expect(await apply(create("a"))).toMatchObject([{ outcome: "done" }]);
    expect(target.received).toHaveLength(1);
  });

  it("shows late what it has done, when told to", async () => {
    await apply(create("a"));
    target.setLagging(true);
    await apply(create("b"));
    const byName = ["a", "b"].map((name) => ({ by: "userPrincipalName" as const, value: `${name}@contoso.example` }));
    expect((await target.find(byName)).map((found) => found.length)).toEqual([1, 0]);
    expect(await apply(create("b"))).toMatchObject([{ outcome: "failed" }]);
    target.setLagging(false);
    expect((await target.find(byName)).map((found) => found.length)).toEqual([1, 1]);
  });

  it("gives users in pages", async () => {
    target.seed(["a", "b", "c"].map((displayName) => ({ values: { displayName } })));
    const pages: number[] = [];
    for await (const page of target.users()) pages.push(page.length);
    expect(pages).toEqual([2, 1]);
  });

  describe("members", () => {
    const seedPeople = (count: number) =>
      target.seed(Array.from({ length: count }, (_, at) => ({ values: { displayName: `P${at}` } })));
    const group = (members: readonly string[] = []) =>
      target.seed([{ type: "group", values: { displayName: "G" }, members }])[0]!;
    const change = async (groupId: string, memberIds: readonly string[], op: "add" | "remove" = "add") =>
      (await target.changeMembers([{ key: "g", groupId, op, memberIds }], { priority: "low" }))[0]!;

    it("fail as often as told, those that were meant, without effect", async () => {
      const [a = "", b = "", c = ""] = seedPeople(3);
      const id = group();
      target.orderMembers({ kind: "fail", matches: (memberId, { key }) => memberId === b && key === "g" });
      expect(await change(id, [a, b, c])).toMatchObject({
        done: [a, c],
        unsent: [],
        failed: [{ memberId: b, failure: { code: "InternalServerError", retriable: true } }],
      });
      expect(target.membersOf(id)).toEqual([a, c]);
      expect(await change(id, [b])).toMatchObject({ done: [b], failed: [] });
    });

    it("are throttled when told so: no effect, no write, a time to wait", async () => {
      const people = seedPeople(3);
      const id = group();
      target.orderMembers({ kind: "throttle", count: 2, retryAfterMs: 7_000 });
      expect(await change(id, people)).toEqual({
        ...{ key: "g", done: people.slice(2), unsent: people.slice(0, 2), retryAfterMs: 7_000, failed: [] },
      });
      expect(target.writes()).toBe(1);
      target.orderMembers({ kind: "throttle", count: 3 });
      expect(await change(id, people, "remove")).toMatchObject({ done: [], unsent: people, retryAfterMs: 1_000 });
      expect(target.writes()).toBe(1);
    });

    it("go in though their answer is lost, when told so", async () => {
      const [a = "", b = ""] = seedPeople(2);
      const id = group();
      target.orderMembers({ kind: "lose-answer" });
      const { done, failed } = await change(id, [a, b]);
      expect([done, failed.map(({ memberId }) => memberId)]).toEqual([[b], [a]]);
      expect(failed).toMatchObject([{ failure: { code: "Timeout", retriable: true } }]);
      expect(target.membersOf(id)).toEqual([a, b]);
    });

    it("are told in pages, and what came in is kept", async () => {
      const people = seedPeople(5);
      const id = group(people.slice(0, 4));
      const pages: number[] = [];
      for await (const page of target.members(id)) pages.push(page.length);
      expect(pages).toEqual([2, 2]);
      await change(id, people.slice(4));
      expect(target.receivedChanges).toEqual([{ key: "g", groupId: id, op: "add", memberIds: people.slice(4) }]);
    });

    it("of one group come once in a call and kind", async () => {
      const own = { key: "g", groupId: group(), op: "add", memberIds: [] } as const;
      await expect(target.changeMembers([own, own], { priority: "low" })).rejects.toThrow(/same group/);
    });

    it("are at most 20 in a create", async () => {
      const values = { displayName: "G", mailNickname: "g" };
      const members = seedPeople(21);
      const action: TargetAction = { kind: "create", key: "g", type: "group", values, members };
      await expect(apply(action)).rejects.toThrow(/20/);
    });

    it("can't be had while the target is away", async () => {
      const id = group();
      target.setUnavailable(new TargetUnavailable("target-unreachable", "It is away.", "Wait.", 1_000));
      const calls = [change(id, []), target.members(id)[Symbol.asyncIterator]().next()];
      for (const result of await Promise.allSettled(calls)) {
        expect(result).toMatchObject({ status: "rejected", reason: { code: "target-unreachable" } });
      }
    });
  });

  it("refuses two actions for one key in a call", async () => {
    await expect(apply(create("a"), create("a"))).rejects.toThrow(/same key/);
  });
});
