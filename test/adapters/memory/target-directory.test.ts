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

  it("refuses two actions for one key in a call", async () => {
    await expect(apply(create("a"), create("a"))).rejects.toThrow(/same key/);
  });
});
