import { describe, expect, it } from "vitest";
import { retryDelayMs } from "../../../local/durable/retry-delay.ts";

const dayMs = 24 * 3600 * 1000;

describe("the delay before another try", () => {
  const policy = { firstRetryIntervalInMilliseconds: 100, maxNumberOfAttempts: 5 };

  it.each([
    ["stays the same without a coefficient", policy, 3, 100],
    ["grows by the coefficient", { ...policy, backoffCoefficient: 2 }, 3, 800],
    [
      "stops at the maximum interval",
      { ...policy, backoffCoefficient: 10, maxRetryIntervalInMilliseconds: 5000 },
      4,
      5000,
    ],
    ["stops at six days when no maximum is set", { ...policy, backoffCoefficient: 1000 }, 4, 6 * dayMs],
    ["reads null as not set", { ...policy, backoffCoefficient: null, maxRetryIntervalInMilliseconds: null }, 2, 100],
  ])("%s", (_what, given, attempt, expected) => {
    expect(retryDelayMs(given, attempt, 0)).toBe(expected);
  });

  it("is none once the retry time-out has passed since the first attempt", () => {
    const limited = { ...policy, retryTimeoutInMilliseconds: 1000 };
    expect(retryDelayMs(limited, 0, 999)).toBe(100);
    expect(retryDelayMs(limited, 0, 1000)).toBe(0);
  });
});
