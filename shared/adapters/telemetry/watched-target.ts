/** A target directory whose writes and refusals are counted, and whose work is seen in the trace. It changes nothing else. */
import type { ApplyOptions, TargetDirectory } from "../../ports/target-directory.ts";
import type { Span, Telemetry } from "../../ports/telemetry.ts";

/** `whose`: the job and lane that the running activity works for. */
export function watchTarget(
  target: TargetDirectory,
  telemetry: Telemetry,
  whose: () => { readonly jobId: string; readonly lane: string },
): TargetDirectory {
  const counted = (options: ApplyOptions, seen: { writes: number; throttles: number }): ApplyOptions => ({
    ...options,
    onWrite: () => {
      seen.writes++;
      telemetry.count("uplink.writes", 1, whose());
      options.onWrite?.();
    },
    onThrottle: (retryAfterMs) => {
      seen.throttles++;
      telemetry.count("uplink.throttles", 1, { lane: whose().lane });
      options.onThrottle?.(retryAfterMs);
    },
  });
  const seen = async <T>(name: string, asked: number, run: (span: Span) => Promise<T>): Promise<T> =>
    telemetry.span(name, { attributes: { asked } }, run);
  return {
    ...target,
    find: (queries, options) => seen("target.find", queries.length, () => target.find(queries, options)),
    apply: (actions, options) =>
      seen("target.apply", actions.length, async (span) => {
        const tally = { writes: 0, throttles: 0 };
        const results = await target.apply(actions, counted(options, tally));
        const failed = results.filter((result) => "failure" in result && result.failure !== undefined).length;
        span.set({ ...tally, failed });
        return results;
      }),
    changeMembers: (changes, options) =>
      seen("target.changeMembers", changes.length, async (span) => {
        const tally = { writes: 0, throttles: 0 };
        const results = await target.changeMembers(changes, counted(options, tally));
        span.set({ ...tally, failed: results.reduce((sum, { failed }) => sum + failed.length, 0) });
        return results;
      }),
  };
}
