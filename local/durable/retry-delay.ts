/**
 * How long the framework waits before it tries a failed call again, by the JSON form of the library's `RetryOptions`.
 * Mirrors DurableTask.Core: exponential from the first interval, capped, and no further try after the time-out.
 */

const dayMs = 24 * 3600 * 1000;

/** The fields as `RetryOptions` of durable-functions names them in JSON. */
export type RetryPolicy = {
  readonly firstRetryIntervalInMilliseconds: number;
  readonly maxNumberOfAttempts: number;
  readonly backoffCoefficient?: number | null;
  readonly maxRetryIntervalInMilliseconds?: number | null;
  readonly retryTimeoutInMilliseconds?: number | null;
};

/**
 * Milliseconds to wait after attempt `attempt` (from 0) failed; 0 means "give up now".
 * `elapsedMs` is the time since the first attempt.
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, elapsedMs: number): number {
  const timeout = policy.retryTimeoutInMilliseconds;
  if (typeof timeout === "number" && elapsedMs >= timeout) return 0;
  const cap = policy.maxRetryIntervalInMilliseconds ?? 6 * dayMs;
  const delay = policy.firstRetryIntervalInMilliseconds * (policy.backoffCoefficient ?? 1) ** attempt;
  return Math.min(delay, cap);
}
