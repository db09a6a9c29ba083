import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { behaviour, refusalOf, refusedBy, rule, startTestDirectory, type TestDirectory } from "./support.ts";
import { userCalls } from "./user-calls.ts";

let directory: TestDirectory;
beforeAll(async () => {
  directory = await startTestDirectory();
});
afterAll(() => directory.close());
beforeEach(() => directory.control.deleteAll());
const { create, createId, patch, read, refusesBoth } = userCalls(() => directory);

describe("unique values", () => {
  it(rule("unique-upn"), async () => {
    await createId({ userPrincipalName: "ada@contoso.example" });
    const answer = await create({ userPrincipalName: "ADA@contoso.example" });
    expect(refusalOf(answer)).toBe(refusedBy("unique-upn"));
    expect(answer.body.error.message).toBe(
      "Another object with the same value for property userPrincipalName already exists.",
    );
    expect(answer.body.error.details[0]).toMatchObject({ code: "ObjectConflict", target: "userPrincipalName" });
    expect(refusalOf(await patch(await createId(), { userPrincipalName: "Ada@contoso.example" }))).toBe(
      refusedBy("unique-upn"),
    );
  });
  it("lets an object keep its own values", async () => {
    const values = {
      userPrincipalName: "own@contoso.example",
      mail: "own@contoso.example",
      onPremisesImmutableId: "AAA=",
    };
    expect((await patch(await createId(values), values)).status).toBe(204);
  });
  it(rule("unique-mail"), async () => {
    await createId({ mail: "ada@contoso.example" });
    directory.control.seed([{ properties: { proxyAddresses: ["smtp:alias@contoso.example"] } }]);
    for (const mail of ["ADA@contoso.example", "alias@contoso.example"]) await refusesBoth("unique-mail", { mail });
  });
  it(rule("unique-immutable-id"), async () => {
    await createId({ onPremisesImmutableId: "abc=" });
    await refusesBoth("unique-immutable-id", { onPremisesImmutableId: "abc=" });
    // Base64 has case: this is another value.
    expect((await create({ onPremisesImmutableId: "ABC=" })).status).toBe(201);
  });
  it(rule("unique-immutable-id-deleted"), async () => {
    const id = await createId({ onPremisesImmutableId: "abc=" });
    await directory.call("DELETE", `users/${id}`);
    await refusesBoth("unique-immutable-id-deleted", { onPremisesImmutableId: "abc=" });
    await directory.call("DELETE", `directory/deletedItems/${id}`);
    expect((await create({ onPremisesImmutableId: "abc=" })).status).toBe(201);
  });
});

