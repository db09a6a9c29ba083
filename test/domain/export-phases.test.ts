import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exportPhases, type PhaseObject } from "../../shared/domain/export-phases.ts";

const person = (objectGuid: string, refersTo?: string): PhaseObject => ({ objectGuid, isLast: false, refersTo });
const group = (objectGuid: string): PhaseObject => ({ objectGuid, isLast: true });
const crowd = (count: number, prefix: string, refersTo?: string) =>
  Array.from({ length: count }, (_, at) => person(`${prefix}${String(at).padStart(3, "0")}`, refersTo));
const groups = (count: number) => crowd(count, "g").map((own) => group(own.objectGuid));

describe("the phases of a batch", () => {
  it("sends managers before those whom they manage, and groups last", () => {
    const bosses = crowd(20, "b");
    const staff = crowd(30, "s", "b000");
    const phases = exportPhases([...groups(20), ...staff, ...bosses]);
    expect(phases.map((own) => own.length)).toEqual([20, 30, 20]);
    expect(phases[0]?.[0]).toBe("b000");
    expect(phases[2]?.[0]).toBe("g000");
  });

  it("waits for no phase that hardly anybody refers to, and makes none that is empty", () => {
    expect(exportPhases([])).toEqual([]);
    expect(exportPhases([person("a"), person("b", "a"), group("g")])).toEqual([["a", "b"], ["g"]]);
    expect(exportPhases([person("a"), ...crowd(25, "s", "a"), group("g")]).map((own) => own.length)).toEqual([
      1, 25, 1,
    ]);
    expect(exportPhases([...crowd(25, "s"), person("x", "s000")]).map((own) => own.length)).toEqual([26]);
  });

  it("looks at each level by itself: a few in between don't make a long phase of all", () => {
    const few = [person("a"), person("b", "a"), ...crowd(25, "s", "b")];
    expect(exportPhases(few).map((own) => own.length)).toEqual([2, 25]);
  });

  it("takes the deep ones together", () => {
    const chain = Array.from({ length: 12 }, (_, at) =>
      crowd(20, `l${String(at).padStart(2, "0")}-`, at === 0 ? undefined : `l${String(at - 1).padStart(2, "0")}-000`),
    );
    expect(exportPhases(chain.flat()).map((own) => own.length)).toEqual([20, 20, 20, 20, 20, 20, 20, 100]);
  });

  it("begins a circle anywhere, and what hangs on it after it", () => {
    const circle = [...crowd(18, "c"), person("x", "z"), person("y", "x"), person("z", "y")];
    const phases = exportPhases([...circle, ...crowd(20, "s", "x")]);
    expect(phases.map((own) => own.length)).toEqual([21, 20]);
    expect(exportPhases([...crowd(20, "c"), person("self", "self")])).toHaveLength(1);
  });

  const object = fc.record({
    objectGuid: fc.integer({ min: 0, max: 99 }).map(String),
    isLast: fc.boolean(),
    refersTo: fc.option(fc.integer({ min: 0, max: 120 }).map(String), { nil: undefined }),
  });
  const objects = fc.uniqueArray(object, { selector: (own) => own.objectGuid, maxLength: 100 });

  it("has everybody once, whatever the order of the input (law)", () => {
    fc.assert(
      fc.property(objects, (own) => {
        const phases = exportPhases(own);
        expect(phases.flat().sort()).toEqual(own.map((one) => one.objectGuid).sort());
        expect(exportPhases([...own].reverse())).toEqual(phases);
      }),
    );
  });

  it("sends nobody before whom he refers to, unless they go together, in circles, or deep (law)", () => {
    fc.assert(
      fc.property(objects, (own) => {
        const phases = exportPhases(own);
        const phaseOf = (guid: string) => phases.findIndex((phase) => phase.includes(guid));
        const byGuid = new Map(own.map((one) => [one.objectGuid, one]));
        const isInCircle = (start: string) => {
          let at = byGuid.get(start)?.refersTo;
          for (let steps = 0; steps < 200 && at !== undefined && at !== start; steps++) at = byGuid.get(at)?.refersTo;
          return at === start;
        };
        for (const one of own) {
          const referee = byGuid.get(one.refersTo ?? "");
          if (!referee || referee.isLast !== one.isLast || one.isLast || isInCircle(one.objectGuid)) continue;
          expect(phaseOf(referee.objectGuid)).toBeLessThanOrEqual(phaseOf(one.objectGuid));
        }
      }),
    );
  });
});
