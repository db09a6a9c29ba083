/**
 * The laws of the quota of writes. A failure prints its seed: `UPLINK_TEST_SEED` draws it again, `UPLINK_TEST_RUNS` sets
 * how many are drawn.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  book,
  freshQuota,
  heard,
  type QuotaState,
  settle,
  slowed,
  usedAt,
  WINDOW_MS,
} from "../../shared/domain/quota.ts";

const SEED = process.env["UPLINK_TEST_SEED"];
const RUNS = { numRuns: Number(process.env["UPLINK_TEST_RUNS"] ?? 300), ...(SEED ? { seed: Number(SEED) } : {}) };
const START = Date.UTC(2026, 0, 5, 8, 0, 0);
const BUDGET = 3_000;

const lane = fc.constantFrom("bulk" as const, "live" as const);
const ask = fc.record({ lane, wanted: fc.integer({ min: 1, max: 2_500 }), after: fc.integer({ min: 0, max: 40_000 }) });
const told = (retryAfterMs: number) => ({ retryAfterMs, isTold: true });
/** As a job that never has enough: asks again when it is told to. */
function eager(state: QuotaState, from: number, until: number, of: "bulk" | "live" = "bulk") {
  let now = from;
  let own = state;
  let granted = 0;
  while (now < until) {
    const got = book(own, BUDGET, now, { lane: of, wanted: 200 });
    own = got.state;
    granted += got.granted;
    now = Math.max(now + 1, got.notBefore);
  }
  return { state: own, granted };
}

describe("the window", () => {
  it("never holds more than the rate's part of the budget, whoever asks for what (law)", () => {
    fc.assert(
      fc.property(fc.array(ask, { maxLength: 80 }), (asks) => {
        let state = freshQuota(START);
        let now = START;
        const granted: { at: number; writes: number }[] = [];
        for (const own of asks) {
          now += own.after;
          const got = book(state, BUDGET, now, own);
          state = got.state;
          if (got.granted > 0) granted.push({ at: now, writes: got.granted });
          const inWindow = granted.filter(({ at }) => at > now - WINDOW_MS);
          const sum = inWindow.reduce((total, { writes }) => total + writes, 0);
          expect(sum).toBeLessThanOrEqual(BUDGET * state.rate + 1e-6);
          expect(got.granted).toBeLessThanOrEqual(own.wanted);
          if (got.granted < own.wanted) expect(got.notBefore).toBeGreaterThan(now);
        }
      }),
      RUNS,
    );
  });

  it("lets a burst of 60 % of the budget go at once, and no more", () => {
    const fast = { ...freshQuota(START), rate: 1 };
    expect(book(fast, BUDGET, START, { lane: "live", wanted: 1_500 }).granted).toBe(1_500);
    expect(book(freshQuota(START), BUDGET, START, { lane: "live", wanted: 1_500 }).granted).toBe(1_500);
    const all = book(fast, BUDGET, START, { lane: "live", wanted: 2_500 });
    expect(all.granted).toBe(1_800);
    expect(all.notBefore).toBe(START + 5_000);
  });

  it("gives bulk its turn however small the budget and the rate are", () => {
    for (const [budget, rate] of [10, 25, 60, 99, 250].flatMap((own) => [1, 0.3].map((part) => [own, part] as const))) {
      let state: QuotaState = { ...freshQuota(START), rate };
      let [now, granted] = [START, 0];
      for (let asked = 0; asked < 400 && now < START + 3 * WINDOW_MS; asked++) {
        const got = book(state, budget, now, { lane: "bulk", wanted: 5 });
        [state, now, granted] = [got.state, got.notBefore, granted + got.granted];
      }
      expect(granted, `${budget} writes, rate ${rate}`).toBeGreaterThanOrEqual(Math.floor(budget * rate) - 1);
    }
  });

  it("is used up by somebody who asks when told to", () => {
    const { state } = eager(freshQuota(START), START, START + 600_000);
    expect(state.rate).toBe(1);
    const from = START + 600_000;
    const { granted } = eager(state, from, from + 1_500_000);
    expect(granted / ((1_500_000 / WINDOW_MS) * BUDGET)).toBeGreaterThan(0.95);
  });
});

