/**
 * What an admin starts by hand: a job goes on, rests, or reads everything again, with Graph's `resetScope` as far as it has a meaning here.
 *
 * Links are never dropped and removals never forced by a restart: who wants that has ways of their own, and a refusal names them. Each part
 * can be repeated; the wish for a full read comes first, so that whoever is stopped in between asks for all of it again.
 */
import type { ResetScope } from "../../contracts/admin/jobs.ts";
import { fail, ok, type Result } from "../failure.ts";
import type { Quarantines } from "../lanes/quarantines.ts";
import type { RetryEscrows } from "../lanes/retry-escrows.ts";
import { WATERMARK_RESET } from "../reading/reads.ts";
import type { Configurations } from "./configurations.ts";

export interface JobActions {
  /** Failures: 404. */
  start(jobId: string): Promise<Result<null>>;
  /** Failures: 404. */
  pause(jobId: string): Promise<Result<null>>;
  /** `resets` undefined: as a restart in the portal, without what forgets anything. Failures: 400 (a reset that isn't done here), 404. */
  restart(jobId: string, resets: readonly ResetScope[] | undefined, by: string): Promise<Result<null>>;
}

/** What a restart does when nobody says what. */
const USUAL: readonly ResetScope[] = ["Escrows", "QuarantineState"];

const ELSEWHERE: Readonly<Partial<Record<ResetScope, string>>> = {
  ConnectorDataStore:
    "What is known of the directory is read anew by any restart; links are mended by 'uplink link rebuild', or the job is deleted with objects=keep and made again.",
  ForceDeletes:
    "Removals that wait are looked at and approved by their digest: 'uplink staged list', 'uplink staged approve'.",
};

export function createJobActions(deps: {
  readonly configurations: Pick<Configurations, "requestFullRead" | "setPaused">;
  readonly quarantines: Pick<Quarantines, "clear">;
  readonly retryEscrows: RetryEscrows;
  readonly wakeJob: (jobId: string) => Promise<void>;
}): JobActions {
  const { configurations, quarantines } = deps;
  return {
    async start(jobId) {
      const done = await configurations.setPaused(jobId, false);
      if (!done.ok) return done;
      // As in Graph: who starts a job means it to work.
      await quarantines.clear(jobId);
      await deps.wakeJob(jobId);
      return ok(null);
    },

    async pause(jobId) {
      const done = await configurations.setPaused(jobId, true);
      return done.ok ? ok(null) : done;
    },

    async restart(jobId, resets = USUAL, by) {
      const other = resets.find((own) => ELSEWHERE[own] !== undefined);
      if (other !== undefined) return unsupported(jobId, other, ELSEWHERE[other] ?? "");
      const has = (own: ResetScope) => resets.includes(own) || resets.includes("Full");
      const done = await configurations.requestFullRead(jobId, has("Watermark") ? WATERMARK_RESET : "asked");
      if (!done.ok) return done;
      if (has("QuarantineState")) await quarantines.clear(jobId);
      if (has("Escrows")) await deps.retryEscrows(jobId, undefined, by);
      await deps.wakeJob(jobId);
      return ok(null);
    },
  };
}

function unsupported(jobId: string, scope: ResetScope, way: string) {
  return fail({
    status: 400,
    code: "reset-scope-unsupported",
    message: `A restart of job ${jobId} does not reset ${scope}. Nothing was done.`,
    remedy: `It takes None, Escrows, QuarantineState, Watermark and Full (those three), joined by commas. ${way}`,
    details: [{ target: "criteria.resetScope", message: `${scope} is not supported` }],
  });
}
