/**
 * The one table of what can be told of an object that isn't simply done: every code, what it means, what to do, whether
 * and when it is tried again, and how it counts. The names are those of Microsoft's provisioning engine where it has one.
 *
 * `retry`: `auto` mends itself, `fix` needs a person and is tried again all the same, `skip` only tells. Gaps between
 * attempts grow by `factor` from `firstMinutes` to `mostMinutes`, each kind of cause in its own way; a target that says
 * when to come back is obeyed instead. `counts`: towards a job's quarantine as a failure, as one of references, or not.
 * The runbook has this table too, and a test holds them together.
 */

export interface Backoff {
  readonly firstMinutes: number;
  readonly factor: number;
  readonly mostMinutes: number;
}

export interface FailureKind {
  readonly retry: "auto" | "fix" | "skip";
  readonly backoff: Backoff;
  /** As in Graph's log: a failure of the service, or of what it works on. */
  readonly category: "failure" | "nonServiceFailure" | "success";
  readonly counts: "failure" | "reference" | "no";
  /** Completes "The object waits because …" in two or three words, or says what is told. */
  readonly meaning: string;
  readonly action: string;
}

/** The target is busy: minutes. */
const THROTTLED: Backoff = { firstMinutes: 1, factor: 2, mostMinutes: 30 };
/** A fault of the target or of the service: documented as tried again within 40 minutes. */
const SERVICE: Backoff = { firstMinutes: 2, factor: 2, mostMinutes: 40 };
/** Two writers met: it goes through a moment later. */
const RACED: Backoff = { firstMinutes: 0.5, factor: 2, mostMinutes: 10 };
/** What it waits for brings it back by itself, too: names that get free, references that appear. */
const WAITS: Backoff = { firstMinutes: 2, factor: 5, mostMinutes: 360 };
/** Somebody has to change something in the target or its settings: often done minutes after it was seen, or not for days. */
const ADMIN: Backoff = { firstMinutes: 2, factor: 5, mostMinutes: 720 };
/** The object's data or its mapping: a change of either has it tried at once. */
const DATA: Backoff = { firstMinutes: 10, factor: 6, mostMinutes: 1_440 };

const SELF = "Nothing: it is tried again by itself.";
const ASK_ADMIN = "See the target's message.";

const auto = (backoff: Backoff, meaning: string, action = SELF): FailureKind => ({
  retry: "auto",
  backoff,
  category: "failure",
  counts: "failure",
  meaning,
  action,
});
const fix = (backoff: Backoff, meaning: string, action: string): FailureKind => ({
  retry: "fix",
  backoff,
  category: "nonServiceFailure",
  counts: "failure",
  meaning,
  action,
});
const told = (meaning: string, action: string): FailureKind => ({
  retry: "skip",
  backoff: ADMIN,
  category: "success",
  counts: "no",
  meaning,
  action,
});

