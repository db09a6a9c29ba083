import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeVersion } from "../../shared/domain/change-version.ts";
import { foldChange, type SourceChange, withFoldedLinks, withoutMissing } from "../../shared/domain/image.ts";
import type { ObjectRecord } from "../../shared/domain/object-record.ts";
import type { AttributeBag } from "../../shared/domain/values.ts";

const GUID = "0b5f0f0e-1111-4222-8333-444455556666";
const at = (n: number) => changeVersion(1, 1, n);

function upsert(attributes: AttributeBag, changed?: readonly string[]): SourceChange {
  return { op: "upsert", objectGuid: GUID, objectClass: "user", dn: "CN=a,DC=x", attributes, changed };
}

function fold(
  known: ObjectRecord | undefined,
  change: SourceChange,
  version: string,
  options: { seesAll?: boolean } = {},
) {
  return foldChange(known, change, version, { configurationId: "c", seesAll: options.seesAll ?? false });
}

const BOSS = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const OTHER = "9b2d1f5e-0000-4000-8000-1234567890ab";

function linked(attribute: string, guids: readonly string[], changed?: readonly string[]): SourceChange {
  const links = [
    { attribute, mode: "replace" as const, add: guids.map((guid) => ({ guid })), remove: [], part: 0, last: true },
  ];
  return withFoldedLinks({ ...upsert({ cn: ["a"] }, changed), links } as Parameters<typeof withFoldedLinks>[0]);
}

const base = fold(undefined, upsert({ title: ["Boss"], l: ["Bern"] }), at(1)).record;

