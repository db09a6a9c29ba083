import type { TargetAnswer } from "../../../shared/ports/target-directory.ts";

/** What a target says to a call besides its outcome is its own: status and names of calls differ from one to the next. */
export function withoutAnswer<T extends { readonly answer?: TargetAnswer }>(result: T): T {
  const { answer: _, ...rest } = result;
  return rest as T;
}
