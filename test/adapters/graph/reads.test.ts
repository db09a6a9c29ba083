/** What the Graph target reads: matching, privileged objects, the whole list, and what it does when it may not. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TargetUnavailable } from "../../../shared/ports/target-directory.ts";
import { startTestDirectory, type TestDirectory } from "../../local/directory/support.ts";
import { connect, type Rig } from "./support.ts";

describe("reading from Graph", () => {
  let directory: TestDirectory;
  let rig: Rig;

  beforeAll(async () => {
    directory = await startTestDirectory();
  });
  afterAll(() => directory.close());
  beforeEach(() => {
    directory.control.deleteAll();
    directory.control.clearFaults();
    directory.control.resetStats();
    rig = connect(directory);
    return () => rig.close();
  });

  const seed = (
    properties: Record<string, unknown>,
    more: { deleted?: boolean; roles?: string[]; eligibleRoles?: string[] } = {},
  ) => directory.control.seed([{ properties, ...more }])[0]!;

  it("describes the tenant", async () => {
    expect(await rig.target.describe()).toEqual({
      initialDomain: "uplinkdemo.onmicrosoft.com",
      verifiedDomains: ["uplinkdemo.onmicrosoft.com", "contoso.example", "federated.example"],
    });
  });

  describe("find", () => {
    it("finds by each property, with whatever characters, whatever case where case doesn't count", async () => {
      const anchor = "a+b/c==";
      const one = seed({
        userPrincipalName: "o'neil#x@contoso.example",
        mail: "O'Neil@contoso.example",
        displayName: "Miles O'Neil",
        onPremisesImmutableId: anchor,
        accountEnabled: false,
        onPremisesSyncEnabled: true,
      });
      seed({ userPrincipalName: "other@contoso.example", onPremisesImmutableId: "A+b/c==" });
      const expected = {
        id: one,
        type: "user",
        userPrincipalName: "o'neil#x@contoso.example",
        mail: "O'Neil@contoso.example",
        displayName: "Miles O'Neil",
        immutableId: anchor,
        accountEnabled: false,
        synchronized: true,
        deleted: false,
      };
      const found = await rig.target.find([
        { by: "immutableId", value: anchor },
        { by: "userPrincipalName", value: "O'NEIL#x@contoso.example" },
        { by: "mail", value: "o'neil@CONTOSO.example" },
        { by: "id", value: one },
        { by: "immutableId", value: "none" },
        { by: "mail", value: "" },
      ]);
      expect(found).toEqual([[expected], [expected], [expected], [expected], [], []]);
    });

    it("finds the deleted by anchor and by id, and says that they are", async () => {
      const id = seed(
        { userPrincipalName: "gone@contoso.example", onPremisesImmutableId: "gone==" },
        { deleted: true },
      );
      const found = await rig.target.find([
        { by: "deletedImmutableId", value: "gone==" },
        { by: "immutableId", value: "gone==" },
        { by: "id", value: id },
        { by: "id", value: "8f0d9f0a-0000-4000-8000-000000000001" },
      ]);
      expect(found.map((objects) => objects.map((object) => [object.id, object.deleted]))).toEqual([
        [[id, true]],
        [],
        [[id, true]],
        [],
      ]);
    });

    it("answers 400 queries in order with few calls, the same value twice too", async () => {
      const ids = directory.control.seed(
        Array.from({ length: 200 }, (_, n) => ({
          properties: { userPrincipalName: `user${n}@contoso.example`, onPremisesImmutableId: `anchor${n}==` },
        })),
      );
      const queries = ids.flatMap((_, n) => [
        { by: "immutableId", value: `anchor${n}==` } as const,
        { by: "userPrincipalName", value: `user${199 - n}@contoso.example` } as const,
      ]);
      const found = await rig.target.find([...queries, { by: "immutableId", value: "anchor7==" }]);
      const expected = ids.flatMap((id, n) => [[id], [ids[199 - n]!]]);
      expect(found.map((objects) => objects.map((object) => object.id))).toEqual([...expected, [ids[7]]]);
      expect(directory.control.stats().requests).toBeLessThanOrEqual(3);
    });

    it("waits a little for a throttled read, and gives up on a long wait", async () => {
      seed({ userPrincipalName: "a@contoso.example" });
      const query = [{ by: "userPrincipalName", value: "a@contoso.example" } as const];
      directory.control.order({ throttle: { count: 1, retryAfterSeconds: 1 } });
      expect((await rig.target.find(query))[0]).toHaveLength(1);
      expect(rig.slept()).toBe(1_000);
      directory.control.order({ throttle: { count: 9, retryAfterSeconds: 40 } });
      await expect(rig.target.find(query)).rejects.toMatchObject({
        name: "TargetUnavailable",
        code: "target-unreachable",
        retryAfterMs: 40_000,
      });
    });
  });

  it("tells who is privileged: holders of roles, members of role-assignable groups", async () => {
    const admin = seed({ userPrincipalName: "admin@contoso.example" }, { roles: ["Directory Readers"] });
    const member = seed({ userPrincipalName: "member@contoso.example" });
    const plain = seed({ userPrincipalName: "plain@contoso.example" });
    directory.control.seed([
      { kind: "group", properties: { displayName: "admins", isAssignableToRole: true }, members: [member] },
      { kind: "group", properties: { displayName: "others" }, members: [plain] },
    ]);
    expect(await rig.target.privileged([admin, member, plain])).toEqual(new Set([admin, member]));
    const { requests } = directory.control.stats();
    directory.control.setRole(plain, "User Administrator");
    expect(await rig.target.privileged([plain])).toEqual(new Set());
    expect(directory.control.stats().requests).toBe(requests);
    expect(await rig.target.privileged([plain], { anew: true })).toEqual(new Set([plain]));
    directory.control.setRole(member, "User Administrator");
    directory.clock.ms += 61_000;
    expect(await rig.target.privileged([plain])).toEqual(new Set([plain]));
    expect(await rig.target.privileged([])).toEqual(new Set());
  });

  it("tells who may take up a role, where it may know; else it says once that it can't", async () => {
    const may = seed({ userPrincipalName: "may@contoso.example" }, { eligibleRoles: ["User Administrator"] });
    const plain = seed({ userPrincipalName: "plain@contoso.example" });
    const knowing = connect(directory, {
      credential: {
        getToken: async () => ({
          token: await directory.token("roleReader"),
          expiresOnTimestamp: directory.clock.ms + 3_000_000,
        }),
      },
    });
    expect(await knowing.target.privileged([may, plain])).toEqual(new Set([may]));
    expect(knowing.logged.join()).not.toContain("eligible-roles-unknown");
    knowing.close();
    for (let round = 0; round < 2; round++) {
      expect(await rig.target.privileged([may, plain])).toEqual(new Set());
      directory.clock.ms += 61_000;
    }
    expect(rig.logged.filter((line) => line.includes("eligible-roles-unknown"))).toHaveLength(1);
  });

  it("reads all users in pages, the deleted not among them", async () => {
    directory.control.seed(
      Array.from({ length: 1_203 }, (_, n) => ({
        properties: { userPrincipalName: `user${n}@contoso.example`, mail: `user${n}@contoso.example` },
        deleted: n === 5,
      })),
    );
    const pages: number[] = [];
    const names = new Set<string>();
    for await (const page of rig.target.users()) {
      pages.push(page.length);
      for (const user of page) names.add(user.userPrincipalName!);
    }
    expect(pages).toEqual([999, 203]);
    expect(names.size).toBe(1_202);
  });

  describe("a target that can't be worked with", () => {
    it("is target-unreachable when nothing listens", async () => {
      const lost = connect(directory, { baseUrl: "https://127.0.0.1:1/v1.0" });
      const calls = [
        lost.target.describe(),
        lost.target.find([{ by: "id", value: "x" }]),
        lost.target.privileged(["x"]),
        lost.target.users()[Symbol.asyncIterator]().next(),
        lost.target.apply([{ kind: "delete", key: "k", type: "user", id: "x" }], { priority: "low" }),
      ];
      for (const result of await Promise.allSettled(calls)) {
        expect(result).toMatchObject({ status: "rejected", reason: { code: "target-unreachable" } });
        expect((result as PromiseRejectedResult).reason).toBeInstanceOf(TargetUnavailable);
      }
      lost.close();
    });

    it("is target-unreachable when its certificate isn't trusted", async () => {
      const wary = connect(directory, { fetch });
      await expect(wary.target.describe()).rejects.toMatchObject({ code: "target-unreachable" });
      wary.close();
    });

    it("is target-credentials when it refuses every token, after one fresh one", async () => {
      let asked = 0;
      const credential = {
        getToken: async () => {
          asked++;
          return { token: "not-a-token", expiresOnTimestamp: directory.clock.ms + 3_000_000 };
        },
      };
      const stranger = connect(directory, { credential });
      await expect(stranger.target.find([{ by: "id", value: "x" }])).rejects.toMatchObject({
        code: "target-credentials",
      });
      expect(asked).toBe(2);
      stranger.close();
    });

    it("is worked with when a fresh token is taken", async () => {
      let asked = 0;
      const credential = {
        getToken: async (_scope: string | string[], options?: { claims?: string }) => {
          asked++;
          // A second one without claims would come out of the credential's cache: the same again.
          const token = options?.claims === undefined ? "stale" : await directory.token("exporter");
          return { token, expiresOnTimestamp: directory.clock.ms + 3_000_000 };
        },
      };
      const renewed = connect(directory, { credential });
      expect((await renewed.target.describe()).initialDomain).toBe("uplinkdemo.onmicrosoft.com");
      expect((await renewed.target.describe()).initialDomain).toBe("uplinkdemo.onmicrosoft.com");
      expect(asked).toBe(2);
      renewed.close();
    });

    it("is target-refused when a permission is missing, naming what to do", async () => {
      const reader = connect(directory, {
        credential: {
          getToken: async () => ({
            token: await directory.token("reader"),
            expiresOnTimestamp: directory.clock.ms + 3_000_000,
          }),
        },
      });
      await expect(reader.target.privileged(["x"])).rejects.toMatchObject({
        code: "target-refused",
        remedy: expect.stringMatching(/right|permission/),
      });
      reader.close();
    });
  });
});
