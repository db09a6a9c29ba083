/** What every target directory must do: run on the memory adapter and on Graph's against the directory stand-in. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TargetValues } from "../../../shared/domain/target-value.ts";
import type {
  TargetAction,
  TargetDirectory,
  TargetObjectType,
  TargetResult,
} from "../../../shared/ports/target-directory.ts";
import { describeTargetLinks } from "./target-links-contract.ts";
import { describeTargetPages } from "./target-pages-contract.ts";
import { withoutAnswer } from "./without-answer.ts";

export interface TargetUnderTest {
  readonly target: TargetDirectory;
  /** Adds an object behind the target's back; its id comes back. */
  seed(values: TargetValues, flags?: SeedFlags): string;
  /** The values of an object as the target has them, its manager's id among them, empty ones left out. */
  values(id: string): TargetValues | undefined;
  /** What a page's `next` may look like that the target knows nothing of any more. */
  readonly forgottenPage: string;
  close?(): Promise<void>;
}

export interface SeedFlags {
  readonly type?: TargetObjectType;
  readonly synchronized?: boolean;
  /** A holder of a role; a group: role-assignable. */
  readonly privileged?: boolean;
  readonly deleted?: boolean;
  readonly members?: readonly string[];
}

const INITIAL = "uplinkdemo.onmicrosoft.com";
const KEY = "6e1f7a51-0000-4000-8000-000000000001";
const NOBODY = "8f0d9f0a-0000-4000-8000-00000000000f";

let counter = 0;

