/**
 * The laws of the quota of writes. A failure prints its seed: `UPLINK_TEST_SEED` draws it again, `UPLINK_TEST_RUNS` sets
 * how many are drawn.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { book, freshQuota, type QuotaState, settle, slowed, usedAt, WINDOW_MS } from "../../shared/domain/quota.ts";

const SEED = process.env["UPLINK_TEST_SEED"];
const RUNS = { numRuns: Number(process.env["UPLINK_TEST_RUNS"] ?? 300), ...(SEED ? { seed: Number(SEED) } : {}) };
const START = Date.UTC(2026, 0, 5, 8, 0, 0);
const BUDGET = 3_000;

const lane = fc.constantFrom("bulk" as const, "live" as const);
const ask = fc.record({ lane, wanted: fc.integer({ min: 1, max: 2_500 }), after: fc.integer({ min: 0, max: 40_000 }) });
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

  it("is used up by somebody who asks when told to", () => {
    const { state } = eager(freshQuota(START), START, START + 600_000);
    expect(state.rate).toBe(1);
    const from = START + 600_000;
    const { granted } = eager(state, from, from + 1_500_000);
    expect(granted / ((1_500_000 / WINDOW_MS) * BUDGET)).toBeGreaterThan(0.95);
  });
});

describe("bookings and facts", () => {
  it("give back what wasn't written, and count what was written besides", () => {
    const { state } = book(freshQuota(START), BUDGET, START, { lane: "bulk", wanted: 200 });
    const own = { lane: "bulk" as const, at: START, booked: 200 };
    expect(usedAt(settle(state, START + 3_000, { ...own, written: 150 }), START + 3_000)).toBe(150);
    expect(usedAt(settle(state, START + 3_000, { ...own, written: 0 }), START + 3_000)).toBe(0);
    const late = settle(state, START + 20_000, { ...own, written: 230 });
    // From when they were written: the target counted them then.
    expect(usedAt(late, START + 20_000 + WINDOW_MS)).toBe(230);
    expect(usedAt(late, START + 22_000 + WINDOW_MS)).toBe(0);
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
    const once = slowed(slowed(state, START, 10_000), START + 2_000, 20_000);
    expect(once.rate).toBeCloseTo(0.8);
    for (const own of ["bulk", "live"] as const) {
      const asked = book(once, BUDGET, START + 3_000, { lane: own, wanted: 10 });
      expect(asked).toMatchObject({ granted: 0, notBefore: START + 22_000 });
    }
    expect(slowed(once, START + 40_000, 0).rate).toBeCloseTo(0.64);
  });

  it("never leaves 30 to 100 %, and is whole again when nobody is in the way any more (law)", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 30 }), (gaps) => {
        let state = freshQuota(START);
        let now = START;
        for (const gap of gaps) {
          state = slowed(eager(state, now, now + gap).state, now + gap, 1_000);
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
