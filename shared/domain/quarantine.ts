/**
 * Quarantine: a job that mostly fails, or whose target refuses it altogether, is stopped and tried again with growing gaps.
 *
 * Names and numbers are Graph's: a cycle of at least 5,000 failures is looked at, and beyond 40 % of its events, 40,000
 * failures, or 60,000 with those of references, the job is quarantined; refused credentials do so at once. It may try again
 * after 6, 12 and 24 hours, then daily, and is disabled after 28 days. Times are milliseconds since 1970. Pure: counting,
 * storing and waking are done by the use cases.
 */
import { failureKindOf } from "./failure-codes.ts";

export interface QuarantineSettings {
  /** Fewer failures than this are nothing to look at. */
  readonly failures: number;
  /** More than this share (in percent) of a cycle's events; failures of references don't count. */
  readonly percent: number;
  /** More failures than this; those of references don't count. */
  readonly count: number;
  /** More failures than this, of whatever kind. */
  readonly total: number;
  /** Hours from being quarantined to the next attempt, one after the other; the last is repeated. */
  readonly retryHours: readonly number[];
  readonly disableAfterDays: number;
}

export const QUARANTINE_REASONS = [
  /** Failures without those of references. */
  "EncounteredBaseEscrowThreshold",
  "EncounteredTotalEscrowThreshold",
  "EncounteredEscrowProportionThreshold",
  /** The target refuses the job as a whole: credentials, contract. */
  "EncounteredQuarantineException",
] as const;
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number];

export interface QuarantineError {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export interface QuarantineCause {
  readonly reason: QuarantineReason;
  readonly error: QuarantineError;
  /** Of the cycle that failed: what its failures are a share of. 0 where none did. */
  readonly events: number;
}

export interface Quarantine extends QuarantineCause {
  /** When it was last imposed. */
  readonly currentBegan: number;
  /** Null: the job is disabled, and only an admin lets it go on. In the past: an attempt is under way. */
  readonly nextAttempt: number | null;
  readonly seriesBegan: number;
  /** Attempts of this series that failed. */
  readonly seriesCount: number;
  /** The last cycle without cause, of the attempt under way. */
  readonly cleanCycleAt?: number;
}

export interface Failures {
  /** Without those of references. */
  readonly base: number;
  /** Of references: members and managers that could not be written. */
  readonly references: number;
  /** All that was tried. */
  readonly events: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Failures by code, sorted into what counts; `uncoded` are of changes that no outcome tells of. */
export function failuresOf(byCode: Readonly<Record<string, number>>, events: number, uncoded = 0): Failures {
  let base = uncoded;
  let references = 0;
  for (const [code, times] of Object.entries(byCode)) {
    const { counts } = failureKindOf(code);
    if (counts === "failure") base += times;
    if (counts === "reference") references += times;
  }
  return { base, references, events };
}

/** Why so many failures quarantine the job; undefined: they don't. */
export function causeOf(failures: Failures, settings: QuarantineSettings): QuarantineCause | undefined {
  const { base, references, events } = failures;
  const all = base + references;
  if (all < settings.failures) return undefined;
  const because = (reason: QuarantineReason, message: string): QuarantineCause => ({
    reason,
    events,
    error: {
      code: "TooManyFailures",
      message,
      remedy:
        "See uplink escrow list for the codes that most objects wait with and mend what they name; then uplink quarantine clear.",
    },
  });
  if (base > settings.count)
    return because("EncounteredBaseEscrowThreshold", `${base} objects failed: more than ${settings.count}.`);
  if (all > settings.total)
    return because(
      "EncounteredTotalEscrowThreshold",
      `${all} objects failed, ${references} of them for what they refer to: more than ${settings.total}.`,
    );
  if (base * 100 > events * settings.percent)
    return because(
      "EncounteredEscrowProportionThreshold",
      `${base} of ${events} changes failed: more than ${settings.percent} %.`,
    );
  return undefined;
}

/** Whether the job must wait: no read is ordered and no work is handed out. */
export function isHeld(quarantine: Quarantine | null | undefined, now: number): boolean {
  return quarantine != null && (quarantine.nextAttempt === null || now < quarantine.nextAttempt);
}

/** The quarantine after a cause: a new series, or the end of an attempt. What meets a job that is held changes nothing. */
export function imposed(
  before: Quarantine | null | undefined,
  cause: QuarantineCause,
  now: number,
  settings: QuarantineSettings,
): Quarantine {
  if (before && isHeld(before, now)) return before;
  const seriesCount = before ? before.seriesCount + 1 : 0;
  const seriesBegan = before?.seriesBegan ?? now;
  const { retryHours } = settings;
  const gap = retryHours[Math.min(seriesCount, retryHours.length - 1)] ?? 24;
  return expired(
    { ...cause, currentBegan: now, nextAttempt: now + gap * HOUR_MS, seriesBegan, seriesCount },
    now,
    settings,
  );
}

/** Disabled, when the series is too old; the very same value otherwise. */
export function expired(quarantine: Quarantine, now: number, settings: QuarantineSettings): Quarantine {
  if (quarantine.nextAttempt === null) return quarantine;
  return now - quarantine.seriesBegan >= settings.disableAfterDays * DAY_MS
    ? { ...quarantine, nextAttempt: null }
    : quarantine;
}