describe("what others master, and who is protected", () => {
  const seedOne = (properties: Record<string, unknown>, more: object = {}) =>
    directory.control.seed([{ properties: { userPrincipalName: "one@contoso.example", ...properties }, ...more }])[0]!;

  it(rule("synced-object-update"), async () => {
    const id = seedOne({ onPremisesSyncEnabled: true });
    expect(refusalOf(await patch(id, { jobTitle: "x" }))).toBe(refusedBy("synced-object-update"));
    const other = await createId();
    const body = { "@odata.id": `${directory.graphUrl}/users/${other}` };
    const manager = await directory.call("PUT", `users/${id}/manager/$ref`, { body });
    expect(refusalOf(manager)).toBe(refusedBy("synced-object-update"));
    directory.control.deleteAll();
    const moved = seedOne({ onPremisesSyncEnabled: true }, { cloudManaged: true });
    expect((await patch(moved, { jobTitle: "x" })).status).toBe(204);
  });
  it(rule("synced-object-delete"), async () => {
    const id = seedOne({ onPremisesSyncEnabled: true });
    expect(refusalOf(await directory.call("DELETE", `users/${id}`))).toBe(refusedBy("synced-object-delete"));
  });
  it.each([
    ["accountEnabled", false],
    ["businessPhones", ["1"]],
    ["mobilePhone", "1"],
    ["onPremisesImmutableId", "AAA="],
    ["otherMails", ["a@contoso.example"]],
    ["passwordProfile", { password: "Long-enough-1" }],
    ["userPrincipalName", "two@contoso.example"],
  ])(`${rule("sensitive-role-holder")} (%s)`, async (name, value) => {
    const id = seedOne({}, { roles: ["Security Administrator"] });
    expect(refusalOf(await patch(id, { jobTitle: "x", [name]: value }))).toBe(refusedBy("sensitive-role-holder"));
    expect((await read(id, "jobTitle")).jobTitle).toBeNull();
    expect((await patch(id, { jobTitle: "x" })).status).toBe(204);
    const asAdministrator = await directory.call("PATCH", `users/${id}`, {
      as: "administrator",
      body: { [name]: value },
    });
    expect(asAdministrator.status).toBe(204);
  });
  it("protects members of role-assignable groups, and not holders of harmless roles", async () => {
    const [member, harmless] = directory.control.seed([
      { properties: { userPrincipalName: "member@contoso.example" } },
      { properties: { userPrincipalName: "harmless@contoso.example" }, roles: ["Directory Readers"] },
    ]);
    directory.control.seed([
      { kind: "group", properties: { displayName: "Tier 0", isAssignableToRole: true }, members: [member!] },
    ]);
    expect(refusalOf(await patch(member!, { accountEnabled: false }))).toBe(refusedBy("sensitive-role-holder"));
    expect((await patch(harmless!, { accountEnabled: false })).status).toBe(204);
  });
  it(rule("sensitive-role-holder-delete"), async () => {
    const id = seedOne({}, { roles: ["Global Administrator"] });
    expect(refusalOf(await directory.call("DELETE", `users/${id}`))).toBe(refusedBy("sensitive-role-holder-delete"));
    expect((await directory.call("DELETE", `users/${id}`, { as: "administrator" })).status).toBe(204);
    const restore = await directory.call("POST", `directory/deletedItems/${id}/restore`);
    expect(refusalOf(restore)).toBe(refusedBy("sensitive-role-holder-delete"));
  });
  it(rule("distinguished-name-role"), async () => {
    const change = { onPremisesDistinguishedName: "CN=Ada,DC=corp,DC=example" };
    await refusesBoth("distinguished-name-role", change);
    const id = await createId();
    expect((await directory.call("PATCH", `users/${id}`, { as: "administrator", body: change })).status).toBe(204);
  });
  it(rule("password-change-right"), async () => {
    const id = await createId();
    const body = { passwordProfile: { password: "Long-enough-2" } };
    expect(refusalOf(await patch(id, body))).toBe(refusedBy("password-change-right"));
    expect((await directory.call("PATCH", `users/${id}`, { as: "administrator", body })).status).toBe(204);
  });
});

