/**
 * Jobs under the directory stand-in's quota, in virtual time: targets that refuse what is beyond it, and jobs that export
 * wave after wave as an orchestrator does. Nothing is mapped and nothing is sent: who may write when is all that there is.
 */
import { createQuota } from "../../local/directory/quota.ts";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createMemoryTargetDirectory } from "../../shared/adapters/memory/target-directory.ts";
import { createWriteQuota } from "../../shared/application/export/write-quota.ts";
import { createQuotaRows } from "../../shared/application/state/quota-rows.ts";
import type { QuotaLane } from "../../shared/domain/quota.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { TargetAction, TargetDirectory } from "../../shared/ports/target-directory.ts";
import { START } from "./cloud.ts";

export const MINUTE = 60_000;
export const WINDOW = { writes: 3_000, ms: 150_000 };
const CHUNK = 200;
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** The directory's quota, and a target that refuses what is beyond it; it says how much is used unless it is `silent`. */
export function createMeter(clock: { now(): number }, writes = WINDOW.writes, isSilent = false) {
  const quota = createQuota({
    now: () => clock.now(),
    tenantId: "tenant",
    users: () => 100_000,
    setting: { writesPerWindow: writes, windowSeconds: WINDOW.ms / 1000 },
  });
  let written = 0;
  let refused = 0;
  /** Milliseconds to wait; undefined: it was counted. */
  const take = (onCount?: (part: number | undefined) => void): number | undefined => {
    const booked = quota.book({ write: true, units: 0, applicationId: "ours" });
    const part = booked.headers?.["x-ms-throttle-limit-percentage"];
    onCount?.(part === undefined || isSilent ? undefined : Number(part));
    return "status" in booked ? Number(booked.headers?.["retry-after"] ?? 1) * 1000 : undefined;
  };
  const metered = (target: TargetDirectory): TargetDirectory => ({
    ...target,
    async apply(actions, options) {
      const waits = actions.map(() => {
        const wait = take(options.onCount);
        if (wait === undefined) written++;
        else {
          refused++;
          options.onThrottle?.(wait);
        }
        return wait;
      });
      const passed = actions.filter((_, index) => waits[index] === undefined);
      const answers = await target.apply(passed, options);
      let next = 0;
      return actions.map(({ key }, index) => {
        const wait = waits[index];
        const answer = wait === undefined ? answers[next++] : undefined;
        if (answer) return answer;
        const failure = { code: "TooManyRequests" as const, message: "too many", remedy: "", retriable: true };
        return { key, outcome: "unsent" as const, failure: { ...failure, retryAfterMs: wait ?? 0 } };
      });
    },
  });
  return { take, metered, written: () => written, refused: () => refused };
}

/** Jobs that export wave after wave without end, each as an orchestrator does: all chunks of a wave, then a timer. */
export function createJobs({ isSilent = false } = {}) {
  let now = START;
  const clock = { now: () => now };
  const meter = createMeter(clock, WINDOW.writes, isSilent);
  const rows = createMemoryRowStore();
  let rowWrites = 0;
  const table = rows.table("quota");
  const counted = {
    ...rows,
    table: () => ({
      ...table,
      transact: (...own: Parameters<typeof table.transact>) => {
        rowWrites++;
        return table.transact(...own);
      },
    }),
  };
  const done: Pick<TargetDirectory, "apply"> = {
    apply: async (actions, { onWrite }) => actions.map((own) => answered(own, onWrite)),
  };
  const target = meter.metered({ ...createMemoryTargetDirectory(), ...done });
  // Each job's host is a process of its own.
  const quotaOf = () =>
    createWriteQuota({
      quotaRows: createQuotaRows({ rows: counted, clock, key: "cloud:tenant:app" }),
      clock,
      log: silent,
      budget: WINDOW.writes,
    });
  const events: { at: number; run: () => Promise<number | undefined> }[] = [];

  /** `objects`: how many in all; `ended` is set when they are done. */
  function addJob(lane: QuotaLane, at: number, objects = Number.POSITIVE_INFINITY, waveChunks = 5) {
    const quota = quotaOf();
    const job = { written: 0, ended: 0 };
    let open: number[] = [];
    let left = objects;
    const run = async () => {
      if (open.length === 0) {
        const wave = Math.min(left, waveChunks * CHUNK);
        left -= wave;
        open = Array.from({ length: Math.ceil(wave / CHUNK) }, (_, at) => Math.min(CHUNK, wave - at * CHUNK));
      }
      const waits: number[] = [];
      const rest: number[] = [];
      for (const size of open) {
        const allowance = await quota.book(lane, target, size);
        if (allowance.granted === 0) {
          rest.push(size);
          waits.push(allowance.notBefore);
          continue;
        }
        const actions = Array.from({ length: size }, (_, at): TargetAction => ({ ...CREATE, key: String(at) }));
        const results = await allowance.target.apply(actions, { priority: "low" });
        await allowance.settle();
        const unsent = results.flatMap((own) => (own.outcome === "unsent" ? [own.failure.retryAfterMs ?? 1_000] : []));
        job.written += size - unsent.length;
        if (unsent.length === 0) continue;
        rest.push(unsent.length);
        waits.push(now + Math.max(...unsent));
      }
      open = rest;
      if (open.length > 0) return Math.max(...waits);
      job.ended = now;
      // Committing, and mapping what comes next.
      return left > 0 ? now + 1_500 : undefined;
    };
    events.push({ at, run });
    return job;
  }

  /** Somebody else on the same budget, who writes one every `everyMs` as long as `isThere`. */
  function addOther(everyMs: number) {
    const other = { written: 0, refused: 0, isThere: true };
    const run = async () => {
      if (meter.take() === undefined) other.written++;
      else other.refused++;
      return other.isThere ? now + everyMs : undefined;
    };
    events.push({ at: now, run });
    return other;
  }

  async function runUntil(end: number) {
    for (;;) {
      events.sort((left, right) => left.at - right.at);
      const [next] = events;
      if (!next || next.at > end) break;
      now = Math.max(now, next.at);
      const again = await next.run();
      if (again === undefined) events.shift();
      else next.at = Math.max(now + 1, again);
    }
    now = end;
  }

  return { addJob, addOther, runUntil, meter, rowWrites: () => rowWrites };
}

const CREATE = { kind: "create", type: "user", values: {} } as const;

function answered({ key }: TargetAction, onWrite: (() => void) | undefined) {
  onWrite?.();
  return { key, outcome: "done" as const, id: key };
}
