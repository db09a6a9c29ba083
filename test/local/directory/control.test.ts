import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  behaviour,
  buildGroup,
  buildUser,
  refusalOf,
  refusedBy,
  rule,
  startTestDirectory,
  type TestDirectory,
} from "./support.ts";

let directory: TestDirectory;
beforeAll(async () => {
  directory = await startTestDirectory();
});
afterAll(() => directory.close());
beforeEach(async () => {
  const none = { token: undefined };
  await directory.call("DELETE", "/control/objects", none);
  await directory.call("DELETE", "/control/faults", none);
  await directory.call("POST", "/control/stats/reset", none);
});

const create = (overrides: Record<string, unknown> = {}) =>
  directory.call("POST", "users", { body: buildUser(overrides) });
const control = (method: string, path: string, body?: unknown) =>
  directory.call(method, `/control/${path}`, { token: undefined, body });

describe("objects", () => {
  it("are seeded with any property, listed whole, and all deleted, without a token", async () => {
    const objects = [
      { properties: { userPrincipalName: "boss@contoso.example" }, id: "AAAAAAAA-0000-4000-8000-000000000001" },
      {
        properties: {
          userPrincipalName: "a@contoso.example",
          onPremisesSyncEnabled: true,
          proxyAddresses: ["SMTP:a@x.example"],
        },
        ...{ manager: "aaaaaaaa-0000-4000-8000-000000000001", roles: ["User Administrator"] },
      },
      { properties: { userPrincipalName: "gone@contoso.example" }, deleted: true },
    ];
    const { ids } = (await control("POST", "seed", { objects })).body;
    await control("POST", "seed", {
      objects: [{ kind: "group", properties: { displayName: "G" }, members: [ids[1]] }],
    });
    const { value } = (await control("GET", "objects")).body;
    expect(value).toMatchObject([
      { kind: "user", id: ids[0], deleted: false },
      {
        properties: { onPremisesSyncEnabled: true, proxyAddresses: ["SMTP:a@x.example"], accountEnabled: true },
        ...{ manager: ids[0], roles: ["User Administrator"] },
      },
      { id: ids[2], deleted: true },
      { kind: "group", properties: { displayName: "G", securityEnabled: true }, members: [ids[1]] },
    ]);
    expect((await control("GET", "objects?kind=group")).body.value).toHaveLength(1);
    await control("DELETE", "objects");
    expect((await control("GET", "objects")).body.value).toEqual([]);
  });

  it("are streamed, however many", async () => {
    directory.control.seed(
      Array.from({ length: 5000 }, (_, at) => ({
        properties: { userPrincipalName: `p${at}@contoso.example`, department: "x".repeat(60) },
      })),
    );
    expect((await control("GET", "objects")).body.value).toHaveLength(5000);
  });

  it.each([
    [{ userPrincipalName: "a@contoso.example" }, "userPrincipalName 'A@contoso.example'"],
    [{ userPrincipalName: "b@contoso.example", onPremisesImmutableId: "AAA=" }, "onPremisesImmutableId 'AAA='"],
    [{ userPrincipalName: "b@contoso.example", mail: "M@contoso.example" }, "address 'm@contoso.example'"],
  ])("are not seeded over a value that is taken (%j)", async (properties, named) => {
    const first = { userPrincipalName: "A@contoso.example", onPremisesImmutableId: "AAA=", mail: "m@contoso.example" };
    const second = {
      ...properties,
      ...(properties.userPrincipalName.startsWith("a") ? { userPrincipalName: "A@contoso.example" } : {}),
    };
    const answer = await control("POST", "seed", { objects: [{ properties: first }, { properties: second }] });
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.body.error).toContain(named);
    expect((await control("GET", "objects")).body.value).toEqual([]);
  });

  it("get roles, known ones only", async () => {
    const { id } = (await create()).body;
    await control("POST", "roles", { principalId: id, role: "global administrator" });
    expect((await control("GET", "objects")).body.value[0].roles).toEqual(["Global Administrator"]);
    await control("POST", "roles", { principalId: id, role: "Global Administrator", held: false });
    expect((await control("GET", "objects")).body.value[0].roles).toBeUndefined();
    expect((await control("POST", "roles", { principalId: id, role: "King" })).body.error).toMatch(
      /'King'.*Known ones/,
    );
    expect((await control("POST", "roles", { principalId: "x", role: "User Administrator" })).status).toBe(400);
  });
});

describe("counters", () => {
  it("count requests, calls, writes by kind, refusals by rule", async () => {
    const { id } = (await create()).body;
    await directory.call("PATCH", `users/${id}`, { body: { jobTitle: "x" } });
    await directory.call("PATCH", `users/${id}`, { body: { jobTitle: "" } });
    await directory.call("POST", "groups", { body: buildGroup() });
    await directory.call("GET", "users");
    expect((await control("GET", "stats")).body).toEqual({
      ...{ requests: 5, batches: 0, calls: 5, reads: 1, writeCalls: 4, writesInEffect: 3, throttled: 0, tokens: 0 },
      ...{
        writes: { createUser: 1, updateUser: 1, createGroup: 1 },
        refused: { "400": 1 },
        rules: { "property-empty": 1 },
      },
      held: 0,
      lostAnswers: 0,
    });
    await control("POST", "stats/reset");
    expect((await control("GET", "stats")).body.requests).toBe(0);
  });
});

