import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { behaviour, buildUser, refusalOf, refusedBy, rule, startTestDirectory, type TestDirectory } from "./support.ts";

let directory: TestDirectory;
beforeAll(async () => {
  directory = await startTestDirectory();
});
afterAll(() => directory.close());
beforeEach(() => {
  directory.control.deleteAll();
  directory.control.set({ visibilityDelayMs: 0 });
});

const create = async (overrides: Record<string, unknown>): Promise<string> => {
  const answer = await directory.call("POST", "users", { body: buildUser(overrides) });
  expect(answer.body.error).toBeUndefined();
  return answer.body.id;
};
const remove = (id: string) => directory.call("DELETE", `users/${id}`);
const restore = (id: string, body?: unknown) =>
  directory.call("POST", `directory/deletedItems/${id}/restore`, { body });
const ada = {
  userPrincipalName: "ada@contoso.example",
  mail: "ada@contoso.example",
  onPremisesImmutableId: "YWRhYWRh",
};

it(behaviour("deleted-upn-parked"), async () => {
  const id = await create(ada);
  await remove(id);
  const shown = (await directory.call("GET", `directory/deletedItems/${id}/microsoft.graph.user`)).body;
  expect(shown.userPrincipalName).toBe(`${id.replaceAll("-", "")}ada@contoso.example`);
  await create({ userPrincipalName: "ada@contoso.example", mail: "ada@contoso.example" });
});

it("finds a deleted user by its immutable id, and lists it nowhere else", async () => {
  const id = await create(ada);
  await create({});
  await remove(id);
  const filter = encodeURIComponent("onPremisesImmutableId eq 'YWRhYWRh'");
  const found = await directory.call(
    "GET",
    `directory/deletedItems/microsoft.graph.user?$filter=${filter}&$select=id,deletedDateTime`,
  );
  expect(found.body.value).toEqual([{ id, deletedDateTime: new Date(directory.clock.ms).toISOString() }]);
  expect((await directory.call("GET", `users?$filter=${filter}`)).body.value).toEqual([]);
  expect((await directory.call("GET", "users")).body.value).toHaveLength(1);
});

it("restores a user with its id, its name and its anchor", async () => {
  const id = await create(ada);
  await remove(id);
  const restored = await restore(id);
  expect(restored).toMatchObject({ status: 200, body: { id, userPrincipalName: "ada@contoso.example" } });
  const read = await directory.call("GET", `users/ada@contoso.example?$select=id,mail,onPremisesImmutableId`);
  expect(read.body).toMatchObject({ id, mail: "ada@contoso.example", onPremisesImmutableId: "YWRhYWRh" });
  expect(refusalOf(await restore(id))).toBe(refusedBy("object-not-found"));
});

it(behaviour("restore-brings-memberships"), async () => {
  const id = await create(ada);
  const [group] = directory.control.seed([{ kind: "group", properties: { displayName: "G" }, members: [id] }]);
  const members = async () => (await directory.call("GET", `groups/${group}/members`)).body.value.length;
  await remove(id);
  expect(await members()).toBe(0);
  await restore(id);
  expect(await members()).toBe(1);
});

it(rule("restore-upn-taken"), async () => {
  const id = await create(ada);
  await remove(id);
  await create({ userPrincipalName: "ada@contoso.example" });
  expect(refusalOf(await restore(id))).toBe(refusedBy("restore-upn-taken"));
  const parked = "2b7e@uplinkdemo.onmicrosoft.com";
  expect(refusalOf(await restore(id, { newUserPrincipalName: "ada@corp.local" }))).toBe(
    refusedBy("upn-domain-verified"),
  );
  expect(refusalOf(await restore(id, { upn: parked }))).toBe(refusedBy("property-unknown"));
  expect((await restore(id, { newUserPrincipalName: parked })).body).toMatchObject({ id, userPrincipalName: parked });
});

it(rule("restore-mail-taken"), async () => {
  const id = await create(ada);
  await remove(id);
  await create({ mail: "ADA@contoso.example" });
  expect(refusalOf(await restore(id))).toBe(refusedBy("restore-mail-taken"));
  expect((await restore(id, { autoReconcileProxyConflict: true })).status).toBe(200);
  const read = await directory.call("GET", `users/${id}?$select=mail,proxyAddresses`);
  expect(read.body).toMatchObject({ mail: null, proxyAddresses: [] });
});

it(behaviour("deleted-30-days"), async () => {
  const id = await create(ada);
  await remove(id);
  directory.clock.ms += 30 * 86_400_000 - 1000;
  const { body } = await directory.call("GET", `directory/deletedItems/${id}`);
  expect(body.id).toBe(id);
  directory.clock.ms += 2000;
  expect((await directory.call("GET", `directory/deletedItems/${id}`)).status).toBe(404);
  expect((await directory.call("GET", "directory/deletedItems/microsoft.graph.user")).body.value).toEqual([]);
  await create(ada);
});

it("deletes for good", async () => {
  const id = await create(ada);
  expect(refusalOf(await directory.call("DELETE", `directory/deletedItems/${id}`))).toBe(refusedBy("object-not-found"));
  await remove(id);
  expect((await directory.call("DELETE", `directory/deletedItems/${id}`)).status).toBe(204);
  expect(refusalOf(await restore(id))).toBe(refusedBy("object-not-found"));
  expect([...directory.control.list()]).toEqual([]);
});

it("shows a deleted user as late as a new one", async () => {
  const id = await create(ada);
  directory.control.set({ visibilityDelayMs: 1000 });
  await remove(id);
  const list = async () =>
    (await directory.call("GET", "directory/deletedItems/microsoft.graph.user")).body.value.length;
  expect(await list()).toBe(0);
  directory.clock.ms += 1000;
  expect(await list()).toBe(1);
  directory.control.set({ visibilityDelayMs: 0 });
});
