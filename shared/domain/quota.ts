/**
 * Whose turn it is to write in a target: the writes that an application has there in 150 seconds, shared by all jobs.
 *
 * A sliding window of slots of 1 s holds what was booked; no booking lets it grow above the rate's part of the budget, nor
 * above what somebody else leaves of it. What the target says of its own count tells how much that is. The rate is whole
 * until a 429: that takes some of it, for minutes, and for longer each time that it happens again. The live lane takes
 * whatever is free, a burst of 60 % at once; bulk leaves it a small reserve, keeps an even pace, and stands back while it
 * waits. What is granted may go now; nothing is reserved for later, so somebody who never comes back blocks nobody.
 */

export type QuotaLane = "bulk" | "live";

interface Slot {
  /** Its start; milliseconds since 1970, as all times here. */
  readonly at: number;
  /**
   * When the last of its writes was answered, or at the latest will be in the target, if all goes well: the whole slot
   * counts until the window has passed since then.
   */
  readonly lastAt: number;
  readonly bulk: number;
  readonly live: number;
}

export interface QuotaState {
  /** Part of the budget that is used, 0.3 to 1. */
  readonly rate: number;
  /** When the rate last changed. */
  readonly steppedAt: number;
  readonly throttledAt?: number;
  /** How often it fell, each time within half an hour of the time before; absent: once, or never. */
  readonly falls?: number;
  /** Somebody else on the same budget, by the target's count; absent: nobody that it told of. */
  readonly others?: Others;
  /** The target wants no write before. */
  readonly closedUntil?: number;
  /** The live lane waits: bulk takes nothing before. */
  readonly liveUntil?: number;
  /** In the order of time. */
  readonly slots: readonly Slot[];
}

interface Others {
  /** Of theirs in the window, when that was last found to have changed. */
  readonly writes: number;
  readonly at: number;
  /** How many more a second, by then; reckoned from what they were some time before. */
  readonly growth: number;
  /** When they last became many more, or known; absent in rows of before: now. */
  readonly calmSince?: number;
  readonly from: { readonly writes: number; readonly at: number };
}

export interface Booking {
  readonly state: QuotaState;
  /** Writes that may go now: none, or at least a slice of what was wanted. */
  readonly granted: number;
  /** When to ask for the rest. */
  readonly notBefore: number;
}

/** What the target said of its own count. */
export interface Heard {
  readonly at: number;
  /** Of the budget; null: nothing, as it says where it is less than `SAYS_FROM`. */
  readonly part: number | null;
  /** Writes of whoever heard it, a moment ago: surely in that count. */
  readonly written: number;
}

export interface Written {
  readonly at: number;
  readonly writes: number;
}

export const WINDOW_MS = 150_000;
const SLOT_MS = 1_000;
/** Between a booking and the moment at which the target counts the write, as long as nobody has said when it did. */
const WAY_MS = 1_000;
/** What the target rounds up by. */
const ROUND_MS = 1_000;
const LEAST_RATE = 0.3;
const FALL = 0.8;
/** Of the rate: the most that one fall takes, however little of it was in use. */
const DEEPEST_FALL = 0.6;
/** One 429 rarely comes alone: those of one moment are one reason to slow down. */
const FALL_MS = 30_000;
/** The rate grows in small steps; half as fast after each fall that repeats one, for probing costs refused writes. */
const STEP = { part: 0.005, ms: 3_000, longestMs: 60_000, most: 10 };
/** A target that refuses without a word of its count tells by nothing else when it is too much: one fall is as many. */
const SILENT_FALLS = 3;
/** A fall this long after the one before is the first again. */
const REPEATED_MS = 30 * 60_000;
/** The target says how much of the budget is used from here on. */
const SAYS_FROM = 0.8;
/** It rounds to hundredths. */
const ROUNDED = 0.005;
/** Bookings younger than this may be on their way still. */
const ON_THE_WAY_MS = 3_000;
/** Of the budget: fewer of others are no reason for anything; what is left to them beside what they have; a step of doubt. */
const OTHERS = { least: 0.02, room: 0.02, doubt: 0.01 };
/** Who takes as much as ever for so long needs less room; more a second than `growth` of the budget is more than ever. */
const CALM = { ms: 600_000, room: 0.0075, growth: 0.02 / 30 };
const DOUBT_MS = 60_000;
/** What grew is taken to grow on for a while. */
const GROWTH_MS = 30_000;
/** By less than this a rounded count tells no growth. */
const GROWTH_FROM_MS = 10_000;
const BURST = { part: 0.6, ms: 5_000 };
const RESERVE = 0.007;
/** Bulk goes a little faster than the window frees writes, and saves up so much of it. */
const PACE = { over: 1.05, ahead: 0.05 };
/** A hundredth of the budget: smaller grants would cost more calls than they bring writes. */
const SLICE = 0.01;
const LONGEST_WAIT_MS = 15_000;
const SHORTEST_WAIT_MS = 250;
/** How long bulk stands back after the live lane could have come. */
const LIVE_GRACE_MS = 5_000;