describe("faults", () => {
  it(rule("fault-down"), async () => {
    await directory.call("GET", "users");
    await control("POST", "faults", { down: true });
    expect(refusalOf(await directory.call("GET", "users"))).toBe(refusedBy("fault-down"));
    await expect(directory.token()).rejects.toThrow("fault-down");
    expect((await control("GET", "health")).body.ready).toBe(true);
    await control("POST", "faults", { down: false });
    expect((await directory.call("GET", "users")).status).toBe(200);
  });
  it(rule("fault-throttle"), async () => {
    await control("POST", "faults", { throttle: { count: 2, retryAfterSeconds: 3 } });
    const first = await create();
    expect(refusalOf(first)).toBe(refusedBy("fault-throttle"));
    expect(first.headers["retry-after"]).toBe("3");
    expect([(await create()).status, (await create()).status]).toEqual([429, 201]);
    await control("POST", "faults", { throttle: { count: 1 } });
    expect((await create()).headers["retry-after"]).toBeUndefined();
  });
  it(rule("fault-write"), async () => {
    await control("POST", "faults", {
      failWrites: { count: 1, status: 504, match: { method: "POST", contains: "unlucky" } },
    });
    expect((await create()).status).toBe(201);
    expect((await directory.call("GET", "users?$filter=displayName%20eq%20'unlucky'")).status).toBe(200);
    expect((await create({ displayName: "unlucky" })).status).toBe(504);
    expect([...directory.control.list()]).toHaveLength(1);
    expect((await create({ displayName: "unlucky" })).status).toBe(201);
    expect((await control("GET", "faults")).body.failWrites.count).toBe(0);
  });
  it(behaviour("answer-lost"), async () => {
    await control("POST", "faults", { loseAnswers: { count: 1, match: { contains: "lost@" } } });
    expect((await create()).status).toBe(201);
    await expect(create({ userPrincipalName: "lost@contoso.example" })).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect((await directory.call("GET", "users/lost@contoso.example")).status).toBe(200);
    expect((await control("GET", "stats")).body.lostAnswers).toBe(1);
    expect(refusalOf(await create({ userPrincipalName: "lost@contoso.example" }))).toBe(refusedBy("unique-upn"));
  });
  it("holds requests until it is told otherwise, and others not", async () => {
    await control("POST", "faults", { hold: { match: { contains: "waits" } } });
    let isAnswered = false;
    const waiting = create({ displayName: "waits" }).then((answer) => {
      isAnswered = true;
      return answer;
    });
    expect((await create()).status).toBe(201);
    while ((await control("GET", "stats")).body.held === 0) await new Promise(setImmediate);
    expect([isAnswered, [...directory.control.list()].length]).toEqual([false, 1]);
    await control("DELETE", "faults");
    expect((await waiting).status).toBe(201);
    expect([...directory.control.list()]).toHaveLength(2);
  });
});

it("says what it knows when asked for something else", async () => {
  const answer = await control("GET", "nonsense");
  expect(answer.status).toBe(404);
  expect(answer.body.error).toContain("POST seed");
  expect((await control("POST", "seed", [])).status).toBe(400);
});

describe("state on disk", () => {
  const withState = async (use: (dir: string) => Promise<void>) => {
    const dir = mkdtempSync(join(tmpdir(), "uplink-directory-"));
    try {
      await use(dir);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  };

  it("brings everything back after a restart, compacted, with tokens still good", () =>
    withState(async (stateDir) => {
      const first = await startTestDirectory({ stateDir });
      const { id: boss } = (await first.call("POST", "users", { body: buildUser() })).body;
      const bound = buildUser({
        "manager@odata.bind": `${first.graphUrl}/users/${boss}`,
        onPremisesImmutableId: "AAA=",
      });
      const { id } = (await first.call("POST", "users", { body: bound })).body;
      for (let round = 0; round < 50; round++)
        await first.call("PATCH", `users/${id}`, { body: { jobTitle: `t${round}` } });
      const { id: gone } = (await first.call("POST", "users", { body: buildUser() })).body;
      await first.call("DELETE", `users/${gone}`);
      first.control.seed([{ kind: "group", properties: { displayName: "G" }, members: [id, boss] }]);
      first.control.setRole(boss, "Global Administrator");
      const before = [...first.control.list()];
      const token = await first.token();
      const { port } = first;
      await first.close();
      const size = readFileSync(join(stateDir, "directory.ndjson")).length;

      const second = await startTestDirectory({ stateDir, port });
      expect([...second.control.list()]).toEqual(before);
      expect(readFileSync(join(stateDir, "directory.ndjson")).length).toBeLessThan(size / 4);
      expect((await second.call("GET", `users/${id}`, { token })).body.jobTitle).toBe("t49");
      const taken = await second.call("POST", "users", { body: buildUser({ onPremisesImmutableId: "AAA=" }) });
      expect(refusalOf(taken)).toBe(refusedBy("unique-immutable-id"));
      second.control.deleteAll();
      await second.close();
      const third = await startTestDirectory({ stateDir });
      expect([...third.control.list()]).toEqual([]);
      await third.close();
    }));

  it("drops a torn last line, and refuses a damaged one before it", () =>
    withState(async (stateDir) => {
      const first = await startTestDirectory({ stateDir });
      first.control.seed([{ properties: { userPrincipalName: "a@contoso.example" } }]);
      await first.close();
      const file = join(stateDir, "directory.ndjson");
      writeFileSync(file, `${readFileSync(file, "utf8")}{"op":"put","entry":{"id":"to`);
      const second = await startTestDirectory({ stateDir });
      expect([...second.control.list()]).toHaveLength(1);
      await second.close();
      const [head, ...rest] = readFileSync(file, "utf8").split("\n");
      writeFileSync(file, [head, "{", ...rest].join("\n"));
      await expect(startTestDirectory({ stateDir })).rejects.toThrow(/directory\.ndjson.*line 2 is damaged/);
      writeFileSync(file, "something else\n");
      await expect(startTestDirectory({ stateDir })).rejects.toThrow(/no directory journal/);
    }));
});
