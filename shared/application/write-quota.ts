/**
 * Books an activity's writes before it sends them, and holds its target to what was granted.
 *
 * Who is granted nothing answers with a time and touches nothing: nobody sleeps. Beyond the grant, what was not begun
 * comes back *unsent* like anything that the target throttles; what was begun is ended (a restore's update, the adoption
 * after a create's conflict), and counted when the activity settles. So a booking may be an estimate.
 */
import { book, type QuotaLane, settle, slowed } from "../domain/quota.ts";
import type { TargetValues } from "../domain/target-value.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import {
  type ApplyOptions,
  MEMBERS_A_WRITE,
  type TargetAction,
  type TargetDirectory,
  type TargetFailure,
  type TargetMemberChange,
} from "../ports/target-directory.ts";
import type { QuotaRows } from "./state/quota-rows.ts";

export interface Allowance {
  /** 0: nothing may be sent now. */
  readonly granted: number;
  /** Milliseconds since 1970: when to ask again. */
  readonly notBefore: number;
  /** The target, held to the grant. */
  readonly target: TargetDirectory;
  /** Once, when everything was sent, whatever came of it. */
  settle(): Promise<void>;
}

export interface WriteQuota {
  /** `wanted`: writes, by estimate. Of 0 nothing is booked before, and everything is let through. */
  book(lane: QuotaLane, target: TargetDirectory, wanted: number): Promise<Allowance>;
}

/** A target whose quota nobody watches: everything is sent, and the target says when it is too much. */
export function createOpenQuota(): WriteQuota {
  return {
    book: async (_lane, target) => ({
      granted: Number.POSITIVE_INFINITY,
      notBefore: 0,
      target,
      settle: async () => undefined,
    }),
  };
}

export function createWriteQuota(deps: {
  readonly quotaRows: QuotaRows;
  readonly clock: Clock;
  readonly log: Log;
  /** Writes in 150 seconds. */
  readonly budget: number;
}): WriteQuota {
  const { quotaRows, clock, log, budget } = deps;
  return {
    async book(lane, target, wanted) {
      const at = clock.now();
      const { granted, notBefore } =
        wanted === 0
          ? { granted: 0, notBefore: at }
          : await quotaRows.change((state) => book(state, budget, clock.now(), { lane, wanted }));
      const isFree = wanted === 0;
      const tally = { written: 0, retryAfterMs: -1 };
      const held = holdTarget(
        target,
        isFree ? Number.POSITIVE_INFINITY : granted,
        tally,
        () => notBefore - clock.now(),
      );
      return {
        granted: isFree ? Number.POSITIVE_INFINITY : granted,
        notBefore,
        target: held,
        async settle() {
          const { written, retryAfterMs } = tally;
          const now = clock.now();
          const isThrottled = retryAfterMs >= 0;
          const isExact = written === granted && now - at <= EXACT_MS;
          if (isExact && !isThrottled) return;
          const { state } = await quotaRows.change((before) => {
            const settled = settle(before, now, { lane, at, booked: granted, written });
            return { state: isThrottled ? slowed(settled, now, retryAfterMs) : settled };
          });
          if (isThrottled) log.info("target-throttled", { lane, retryAfterMs, rate: state.rate });
        },
      };
    },
  };
}

/** A booking that was settled this soon stays where it is. */
const EXACT_MS = 1_000;
/** For a 429 without Retry-After. */
const NO_RETRY_AFTER_MS = 2_000;

interface Tally {
  written: number;
  /** The longest that was asked for; below 0: nobody asked. */
  retryAfterMs: number;
}

function holdTarget(target: TargetDirectory, granted: number, tally: Tally, waitMs: () => number): TargetDirectory {
  let left = granted;
  const begun = new Set<string>();
  const counted = (options: ApplyOptions): ApplyOptions => ({
    ...options,
    onWrite: () => {
      tally.written++;
      options.onWrite?.();
    },
    onThrottle: (retryAfterMs) => {
      tally.retryAfterMs = Math.max(tally.retryAfterMs, retryAfterMs ?? NO_RETRY_AFTER_MS);
    },
  });
  const patienceMs = () => Math.max(1, waitMs());
  return {
    ...target,
    async apply(actions, options) {
      const isSent = actions.map((action) => {
        if (!begun.has(action.key) && left <= 0) return false;
        left -= writesOf(action);
        begun.add(action.key);
        return true;
      });
      const sent = actions.filter((_, index) => isSent[index]);
      const answers = sent.length === 0 ? [] : await target.apply(sent, counted(options));
      let next = 0;
      return actions.map(({ key }, index) => {
        const answer = isSent[index] ? answers[next++] : undefined;
        return answer ?? { key, outcome: "unsent" as const, failure: quotaUsed(patienceMs()) };
      });
    },
    async changeMembers(changes, options) {
      const cuts = changes.map((change) => {
        const fits = membersFor(change, left);
        const memberIds = change.memberIds.slice(0, fits);
        left -= memberWrites(change.op, memberIds.length);
        return { change, kept: { ...change, memberIds }, rest: change.memberIds.slice(fits) };
      });
      const open = cuts.filter(({ kept }) => kept.memberIds.length > 0);
      const answers =
        open.length === 0
          ? []
          : await target.changeMembers(
              open.map(({ kept }) => kept),
              counted(options),
            );
      const answerOf = new Map(open.map((cut, index) => [cut, answers[index]]));
      return cuts.map((cut) => {
        const { done = [], unsent = [], failed = [], retryAfterMs } = answerOf.get(cut) ?? {};
        const wait = cut.rest.length === 0 ? retryAfterMs : Math.max(retryAfterMs ?? 0, patienceMs());
        return {
          key: cut.change.key,
          done,
          unsent: [...unsent, ...cut.rest],
          failed,
          ...(wait === undefined ? {} : { retryAfterMs: wait }),
        };
      });
    },
  };
}

/** Writes that an action is when nothing goes wrong: a manager is one of its own beside an update. */
export function writesOf(action: Pick<TargetAction, "kind"> & { readonly values?: TargetValues }): number {
  if (action.kind !== "update") return 1;
  const { manager, ...values } = action.values ?? {};
  return Math.max(1, (Object.keys(values).length > 0 ? 1 : 0) + (manager === undefined ? 0 : 1));
}

export function memberWrites(op: TargetMemberChange["op"], members: number): number {
  return op === "add" ? Math.ceil(members / MEMBERS_A_WRITE) : members;
}

function membersFor({ op, memberIds }: TargetMemberChange, writes: number): number {
  if (writes <= 0) return 0;
  return Math.min(memberIds.length, op === "add" ? writes * MEMBERS_A_WRITE : writes);
}

function quotaUsed(retryAfterMs: number): TargetFailure {
  return {
    code: "TooManyRequests",
    message: "The application's writes of the last 150 seconds are used up",
    remedy: "Nothing: it is sent when the quota has room again.",
    retriable: true,
    retryAfterMs,
  };
}