export const FAILURES = {
  // The target, and the way to it.
  TooManyRequests: auto(
    THROTTLED,
    "The target throttles",
    "Nothing: the write is sent again when the target allows it.",
  ),
  Timeout: auto(SERVICE, "The target did not answer in time; whether the write took effect is looked up"),
  InternalServerError: auto(
    SERVICE,
    "A fault of the target",
    "Nothing: it is tried again. If it stays, look at the target's service health.",
  ),
  WebExceptionProtocolError: auto(
    SERVICE,
    "The target's answer can't be read, or lacks what was asked for; whether the write took effect is looked up",
    "Nothing: it is tried again. If it stays, look at what stands between this service and the target: a proxy or gateway.",
  ),
  InternalError: auto(
    DATA,
    "A fault of this service, of this object alone",
    "Look at the message and report it: this should not happen. The object is tried again; the others go on.",
  ),
  BatchSetAside: auto(
    SERVICE,
    "The batch that brought the change, or the end of its read, failed three times and was set aside before anything became of it",
    "Nothing: a full read is asked for, and brings it again. The message says what failed; report it if it comes back.",
  ),
  EntryChanged: auto(RACED, "The row changed while it was exported"),
  Unauthorized: fix(
    ADMIN,
    "The target refuses the application",
    "Grant the application its permissions again and give admin consent.",
  ),
  InsufficientRights: {
    ...fix(
      ADMIN,
      "The target lets the application do less than this needs",
      "Grant the application the right, or a directory role that may do this.",
    ),
    // One person who became an administrator is no reason to stop a job.
    counts: "no",
  },
  NotPermitted: fix(
    ADMIN,
    "The target does not let the application make such objects",
    "Grant the application its permissions again and give admin consent.",
  ),
  MethodNotAllowed: fix(
    ADMIN,
    "The target does not offer this write",
    "This write isn't offered for this object in this cloud.",
  ),
  NotImplemented: fix(ADMIN, "The target does not offer this write", "This write isn't offered in this cloud."),
  UnprocessableEntity: fix(ADMIN, "The target refuses it in words that nothing here knows", ASK_ADMIN),
  LicenseLimitExceeded: fix(ADMIN, "No licence is left", "Get more licences in the target."),
  QuotaLimitExceeded: fix(
    ADMIN,
    "The tenant's object quota is used up",
    "Raise the tenant's object quota, or delete what isn't needed.",
  ),
  CannotUpdateObjectsMasteredOnPremises: fix(
    ADMIN,
    "Another directory synchronisation masters the target object",
    "Take the object out of Microsoft's own sync, or out of scope.",
  ),
  InvalidAnchor: fix(
    WAITS,
    "The linked target object is gone; it is matched or made anew",
    "Restore the object in the target, or leave it: it is matched or made anew at the next attempt.",
  ),

  // Who is who.
  AttributeValueMustBeUnique: fix(
    WAITS,
    "Another object has the value",
    "Change the value, or free it in the target; it is tried again as soon as it is free.",
  ),
  Conflict: fix(WAITS, "Another object is in the way", "Change the value, or free it in the target."),
  EntryConflict: fix(
    WAITS,
    "A target object with this anchor is there already",
    "Match the object that has this anchor, or restore it if it is deleted.",
  ),
  DuplicateTargetEntries: fix(
    ADMIN,
    "Several target objects match",
    "Decide which object is right, and change or remove the others.",
  ),
  DuplicateSourceEntries: fix(
    WAITS,
    "Two living source objects have one source anchor",
    "Delete the old one, disable it at the source, or take it out of scope: the other takes the cloud account over then. Or decide by hand: 'uplink link move'.",
  ),
  SourceAnchorChanged: fix(
    DATA,
    "The source anchor is another one than at the first export",
    "Set ms-DS-ConsistencyGuid back to what it was; the object goes on by itself then.",
  ),
  InvalidHardMatch: fix(
    ADMIN,
    "The object with this anchor is mastered by another directory synchronisation",
    "Decide which object is right, and change or remove the other.",
  ),
  InvalidSoftMatch: fix(
    ADMIN,
    "The object with this name has another source anchor",
    "Decide which object is right, and change or remove the other.",
  ),
  ExistingAdminRoleConflict: fix(
    ADMIN,
    "The object with this name holds a directory role",
    "Take the role away, rename one of the two, or join them by hand: 'uplink link join'.",
  ),
  ObjectTypeMismatch: fix(
    DATA,
    "The source object is of another type than its target object",
    "Delete the target object, or take the object out of scope and let that remove it; it is made anew then.",
  ),
  TargetExcluded: fix(
    ADMIN,
    "The object that it would take over is on the exclusion list",
    "Leave it so, or take the target object off the list: 'uplink exclusion remove'.",
  ),

  // Its data, its mapping, its scope.
  MandatoryFieldsMissing: fix(
    DATA,
    "A required value is missing",
    "Give the attribute a value in the source, or a default in the mapping.",
  ),
  ExceededAllowedLength: fix(DATA, "A value is too long", "Shorten the value in the source or in the mapping."),
  IdentityDataValidationFailed: fix(
    DATA,
    "A value has a form that the target doesn't take",
    "Correct the value in the source or in the mapping.",
  ),
  InvalidDomain: fix(
    ADMIN,
    "A domain is not verified in the target",
    "Verify the domain in the tenant, map the value to a verified one, or let the job replace it ('suffixPolicy').",
  ),
  SchemaAttributeNotFound: fix(
    DATA,
    "The target has no such attribute",
    "Take the attribute out of the mapping: the target doesn't take it.",
  ),
  SchemaPropertyCanOnlyAcceptValue: fix(
    DATA,
    "A value is of another type than the property",
    "Map a value of the property's type.",
  ),
  AttributeMappingFailed: fix(
    DATA,
    "A mapping can't be evaluated for this object",
    "Mend the value in the directory, or the mapping; 'uplink expression explain' shows the part that fails.",
  ),
  ScopingFilterFailed: fix(
    DATA,
    "Whether it is in scope can't be evaluated",
    "Make the clause's pattern simpler, or mend the value in the directory. The target object stays as it is until then.",
  ),
  ImageOutdated: fix(
    WAITS,
    "The last full read for the schema lacked it",
    "See why that read lacked it ('uplink job show'): who is gone is staged or absent; who is there comes with its next change or the next full read.",
  ),
  EntryUnreadable: fix(
    DATA,
    "Its row in the service's storage can't be read",
    "Restore the row from a backup, or delete it and have everything read again; its links are found by the anchor then.",
  ),
  UnableToResolveReferenceAttributeValue: {
    ...fix(
      WAITS,
      "What it refers to is not in the target",
      "See that the referenced object is in the target. It is bound when that comes; who is out of scope is pending for ever.",
    ),
    counts: "reference",
  },

  // Told, and nothing waits for an attempt.
  ExportsHeld: told(
    "Exports are held: staging, or a first export that waits for its approval",
    "Approve the job's what-if, or set the job to normal.",
  ),
  StagedDelete: told(
    "A deletion that the guard holds back",
    "Look at the set, then approve or drop it: 'uplink staged list'.",
  ),
  StagedAction: told(
    "A disable or lost values that the guard holds back",
    "Look at the set, then approve or drop it: 'uplink staged list'.",
  ),
  NamesStaged: told(
    "A changed name or mail address that the guard holds back",
    "Look at the set, then approve or drop it: 'uplink staged list'.",
  ),
  StagedMemberships: told(
    "Removals of members that the guard holds back",
    "Look at the set, then approve or drop it: 'uplink staged list'. The group's next change, or a full read, has it judged again.",
  ),
  AttributeNotCleared: told("The directory emptied what the target can't clear", "Clear it by hand where it matters."),
  ValueAdjusted: told("The value was changed to what the target takes", "Nothing, or correct it in the source."),
  ValueLeftOut: told("The value is left out: the target doesn't take it", "Correct it in the source where it matters."),
  MappingLeftOut: told(
    "Mappings that the target can't hold",
    "Nothing, where nobody needs them. The check of the schema says of each where it stands.",
  ),
} as const satisfies Readonly<Record<string, FailureKind>>;

export type FailureCode = keyof typeof FAILURES;

export const FAILURE_CODES = Object.keys(FAILURES) as readonly FailureCode[];

export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(FAILURES, code);
}

/** Of a code from a row of another version: what is known least of. */
export function failureKindOf(code: string): FailureKind {
  return isFailureCode(code) ? FAILURES[code] : FAILURES.UnprocessableEntity;
}

const MINUTE_MS = 60_000;

/** Milliseconds from a failed attempt to the next one; `attempts` counts from 1. */
export function gapAfter(code: string, attempts: number): number {
  const { firstMinutes, factor, mostMinutes } = failureKindOf(code).backoff;
  return Math.round(Math.min(firstMinutes * factor ** Math.max(0, attempts - 1), mostMinutes) * MINUTE_MS);
}