export function freshQuota(now: number): QuotaState {
  return { rate: 1, steppedAt: now, slots: [] };
}

/** Asks for `wanted` writes of a budget of `budget` writes a window. */
export function book(
  before: QuotaState,
  budget: number,
  now: number,
  { lane, wanted }: { readonly lane: QuotaLane; readonly wanted: number },
): Booking {
  const state = grown(expired(before, now), budget, now);
  const least = Math.min(wanted, sliceOf(budget));
  const free = freeFor(state, budget, now, lane);
  const granted = free >= least ? Math.min(wanted, free) : 0;
  const booked = granted > 0 ? withWrites(state, { at: now, lastAt: now + WAY_MS }, lane, granted) : state;
  if (granted === wanted) return { state: booked, granted, notBefore: now };
  const rest = Math.min(wanted - granted, least);
  const notBefore = nextTime(booked, budget, now, lane, rest);
  // Of what only time changed nobody has to be told.
  if (lane === "bulk") return { state: granted > 0 ? booked : before, granted, notBefore };
  return { state: { ...booked, liveUntil: notBefore + LIVE_GRACE_MS }, granted, notBefore };
}

/** What was booked becomes what was written, each when it was answered. */
export function settle(
  state: QuotaState,
  lane: QuotaLane,
  booked: readonly Written[],
  written: readonly Written[],
): QuotaState {
  const open = new Map(booked.map(({ at }) => [slotStart(at), 0]));
  for (const { at, writes } of booked) open.set(slotStart(at), (open.get(slotStart(at)) ?? 0) + writes);
  const slots = state.slots.map((slot) => ({ ...slot, [lane]: Math.max(0, slot[lane] - (open.get(slot.at) ?? 0)) }));
  const rest = { ...state, slots: slots.filter((slot) => slot.bulk + slot.live > 0) };
  return written.reduce<QuotaState>((own, { at, writes }) => withWrites(own, { at, lastAt: at }, lane, writes), rest);
}

/**
 * The target refused writes: nobody writes before it allows it, and all of us write less from then on. Less than what we
 * hold, for that was too much beside others; a refusal that comes while we hold little has another reason.
 */
export function slowed(
  state: QuotaState,
  budget: number,
  now: number,
  { retryAfterMs, isTold }: { readonly retryAfterMs: number; readonly isTold: boolean },
): QuotaState {
  const closedUntil = Math.max(state.closedUntil ?? 0, now + retryAfterMs);
  const { rate, throttledAt } = state;
  if (throttledAt !== undefined && now - throttledAt < FALL_MS) return { ...state, closedUntil };
  const held = usedAt(state, now) / budget;
  const from = held < LEAST_RATE ? rate : Math.min(rate, held);
  const isRepeated = throttledAt !== undefined && now - throttledAt < REPEATED_MS;
  return {
    ...state,
    rate: Math.max(LEAST_RATE, rate * DEEPEST_FALL, from * FALL),
    falls: isRepeated ? (state.falls ?? 1) + 1 : isTold ? 1 : SILENT_FALLS,
    ...{ steppedAt: now, throttledAt: now, closedUntil },
  };
}