describe("bulk", () => {
  it("goes evenly, little faster than the window frees writes, and makes up for a stop of seconds at once", () => {
    const even = BUDGET / WINDOW_MS;
    let state = freshQuota(START);
    const grants: { at: number; writes: number }[] = [];
    const take = (from: number, until: number) => {
      for (let now = from; now < until; now += 500) {
        const got = book(state, BUDGET, now, { lane: "bulk", wanted: 500 });
        state = got.state;
        grants.push({ at: now, writes: got.granted });
      }
    };
    const within = (from: number, ms: number) =>
      grants.reduce((sum, { at, writes }) => sum + (at >= from && at < from + ms ? writes : 0), 0);
    take(START, START + 100_000);
    take(START + 105_000, START + 600_000);
    for (let from = START; from < START + 590_000; from += 1_000)
      expect(within(from, 10_000)).toBeLessThanOrEqual(0.05 * BUDGET + 10_000 * 1.05 * even + 1);
    expect(within(START + 105_000, 500)).toBeGreaterThan(0.8 * 5_000 * even);
    expect(within(START + 300_000, 300_000)).toBeGreaterThan(0.97 * 300_000 * even);
  });
});

describe("bookings and facts", () => {
  it("give back what wasn't written, and count what was written besides", () => {
    const { state } = book(freshQuota(START), BUDGET, START, { lane: "bulk", wanted: 200 });
    const settled = (...written: { at: number; writes: number }[]) =>
      settle(state, "bulk", [{ at: START, writes: 200 }], written);
    expect(usedAt(settled({ at: START + 900, writes: 150 }), START + 3_000)).toBe(150);
    expect(usedAt(settled(), START + 3_000)).toBe(0);
    // From when each was answered: the target counted it by then, and rounds up by a second.
    const late = settled({ at: START + 20_000, writes: 30 }, { at: START + 5_000, writes: 200 });
    const held = [4_000, 6_500, 20_500, 21_500].map((ms) => usedAt(late, START + WINDOW_MS + ms));
    expect(held).toEqual([230, 30, 30, 0]);
  });
});

describe("the live lane", () => {
  it("always finds its reserve, however long bulk took what it could get (law)", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 900_000 }), (lasted) => {
        const now = START + lasted;
        const { state } = eager(freshQuota(START), START, now);
        expect(book(state, BUDGET, now, { lane: "live", wanted: 20 }).granted).toBe(20);
      }),
      { ...RUNS, numRuns: Math.min(RUNS.numRuns, 100) },
    );
  });

  it("goes before bulk: while it waits bulk gets nothing, and what gets free is its own (law)", () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 1_800 }), fc.integer({ min: 0, max: 14_000 }), (wanted, later) => {
        const full = eager(freshQuota(START), START, START + 400_000).state;
        let now = START + 400_000;
        let { state, granted, notBefore } = book(full, BUDGET, now, { lane: "live", wanted });
        let left = wanted - granted;
        for (let tries = 0; left > 0; tries++) {
          const bulk = book(state, BUDGET, Math.min(now + later, notBefore), { lane: "bulk", wanted: 200 });
          expect(bulk.granted).toBe(0);
          now = notBefore;
          ({ state, granted, notBefore } = book(bulk.state, BUDGET, now, { lane: "live", wanted: left }));
          left -= granted;
          expect(tries).toBeLessThan(60);
        }
        expect(now - (START + 400_000)).toBeLessThan(WINDOW_MS);
        expect(eager(state, now, now + 60_000).granted).toBeGreaterThan(0);
      }),
      { ...RUNS, numRuns: Math.min(RUNS.numRuns, 60) },
    );
  });
});

