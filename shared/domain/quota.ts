/**
 * Whose turn it is to write in a target: the writes that an application has there in 150 seconds, shared by all jobs.
 *
 * A sliding window of slots of 2 s holds what was booked; no booking lets it grow above the rate's part of the budget. The
 * rate starts at 70 %, grows while nothing is throttled and falls with a 429: where somebody else lives on the same
 * budget, both get a share. The live lane takes whatever is free, a burst of 60 % at once; bulk leaves it a small reserve,
 * keeps an even pace, and stands back while it waits. What is granted may go now; nothing is reserved for later, so
 * somebody who never comes back blocks nobody.
 */

export type QuotaLane = "bulk" | "live";

interface Slot {
  /** Its start; milliseconds since 1970, as all times here. */
  readonly at: number;
  /** When the last of its writes was booked: the whole slot counts until the window has passed since then. */
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
  /** The target wants no write before. */
  readonly closedUntil?: number;
  /** The live lane waits: bulk takes nothing before. */
  readonly liveUntil?: number;
  /** In the order of time. */
  readonly slots: readonly Slot[];
}

export interface Booking {
  readonly state: QuotaState;
  /** Writes that may go now: none, or at least a slice of what was wanted. */
  readonly granted: number;
  /** When to ask for the rest. */
  readonly notBefore: number;
}

export const WINDOW_MS = 150_000;
const SLOT_MS = 2_000;
/** Between a booking and the moment at which the target counts the write; and what the target rounds up by. */
const SLACK_MS = 2_000;
const FIRST_RATE = 0.7;
const LEAST_RATE = 0.3;
const FALL = 0.8;
/** One 429 rarely comes alone: those of one moment are one reason to slow down. */
const FALL_MS = 30_000;
const QUICK = { step: 0.05, everyMs: 30_000 };
/** Near a limit that was met a while ago: probing costs refused writes. */
const CAREFUL = { step: 0.005, everyMs: 60_000 };
const CAREFUL_MS = 30 * 60_000;
const BURST = { part: 0.6, ms: 5_000 };
const RESERVE = 0.01;
const PACE = { part: 0.25, ms: 30_000 };
/** A fiftieth of the budget: smaller grants would cost more calls than they bring writes. */
const SLICE = 0.02;
const LONGEST_WAIT_MS = 15_000;
const SHORTEST_WAIT_MS = 250;
/** How long bulk stands back after the live lane could have come. */
const LIVE_GRACE_MS = 5_000;

export function freshQuota(now: number): QuotaState {
  return { rate: FIRST_RATE, steppedAt: now, slots: [] };
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
  const booked = granted > 0 ? withWrites(state, now, lane, granted) : state;
  if (granted === wanted) return { state: booked, granted, notBefore: now };
  const rest = Math.min(wanted - granted, least);
  const notBefore = nextTime(booked, budget, now, lane, rest);
  if (lane === "bulk") return { state: booked, granted, notBefore };
  return { state: { ...booked, liveUntil: notBefore + LIVE_GRACE_MS }, granted, notBefore };
}

/** What was booked becomes what was written, at the time at which the last of it was. */
export function settle(
  state: QuotaState,
  now: number,
  own: { readonly lane: QuotaLane; readonly at: number; readonly booked: number; readonly written: number },
): QuotaState {
  const start = slotStart(own.at);
  const slots = state.slots.map((slot) =>
    slot.at === start ? { ...slot, [own.lane]: Math.max(0, slot[own.lane] - own.booked) } : slot,
  );
  const rest = { ...state, slots: slots.filter((slot) => slot.bulk + slot.live > 0) };
  return own.written > 0 ? withWrites(rest, now, own.lane, own.written) : rest;
}

/** The target refused writes: nobody writes before it allows it, and all of us write less from then on. */
export function slowed(state: QuotaState, now: number, retryAfterMs: number): QuotaState {
  const closedUntil = Math.max(state.closedUntil ?? 0, now + retryAfterMs);
  const isSame = state.throttledAt !== undefined && now - state.throttledAt < FALL_MS;
  if (isSame) return { ...state, closedUntil };
  const rate = Math.max(LEAST_RATE, state.rate * FALL);
  return { ...state, rate, steppedAt: now, throttledAt: now, closedUntil };
}

/** Writes that count at that time. */
export function usedAt(state: QuotaState, now: number): number {
  return sum(expired(state, now).slots);
}

function grown(state: QuotaState, budget: number, now: number): QuotaState {
  const isCareful = state.throttledAt !== undefined && now - state.throttledAt < CAREFUL_MS;
  const { step, everyMs } = isCareful ? CAREFUL : QUICK;
  // Unused, a rate proves nothing.
  const isUsed = sum(state.slots) * 2 >= limitOf(state, budget);
  if (state.rate >= 1 || now - state.steppedAt < everyMs || !isUsed) return state;
  return { ...state, rate: Math.min(1, state.rate + step), steppedAt: now };
}

function freeFor(state: QuotaState, budget: number, now: number, lane: QuotaLane): number {
  if ((state.closedUntil ?? 0) > now) return 0;
  const limit = limitOf(state, budget);
  const free = limit - sum(state.slots);
  if (lane === "live") {
    const own = state.slots.filter((slot) => slot.lastAt > now - BURST.ms);
    return Math.min(free, Math.floor(budget * BURST.part) - sum(own));
  }
  if ((state.liveUntil ?? 0) > now) return 0;
  const live = state.slots.reduce((total, slot) => total + slot.live, 0);
  const reserve = Math.max(0, Math.ceil(limit * RESERVE) - live);
  const recent = state.slots.reduce((total, slot) => total + (slot.lastAt > now - PACE.ms ? slot.bulk : 0), 0);
  return Math.min(free - reserve, Math.floor(limit * PACE.part) - recent);
}

/** The first moment at which `writes` are free, as far as is known now; never far away, for others give back and come. */
function nextTime(state: QuotaState, budget: number, now: number, lane: QuotaLane, writes: number): number {
  const moments = [
    state.closedUntil ?? 0,
    lane === "bulk" ? (state.liveUntil ?? 0) : 0,
    ...state.slots.flatMap((slot) => [endOf(slot), slot.lastAt + (lane === "bulk" ? PACE.ms : BURST.ms)]),
  ].sort((left, right) => left - right);
  const first = moments.find((at) => at > now && freeFor(expired(state, at), budget, at, lane) >= writes);
  const longest = Math.max(now + LONGEST_WAIT_MS, state.closedUntil ?? 0);
  return Math.max(now + SHORTEST_WAIT_MS, Math.min(first ?? longest, longest));
}

function withWrites(state: QuotaState, now: number, lane: QuotaLane, writes: number): QuotaState {
  const last = state.slots.at(-1);
  // Clocks of two hosts differ a little: a slot never starts before the one that is there.
  const start = Math.max(slotStart(now), last?.at ?? 0);
  const present = last?.at === start ? last : { at: start, lastAt: now, bulk: 0, live: 0 };
  const slot = { ...present, lastAt: Math.max(present.lastAt, now), [lane]: present[lane] + writes };
  return { ...state, slots: [...state.slots.filter((own) => own.at < start), slot] };
}

function expired(state: QuotaState, now: number): QuotaState {
  const slots = state.slots.filter((slot) => endOf(slot) > now);
  return slots.length === state.slots.length ? state : { ...state, slots };
}

function endOf(slot: Slot): number {
  return slot.lastAt + WINDOW_MS + SLACK_MS;
}

function limitOf(state: QuotaState, budget: number): number {
  return Math.floor(state.rate * budget + 1e-9);
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
