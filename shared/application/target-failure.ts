/**
 * What the target said, as a refusal: whoever asked for something that can't be done without the target learns why it couldn't be asked,
 * instead of looking into the service's log.
 */
import { TargetUnavailable } from "../ports/target-directory.ts";
import { type Failure, fail, type Result } from "./failure.ts";

/** Out of reach is 503. What the target refuses the service is mended by an admin: 409, or what an operation declares for it. */
export interface TargetStatuses {
  readonly credentials?: Failure["status"];
  readonly refused?: Failure["status"];
}

/** Throws what isn't a `TargetUnavailable`. */
export function targetFailure(
  error: unknown,
  { credentials = 409, refused = 409 }: TargetStatuses = {},
): { readonly ok: false; readonly failure: Failure } {
  if (!(error instanceof TargetUnavailable)) throw error;
  const { code, message, remedy, retryAfterMs } = error;
  const status = { "target-unreachable": 503, "target-credentials": credentials, "target-refused": refused } as const;
  const later = code === "target-unreachable" ? { retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)) } : {};
  return fail({ status: status[code], code, message, remedy, ...later });
}

/** A use case that throws `TargetUnavailable`, made one that answers it. */
export function tellingTarget<Asked extends readonly unknown[], T>(
  run: (...asked: Asked) => Promise<Result<T>>,
  statuses?: TargetStatuses,
): (...asked: Asked) => Promise<Result<T>> {
  return async (...asked) => {
    try {
      return await run(...asked);
    } catch (error) {
      return targetFailure(error, statuses);
    }
  };
}
