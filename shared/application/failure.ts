/** Expected failures of use cases: plain values that cross JSON unharmed, with the HTTP status they answer. */
import type { Expected } from "../contracts/agent-api.ts";
import type { RefusalStatus } from "../contracts/operation.ts";

export interface Failure {
  readonly status: RefusalStatus;
  readonly code: string;
  /** What failed, for which thing, why. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
  readonly details?: readonly { readonly target: string; readonly message: string }[];
  readonly expected?: Expected;
  readonly retryAfterSeconds?: number;
  /** It was begun all the same, and may still come about: the audit log has to have it. */
  readonly isUnderWay?: true;
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

export const ok = <T>(value: T): Result<T> => ({ ok: true, value });
/** To who wanted to make something new. */
export function existsAlready(what: string): { readonly ok: false; readonly failure: Failure } {
  return fail({
    status: 412,
    code: "exists-already",
    message: `${what} is there already: it stays as it is.`,
    remedy: "Look at it: change it if it isn't what you want, and plan again where you plan.",
  });
}

export const fail = (failure: Failure): { readonly ok: false; readonly failure: Failure } => ({ ok: false, failure });
