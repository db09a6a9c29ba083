import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addRemovals, DEFAULT_GUARD, judgeByType, judgeRemovals, NO_REMOVALS } from "../../shared/domain/guard.ts";

const verdict = (deletes: number, linked: number, before = 0) =>
  judgeRemovals({
    settings: DEFAULT_GUARD,
    wanted: { ...NO_REMOVALS, deletes },
    recent: { ...NO_REMOVALS, deletes: before },
    linked,
  });

describe("the guard's bounds", () => {
  it.each<[string, number, number, number, boolean]>([
    ["499 of many pass", 499, 1_000_000, 0, true],
    ["500 of many are staged", 500, 1_000_000, 0, false],
    ["exactly 10 % pass", 100, 1000, 0, true],
    ["one more than 10 % is staged", 101, 1000, 0, false],
    ["20 pass in a company of 30", 20, 30, 0, true],
    ["21 are staged in a company of 30", 21, 30, 0, false],
    ["2 pass in a company of 2", 2, 2, 0, true],
    ["1 passes after 19 in a day", 1, 30, 19, true],
    ["1 is staged after 20 in a day", 1, 30, 20, false],
    ["400 pass after 99 in a day", 400, 1_000_000, 99, true],
    ["400 are staged after 100 in a day", 400, 1_000_000, 100, false],
    ["none is never staged, whatever was removed before", 0, 10, 5000, true],
    ["21 are staged where nobody is linked", 21, 0, 0, false],
  ])("%s", (_, wanted, linked, before, passes) => {
    const { allowed, staged } = verdict(wanted, linked, before);
    expect(staged.length === 0).toBe(passes);
    expect(allowed).toEqual(passes && wanted > 0 ? ["deletes"] : []);
  });

  it("judges each class by itself, and says why", () => {
    const { allowed, staged } = judgeRemovals({
      settings: DEFAULT_GUARD,
      wanted: { deletes: 21, disables: 3, blanks: 600 },
      recent: NO_REMOVALS,
      linked: 100,
    });
    expect(allowed).toEqual(["disables"]);
    expect(staged).toEqual([
      { class: "deletes", count: 21, reason: "21 of 100 linked objects in 24 hours are more than 10 %" },
      { class: "blanks", count: 600, reason: "600 in 24 hours reach the bound of 500" },
    ]);
  });

  const counts = fc.record({ deletes: fc.nat(700), disables: fc.nat(700), blanks: fc.nat(700) });

  it("stages or allows every class that is wanted, and never what a smaller sum would not pass (law)", () => {
    fc.assert(
      fc.property(counts, counts, fc.nat(10_000), (wanted, recent, linked) => {
        const settings = DEFAULT_GUARD;
        const { allowed, staged } = judgeRemovals({ settings, wanted, recent, linked });
        const asked = (["blanks", "deletes", "disables"] as const).filter((name) => wanted[name] > 0);
        expect([...allowed, ...staged.map((own) => own.class)].sort()).toEqual(asked);
        const more = judgeRemovals({
          settings,
          wanted: addRemovals(wanted, { deletes: 1, disables: 1, blanks: 1 }),
          recent,
          linked,
        });
        for (const name of more.allowed) if (wanted[name] > 0) expect(allowed).toContain(name);
        for (const name of allowed) {
          const sum = wanted[name] + recent[name];
          if (wanted[name] > 0) expect(sum <= 20 || (sum < 500 && sum * 10 <= linked)).toBe(true);
        }
      }),
    );
  });

  it("is never wider for users and groups told apart than for the class as a whole (law)", () => {
    const typed = fc.record({ user: counts, group: counts });
    const linked = fc.record({ user: fc.nat(10_000), group: fc.nat(500) });
    fc.assert(
      fc.property(typed, typed, linked, (wanted, recent, population) => {
        const settings = DEFAULT_GUARD;
        const { allowed, staged } = judgeByType({ settings, wanted, recent, linked: population });
        for (const name of ["deletes", "disables", "blanks"] as const) {
          const sums = { user: 0, group: 0 };
          for (const type of ["user", "group"] as const) {
            sums[type] = wanted[type][name] + recent[type][name];
            if (!allowed[type].includes(name)) continue;
            expect(wanted[type][name]).toBeGreaterThan(0);
          }
          const whole = sums.user + sums.group;
          for (const type of ["user", "group"] as const)
            if (allowed[type].includes(name)) expect(whole <= 20 || sums[type] * 10 <= population[type]).toBe(true);
          const isAny = allowed.user.includes(name) || allowed.group.includes(name);
          if (isAny) expect(sums.user + sums.group).toBeLessThan(500);
          const asked = (["user", "group"] as const).filter((type) => wanted[type][name] > 0);
          const passed = asked.filter((type) => allowed[type].includes(name));
          expect(staged.filter((own) => own.class === name)).toHaveLength(asked.length - passed.length);
        }
      }),
    );
  });
});
