/**
 * What every activity does around its one use case: parse the input, call, answer.
 *
 * A target that can't be worked with is no failure of ours: the activity answers "wait" and the orchestrator sets a
 * durable timer; when it puts the job in quarantine, the run ends as one that was replaced does ("fenced"), and the next
 * one asks first whether it may. Anything else is thrown, and Durable repeats the activity.
 */
import type { ZodType } from "zod";
import { FencedOff } from "../../shared/application/lanes/wake-job.ts";
import type { Answer } from "../../shared/contracts/orchestration.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { Log } from "../../shared/ports/log.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";

export interface ActivityDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the job must wait for longer than a timer: it is in quarantine. */
  readonly noteFault: (jobId: string, fault: TargetUnavailable) => Promise<boolean>;
}

export type Activity = (input: unknown) => Promise<Answer<unknown>>;

export function activity<I extends { readonly jobId: string }, O>(
  deps: ActivityDeps,
  schema: ZodType<I>,
  useCase: (input: I) => Promise<O>,
): Activity {
  return async (input) => {
    const parsed = schema.parse(input);
    try {
      return { kind: "done", value: await useCase(parsed) };
    } catch (error) {
      if (error instanceof FencedOff) return { kind: "fenced" };
      if (!(error instanceof TargetUnavailable)) throw error;
      deps.log.warn("target-unavailable", { code: error.code, message: error.message, remedy: error.remedy });
      if (await deps.noteFault(parsed.jobId, error)) return { kind: "fenced" };
      return { kind: "wait", notBefore: deps.clock.now() + error.retryAfterMs, reason: error.code };
    }
  };
}
