import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { behaviour, buildUser, refusalOf, refusedBy, rule, startTestDirectory, type TestDirectory } from "./support.ts";
import { userCalls } from "./user-calls.ts";

let directory: TestDirectory;
beforeAll(async () => {
  directory = await startTestDirectory();
});
afterAll(() => directory.close());
beforeEach(() => directory.control.deleteAll());
const { create, createId, patch, read, refusesBoth } = userCalls(() => directory);

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