describe("manager", () => {
  const refer = (id: string) => ({ "@odata.id": `https://graph.microsoft.com/v1.0/users/${id}` });

  it("is bound at create, read, set, expanded and removed", async () => {
    const boss = await createId({ displayName: "Boss" });
    const id = await createId({ "manager@odata.bind": `${directory.graphUrl}/users/${boss}` });
    expect((await directory.call("GET", `users/${id}/manager`)).body).toMatchObject({ id: boss, displayName: "Boss" });
    const other = await createId();
    expect((await directory.call("PUT", `users/${id}/manager/$ref`, { body: refer(other) })).status).toBe(204);
    const expanded = await directory.call("GET", `users/${id}?$select=id&$expand=manager($select=id)`);
    expect(expanded.body.manager).toMatchObject({ id: other });
    expect((await directory.call("DELETE", `users/${id}/manager/$ref`)).status).toBe(204);
    expect([...directory.control.list("user")].find((user) => user.id === id)?.manager).toBeUndefined();
  });
  it(rule("manager-not-set"), async () => {
    const id = await createId();
    for (const [method, path] of [
      ["GET", "manager"],
      ["DELETE", "manager/$ref"],
    ]) {
      expect(refusalOf(await directory.call(method!, `users/${id}/${path}`))).toBe(refusedBy("manager-not-set"));
    }
  });
  it(behaviour("deleted-manages-nobody"), async () => {
    const top = await createId();
    const boss = await createId({ "manager@odata.bind": refer(top)["@odata.id"] });
    const id = await createId({ "manager@odata.bind": refer(boss)["@odata.id"] });
    const shown = async (whom: string) => (await directory.call("GET", `users/${whom}/manager`)).body.id;
    expect(await shown(id)).toBe(boss);
    await directory.call("DELETE", `users/${boss}`);
    await directory.call("POST", `directory/deletedItems/${boss}/restore`);
    expect(await shown(id)).toBeUndefined();
    expect(refusalOf(await directory.call("DELETE", `users/${id}/manager/$ref`))).toBe(refusedBy("manager-not-set"));
    expect(await shown(boss)).toBe(top);
  });
  it(rule("manager-bound-at-create"), async () => {
    const body = { "manager@odata.bind": refer(await createId())["@odata.id"] };
    expect(refusalOf(await patch(await createId(), body))).toBe(refusedBy("manager-bound-at-create"));
  });
  it(rule("reference-not-found"), async () => {
    const absent = "00000000-0000-4000-8000-000000000000";
    const answer = await create({ "manager@odata.bind": refer(absent)["@odata.id"] });
    expect(refusalOf(answer)).toBe(refusedBy("reference-not-found"));
    expect(answer.body.error.message).toMatch(
      /source resource object or one of the objects being referenced do not exist/,
    );
    const put = await directory.call("PUT", `users/${await createId()}/manager/$ref`, { body: refer(absent) });
    expect(refusalOf(put)).toBe(refusedBy("reference-not-found"));
  });
  it(rule("reference-malformed"), async () => {
    const put = await directory.call("PUT", `users/${await createId()}/manager/$ref`, {
      body: { "@odata.id": "boss" },
    });
    expect(refusalOf(put)).toBe(refusedBy("reference-malformed"));
    const broken = await create({ "manager@odata.bind": "https://localhost/v1.0/users/%zz" });
    expect(refusalOf(broken)).toBe(refusedBy("reference-not-found"));
  });
  it(rule("reference-type"), async () => {
    const [group] = directory.control.seed([{ kind: "group", properties: { displayName: "G" } }]);
    const body = { "@odata.id": `${directory.graphUrl}/directoryObjects/${group}` };
    const put = await directory.call("PUT", `users/${await createId()}/manager/$ref`, { body });
    expect(refusalOf(put)).toBe(refusedBy("reference-type"));
  });
});

describe("visibility", () => {
  it(`${rule("object-not-yet-visible")} / ${behaviour("sees-late")} / ${behaviour("unique-at-once")}`, async () => {
    directory.control.set({ visibilityDelayMs: 5000 });
    try {
      const created = await create({ userPrincipalName: "late@contoso.example", mail: "late@contoso.example" });
      const { id } = created.body;
      const list = "users?$filter=mail%20eq%20'late@contoso.example'";
      expect(refusalOf(await directory.call("GET", `users/${id}`))).toBe(refusedBy("object-not-yet-visible"));
      expect(refusalOf(await patch(id, { jobTitle: "x" }))).toBe(refusedBy("object-not-yet-visible"));
      expect((await directory.call("GET", list)).body.value).toEqual([]);
      const reference = await create({ "manager@odata.bind": `${directory.graphUrl}/users/${id}` });
      expect(refusalOf(reference)).toBe(refusedBy("reference-not-found"));
      expect(refusalOf(await create({ userPrincipalName: "late@contoso.example" }))).toBe(refusedBy("unique-upn"));
      directory.clock.ms += 5000;
      expect((await directory.call("GET", `users/${id}`)).status).toBe(200);
      expect((await directory.call("GET", list)).body.value).toHaveLength(1);
    } finally {
      directory.control.set({ visibilityDelayMs: 0 });
    }
  });
});
