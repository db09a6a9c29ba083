/**
 * What is seen of invocations: a span around every activity, how long it and every replay took, and a flush when an invocation ends, for an
 * instance may be frozen right after.
 *
 * An orchestration makes no span: it is replayed, and would make it again each time. Its activities go on with the trace that the row of
 * their batch carries; what has no batch (the end of a read, work that the cloud gave itself) has a trace of its own, whose ids follow
 * from its id, so that all of its activities meet in it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Activity } from "../orchestrations/activities/answer.ts";
import { batchTrace } from "../shared/application/reading/batch-trace.ts";
import { type BatchRow, jobTable, ROW, readRow } from "../shared/application/state/job-rows.ts";
import { batchIdOf } from "../shared/contracts/change.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Lane } from "../shared/ports/doorbell.ts";
import type { RowStore } from "../shared/ports/row-store.ts";
import type { Telemetry } from "../shared/ports/telemetry.ts";

interface Whose {
  readonly jobId: string;
  readonly lane: string;
}
const NOBODY: Whose = { jobId: "none", lane: "none" };
const working = new AsyncLocalStorage<Whose>();

/** The job and lane that the running activity works for. */
export function whoseWork(): Whose {
  return working.getStore() ?? NOBODY;
}

/** What activities are given, as far as it says what they work on. */
interface Given extends Whose {
  readonly readNo?: number;
  readonly sequence?: number;
  readonly batchId?: string;
  readonly linksId?: string;
  readonly workId?: string;
  readonly chunk?: number;
}

const REMEMBERED = 500;

/** Activities with a span and a measurement around each. */
export function watchActivities(
  deps: { readonly telemetry: Telemetry; readonly rows: RowStore; readonly clock: Clock },
  activities: Readonly<Record<string, Activity>>,
): Record<string, Activity> {
  const { telemetry, clock } = deps;
  const jobs = jobTable(deps.rows);
  const known = new Map<string, string>();

  /** As the batch's row has it, looked up once; a batch that came without a trace has the one that follows from its id. */
  async function traceOf(batchId: string, { jobId, lane }: Whose, readNo: number, sequence: number): Promise<string> {
    const remembered = known.get(batchId);
    if (remembered !== undefined) return remembered;
    const open = await readRow<BatchRow>(jobs, jobId, ROW.batch(lane as Lane, readNo, sequence)).catch(() => undefined);
    const trace = open?.value.trace ?? batchTrace(batchId);
    if (known.size >= REMEMBERED) known.clear();
    known.set(batchId, trace);
    return trace;
  }

  async function subjectOf(given: Given): Promise<{ readonly id: string; readonly parent: string } | undefined> {
    const { jobId, readNo, sequence } = given;
    if (readNo !== undefined && sequence !== undefined) {
      const id = batchIdOf(jobId, readNo, sequence);
      return { id, parent: await traceOf(id, given, readNo, sequence) };
    }
    // Files of links are named after what they belong to.
    const id =
      given.batchId ?? given.linksId ?? given.workId ?? (readNo === undefined ? undefined : `${jobId}-${readNo}`);
    if (id === undefined) return undefined;
    const [, read, number] = (id.startsWith(jobId) && /^-(\d+)-(\d+)$/.exec(id.slice(jobId.length))) || [];
    if (read !== undefined && number !== undefined)
      return { id, parent: await traceOf(id, given, Number(read), Number(number)) };
    return { id, parent: batchTrace(id.replace(/-(end|links|refs)$/g, "")) };
  }

  const watched =
    (name: string, run: Activity): Activity =>
    async (input) => {
      const given = input as Given;
      const started = clock.now();
      const measured = async () => {
        let result = "failed";
        try {
          const answer = await run(input);
          result = answer.kind;
          return answer;
        } finally {
          telemetry.record("uplink.activity.duration", clock.now() - started, { activity: name, result });
        }
      };
      return working.run({ jobId: String(given.jobId), lane: String(given.lane) }, async () => {
        const subject = await subjectOf(given);
        if (!subject) return measured();
        const { jobId, lane, chunk } = given;
        const attributes = { jobId, lane, chunk, subject: subject.id };
        return telemetry.span(name, { parent: subject.parent, attributes }, async (span) => {
          const answer = await measured();
          span.set({ result: answer.kind });
          return answer;
        });
      });
    };
  return Object.fromEntries(Object.entries(activities).map(([name, run]) => [name, watched(name, run)]));
}

interface Invocation {
  readonly invocationContext: {
    readonly functionName: string;
    readonly options: { readonly trigger: { readonly type: string } };
  };
  readonly hookData: Record<string, unknown>;
}

/** Hooks around every invocation: what a replay costs, and sending what there is before the instance may be frozen. */
export function invocationHooks({ telemetry, now }: { readonly telemetry: Telemetry; readonly now: () => number }) {
  return {
    before: ({ hookData }: Invocation): void => {
      hookData["startedAt"] = now();
    },
    async after({ invocationContext: { functionName, options }, hookData }: Invocation): Promise<void> {
      if (options.trigger.type === "orchestrationTrigger") {
        const startedAt = Number(hookData["startedAt"]);
        telemetry.record("uplink.replay.cost", now() - startedAt, { orchestrator: functionName });
        return;
      }
      await telemetry.flush();
    },
  };
}
