/** When what was booked is told to have been written: at once where the row is written anyway, else with the next booking. */
import { describe, expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createMemoryTargetDirectory } from "../../shared/adapters/memory/target-directory.ts";
import { createWriteQuota } from "../../shared/application/export/write-quota.ts";
import { createQuotaRows } from "../../shared/application/state/quota-rows.ts";
import { type QuotaState, usedAt, WINDOW_MS } from "../../shared/domain/quota.ts";
import type { TargetAction, TargetDirectory } from "../../shared/ports/target-directory.ts";

const START = Date.UTC(2026, 0, 5, 8, 0, 0);
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function createWorld() {
  let now = START;
  const clock = { now: () => now };
  const quotaRows = createQuotaRows({ rows: createMemoryRowStore(), clock, key: "cloud:tenant:app" });
  let changes = 0;
  const counted: typeof quotaRows = {
    async change(decide) {
      let isChanged = false;
      const decided = await quotaRows.change((state) => {
        const own = decide(state);
        isChanged = own.state !== state;
        return own;
      });
      if (isChanged) changes++;
      return decided;
    },
  };
  const quota = createWriteQuota({ quotaRows: counted, clock, log, budget: 3_000 });
  const target: TargetDirectory = {
    ...createMemoryTargetDirectory(),
    apply: async (actions, { onWrite }) => {
      now += 400;
      return actions.map(({ key }) => {
        onWrite?.();
        return { key, outcome: "done" as const, id: key };
      });
    },
  };
  /** Books so many, writes so many, settles. */
  async function write(booked: number, written: number) {
    const allowance = await quota.book("bulk", target, booked);
    const actions = Array.from(
      { length: Math.min(written, allowance.granted) },
      (_, at): TargetAction => ({ kind: "create", type: "user", values: {}, key: String(at) }),
    );
    await allowance.target.apply(actions, { priority: "low" });
    await allowance.settle();
    return allowance;
  }
  const state = async (): Promise<QuotaState> => (await quotaRows.change((state) => ({ state }))).state;
  const pass = (ms: number) => {
    now += ms;
  };
  return { write, state, changes: () => changes, pass };
}

describe("what was written as it was booked", () => {
  it("costs no row of its own, and counts from its answer as soon as something else is booked", async () => {
    const { write, state, changes, pass } = createWorld();
    await write(100, 100);
    expect(changes()).toBe(1);
    const whenBooked = START + WINDOW_MS + 1_500;
    expect(usedAt(await state(), whenBooked)).toBe(100);
    pass(10_000);
    await write(10, 10);
    expect(changes()).toBe(2);
    // Answered after 400 ms, and counted for a second more: not for the second that its way could have taken.
    expect(usedAt(await state(), whenBooked)).toBe(10);
  });

  it("is kept for later when nothing is granted, which costs no row either", async () => {
    const { write, state, changes, pass } = createWorld();
    await write(150, 150);
    expect((await write(150, 150)).granted).toBe(0);
    expect(changes()).toBe(1);
    pass(10_000);
    await write(10, 10);
    expect(usedAt(await state(), START + WINDOW_MS + 1_500)).toBe(10);
  });
});

describe("what was not written as it was booked", () => {
  it("is given back at once", async () => {
    const { write, state, changes } = createWorld();
    await write(100, 40);
    expect(changes()).toBe(2);
    expect(usedAt(await state(), START + 1_000)).toBe(40);
  });
});
