import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RuleId } from "../../../local/directory/rules.ts";
import { behaviour, buildUser, refusalOf, refusedBy, rule, startTestDirectory, type TestDirectory } from "./support.ts";

let directory: TestDirectory;
beforeAll(async () => {
  directory = await startTestDirectory();
});
afterAll(() => directory.close());
beforeEach(() => directory.control.deleteAll());

const create = (overrides: Record<string, unknown> = {}) =>
  directory.call("POST", "users", { body: buildUser(overrides) });
const createId = async (overrides: Record<string, unknown> = {}): Promise<string> => {
  const answer = await create(overrides);
  expect(answer.body.error).toBeUndefined();
  return answer.body.id;
};
const patch = (id: string, body: unknown) => directory.call("PATCH", `users/${id}`, { body });
const read = async (id: string, ...select: string[]) =>
  (await directory.call("GET", `users/${id}?$select=${select.join(",")}`)).body;

/** Expects the same refusal of a create and of a PATCH, and that neither changed anything. */
async function refusesBoth(id: RuleId, change: Record<string, unknown>) {
  expect(refusalOf(await create(change))).toBe(refusedBy(id));
  const user = await createId();
  const before = [...directory.control.list("user")];
  expect(refusalOf(await patch(user, change))).toBe(refusedBy(id));
  expect([...directory.control.list("user")]).toEqual(before);
}

describe("life of a user", () => {
  it("is created with all that it needs, read, changed, cleared and deleted", async () => {
    const extensions = { extensionAttribute1: "one", extensionAttribute15: "fifteen" };
    const created = await create({
      userPrincipalName: "Ada@contoso.example",
      onPremisesExtensionAttributes: extensions,
    });
    expect(created.status).toBe(201);
    const { id } = created.body;
    expect(created.headers["location"]).toBe(`${directory.graphUrl}/users/${id}`);
    expect((await patch(id, { jobTitle: "Countess", businessPhones: ["+44 1"] })).status).toBe(204);
    const changed = { onPremisesExtensionAttributes: { extensionAttribute15: null }, businessPhones: [] };
    expect((await patch("ada@CONTOSO.example", changed)).status).toBe(204);
    const user = await read(id, "jobTitle", "businessPhones", "onPremisesExtensionAttributes", "accountEnabled");
    expect(user).toMatchObject({ jobTitle: "Countess", businessPhones: [], accountEnabled: true });
    expect(user.onPremisesExtensionAttributes).toMatchObject({
      extensionAttribute1: "one",
      extensionAttribute15: null,
    });
    expect((await patch(id, { jobTitle: null })).status).toBe(204);
    expect((await read(id, "jobTitle")).jobTitle).toBeNull();
    expect((await directory.call("DELETE", `users/${id}`)).status).toBe(204);
    expect((await directory.call("GET", `users/${id}`)).status).toBe(404);
  });

  it("never keeps or shows a password", async () => {
    const id = await createId({ passwordProfile: { password: "Top-secret-77" } });
    expect((await read(id, "passwordProfile")).passwordProfile).toBeNull();
    expect(JSON.stringify([...directory.control.list()])).not.toContain("Top-secret-77");
  });

  it(behaviour("defaults-selected"), async () => {
    const user = (await directory.call("GET", `users/${await createId({ department: "Engines" })}`)).body;
    expect(user.department).toBeUndefined();
    expect(user).toMatchObject({ businessPhones: [], givenName: null });
  });

  it(behaviour("mail-to-proxy"), async () => {
    const id = await createId({ mail: "a@contoso.example" });
    expect((await read(id, "proxyAddresses")).proxyAddresses).toEqual(["SMTP:a@contoso.example"]);
    await patch(id, { mail: "b@contoso.example" });
    expect((await read(id, "proxyAddresses")).proxyAddresses).toEqual(["SMTP:b@contoso.example"]);
    await patch(id, { mail: null });
    expect(await read(id, "mail", "proxyAddresses")).toMatchObject({ mail: null, proxyAddresses: [] });
    expect((await create({ mail: "b@contoso.example" })).status).toBe(201);
  });

  it(rule("object-not-found"), async () => {
    const absent = "00000000-0000-4000-8000-000000000000";
    for (const method of ["GET", "DELETE"]) {
      expect(refusalOf(await directory.call(method, `users/${absent}`))).toBe(refusedBy("object-not-found"));
    }
    const answer = await patch(absent, { jobTitle: "x" });
    expect(refusalOf(answer)).toBe(refusedBy("object-not-found"));
    expect(answer.body.error.message).toContain(absent);
  });
});