describe("the rate", () => {
  it("falls once for the refusals of one moment, and everybody waits as long as the target says", () => {
    const state = { ...freshQuota(START), rate: 1 };
    const once = slowed(slowed(state, BUDGET, START, told(10_000)), BUDGET, START + 2_000, told(20_000));
    expect(once.rate).toBeCloseTo(0.8);
    for (const own of ["bulk", "live"] as const) {
      const asked = book(once, BUDGET, START + 3_000, { lane: own, wanted: 10 });
      expect(asked).toMatchObject({ granted: 0, notBefore: START + 22_000 });
    }
    expect(slowed(once, BUDGET, START + 40_000, told(0)).rate).toBeCloseTo(0.64);
  });

  it("is whole again minutes after one refusal, and takes longer each time that it is repeated", () => {
    const whole = eager(freshQuota(START), START, START + 300_000).state;
    let state = slowed(whole, BUDGET, START + 300_000, told(1_000));
    expect(state.rate).toBeCloseTo(0.8 * (usedAt(whole, START + 300_000) / BUDGET), 5);
    const back: number[] = [];
    let now = START + 300_000;
    for (let falls = 1; falls <= 4; falls++) {
      const from = now;
      const { rate } = state;
      while (state.rate < Math.min(1, rate + 0.1)) {
        state = eager(state, now, now + 5_000).state;
        now += 5_000;
      }
      back.push(now - from);
      if (falls === 1) state = eager(state, now, now + 240_000).state;
      if (falls === 1) expect(state.rate).toBe(1);
      if (falls === 1) now += 240_000;
      state = slowed(state, BUDGET, now, told(1_000));
    }
    expect(back[0]).toBeLessThan(3 * 60_000);
    for (const [at, took] of back.entries()) if (at > 0) expect(took).toBeGreaterThan(1.3 * back[at - 1]!);
  });

  it("grows four times more slowly after a refusal of a target that doesn't tell its count", () => {
    const whole = eager(freshQuota(START), START, START + 300_000).state;
    const grownBy = (isTold: boolean) => {
      const fallen = slowed(whole, BUDGET, START + 300_000, { retryAfterMs: 1_000, isTold });
      return eager(fallen, START + 300_000, START + 360_000).state.rate - fallen.rate;
    };
    expect(grownBy(true)).toBeGreaterThan(0.08);
    expect(grownBy(false)).toBeGreaterThan(0.01);
    expect(grownBy(false)).toBeLessThan(grownBy(true) / 3);
  });

  it("loses less to a refusal that comes while hardly anything is in use", () => {
    const { state } = book(freshQuota(START), BUDGET, START, { lane: "bulk", wanted: 20 });
    expect(slowed(state, BUDGET, START + 1_000, told(1_000)).rate).toBeCloseTo(0.8);
  });

  it("never leaves 30 to 100 %, and is whole again when nobody is in the way any more (law)", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 30 }), (gaps) => {
        let state = freshQuota(START);
        let now = START;
        for (const gap of gaps) {
          state = slowed(eager(state, now, now + gap).state, BUDGET, now + gap, told(1_000));
          now += gap;
          expect(state.rate).toBeGreaterThanOrEqual(0.3);
          expect(state.rate).toBeLessThanOrEqual(1);
        }
        expect(eager(state, now, now + 60 * 60_000).state.rate).toBe(1);
      }),
      { ...RUNS, numRuns: Math.min(RUNS.numRuns, 40) },
    );
  });
});