/**
 * What others hold is what the target counts beside ours. Of ours it counts all but what may be on its way or just over:
 * two bounds, and what is known stays as long as it lies between them. So nothing of our own is ever taken for theirs.
 */
export function heard(state: QuotaState, budget: number, { at, part, written }: Heard): QuotaState {
  const { others, ...rest } = state;
  const known = others?.writes ?? 0;
  // Silence says something of a target only that is known to speak.
  if (part === null && known === 0) return state;
  const most = sum(state.slots.filter((slot) => endOf(slot) > at));
  const isSure = ({ lastAt }: Slot) => lastAt <= at - ON_THE_WAY_MS && lastAt > at - WINDOW_MS + ROUND_MS;
  const sure = Math.min(most, sum(state.slots.filter(isSure)) + written);
  const least = part === null ? 0 : (part - ROUNDED) * budget - most;
  const atMost = ((part ?? SAYS_FROM) + ROUNDED) * budget - sure;
  // What nothing speaks for or against may be gone: less is supposed until more is heard of.
  const supposed = others && at - others.at >= DOUBT_MS ? known - budget * OTHERS.doubt : known;
  const writes = Math.round(Math.max(least, Math.min(supposed, Math.max(0, atMost))));
  if (writes === known) return state;
  if (writes < budget * OTHERS.least) return others ? rest : state;
  // Who was not known came at some time since our own first write.
  const from = others?.from ?? { writes: 0, at: state.slots[0]?.at ?? at };
  const isLong = at - from.at >= GROWTH_FROM_MS;
  if (!isLong && others) return { ...rest, others: { ...others, writes, at } };
  const growth = (1_000 * (writes - from.writes)) / Math.max(GROWTH_FROM_MS, at - from.at);
  const fastest = (1_000 * budget) / WINDOW_MS;
  const calmSince = growth > budget * CALM.growth ? at : (others?.calmSince ?? at);
  const grows = { growth: Math.max(0, Math.min(growth, fastest)), calmSince };
  return { ...rest, others: { writes, at, ...grows, from: { writes, at } } };
}

/** Writes that count at that time. */
export function usedAt(state: QuotaState, now: number): number {
  return sum(expired(state, now).slots);
}

function grown(state: QuotaState, budget: number, now: number): QuotaState {
  const { throttledAt, falls = 1, rate, steppedAt } = state;
  const isRepeated = throttledAt !== undefined && now - throttledAt < REPEATED_MS;
  const everyMs = isRepeated ? Math.min(STEP.longestMs, STEP.ms * 2 ** (falls - 1)) : STEP.ms;
  const steps = Math.min(STEP.most, Math.floor((now - steppedAt) / everyMs));
  // Unused, a rate proves nothing.
  const isUsed = sum(state.slots) * 2 >= limitOf(state, budget, now);
  if (rate >= 1 || steps < 1 || !isUsed) return state;
  return { ...state, rate: Math.min(1, rate + steps * STEP.part), steppedAt: now };
}

function freeFor(state: QuotaState, budget: number, now: number, lane: QuotaLane): number {
  if ((state.closedUntil ?? 0) > now) return 0;
  const limit = limitOf(state, budget, now);
  const free = limit - sum(state.slots);
  if (lane === "live") {
    const own = state.slots.filter(({ at }) => at > now - BURST.ms);
    return Math.min(free, Math.floor(budget * BURST.part) - sum(own));
  }
  if ((state.liveUntil ?? 0) > now) return 0;
  const live = state.slots.reduce((total, slot) => total + slot.live, 0);
  const reserve = Math.max(0, Math.ceil(limit * RESERVE) - live);
  return Math.min(free - reserve, Math.floor(savedAt(state, limit, budget, now)));
}

