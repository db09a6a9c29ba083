/**
 * Which refusals are the matter of one question, and which are everybody's: a token that is refused, everything refused, or all of one
 * kind of question as forbidden (403), which is what a missing permission looks like.
 */
import type { TargetFailure } from "../../ports/target-directory.ts";

const FORBIDDEN = 403;

/** The first refusal among questions that is no single one's matter. `kindOf`: what needs the same permission. */
export function commonFault<T>(
  asked: readonly T[],
  refusalOf: (question: T) => TargetFailure | undefined,
  kindOf: (question: T) => string = () => "",
): TargetFailure | undefined {
  const own = asked.flatMap((question) => refusalOf(question) ?? []);
  if (asked.length > 1 && own.length === asked.length) return own[0];
  const answered = new Set(asked.filter((question) => !refusalOf(question)).map(kindOf));
  const forbidden = asked.filter((question) => refusalOf(question)?.status === FORBIDDEN);
  const unanswered = forbidden.find((question) => !answered.has(kindOf(question)));
  return unanswered === undefined ? undefined : refusalOf(unanswered);
}
