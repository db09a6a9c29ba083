/** What the Graph target writes, and what it makes of Graph's refusals. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TargetAction, TargetResult } from "../../../shared/ports/target-directory.ts";
import { startTestDirectory, type TestDirectory } from "../../local/directory/support.ts";
import { buildCreate, connect, type Rig } from "./support.ts";

const low = { priority: "low" } as const;

describe("writing to Graph", () => {
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

  const apply = async (...actions: TargetAction[]) => rig.target.apply(actions, low);
  const one = async (action: TargetAction) => (await apply(action))[0]!;
  const idOf = (result: TargetResult) => (result.outcome === "done" ? result.id : expect.fail(JSON.stringify(result)));
  const stored = (id: string) => [...directory.control.list("user")].find((user) => user.id === id);
  const create = async (...args: Parameters<typeof buildCreate>) => {
    const action = buildCreate(...args);
    return { action, id: idOf(await one(action)) };
  };
  const update = (id: string, values: Extract<TargetAction, { kind: "update" }>["values"]) =>
    one({ kind: "update", key: "guid-1", type: "user", id, values });
  const remove = (id: string) => one({ kind: "delete", key: "guid-1", type: "user", id });
  const restore = (id: string) =>
    one({ kind: "restore", key: "6e1f7a51-0000-4000-8000-000000000001", type: "user", id });

  describe("a create", () => {
    it("carries everything in one write, leaves out what is empty, and binds the manager", async () => {
      const boss = await create();
      const { action, id } = await create({
        department: null,
        businessPhones: ["+41 44 123"],
        otherMails: [],
        onPremisesExtensionAttributes: { extensionAttribute1: "one", extensionAttribute2: null },
        manager: boss.id,
      });
      const { department, otherMails, onPremisesExtensionAttributes, manager, ...plain } = action.values;
      expect(stored(id)?.properties).toMatchObject(plain);
      expect(stored(id)?.properties["onPremisesExtensionAttributes"]).toEqual({ extensionAttribute1: "one" });
      expect(stored(id)?.manager).toBe(boss.id);
      expect(directory.control.stats().writes).toEqual({ createUser: 2 });
      expect(rig.target.writes()).toBe(2);
      expect(rig.sent.at(-1)).not.toMatch(/department|otherMails|extensionAttribute2/);
      expect([department, otherMails]).toEqual([null, []]);
    });

    it("makes a password of 64 characters that is never the same, never logged, never given back", async () => {
      const results = await apply(...Array.from({ length: 10 }, () => buildCreate()));
      const passwords = [...rig.sent.join("\n").matchAll(/"password":"([^"]*)"/g)].map((match) => match[1]!);
      expect(new Set(passwords).size).toBe(10);
      for (const password of passwords) {
        expect(password).toHaveLength(64);
        for (const kind of [/[A-Z]/, /[a-z]/, /[0-9]/, /[-_]/]) expect(password).toMatch(kind);
        expect(JSON.stringify(results) + rig.logged.join("\n")).not.toContain(password);
      }
      expect(rig.sent.join("\n")).toContain('"forceChangePasswordNextSignIn":false');
    });

    it("makes people change that password when told so", async () => {
      rig.close();
      rig = connect(directory, { forceChangePasswordNextSignIn: true });
      await create();
      expect(rig.sent.join("\n")).toContain('"forceChangePasswordNextSignIn":true');
    });

    it("goes by 20 in a batch, and each result belongs to its action", async () => {
      const actions = Array.from({ length: 45 }, () => buildCreate());
      const results = await apply(...actions);
      expect(results.map((result) => result.key)).toEqual(actions.map((action) => action.key));
      for (const [index, result] of results.entries()) {
        expect(stored(idOf(result))?.properties["displayName"]).toBe(actions[index]?.values["displayName"]);
      }
      expect(directory.control.stats()).toMatchObject({ batches: 3, writeCalls: 45 });
      expect(rig.target.writes()).toBe(45);
    });

    it.each([
      ["onPremisesImmutableId", "EntryConflict", "onPremisesImmutableId"],
      ["userPrincipalName", "AttributeValueMustBeUnique", "userPrincipalName"],
      ["mail", "AttributeValueMustBeUnique", "mail"],
    ])("names the taken value: %s", async (property, code, named) => {
      const first = await create({ mail: "taken@contoso.example" });
      const result = await one(buildCreate({ [property]: first.action.values[property]! }));
      expect(result).toMatchObject({
        outcome: "failed",
        failure: { code, properties: [named], retriable: false, status: 400 },
      });
    });

    it("leaves out the distinguished name when that needs a role, with a warning", async () => {
      const result = await one(buildCreate({ onPremisesDistinguishedName: "CN=x,DC=contoso,DC=example" }));
      expect(result).toMatchObject({
        outcome: "done",
        warnings: [{ code: "InsufficientRights", properties: ["onPremisesDistinguishedName"] }],
      });
      expect(stored(idOf(result))?.properties).not.toHaveProperty("onPremisesDistinguishedName");
    });

    it("that the application may not make is NotPermitted: nobody holds a role who isn't there", async () => {
      directory.control.order({ failWrites: { count: 1, status: 403, code: "Authorization_RequestDenied" } });
      const result = await one(buildCreate());
      expect(result).toMatchObject({ outcome: "failed", failure: { code: "NotPermitted", status: 403 } });
    });

    it.each([
      [{ userPrincipalName: "x@elsewhere.example" }, "InvalidDomain", ["userPrincipalName"]],
      [{ department: "x".repeat(65) }, "ExceededAllowedLength", ["department"]],
      [{ displayName: null }, "MandatoryFieldsMissing", ["displayName"]],
      [{ proxyAddresses: ["smtp:a@contoso.example"] }, "SchemaAttributeNotFound", ["proxyAddresses"]],
      [{ favouriteColour: "red" }, "SchemaAttributeNotFound", ["favouriteColour"]],
      [{ usageLocation: "Switzerland" }, "ExceededAllowedLength", ["usageLocation"]],
      [{ mailNickname: "a b" }, "IdentityDataValidationFailed", ["mailNickname"]],
      [{ accountEnabled: "yes" }, "SchemaPropertyCanOnlyAcceptValue", ["accountEnabled"]],
      [{ userPrincipalName: "jörg@contoso.example" }, "IdentityDataValidationFailed", ["userPrincipalName"]],
    ])("says what is wrong with %j", async (values, code, properties) => {
      const result = await one(buildCreate(values));
      expect(result).toMatchObject({ outcome: "failed", failure: { code, properties, retriable: false } });
      expect(directory.control.stats().writesInEffect).toBe(0);
    });
  });

  describe("an update", () => {
    it("sets, clears, and changes only the named members of a structure", async () => {
      const { id } = await create({
        department: "Sales",
        city: "Bern",
        businessPhones: ["1"],
        onPremisesExtensionAttributes: { extensionAttribute1: "one", extensionAttribute2: "two" },
      });
      const result = await update(id, {
        department: null,
        city: "Zürich",
        businessPhones: null,
        onPremisesExtensionAttributes: { extensionAttribute1: null },
      });
      expect(result).toEqual({ key: "guid-1", outcome: "done", id, answer: expect.objectContaining({ status: 204 }) });
      const properties = stored(id)?.properties ?? {};
      expect(properties).toMatchObject({ city: "Zürich", businessPhones: [] });
      expect(properties).not.toHaveProperty("department");
      expect(properties["onPremisesExtensionAttributes"]).toMatchObject({ extensionAttribute2: "two" });
      expect(
        (properties["onPremisesExtensionAttributes"] as Record<string, unknown>)["extensionAttribute1"],
      ).toBeNull();
    });

    it("without a value calls nothing", async () => {
      expect(await update("any", {})).toEqual({ key: "guid-1", outcome: "done", id: "any" });
      expect(rig.sent).toEqual([]);
    });

    it("of a role holder goes out without the sensitive properties, which are named", async () => {
      const { id } = await create({ city: "Bern" });
      directory.control.setRole(id, "Helpdesk Administrator");
      const result = await update(id, { city: "Basel", accountEnabled: false, mobilePhone: "1" });
      expect(result).toMatchObject({
        outcome: "done",
        warnings: [{ code: "InsufficientRights", properties: ["accountEnabled", "mobilePhone"] }],
      });
      expect(stored(id)?.properties).toMatchObject({ city: "Basel", accountEnabled: true });
      const waits = await update(id, { accountEnabled: false });
      expect(waits).toMatchObject({
        outcome: "failed",
        failure: { code: "InsufficientRights", properties: ["accountEnabled"] },
      });
    });

    it("that is whole or nothing writes nothing to a role holder", async () => {
      const { id } = await create({ city: "Bern" });
      directory.control.setRole(id, "Helpdesk Administrator");
      const values = { city: "Basel", accountEnabled: false };
      const [result] = await apply({ kind: "update", key: "guid-1", type: "user", id, values, isWhole: true });
      expect(result).toMatchObject({ outcome: "failed", failure: { code: "InsufficientRights" } });
      expect(stored(id)?.properties).toMatchObject({ city: "Bern", accountEnabled: true });
    });

    it("of what Microsoft's sync masters is refused by that name, and so is its delete", async () => {
      const [id] = directory.control.seed([
        { properties: { userPrincipalName: "synced@contoso.example", onPremisesSyncEnabled: true } },
      ]);
      const failure = { code: "CannotUpdateObjectsMasteredOnPremises", retriable: false };
      expect(await update(id!, { city: "Bern" })).toMatchObject({ outcome: "failed", failure });
      expect(await remove(id!)).toMatchObject({ outcome: "failed", failure });
    });

    it("of what is gone is InvalidAnchor", async () => {
      const result = await update("8f0d9f0a-0000-4000-8000-000000000001", { city: "Bern" });
      expect(result).toMatchObject({ outcome: "failed", failure: { code: "InvalidAnchor", status: 404 } });
    });

    it("to a taken name says which", async () => {
      const first = await create();
      const second = await create();
      const result = await update(second.id, { userPrincipalName: first.action.values["userPrincipalName"]! });
      expect(result).toMatchObject({
        outcome: "failed",
        failure: { code: "AttributeValueMustBeUnique", properties: ["userPrincipalName"] },
      });
    });
  });

  describe("delete and restore", () => {
    it("delete, also twice, and bring back, also twice", async () => {
      const { id } = await create();
      expect(await remove(id)).toMatchObject({ outcome: "done", id });
      expect(stored(id)?.deleted).toBe(true);
      expect(await remove(id)).toMatchObject({ outcome: "done", id });
      expect(await restore(id)).toEqual({
        ...{ key: "6e1f7a51-0000-4000-8000-000000000001", outcome: "done", id },
        answer: expect.objectContaining({ status: 200 }),
      });
      expect(stored(id)?.deleted).toBe(false);
      expect(await connect(directory).target.apply([{ kind: "restore", key: "k", type: "user", id }], low)).toEqual([
        { key: "k", outcome: "done", id, answer: expect.objectContaining({ status: 404 }) },
      ]);
      expect(rig.slept()).toBe(0);
    });

    it("of another process's newest object waits until it is seen, and is done where it was deleted", async () => {
      directory.control.set({ visibilityDelayMs: 8_000 });
      const writtenAt = directory.clock.ms;
      const { id } = await create();
      const { target } = connect(directory);
      const again = async () =>
        (await target.apply([{ kind: "delete", key: "k", type: "user", id, writtenAt }], low))[0];
      expect(await again()).toMatchObject({ outcome: "unsent", failure: { retryAfterMs: 10_000 } });
      expect(stored(id)?.deleted).toBe(false);
      directory.clock.ms += 10_000;
      expect(await again()).toMatchObject({ outcome: "done", id });
      expect(stored(id)?.deleted).toBe(true);
      directory.clock.ms += 10_000;
      const third = connect(directory);
      const repeated = { kind: "delete", key: "k", type: "user", id, writtenAt } as const;
      expect(await third.target.apply([repeated], low)).toMatchObject([{ outcome: "done", id }]);
      expect(third.slept()).toBe(0);
      // What went without a trace is gone once it can't be lag any more.
      directory.control.deleteAll();
      directory.clock.ms += 300_000;
      expect(await third.target.apply([repeated], low)).toMatchObject([{ outcome: "done", id }]);
    });

    it("bring back under a parked name when the name was taken meanwhile", async () => {
      const { id, action } = await create({ mail: "boss@contoso.example" });
      await remove(id);
      const { userPrincipalName } = action.values;
      await create({ userPrincipalName: userPrincipalName!, mail: "boss@contoso.example" });
      expect(await restore(id)).toMatchObject({
        outcome: "done",
        warnings: [{ code: "AttributeValueMustBeUnique", properties: ["userPrincipalName"] }],
      });
      expect(stored(id)?.properties["userPrincipalName"]).toBe(
        "6e1f7a51-0000-4000-8000-000000000001@uplinkdemo.onmicrosoft.com",
      );
    });

    it("bring back without its address when only that was taken", async () => {
      const { id, action } = await create({ mail: "boss@contoso.example" });
      await remove(id);
      await create({ mail: "boss@contoso.example" });
      expect(await restore(id)).toMatchObject({
        outcome: "done",
        warnings: [{ code: "AttributeValueMustBeUnique", properties: ["mail"] }],
      });
      expect(stored(id)?.properties["userPrincipalName"]).toBe(action.values["userPrincipalName"]);
    });

    it("say InvalidAnchor for what can't be brought back", async () => {
      const result = await restore("8f0d9f0a-0000-4000-8000-000000000001");
      expect(result).toMatchObject({ outcome: "failed", failure: { code: "InvalidAnchor" } });
    });

    it("of a role holder are InsufficientRights", async () => {
      const { id } = await create();
      directory.control.setRole(id, "Security Administrator");
      expect(await remove(id)).toMatchObject({ outcome: "failed", failure: { code: "InsufficientRights" } });
    });
  });

  describe("an object that isn't seen everywhere yet", () => {
    it("is written after a short wait", async () => {
      directory.control.set({ visibilityDelayMs: 600 });
      const { id } = await create();
      expect(await update(id, { city: "Bern" })).toMatchObject({ outcome: "done" });
      const bound = await one(buildCreate({ manager: id }));
      expect(bound.outcome).toBe("done");
      expect(rig.slept()).toBeGreaterThanOrEqual(600);
      expect(rig.slept()).toBeLessThanOrEqual(2_000);
    });

    it("is put off when that takes long, and nobody sleeps more than two seconds", async () => {
      directory.control.set({ visibilityDelayMs: 60_000 });
      const { id } = await create();
      const result = await update(id, { city: "Bern" });
      expect(result).toMatchObject({ outcome: "unsent", failure: { code: "InvalidAnchor", retriable: true } });
      expect(result.outcome === "unsent" && result.failure.retryAfterMs).toBeGreaterThan(0);
      expect(rig.slept()).toBeLessThanOrEqual(2_000);
      const child = await one(buildCreate({ manager: id }));
      expect(child).toMatchObject({
        outcome: "unsent",
        failure: { code: "UnableToResolveReferenceAttributeValue", retriable: true },
      });
      directory.clock.ms += 60_000;
      expect(await update(id, { city: "Bern" })).toMatchObject({ outcome: "done" });
    });

    it("a manager that doesn't exist is left out, after the little time that lag would take", async () => {
      const result = await one(buildCreate({ manager: "8f0d9f0a-0000-4000-8000-000000000001" }));
      expect(result).toMatchObject({
        outcome: "done",
        warnings: [{ code: "UnableToResolveReferenceAttributeValue", properties: ["manager"], retriable: true }],
      });
      expect(rig.slept()).toBe(1_000);
      expect(rig.target.writes()).toBe(3);
    });
  });

  describe("a target under load", () => {
    it("is given the short time it asks for", async () => {
      directory.control.order({ throttle: { count: 5, retryAfterSeconds: 1, match: { method: "POST" } } });
      const results = await apply(...Array.from({ length: 20 }, () => buildCreate()));
      expect(results.every((result) => result.outcome === "done")).toBe(true);
      expect(rig.slept()).toBe(1_000);
      expect(rig.target.writes()).toBe(20);
    });

    it("gets the rest later when it asks for long: unsent, with the time", async () => {
      directory.control.order({ throttle: { count: 5, retryAfterSeconds: 30, match: { method: "POST" } } });
      const results = await apply(...Array.from({ length: 20 }, () => buildCreate()));
      const unsent = results.filter((result) => result.outcome === "unsent");
      expect(unsent).toHaveLength(5);
      for (const result of unsent) {
        expect(result).toMatchObject({
          failure: { code: "TooManyRequests", retriable: true, retryAfterMs: 30_000, status: 429 },
        });
      }
      expect(rig.slept()).toBe(0);
      expect(directory.control.stats().writesInEffect).toBe(15);
    });

    it("that names no time gets a back-off of our own", async () => {
      directory.control.order({ throttle: { count: 1, match: { method: "POST" } } });
      const result = await one(buildCreate());
      expect(result).toMatchObject({ outcome: "unsent", failure: { code: "TooManyRequests" } });
      expect(result.outcome === "unsent" && result.failure.retryAfterMs).toBeGreaterThanOrEqual(2_000);
    });

    it("whose quota is used up keeps what went in", async () => {
      directory.control.set({ quota: { writesPerWindow: 10, windowSeconds: 150 } });
      const results = await apply(...Array.from({ length: 15 }, () => buildCreate()));
      expect(results.filter((result) => result.outcome === "done")).toHaveLength(10);
      const unsent = results.filter((result) => result.outcome === "unsent");
      expect(unsent).toHaveLength(5);
      expect(unsent[0]?.outcome === "unsent" && unsent[0].failure.retryAfterMs).toBeGreaterThan(2_000);
    });

    it.each([
      [500, "InternalServerError"],
      [502, "InternalServerError"],
      [504, "Timeout"],
    ])("that answers %i leaves the effect unknown: %s, worth another try", async (status, code) => {
      directory.control.order({ failWrites: { count: 1, status, code: "UnknownError" } });
      const result = await one(buildCreate());
      expect(result).toMatchObject({ outcome: "failed", failure: { code, retriable: true } });
    });

    it("that is down for all gives nothing back but patience", async () => {
      await create();
      directory.control.order({ down: true });
      expect(await one(buildCreate())).toMatchObject({ outcome: "unsent", failure: { retriable: true, status: 503 } });
    });

    it("whose answer is lost after the write: unknown, and found by its anchor", async () => {
      directory.control.order({ loseAnswers: { count: 1 } });
      const action = buildCreate();
      expect(await one(action)).toMatchObject({ outcome: "failed", failure: { code: "Timeout", retriable: true } });
      const [found] = await rig.target.find([
        { by: "immutableId", value: String(action.values["onPremisesImmutableId"]) },
      ]);
      expect(found).toHaveLength(1);
    });
  });
});
