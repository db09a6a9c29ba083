/** Attributes that were too large for the agent to send: they are not empty, and whoever has one waits until it is told again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeVersion } from "../../shared/domain/change-version.ts";
import { foldChange, type SourceChange, withoutMissing } from "../../shared/domain/image.ts";
import type { ObjectRecord } from "../../shared/domain/object-record.ts";
import { withinLimit } from "../../shared/domain/oversize.ts";
import type { AttributeBag } from "../../shared/domain/values.ts";

const GUID = "0b5f0f0e-1111-4222-8333-444455556666";

interface Told {
  readonly attributes: AttributeBag;
  readonly changed?: readonly string[];
  readonly tooLarge?: Readonly<Record<string, number>>;
}

interface Versioned extends Told {
  readonly version: string;
  readonly overtakes?: readonly number[];
}

/** As a draft folds it. */
function fold(
  known: ObjectRecord | undefined,
  { version, overtakes, ...told }: Versioned,
  seesAll = true,
): ObjectRecord {
  const change: SourceChange = { op: "upsert", objectGuid: GUID, objectClass: "user", dn: "CN=a,DC=x", ...told };
  const { record, effect } = foldChange(known, change, version, { configurationId: "c", seesAll, overtakes });
  const isApplied = effect !== "superseded" && record.version === version;
  return withinLimit(known, record, change, { isApplied, seesAll, weigh: () => 0 });
}

const at = (readNo: number) => changeVersion(readNo, 1, 0);
const base = fold(undefined, { attributes: { title: ["Boss"], l: ["Bern"] }, version: at(1) });

describe("an attribute that was too large to be sent", () => {
  it("keeps what was known of it in a full read, which doesn't take it for missing", () => {
    const told = fold(base, { attributes: { l: ["Bern"] }, tooLarge: { title: 5_000_000 }, version: at(2) });
    expect(told).toMatchObject({ image: { title: ["Boss"], l: ["Bern"] }, oversize: { title: 5_000_000 } });
    expect(told.missing).toBeUndefined();
    expect(withoutMissing(told).image).toEqual({ title: ["Boss"], l: ["Bern"] });
  });

  it("keeps it where a delta reported it, and until something says what it is now", () => {
    const told = fold(base, { attributes: {}, changed: ["title"], tooLarge: { title: 7 }, version: at(2) });
    expect(told).toMatchObject({ image: { title: ["Boss"] }, oversize: { title: 7 } });
    const later = fold(told, { attributes: { l: ["Biel"] }, changed: ["l"], version: at(3) });
    expect(later).toMatchObject({ image: { title: ["Boss"], l: ["Biel"] }, oversize: { title: 7 } });
    const cleared = fold(later, { attributes: {}, changed: ["title"], version: at(4) });
    expect(cleared.image).toEqual({ l: ["Biel"] });
    expect(cleared.oversize).toBeUndefined();
  });

  it("of somebody new is no value at all, and no reason to take him as he is", () => {
    const told = fold(undefined, { attributes: { l: ["Bern"] }, tooLarge: { title: 7 }, version: at(1) });
    expect(told).toMatchObject({ image: { l: ["Bern"] }, oversize: { title: 7 } });
  });

  it("ends the same in whatever order its full read and the deltas after it arrive (law)", () => {
    const values = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom(["1"], ["2"]));
    const delta = fc
      .record({ bag: values, more: fc.subarray(["a", "b", "c"]) })
      .map(
        ({ bag, more }): Told => ({ attributes: bag, changed: [...new Set([...Object.keys(bag), ...more])].sort() }),
      );
    fc.assert(
      fc.property(
        values,
        values,
        fc.subarray(["a", "b", "c"], { minLength: 1 }),
        fc.array(delta, { minLength: 1, maxLength: 3 }),
        fc.nat(3),
        fc.boolean(),
        (first, read, large, deltas, after, seesAll) => {
          const before = fold(undefined, { attributes: first, version: at(1) }, seesAll);
          const tooLarge = Object.fromEntries(large.map((name) => [name, 5_000_000]));
          const sent = Object.fromEntries(Object.entries(read).filter(([name]) => !large.includes(name)));
          const full: Versioned = { attributes: sent, tooLarge, version: at(2) };
          const later = deltas.map((own, index): Versioned => ({ ...own, version: at(3 + index), overtakes: [2] }));
          const ended = (changes: readonly Versioned[]) => {
            const { overtaken: _, ...record } = changes.reduce((record, own) => fold(record, own, seesAll), before);
            return record;
          };
          const place = Math.min(after + 1, later.length);
          expect(ended([...later.slice(0, place), full, ...later.slice(place)])).toEqual(ended([full, ...later]));
        },
      ),
    );
  });
});
