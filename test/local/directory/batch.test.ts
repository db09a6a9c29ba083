import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { behaviour, buildUser, refusalOf, refusedBy, rule, startTestDirectory, type TestDirectory } from "./support.ts";

let directory: TestDirectory;
beforeAll(async () => {
  directory = await startTestDirectory();
});
afterAll(() => directory.close());
beforeEach(() => {
  directory.control.deleteAll();
  directory.control.resetStats();
});

type Item = { id: string; method: string; url: string; headers?: object; body?: unknown; dependsOn?: string[] };
type Result = { id: string; status: number; headers: Record<string, string>; body?: Record<string, unknown> };

const json = { "Content-Type": "application/json" };
const creates = (count: number): Item[] =>
  Array.from({ length: count }, (_, at) => ({
    id: String(at + 1),
    method: "POST",
    url: "/users",
    headers: json,
    body: buildUser(),
  }));
const post = (requests: unknown) => directory.call("POST", "$batch", { body: { requests } });
async function run(requests: Item[]): Promise<Map<string, Result>> {
  const answer = await post(requests);
  if (answer.status !== 200) throw new Error(refusalOf(answer));
  return new Map(answer.body.responses.map((result: Result) => [result.id, result]));
}

it(rule("batch-at-most-20"), async () => {
  expect(refusalOf(await post(creates(21)))).toBe(refusedBy("batch-at-most-20"));
  expect(refusalOf(await post([]))).toBe(refusedBy("batch-at-most-20"));
  expect([...directory.control.list()]).toEqual([]);
  const results = await run(creates(20));
  expect([...results.values()].every((result) => result.status === 201)).toBe(true);
});

it(behaviour("batch-any-order"), async () => {
  const asked = creates(20);
  const answer = await post(asked);
  const order = answer.body.responses.map((result: Result) => result.id);
  expect(order).not.toEqual(asked.map((item) => item.id));
  expect([...order].sort()).toEqual(asked.map((item) => item.id).sort());
  const made = [...directory.control.list("user")].map((user) => user.properties["userPrincipalName"]);
  expect(made).not.toEqual(asked.map((item) => (item.body as Record<string, unknown>)["userPrincipalName"]));
  const chain = creates(20).map((item, at) => ({ ...item, ...(at > 0 ? { dependsOn: [String(at)] } : {}) }));
  directory.control.deleteAll();
  await run(chain);
  expect([...directory.control.list("user")].map((user) => user.properties["userPrincipalName"])).toEqual(
    chain.map((item) => (item.body as Record<string, unknown>)["userPrincipalName"]),
  );
});

it(behaviour("batch-each-alone"), async () => {
  directory.control.order({ throttle: { count: 1, retryAfterSeconds: 7, match: { contains: "slow@" } } });
  const bad = buildUser({ userPrincipalName: "bad@corp.local" });
  const slow = buildUser({ userPrincipalName: "slow@contoso.example" });
  const results = await run([
    ...creates(1),
    { id: "bad", method: "POST", url: "users", headers: json, body: bad },
    { id: "slow", method: "post", url: "/users", headers: { "content-type": "application/json" }, body: slow },
    { id: "read", method: "GET", url: "/users?$top=1" },
    { id: "gone", method: "DELETE", url: "/users/absent" },
  ]);
  expect(results.get("1")).toMatchObject({ status: 201, body: { businessPhones: [] } });
  expect(results.get("1")?.headers["location"]).toMatch(/\/users\//);
  expect(results.get("bad")).toMatchObject({
    status: 400,
    body: { error: { innerError: { rule: "upn-domain-verified" } } },
  });
  expect(results.get("slow")).toMatchObject({ status: 429, headers: { "retry-after": "7" } });
  expect(results.get("read")?.status).toBe(200);
  expect(results.get("gone")?.status).toBe(404);
  expect(directory.control.stats()).toMatchObject({
    requests: 1,
    batches: 1,
    calls: 5,
    writeCalls: 4,
    writesInEffect: 1,
  });
});

it(rule("batch-dependency-failed"), async () => {
  const results = await run([
    { id: "first", method: "DELETE", url: "/users/absent" },
    { id: "second", method: "GET", url: "/users", dependsOn: ["first"] },
    { id: "third", method: "GET", url: "/users", dependsOn: ["second"] },
    { id: "free", method: "GET", url: "/users" },
  ]);
  expect([...results.values()].map(({ id, status }) => `${id} ${status}`).sort()).toEqual([
    "first 404",
    "free 200",
    "second 424",
    "third 424",
  ]);
});

it.each([
  ["an id twice", [...creates(1), ...creates(1)]],
  ["no id", [{ method: "GET", url: "/users" }]],
  ["no url", [{ id: "1", method: "GET" }]],
  ["an absolute url", [{ id: "1", method: "GET", url: "https://localhost/v1.0/users" }]],
])(`${rule("batch-id-unique")} (%s)`, async (_, requests) => {
  expect(refusalOf(await post(requests))).toBe(refusedBy("batch-id-unique"));
  expect([...directory.control.list()]).toEqual([]);
});

it.each([
  ["unknown", [{ id: "1", method: "GET", url: "/users", dependsOn: ["2"] }]],
  ["itself", [{ id: "1", method: "GET", url: "/users", dependsOn: ["1"] }]],
  [
    "a cycle",
    [
      { id: "1", method: "GET", url: "/users", dependsOn: ["2"] },
      { id: "2", method: "GET", url: "/users", dependsOn: ["1"] },
    ],
  ],
])(`${rule("batch-depends-on-known")} (%s)`, async (_, requests) => {
  expect(refusalOf(await post(requests))).toBe(refusedBy("batch-depends-on-known"));
});

it(rule("batch-content-type"), async () => {
  const results = await run([{ id: "1", method: "POST", url: "/users", body: buildUser() }]);
  expect(results.get("1")).toMatchObject({
    status: 400,
    body: { error: { innerError: { rule: "batch-content-type" } } },
  });
});

it(rule("batch-no-nesting"), async () => {
  const results = await run([
    { id: "1", method: "POST", url: "/$batch", headers: json, body: { requests: creates(1) } },
  ]);
  expect(results.get("1")).toMatchObject({
    status: 400,
    body: { error: { innerError: { rule: "batch-no-nesting" } } },
  });
});

it("gives a batched upsert its Prefer header", async () => {
  const body = { displayName: "G", mailNickname: "g", mailEnabled: false, securityEnabled: true };
  const item = { id: "1", method: "PATCH", url: "/groups(uniqueName='uplink-1')", body };
  const results = await run([{ ...item, headers: { ...json, Prefer: "create-if-missing" } }]);
  expect(results.get("1")).toMatchObject({ status: 201, body: { uniqueName: "uplink-1" } });
});