describe("folding a change into the image", () => {
  it("takes what changed, and fills holes with the rest", () => {
    const { record } = fold(base, upsert({ title: ["Aide"], l: ["Basel"], sn: ["Doe"] }, ["title"]), at(2));
    expect(record.image).toEqual({ title: ["Aide"], l: ["Bern"], sn: ["Doe"] });
  });

  it("clears what is listed and empty, or listed and not there", () => {
    expect(fold(base, upsert({ title: [] }, ["title", "l"]), at(2)).record.image).toEqual({});
  });

  it("blanks nothing that a full read lacks, and notes it where the account sees all", () => {
    const whole = { l: ["Bern"], title: ["Boss"] };
    const blind = fold(base, upsert({ l: ["Bern"] }), at(2)).record;
    expect(blind.image).toEqual(whole);
    expect(withoutMissing(blind).image).toEqual(whole);
    const seeing = fold(base, upsert({ l: ["Bern"] }), at(2), { seesAll: true }).record;
    expect(seeing).toMatchObject({ image: whole, missing: { readNo: 1, names: ["title"] } });
    expect(withoutMissing(seeing).image).toEqual({ l: ["Bern"] });
    expect(withoutMissing(seeing).missing).toBeUndefined();
  });

  it("clears the note of what a later read brings or says, and keeps that of the rest", () => {
    const noted = fold(base, upsert({}), at(2), { seesAll: true }).record;
    expect(noted.missing?.names).toEqual(["l", "title"]);
    const filled = fold(noted, upsert({ title: ["Boss"] }, []), changeVersion(2, 1, 1), { seesAll: true }).record;
    expect(filled.missing).toEqual({ readNo: 1, names: ["l"] });
    expect(fold(filled, upsert({ l: [] }, ["l"]), changeVersion(3, 1, 1)).record.missing).toBeUndefined();
    const again = fold(noted, upsert(base.image), changeVersion(2, 1, 1), { seesAll: true });
    expect(again.record.missing).toBeUndefined();
    expect(again.effect).toBe("changed");
  });

  it("a full read that brings everything says nothing new", () => {
    expect(fold(base, upsert(base.image), changeVersion(2, 1, 1), { seesAll: true }).effect).toBe("unchanged");
  });

  it("does not apply an older change, and says so", () => {
    const newer = fold(base, upsert({ title: ["New"] }, ["title"]), at(5)).record;
    const late = fold(newer, upsert({ title: ["Old"] }, ["title"]), at(4));
    expect(late).toEqual({ record: newer, effect: "superseded" });
    expect(fold(newer, { op: "delete", objectGuid: GUID }, at(4)).effect).toBe("superseded");
  });

  it("keeps a row for an object that nobody knew when it is deleted", () => {
    const gone = fold(undefined, { op: "delete", objectGuid: GUID }, at(3));
    expect(gone).toMatchObject({ effect: "changed", record: { state: "deleted", version: at(3) } });
    expect(fold(gone.record, upsert({ title: ["x"] }), at(2)).effect).toBe("superseded");
  });

  it.each(["delete", "leave"] as const)("takes an object that comes back after a %s as it was read", (op) => {
    const gone = fold(
      base,
      op === "delete" ? { op, objectGuid: GUID } : { op, objectGuid: GUID, reason: "out" },
      at(2),
    );
    const back = fold(gone.record, upsert({ title: ["Aide"], l: ["Basel"] }, ["distinguishedName"]), at(3));
    expect(back.record).toMatchObject({ state: "live", image: { title: ["Aide"], l: ["Basel"] } });
  });

  it("says unchanged when the record says the same already, but keeps the newer version", () => {
    const again = fold(base, upsert({ l: ["Bern"], title: ["Boss"] }, ["l"]), at(9));
    expect(again.effect).toBe("unchanged");
    expect(again.record.version).toBe(at(9));
  });

  it("takes names of Object's own properties for attributes like any other", () => {
    const { record } = fold(base, upsert({ constructor: ["x"] }, []), at(2));
    expect(record.image["constructor"]).toEqual(["x"]);
    expect(fold(record, upsert({}, ["constructor"]), at(3)).record.image).toEqual(base.image);
  });

  describe("links to one object", () => {
    const managed = fold(undefined, linked("manager", [BOSS]), at(1)).record;

    it("are plain attributes whose values are GUIDs", () => {
      expect(managed.image).toEqual({ cn: ["a"], manager: [BOSS] });
      const moved = fold(managed, linked("manager", [OTHER], ["manager"]), at(2)).record;
      expect(moved.image["manager"]).toEqual([OTHER]);
    });

    it("fill holes and change nothing else when they were not reported", () => {
      expect(fold(managed, linked("manager", [OTHER], ["cn"]), at(2)).record.image["manager"]).toEqual([BOSS]);
      const hole = fold(fold(undefined, upsert({}), at(1)).record, linked("manager", [BOSS], []), at(2)).record;
      expect(hole.image["manager"]).toEqual([BOSS]);
    });

    it("are cleared when they were reported and are empty", () => {
      expect(fold(managed, linked("manager", [], ["manager"]), at(2)).record.image).toEqual({ cn: ["a"] });
    });

    it.each([
      ["lacks", upsert({ cn: ["a"] })],
      ["shows as empty", linked("manager", [])],
    ])("are noted only when a full read %s them", (_, change) => {
      const { record } = fold(managed, change, at(2), { seesAll: true });
      expect(record.image["manager"]).toEqual([BOSS]);
      expect(record.missing?.names).toEqual(["manager"]);
    });

    it.each(["member", "memberOf"])("lists have no place in an image: %s", (attribute) => {
      const change = linked(attribute, [BOSS], [attribute]);
      expect(change).not.toHaveProperty("links");
      expect(fold(managed, change, at(2))).toMatchObject({ effect: "unchanged", record: { image: managed.image } });
    });

    it("a change that only goes on with a list says nothing of the object, in a full read too", () => {
      const more = withFoldedLinks({ ...upsert({}, []), links: [] } as Parameters<typeof withFoldedLinks>[0]);
      expect(fold(managed, more, at(2), { seesAll: true }).effect).toBe("unchanged");
    });
  });

  const bag = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.array(fc.constantFrom("1", "2"), { maxLength: 2 }));
  const change = fc.record({ bag, changed: fc.option(fc.subarray(["a", "b", "c", "d"]), { nil: undefined }) });

  it("is idempotent, whatever the change (law)", () => {
    fc.assert(
      fc.property(bag, change, fc.boolean(), (first, { bag: attributes, changed }, seesAll) => {
        const before = fold(undefined, upsert(first), at(1)).record;
        const once = fold(before, upsert(attributes, changed), at(2), { seesAll }).record;
        expect(fold(once, upsert(attributes, changed), at(2), { seesAll })).toEqual({
          record: once,
          effect: "unchanged",
        });
      }),
    );
  });

  it("ends the same in whatever order a full read and the deltas after it arrive (law)", () => {
    const name = fc.constantFrom("a", "b", "c", "d");
    const value = fc.constantFrom(["1"], ["2"], ["3"]);
    const values = fc.dictionary(name, value);
    const delta = fc.record({ bag: values, changed: fc.subarray(["a", "b", "c", "d"]) });
    fc.assert(
      fc.property(
        values,
        values,
        fc.array(delta, { minLength: 1, maxLength: 4 }),
        fc.nat(3),
        fc.boolean(),
        (first, read, deltas, after, seesAll) => {
          const before = fold(undefined, upsert(first), changeVersion(1, 1, 0), { seesAll }).record;
          const full = { change: upsert(read), version: changeVersion(2, 1, 0) };
          const later = deltas.map(({ bag: attributes, changed }, index) => {
            return { change: upsert(attributes, changed), version: changeVersion(3 + index, 1, 0), overtakes: [2] };
          });
          const ended = (changes: readonly (typeof full & { readonly overtakes?: readonly number[] })[]) =>
            changes.reduce((record, { change: own, version, overtakes }) => {
              const context = { configurationId: "c", seesAll, overtakes };
              return foldChange(record, own, version, context).record;
            }, before);
          const { overtaken: _, ...inOrder } = ended([full, ...later]);
          const at = Math.min(after + 1, later.length);
          const { overtaken: __, ...late } = ended([...later.slice(0, at), full, ...later.slice(at)]);
          expect(late).toEqual(inOrder);
          const { overtaken: ___, ...twice } = ended([...later.slice(0, at), full, ...later.slice(at), full]);
          expect(twice).toEqual(inOrder);
        },
      ),
    );
  });

  it("ends the same in whatever order two changes arrive, when each names all it carries (law)", () => {
    fc.assert(
      fc.property(bag, bag, (one, two) => {
        const names = ["a", "b", "c", "d"];
        const inOrder = fold(fold(undefined, upsert(one, names), at(1)).record, upsert(two, names), at(2)).record;
        const late = fold(fold(undefined, upsert(two, names), at(2)).record, upsert(one, names), at(1)).record;
        expect(late).toEqual(inOrder);
      }),
    );
  });
});
