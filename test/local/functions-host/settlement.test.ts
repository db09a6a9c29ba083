import { describe, expect, it } from "vitest";
import { createSettlement, type Settlement } from "../../../local/functions-host/settlement.ts";

/** Settles each outcome through `settlement` at once and tells in which turn of the event loop each was begun. */
async function turnsOf(settlement: Settlement, outcomes: readonly ("complete" | "abandon")[]) {
  let turn = 0;
  let counting = true;
  const count = (): void => {
    turn += 1;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const begun: { outcome: string; turn: number }[] = [];
  await Promise.all(
    outcomes.map((outcome) =>
      settlement(outcome, () => {
        begun.push({ outcome, turn });
        return Promise.resolve();
      }),
    ),
  );
  counting = false;
  return begun;
}

describe("settling messages", () => {
  it("never lets a completion and an abandonment share a turn", async () => {
    const mixed = Array.from(
      { length: 40 },
      (_, n) => (n % 3 === 0 ? "abandon" : "complete") as "abandon" | "complete",
    );
    const begun = await turnsOf(createSettlement(), mixed);
    expect(begun).toHaveLength(40);
    const outcomesByTurn = new Map<number, Set<string>>();
    for (const { outcome, turn } of begun) {
      outcomesByTurn.set(turn, (outcomesByTurn.get(turn) ?? new Set()).add(outcome));
    }
    expect([...outcomesByTurn.values()].map((outcomes) => outcomes.size)).toEqual([1, 1]);
  });

  it("settles equal outcomes together", async () => {
    const begun = await turnsOf(createSettlement(), ["complete", "complete", "complete"]);
    expect(new Set(begun.map(({ turn }) => turn)).size).toBe(1);
  });

  it("gives each caller its own failure, and goes on", async () => {
    const settlement = createSettlement();
    const lost = settlement("complete", () => Promise.reject(new Error("lock lost")));
    const fine = settlement("complete", () => Promise.resolve());
    await expect(lost).rejects.toThrow("lock lost");
    await expect(fine).resolves.toBeUndefined();
    await expect(settlement("abandon", () => Promise.resolve())).resolves.toBeUndefined();
  });
});
