import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  causeOf,
  expired,
  failuresOf,
  imposed,
  isHeld,
  type Quarantine,
  type QuarantineCause,
} from "../../shared/domain/quarantine.ts";
import { DEFAULT_QUARANTINE } from "../support/cloud.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const settings = DEFAULT_QUARANTINE;
const cause: QuarantineCause = {
  reason: "EncounteredQuarantineException",
  error: { code: "target-credentials", message: "No.", remedy: "Mend it." },
  events: 0,
};

describe("what quarantines a job", () => {
  it.each<[string, number, number, number, string | undefined]>([
    ["4,999 of 4,999 are nothing to look at", 4_999, 0, 4_999, undefined],
    ["5,000 of 5,000", 5_000, 0, 5_000, "EncounteredEscrowProportionThreshold"],
    ["40 % of the events", 6_000, 0, 15_000, undefined],
    ["one more than 40 %", 6_001, 0, 15_000, "EncounteredEscrowProportionThreshold"],
    ["references are no share", 2_000, 6_000, 10_000, undefined],
    ["40,000 of many", 40_000, 0, 1_000_000, undefined],
    ["40,001 of many", 40_001, 0, 1_000_000, "EncounteredBaseEscrowThreshold"],
    ["40,001 references of many", 0, 40_001, 1_000_000, undefined],
    ["60,000 with references", 30_000, 30_000, 1_000_000, undefined],
    ["60,001 with references", 30_000, 30_001, 1_000_000, "EncounteredTotalEscrowThreshold"],
  ])("%s", (_, base, references, events, reason) => {
    const found = causeOf({ base, references, events }, settings);
    expect(found?.reason).toBe(reason);
    if (found) expect(found).toMatchObject({ events, error: { remedy: expect.stringContaining("quarantine clear") } });
  });

  it("sorts failures by code, and leaves out who became privileged in the target", () => {
    const byCode = { UnableToResolveReferenceAttributeValue: 3, InsufficientRights: 5, Conflict: 2, Timeout: 1 };
    expect(failuresOf(byCode, 20, 4)).toEqual({ base: 7, references: 3, events: 20 });
  });

  it("is never lifted by a further failure (law)", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), fc.nat(1_000_000), (base, references, events) => {
        if (!causeOf({ base, references, events }, settings)) return;
        expect(causeOf({ base: base + 1, references, events }, settings)).toBeDefined();
        expect(causeOf({ base, references: references + 1, events }, settings)).toBeDefined();
      }),
    );
  });
});

describe("a series", () => {
  it("tries again after 6, 12 and 24 hours, then daily, and is disabled after 28 days", () => {
    let quarantine: Quarantine | undefined;
    let now = 1_000;
    const gaps: number[] = [];
    while (quarantine?.nextAttempt !== null) {
      quarantine = imposed(quarantine, cause, now, settings);
      expect(quarantine).toMatchObject({ seriesBegan: 1_000, seriesCount: gaps.length, currentBegan: now });
      if (quarantine.nextAttempt === null) break;
      gaps.push((quarantine.nextAttempt - now) / HOUR);
      now = quarantine.nextAttempt;
    }
    expect(gaps.slice(0, 5)).toEqual([6, 12, 24, 24, 24]);
    expect(now - 1_000).toBeGreaterThanOrEqual(28 * DAY);
    expect(now - 1_000).toBeLessThan(29 * DAY);
    expect(isHeld(quarantine, now + 1_000 * DAY)).toBe(true);
  });

  it("is held until its next attempt, and no longer", () => {
    const quarantine = imposed(undefined, cause, 0, settings);
    expect([isHeld(quarantine, 6 * HOUR - 1), isHeld(quarantine, 6 * HOUR)]).toEqual([true, false]);
    expect([isHeld(undefined, 0), isHeld(null, 0)]).toEqual([false, false]);
  });

  it("is changed by nothing while it is held, and never grows younger (law)", () => {
    const times = fc.array(fc.nat(3 * DAY), { maxLength: 60 });
    fc.assert(
      fc.property(times, (waits) => {
        let now = 0;
        let quarantine = imposed(undefined, cause, now, settings);
        for (const wait of waits) {
          now += wait;
          const next = imposed(quarantine, cause, now, settings);
          if (isHeld(quarantine, now)) expect(next).toBe(quarantine);
          else expect(next.seriesCount).toBe(quarantine.seriesCount + 1);
          expect(isHeld(next, now)).toBe(true);
          expect(next.seriesBegan).toBe(0);
          quarantine = expired(next, now, settings);
          expect(quarantine.nextAttempt === null || now < 28 * DAY).toBe(true);
        }
      }),
    );
  });
});