describe("what the target counts", () => {
  /** We and somebody else who writes `theirs` a second; the target's count is exact, and rounded. */
  function beside(theirs: number, until: number, { lateMs = 0, from = freshQuota(START) } = {}) {
    let state = from;
    let next = START;
    let refused = 0;
    let mostOthers = 0;
    const counted: { at: number; writes: number }[] = [];
    const countAt = (now: number) => {
      while (counted[0] && counted[0].at <= now - WINDOW_MS) counted.shift();
      return counted.reduce((sum, { at, writes }) => sum + (at <= now ? writes : 0), 0);
    };
    for (let now = START; now < until; now += 1_000) {
      counted.push({ at: now, writes: Math.min(theirs, BUDGET - countAt(now)) });
      if (now < next) continue;
      const got = book(state, BUDGET, now, { lane: "bulk", wanted: 200 });
      state = got.state;
      next = got.granted > 0 ? now + 1_000 : got.notBefore;
      if (got.granted === 0) continue;
      const written = Math.min(got.granted, BUDGET - countAt(now));
      refused += got.granted - written;
      counted.push({ at: now + lateMs, writes: written });
      const used = Math.round((100 * countAt(now)) / BUDGET) / 100;
      const own = lateMs === 0 ? written : 0;
      state = heard(state, BUDGET, { at: now, part: used > 0.8 ? used : null, written: own });
      mostOthers = Math.max(mostOthers, state.others?.writes ?? 0);
    }
    return { state, refused, mostOthers };
  }

  it("is nobody else's as long as it is ours, on its way or not", () => {
    for (const lateMs of [0, 900]) {
      const { state, refused, mostOthers } = beside(0, START + 20 * 60_000, { lateMs });
      expect([mostOthers, state.rate, refused]).toEqual([0, 1, 0]);
    }
  });

  it("tells how much somebody else has, so that what is left is ours and nothing is refused", () => {
    const { state, refused } = beside(10, START + 30 * 60_000);
    expect(state.others?.writes).toBeGreaterThan(1_400);
    expect(state.others?.writes).toBeLessThan(1_560);
    expect(usedAt(state, START + 30 * 60_000)).toBeGreaterThan(1_200);
    expect([state.rate, Math.floor(refused / 100)]).toEqual([1, 0]);
  });

  it("leaves less room to those who take as much as ever for ten minutes", () => {
    const now = START + 15 * 60_000;
    const most = (calmSince: number) => {
      const others = { writes: 1_500, at: START, growth: 0, calmSince, from: { writes: 1_500, at: START } };
      return usedAt(eager({ ...freshQuota(START), others }, START, now).state, now);
    };
    expect(most(START)).toBeGreaterThan(1.02 * most(START + 10 * 60_000));
    const first = { at: START, part: 1, written: 0 };
    const known = heard(freshQuota(START), BUDGET, first);
    expect(known.others?.calmSince).toBe(START);
    const told = (part: number, at: number) => heard(known, BUDGET, { at, part, written: 0 }).others?.calmSince;
    expect([told(0.9, now), told(1.4, START + 20_000)]).toEqual([START, START + 20_000]);
  });

  it("shows in minutes that somebody else is gone", () => {
    const others = { writes: 1_400, at: START, growth: 0, from: { writes: 1_400, at: START } };
    const { state } = beside(0, START + 15 * 60_000, { from: { ...freshQuota(START), others } });
    expect(state.others).toBeUndefined();
  });

  it("lets what nothing speaks for shrink, a little each minute", () => {
    const others = { writes: 200, at: START, growth: 0, from: { writes: 200, at: START } };
    const slot = (at: number, bulk: number) => ({ at, lastAt: at, bulk, live: 0 });
    const state = { ...freshQuota(START), others, slots: [slot(START, 2_200), slot(START + 59_000, 400)] };
    const told = { part: 0.85, written: 0 };
    expect(heard(state, BUDGET, { ...told, at: START + 59_000 })).toBe(state);
    expect(heard(state, BUDGET, { ...told, at: START + 60_000 }).others?.writes).toBe(170);
  });

  it("says by its silence that others went away, and nothing where it never spoke", () => {
    const { state } = beside(10, START + 30 * 60_000);
    const now = START + 30 * 60_000;
    const silent = heard(state, BUDGET, { at: now, part: null, written: 0 });
    expect(silent.others?.writes).toBeLessThan(1_300);
    const fresh = freshQuota(now);
    expect(heard(fresh, BUDGET, { at: now, part: null, written: 0 })).toBe(fresh);
    // A window later nothing of what was known counts.
    expect(book(state, BUDGET, now + 2 * WINDOW_MS, { lane: "bulk", wanted: 1 }).state.others).toBeUndefined();
  });
});
