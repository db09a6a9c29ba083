/**
 * Calling activities that may ask for patience, one or a wave at a time.
 *
 * A wave is one `Task.all` over fresh tasks; what answered "wait" is called again after a durable timer, in a new wave.
 * After `MAX_WAITS` the step gives up for now ("later"): the run continues as new, so that no history grows without end.
 */
import type { OrchestrationContext, Task } from "durable-functions";
import type { Answer } from "../shared/contracts/orchestration.ts";
import { activityRetry } from "./retry-policies.ts";

/** Activities in one wave: replay costs the square of the history, so waves are bounded. */
export const WAVE = 50;
const MAX_WAITS = 20;

export type Patient<T> =
  | { readonly kind: "done"; readonly values: readonly T[] }
  | { readonly kind: "later" | "fenced" };

type Steps<T> = Generator<Task, T, unknown>;

/** Calls `name` once an input, in waves; the values are in the order of the inputs. */
export function* inWaves<T>(
  context: OrchestrationContext,
  name: string,
  inputs: readonly unknown[],
): Steps<Patient<T>> {
  const values: T[] = new Array<T>(inputs.length);
  let open = inputs.map((input, index) => ({ input, index }));
  for (let waits = 0; open.length > 0; ) {
    const wave = open.slice(0, WAVE);
    const answers = (yield context.df.Task.all(
      wave.map(({ input }) => context.df.callActivityWithRetry(name, activityRetry(), input)),
    )) as Answer<T>[];
    const waiting: typeof open = [];
    let notBefore = 0;
    for (const [position, answer] of answers.entries()) {
      const entry = wave[position];
      if (!entry || answer.kind === "fenced") return { kind: "fenced" };
      if (answer.kind === "done") values[entry.index] = answer.value;
      else {
        waiting.push(entry);
        notBefore = Math.max(notBefore, answer.notBefore);
      }
    }
    open = [...waiting, ...open.slice(WAVE)];
    if (waiting.length === 0) continue;
    if (++waits > MAX_WAITS) return { kind: "later" };
    yield* pauseUntil(context, notBefore);
  }
  return { kind: "done", values };
}

export function* once<T>(context: OrchestrationContext, name: string, input: unknown): Steps<Patient<T>> {
  return yield* inWaves<T>(context, name, [input]);
}

function* pauseUntil(context: OrchestrationContext, notBefore: number): Steps<void> {
  const now = context.df.currentUtcDateTime;
  if (notBefore <= now.getTime()) return;
  const until = context.df.currentUtcDateTime;
  until.setTime(notBefore);
  yield context.df.createTimer(until);
}