/** `open` gives a target whose initial domain is uplinkdemo.onmicrosoft.com and that has verified contoso.example. */
export function describeTargetDirectory(name: string, open: () => Promise<TargetUnderTest>): void {
  describeTargetLinks(name, open);
  describeTargetPages(name, open);
  describe(`target directory: ${name}`, () => {
    let rig: TargetUnderTest;
    let n = 0;
    beforeAll(async () => {
      rig = await open();
    });
    afterAll(() => rig.close?.());
    beforeEach(() => {
      n = ++counter;
    });

    const person = (more: TargetValues = {}, suffix = "a"): TargetValues => ({
      accountEnabled: true,
      displayName: `Person ${n}`,
      mailNickname: `person${n}${suffix}`,
      userPrincipalName: `person${n}${suffix}@contoso.example`,
      onPremisesImmutableId: `anchor${n}${suffix}==`,
      ...more,
    });
    const apply = async (...actions: TargetAction[]) => rig.target.apply(actions, { priority: "normal" });
    const one = async (action: TargetAction): Promise<TargetResult> => withoutAnswer((await apply(action))[0]!);
    const create = async (values: TargetValues) => {
      const result = await one({ kind: "create", key: KEY, type: "user", values });
      return result.outcome === "done" ? result.id : expect.fail(JSON.stringify(result));
    };
    const update = (id: string, values: TargetValues) => one({ kind: "update", key: KEY, type: "user", id, values });
    const remove = (id: string) => one({ kind: "delete", key: KEY, type: "user", id });
    const restore = (id: string) => one({ kind: "restore", key: KEY, type: "user", id });
    const findOne = async (query: Parameters<TargetDirectory["find"]>[0][number]) =>
      (await rig.target.find([query]))[0]!.map((object) => [object.id, object.deleted]);

    it("describes its domains", async () => {
      const { initialDomain, verifiedDomains } = await rig.target.describe();
      expect(initialDomain).toBe(INITIAL);
      expect(verifiedDomains).toContain("contoso.example");
    });

    it("creates, updates, clears, counts its writes", async () => {
      const before = rig.target.writes();
      const id = await create(
        person({
          city: "Bern",
          department: null,
          onPremisesExtensionAttributes: { extensionAttribute1: "x", extensionAttribute2: "y" },
        }),
      );
      expect(rig.values(id)).toEqual(
        person({ city: "Bern", onPremisesExtensionAttributes: { extensionAttribute1: "x", extensionAttribute2: "y" } }),
      );
      await update(id, {
        city: null,
        department: "Sales",
        businessPhones: ["1"],
        onPremisesExtensionAttributes: { extensionAttribute1: null },
      });
      const after = person({ department: "Sales", onPremisesExtensionAttributes: { extensionAttribute2: "y" } });
      expect(rig.values(id)).toEqual({ ...after, businessPhones: ["1"] });
      await update(id, { businessPhones: null });
      expect(rig.values(id)).toEqual(after);
      expect(await update(id, {})).toEqual({ key: KEY, outcome: "done", id });
      expect(rig.target.writes() - before).toBe(3);
    });

    it("tells each of several calls at once its own writes", async () => {
      const writes = { one: 0, two: 0 };
      const make = (suffix: string): TargetAction => ({
        kind: "create",
        key: suffix,
        type: "user",
        values: person({}, suffix),
      });
      await Promise.all([
        rig.target.apply([make("x")], { priority: "normal", onWrite: () => void writes.one++ }),
        rig.target.apply([make("y"), make("z")], { priority: "normal", onWrite: () => void writes.two++ }),
      ]);
      expect(writes).toEqual({ one: 1, two: 2 });
    });

    it.each([
      ["userPrincipalName", "AttributeValueMustBeUnique"],
      ["mail", "AttributeValueMustBeUnique"],
      ["onPremisesImmutableId", "EntryConflict"],
    ])("keeps %s unique", async (property, code) => {
      const first = person({ mail: `mail${n}@contoso.example` });
      await create(first);
      const other = person({ mail: `other${n}@contoso.example` }, "b");
      const failure = { code, properties: [property], retriable: false };
      const values = { ...other, [property]: first[property]! };
      expect(await one({ kind: "create", key: KEY, type: "user", values })).toMatchObject({
        outcome: "failed",
        failure,
      });
      const id = await create(other);
      expect(await update(id, { [property]: first[property]! })).toMatchObject({ outcome: "failed", failure });
      expect(rig.values(id)).toEqual(other);
    });

    it("refuses a create without a required value, and a suffix that isn't verified", async () => {
      const bad = (values: TargetValues) => one({ kind: "create", key: KEY, type: "user", values: person(values) });
      expect(await bad({ displayName: null })).toMatchObject({
        failure: { code: "MandatoryFieldsMissing", properties: ["displayName"] },
      });
      expect(await bad({ userPrincipalName: "a@elsewhere.example" })).toMatchObject({
        failure: { code: "InvalidDomain", properties: ["userPrincipalName"] },
      });
    });

    it("gives results in order, one object's failure beside the others' success", async () => {
      const values = person();
      const actions: TargetAction[] = [
        { kind: "update", key: "1", type: "user", id: NOBODY, values: { city: "Bern" } },
        { kind: "create", key: "2", type: "user", values },
        { kind: "delete", key: "3", type: "user", id: NOBODY },
      ];
      expect(await apply(...actions)).toMatchObject([
        { key: "1", outcome: "failed", failure: { code: "InvalidAnchor" } },
        { key: "2", outcome: "done" },
        { key: "3", outcome: "done" },
      ]);
    });

    it("deletes softly, keeps the anchor, frees the name, and restores", async () => {
      const values = person();
      const id = await create(values);
      const anchor = values["onPremisesImmutableId"] as string;
      expect(await remove(id)).toEqual({ key: KEY, outcome: "done", id });
      expect(await findOne({ by: "immutableId", value: anchor })).toEqual([]);
      expect(await findOne({ by: "deletedImmutableId", value: anchor })).toEqual([[id, true]]);
      expect(await findOne({ by: "id", value: id })).toEqual([[id, true]]);
      expect(await findOne({ by: "userPrincipalName", value: values["userPrincipalName"] as string })).toEqual([]);
      expect(
        await one({ kind: "create", key: KEY, type: "user", values: person({ onPremisesImmutableId: anchor }, "b") }),
      ).toMatchObject({ outcome: "failed", failure: { code: "EntryConflict" } });
      expect(await restore(id)).toEqual({ key: KEY, outcome: "done", id });
      expect(await restore(id)).toEqual({ key: KEY, outcome: "done", id });
      expect(rig.values(id)).toEqual(values);
      expect(await findOne({ by: "immutableId", value: anchor })).toEqual([[id, false]]);
    });

    it("restores under a parked name, and without an address, that others took meanwhile", async () => {
      const mail = `boss${n}@contoso.example`;
      const values = person({ mail });
      const id = await create(values);
      await remove(id);
      await create(person({ onPremisesImmutableId: `anchor${n}b==`, mail }));
      const result = await restore(id);
      expect(result).toMatchObject({ outcome: "done", id });
      expect(result.outcome === "done" && result.warnings?.[0]).toMatchObject({
        code: "AttributeValueMustBeUnique",
        properties: ["userPrincipalName"],
      });
      const { mail: _, ...kept } = values;
      expect(rig.values(id)).toEqual({ ...kept, userPrincipalName: `${KEY}@${INITIAL}` });
      await update(id, { userPrincipalName: `free${n}@contoso.example` });
    });

    it("says InvalidAnchor for what was never there", async () => {
      expect(await restore(NOBODY)).toMatchObject({ outcome: "failed", failure: { code: "InvalidAnchor" } });
    });

    it("never touches what Microsoft's sync masters", async () => {
      const id = rig.seed(person(), { synchronized: true });
      const failure = { code: "CannotUpdateObjectsMasteredOnPremises", retriable: false };
      expect(await update(id, { city: "Bern" })).toMatchObject({ outcome: "failed", failure });
      expect(await remove(id)).toMatchObject({ outcome: "failed", failure });
      expect((await rig.target.find([{ by: "id", value: id }]))[0]).toMatchObject([{ synchronized: true }]);
    });

    it("writes a role holder's plain values only", async () => {
      const id = rig.seed(person({ city: "Bern" }), { privileged: true });
      expect(await rig.target.privileged([id, NOBODY])).toEqual(new Set([id]));
      expect(await update(id, { city: "Basel", accountEnabled: false })).toMatchObject({
        outcome: "done",
        warnings: [{ code: "InsufficientRights", properties: ["accountEnabled"] }],
      });
      expect(rig.values(id)).toEqual(person({ city: "Basel" }));
      const failure = { code: "InsufficientRights" };
      expect(await update(id, { accountEnabled: false })).toMatchObject({ outcome: "failed", failure });
      expect(await remove(id)).toMatchObject({ outcome: "failed", failure });
    });

    it("finds in order, by every key, and nothing by an empty value", async () => {
      const mail = `Mail${n}@contoso.example`;
      const id = await create(person({ mail }));
      const found = await rig.target.find([
        { by: "mail", value: mail.toUpperCase() },
        { by: "userPrincipalName", value: `PERSON${n}a@contoso.example` },
        { by: "immutableId", value: `ANCHOR${n}a==` },
        { by: "immutableId", value: `anchor${n}a==` },
        { by: "id", value: id },
        { by: "mail", value: "" },
      ]);
      const object = {
        id,
        type: "user",
        userPrincipalName: `person${n}a@contoso.example`,
        mail,
        displayName: `Person ${n}`,
        immutableId: `anchor${n}a==`,
        accountEnabled: true,
        synchronized: false,
        deleted: false,
      };
      expect(found).toEqual([[object], [object], [], [object], [object], []]);
    });

    it("enumerates the living", async () => {
      const living = await create(person());
      const gone = await create(person({}, "b"));
      await remove(gone);
      const ids: string[] = [];
      for await (const page of rig.target.users()) ids.push(...page.map((user) => user.id));
      expect(ids).toContain(living);
      expect(ids).not.toContain(gone);
      expect(new Set(ids).size).toBe(ids.length);
    });
  });
}
