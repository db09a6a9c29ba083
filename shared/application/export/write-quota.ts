/**
 * Books an activity's writes before it sends them, and holds its target to what was granted.
 *
 * Who is granted nothing answers with a time and touches nothing: nobody sleeps. Beyond the grant, what was not begun
 * comes back *unsent* like anything that the target throttles; what was begun is ended (a restore's update, the adoption
 * after a create's conflict), and counted when the activity settles. So a booking may be an estimate.
 */
import {
  book,
  type Heard,
  heard,
  type QuotaLane,
  type QuotaState,
  settle,
  slowed,
  type Written,
} from "../../domain/quota.ts";
import type { TargetValues } from "../../domain/target-value.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import {
  type ApplyOptions,
  MEMBERS_A_WRITE,
  type TargetAction,
  type TargetDirectory,
  type TargetFailure,
  type TargetMemberChange,
} from "../../ports/target-directory.ts";
import type { QuotaRows } from "../state/quota-rows.ts";

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
  /**
   * `wanted`: writes, by estimate; counted only where somebody watches. Of 0 nothing is booked before, and what is
   * written all the same is booked when it comes.
   */
  book(lane: QuotaLane, target: TargetDirectory, wanted: number | (() => Promise<number>)): Promise<Allowance>;
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
  /** Whether others were there when the row was last seen: only then does it say something that the target says nothing. */
  let isBeside = false;
  /** When exactly what was booked was written: not worth a row, and told with the next booking. */
  const deferred: Settlement[] = [];
  return {
    async book(lane, target, estimate) {
      const wanted = typeof estimate === "number" ? estimate : await estimate();
      const tally: Tally = { answered: [], retryAfterMs: -1, bookings: [], notBefore: clock.now() };
      const take = async (writes: number): Promise<number> => {
        // By when it is decided: others may have their turn at the row before.
        const facts: Settlement[] = [];
        const { at, granted, notBefore, isOpen } = await quotaRows.change((state) => {
          const now = clock.now();
          facts.push(...deferred.splice(0));
          const settled = facts.reduce((own, fact) => settle(own, fact.lane, fact.bookings, fact.answered), state);
          const booking = book(settled, budget, now, { lane, wanted: writes });
          const isOpen = booking.state === settled;
          return { at: now, ...booking, state: isOpen ? state : booking.state, isOpen };
        });
        if (isOpen) deferred.push(...facts);
        tally.bookings.push({ at, writes: granted });
        tally.notBefore = notBefore;
        return granted;
      };
      const granted = wanted === 0 ? 0 : await take(wanted);
      return {
        granted: wanted === 0 ? Number.POSITIVE_INFINITY : granted,
        notBefore: tally.notBefore,
        target: holdTarget(target, { granted, tally, clock, ...(wanted === 0 ? { take } : {}) }),
        async settle() {
          const { answered, retryAfterMs, bookings, said } = tally;
          const now = clock.now();
          const isThrottled = retryAfterMs >= 0;
          const written = sumOf(answered);
          const isExact = written === sumOf(bookings) && bookings.every(({ at }) => now - at <= EXACT_MS);
          const saysNothing = said === undefined || (said.part === null && !isBeside);
          const defer = () => {
            if (written > 0) deferred.push({ lane, bookings, answered });
          };
          if (isExact && !isThrottled && saysNothing) return defer();
          const isTold = said !== undefined && said.part !== null;
          const { state, isOpen } = await quotaRows.change((before) => {
            const hear = (own: QuotaState) => (said === undefined ? own : heard(own, budget, { ...said, written }));
            if (isExact && !isThrottled && hear(before) === before) return { state: before, isOpen: true };
            const told = hear(settle(before, lane, bookings, answered));
            return { state: isThrottled ? slowed(told, budget, now, { retryAfterMs, isTold }) : told, isOpen: false };
          });
          if (isOpen) defer();
          isBeside = state.others !== undefined;
          if (isThrottled) log.info("target-throttled", { lane, retryAfterMs, rate: state.rate });
        },
      };
    },
  };
}

function sumOf(own: readonly Written[]): number {
  return own.reduce((sum, { writes }) => sum + writes, 0);
}

/** A booking that was settled this soon may stay where it is, until the row is written for something else. */
const EXACT_MS = 1_000;
/** For a 429 without Retry-After. */
const NO_RETRY_AFTER_MS = 2_000;

interface Settlement {
  readonly lane: QuotaLane;
  readonly bookings: readonly Written[];
  readonly answered: readonly Written[];
}

interface Tally {
  /** Writes, by when their answers came. */
  readonly answered: { readonly at: number; writes: number }[];
  /** The longest that was asked for; below 0: nobody asked. */
  retryAfterMs: number;
  readonly bookings: Written[];
  /** When to ask for what wasn't granted. */
  notBefore: number;
  /** The last of what the target said of its own count. */
  said?: Omit<Heard, "written">;
}

interface Grant {
  readonly granted: number;
  readonly tally: Tally;
  readonly clock: Clock;
  /** Books what comes unforeseen; absent: nothing beyond the grant is begun. */
  readonly take?: (writes: number) => Promise<number>;
}

function holdTarget(target: TargetDirectory, { granted, tally, clock, take }: Grant): TargetDirectory {
  let left = granted;
  const begun = new Set<string>();
  const counted = (options: ApplyOptions): ApplyOptions => ({
    ...options,
    onWrite: () => {
      const at = clock.now();
      const last = tally.answered.at(-1);
      if (last?.at === at) last.writes++;
      else tally.answered.push({ at, writes: 1 });
      options.onWrite?.();
    },
    onThrottle: (retryAfterMs) => {
      tally.retryAfterMs = Math.max(tally.retryAfterMs, retryAfterMs ?? NO_RETRY_AFTER_MS);
    },
    onCount: (part) => {
      const at = clock.now();
      const before = tally.said?.at === at ? tally.said.part : null;
      tally.said = { at, part: part === undefined ? before : Math.max(part, before ?? 0) };
    },
  });
  const patienceMs = () => Math.max(1, tally.notBefore - clock.now());
  const foresee = async (writes: number): Promise<void> => {
    if (take && writes > left) left += await take(writes - Math.max(0, left));
  };
  return {
    ...target,
    async apply(actions, options) {
      const fresh = actions.filter(({ key }) => !begun.has(key));
      await foresee(fresh.reduce((sum, action) => sum + writesOf(action), 0));
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
      await foresee(changes.reduce((sum, { op, memberIds }) => sum + memberWrites(op, memberIds.length), 0));
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
        const { done = [], unsent = [], failed = [], retryAfterMs, answer } = answerOf.get(cut) ?? {};
        const wait = cut.rest.length === 0 ? retryAfterMs : Math.max(retryAfterMs ?? 0, patienceMs());
        return {
          key: cut.change.key,
          done,
          unsent: [...unsent, ...cut.rest],
          failed,
          ...(wait === undefined ? {} : { retryAfterMs: wait }),
          ...(answer ? { answer } : {}),
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