describe("properties", () => {
  it(rule("property-unknown"), async () => {
    await refusesBoth("property-unknown", { shoeSize: "44" });
    await refusesBoth("property-unknown", { onPremisesExtensionAttributes: { extensionAttribute16: "x" } });
    await refusesBoth("property-unknown", { "sponsors@odata.bind": [] });
  });
  it(rule("property-read-only"), async () => {
    await refusesBoth("property-read-only", { proxyAddresses: ["SMTP:x@contoso.example"] });
    await refusesBoth("property-read-only", { onPremisesSyncEnabled: true });
    await refusesBoth("property-read-only", { onPremisesSamAccountName: "ada" });
    await refusesBoth("property-read-only", { onPremisesSecurityIdentifier: "S-1-5-21-1" });
    await refusesBoth("property-read-only", { id: "x" });
  });
  it(rule("property-relation"), () => refusesBoth("property-relation", { manager: { id: "x" } }));
  it(rule("property-other-service"), () => refusesBoth("property-other-service", { skills: ["maths"] }));
  it(rule("property-type"), async () => {
    await refusesBoth("property-type", { accountEnabled: "True" });
    await refusesBoth("property-type", { jobTitle: 7 });
    await refusesBoth("property-type", { businessPhones: "+44 1" });
    await refusesBoth("property-type", { otherMails: [null] });
    await refusesBoth("property-type", { onPremisesExtensionAttributes: "one" });
  });
  it(rule("property-length"), async () => {
    await refusesBoth("property-length", { givenName: "x".repeat(65) });
    await refusesBoth("property-length", { employeeId: "x".repeat(17) });
    await refusesBoth("property-length", { onPremisesExtensionAttributes: { extensionAttribute1: "x".repeat(1025) } });
    expect((await create({ givenName: "x".repeat(64), employeeId: "x".repeat(16) })).status).toBe(201);
  });
  it(rule("property-empty"), async () => {
    await refusesBoth("property-empty", { givenName: "" });
    await refusesBoth("property-empty", { onPremisesExtensionAttributes: { extensionAttribute1: "" } });
  });
  it.each(["accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"])(
    `${rule("property-required")} (%s)`,
    async (name) => {
      const { [name]: _, ...rest } = buildUser();
      const answer = await directory.call("POST", "users", { body: rest });
      expect(refusalOf(answer)).toBe(refusedBy("property-required"));
      expect(answer.body.error.message).toContain(`'${name}'`);
    },
  );
  it.each(["accountEnabled", "displayName", "mailNickname", "userPrincipalName"])(
    `${rule("property-not-clearable")} (%s)`,
    async (name) => {
      expect(refusalOf(await patch(await createId(), { [name]: null }))).toBe(refusedBy("property-not-clearable"));
    },
  );
  it(rule("collection-null"), () => refusesBoth("collection-null", { businessPhones: null }));
  it(rule("patch-empty"), async () => {
    expect(refusalOf(await patch(await createId(), {}))).toBe(refusedBy("patch-empty"));
  });
  it(rule("business-phones-one"), () => refusesBoth("business-phones-one", { businessPhones: ["1", "2"] }));
  it(rule("usage-location-code"), async () => {
    await refusesBoth("usage-location-code", { usageLocation: "4D" });
    const id = await createId({ usageLocation: "DE" });
    expect(refusalOf(await patch(id, { usageLocation: null }))).toBe(refusedBy("usage-location-code"));
  });
  it.each(["ädä", "a b", "a@b", "a(b", "a,b", 'a"b', "a\\b"])(
    `${rule("mail-nickname-characters")} (%s)`,
    (mailNickname) => refusesBoth("mail-nickname-characters", { mailNickname }),
  );
  it(rule("mail-format"), async () => {
    await refusesBoth("mail-format", { mail: "jörg@contoso.example" });
    await refusesBoth("mail-format", { mail: "nobody" });
    await refusesBoth("mail-format", { otherMails: ["nobody@"] });
  });
  it(rule("immutable-id-characters"), async () => {
    await refusesBoth("immutable-id-characters", { onPremisesImmutableId: "a_b" });
    await refusesBoth("immutable-id-characters", { onPremisesImmutableId: "a$b" });
    expect((await create({ onPremisesImmutableId: "q83vEjRWeJCrze8SNFZ4kA==" })).status).toBe(201);
  });
  it(rule("immutable-id-federated"), async () => {
    const userPrincipalName = "far@federated.example";
    expect(refusalOf(await create({ userPrincipalName }))).toBe(refusedBy("immutable-id-federated"));
    expect((await create({ userPrincipalName, onPremisesImmutableId: "AAECAw==" })).status).toBe(201);
  });
  it(rule("user-type-value"), () => refusesBoth("user-type-value", { userType: "Robot" }));
  it(rule("preferred-language-code"), async () => {
    await refusesBoth("preferred-language-code", { preferredLanguage: "English, please" });
    expect((await create({ preferredLanguage: "de-CH" })).status).toBe(201);
  });
  it(rule("password-complexity"), async () => {
    for (const password of ["short-1", "onlyletters", "lower-only-case"]) {
      expect(refusalOf(await create({ passwordProfile: { password } }))).toBe(refusedBy("password-complexity"));
    }
  });
  it.each([
    "ada",
    "a b@contoso.example",
    "ä@contoso.example",
    "a.@contoso.example",
    `${"x".repeat(65)}@contoso.example`,
  ])(`${rule("upn-format")} (%s)`, (userPrincipalName) => refusesBoth("upn-format", { userPrincipalName }));
  it(rule("upn-domain-verified"), () => refusesBoth("upn-domain-verified", { userPrincipalName: "ada@corp.local" }));
});

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
