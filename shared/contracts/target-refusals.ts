/** What an operation that can't do without the target is refused with, in the target's own words. */
export const TARGET_REFUSALS = {
  "target-unreachable": 503,
  "target-credentials": 409,
  "target-refused": 409,
} as const;