/** What bulk may take at once: it saves up an even pace, but not for long. Of a tiny budget a slice, or it would wait for ever. */
function savedAt({ slots }: QuotaState, limit: number, budget: number, now: number): number {
  const most = Math.max(limit * PACE.ahead, sliceOf(budget));
  let saved = most;
  let last = 0;
  for (const { at, bulk } of slots) {
    saved = Math.min(most, saved + (at - last) * paceOf(limit)) - bulk;
    last = at;
  }
  return Math.min(most, saved + Math.max(0, now - last) * paceOf(limit));
}

/** Writes a millisecond. */
function paceOf(limit: number): number {
  return (limit * PACE.over) / WINDOW_MS;
}

/** The first moment at which `writes` are free, as far as is known now; never far away, for others give back and come. */
function nextTime(state: QuotaState, budget: number, now: number, lane: QuotaLane, writes: number): number {
  const longest = Math.max(now + LONGEST_WAIT_MS, state.closedUntil ?? 0);
  const limit = limitOf(state, budget, now);
  const moments = [
    state.closedUntil ?? 0,
    ...(lane === "bulk"
      ? [state.liveUntil ?? 0, now + 1 + Math.ceil((writes - savedAt(state, limit, budget, now)) / paceOf(limit))]
      : state.slots.map(({ at }) => at + BURST.ms)),
    ...state.slots.map(endOf),
  ].filter((at) => at > now && at < longest);
  const isFree = (at: number) => freeFor(expired(state, at), budget, at, lane) >= writes;
  const first = moments.sort((left, right) => left - right).find(isFree);
  return Math.max(now + SHORTEST_WAIT_MS, first ?? longest);
}

function withWrites(state: QuotaState, when: Pick<Slot, "at" | "lastAt">, lane: QuotaLane, writes: number): QuotaState {
  const start = slotStart(when.at);
  const present = state.slots.find(({ at }) => at === start) ?? { at: start, lastAt: 0, bulk: 0, live: 0 };
  const slot = { ...present, lastAt: Math.max(present.lastAt, when.lastAt), [lane]: present[lane] + writes };
  const others = state.slots.filter(({ at }) => at !== start);
  return { ...state, slots: [...others, slot].sort((left, right) => left.at - right.at) };
}

function expired(state: QuotaState, now: number): QuotaState {
  const slots = state.slots.filter((slot) => endOf(slot) > now);
  if (slots.length === state.slots.length) return state;
  if (slots.length > 0) return { ...state, slots };
  // Whoever was there a window ago may be gone.
  const { others: _, ...rest } = state;
  return { ...rest, slots };
}

function endOf(slot: Slot): number {
  return slot.lastAt + WINDOW_MS + ROUND_MS;
}

function limitOf({ rate, others }: QuotaState, budget: number, now: number): number {
  const left = others ? budget * (1 - roomFor(others, now)) - othersAt(others, now) : budget;
  return Math.floor(Math.max(budget * LEAST_RATE, Math.min(rate * budget, left)) + 1e-9);
}

function roomFor({ calmSince = Number.POSITIVE_INFINITY }: Others, now: number): number {
  return now - calmSince >= CALM.ms ? CALM.room : OTHERS.room;
}

function othersAt({ writes, at, growth }: Others, now: number): number {
  return writes + (growth * Math.max(0, Math.min(now - at, GROWTH_MS))) / 1_000;
}

function sliceOf(budget: number): number {
  return Math.max(1, Math.floor(budget * SLICE));
}

function slotStart(at: number): number {
  return Math.floor(at / SLOT_MS) * SLOT_MS;
}

function sum(slots: readonly Slot[]): number {
  return slots.reduce((total, slot) => total + slot.bulk + slot.live, 0);
}
