/**
 * What the cloud side knows of one source object: its image, its scope verdict and its link, in one record.
 *
 * `image` is the source object as last known; `link` ties it to a target object and keeps what was last exported, so an
 * update needs no read and a no-op no call. `version` is that of the change last applied; an older change is a no-op.
 */
import type { Doubt } from "./doubt.ts";
import type { FailureCode } from "./failure-codes.ts";
import type { Fate } from "./lifecycle.ts";
import type { RemovalClass } from "./plan.ts";
import type { TargetType } from "./target-table.ts";
import type { TargetValues } from "./target-value.ts";
import type { AttributeBag } from "./values.ts";
import type { Waived } from "./waived.ts";

/** `left`: exists, out of the agent's part of the scope. `absent`: not in a complete full read. */
export type ObjectState = "live" | "left" | "deleted" | "absent";
export type Outcome = "exported" | "no-op" | "filtered" | "staged" | "escrowed";
export type LinkOrigin = "created" | "matched" | "adopted";

export interface Link {
  readonly targetId: string;
  /** What the target object is; absent: a user. */
  readonly type?: TargetType;
  /** The configuration whose objects may change or delete the target object. */
  readonly owner: string;
  readonly origin: LinkOrigin;
  readonly exported: TargetValues;
  /** When it came to be, or was last restored: milliseconds since 1970. Absent in rows of before. */
  readonly since?: number;
  /** Set when we deleted the target object: milliseconds since 1970. It can be restored for 30 days. */
  readonly deletedAt?: number;
  /** What calls without an answer may have changed. */
  readonly doubt?: Doubt;
  /** What an admin let the target keep. */
  readonly waived?: Waived;
}

/** What a link goes to: rows of before there were groups don't say. */
export function typeOfLink({ type }: Pick<Link, "type">): TargetType {
  return type ?? "user";
}

/**
 * Written before a call to the target, so that whoever comes later knows that one may be under way. `creating`: there is
 * no link yet, and the call may make one.
 */
export interface ExportMark {
  readonly kind: "creating" | "exporting";
  readonly lane: string;
  readonly batchId: string;
  readonly at: number;
  /** The call is over, and its effect unknown: nobody is at it any more. */
  readonly isLost?: boolean;
  /** What was sent for an object without link, by name: all of it may stand in the target. */
  readonly properties?: readonly string[];
}

/** A mark younger than this belongs to a call that may still be under way. */
export const FRESH_MARK_MS = 120_000;

/** For how long a call of another batch may still be under way: milliseconds, 0 when none is. */
export function underWayFor(mark: ExportMark | undefined, batchId: string, now: number): number {
  if (!mark || mark.isLost || mark.batchId === batchId) return 0;
  return Math.max(0, mark.at + FRESH_MARK_MS - now);
}

export interface LastOutcome {
  readonly batchId: string;
  readonly index: number;
  readonly outcome: Outcome;
  readonly code?: FailureCode;
  readonly message?: string;
  readonly remedy?: string;
  /** Classes of removal that it waits for, and what blanking the names that a full read didn't bring takes away. */
  readonly waiting?: readonly RemovalClass[];
  readonly lacks?: readonly RemovalClass[];
  /** Changed names were held back: a row of what is staged, or dropped, tells more. */
  readonly holdsNames?: true;
  /** Its create met a target object that may not be taken over; told once. */
  readonly leftAlone?: true;
}

/** A value that one object of a tenant set has at a time. */
export type ClaimKind = "targetId" | "sourceAnchor" | "userPrincipalName" | "mail" | "uniqueName";

export interface Claim {
  readonly kind: ClaimKind;
  /** In the form that the kind is compared in (UPN and mail lower case). */
  readonly value: string;
}

/** Attributes that the image holds and a full read did not bring: blanked when that read ends and proves complete. */
export interface MissingNames {
  readonly readNo: number;
  readonly names: readonly string[];
}

/** Of a full read that newer changes overtook: what they did since, so that it can still say what they didn't. */
export interface Overtaken {
  readonly readNo: number;
  /** Attributes that were set or cleared since. */
  readonly set: readonly string[];
  /** Attributes that the image holds and nothing has brought since. */
  readonly unbrought: readonly string[];
}

/** The target object went to another source object (`configurationId:objectGuid`): a person whose account was migrated. */
export interface HandedOver {
  readonly to: string;
  readonly targetId?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** An admin took the target object out of our hands: it stays as it is, and the object is left alone until it is joined again. */
export interface Unlinked {
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What was found out of an object's place and memberships, for scopes that ask for it. Lists are sorted. */
export interface ScopeFacts {
  /** A digest of the units and groups that scopes named: what isn't listed below doesn't hold of these, and is unknown of others. */
  readonly of: string;
  /** The object's parent then: what is above it is known of that place only. */
  readonly parent?: string;
  /** Units that it is at or below, and groups that it is in. */
  readonly holds: readonly string[];
  /** What could not be found out: objectGUIDs, or one of the words of `scope/places.ts`. */
  readonly doubt?: readonly string[];
}

export interface ObjectRecord {
  readonly configurationId: string;
  readonly objectGuid: string;
  readonly objectClass: string;
  readonly dn: string;
  readonly parentGuid?: string;
  readonly image: AttributeBag;
  readonly missing?: MissingNames;
  /** Attributes that are too large to be kept, and their bytes as told last: the image has what they were before, or nothing. */
  readonly oversize?: Readonly<Record<string, number>>;
  /** The version of a change that could not be applied, by a defect: until a newer one tells the object whole, nothing is known for sure. */
  readonly unapplied?: string;
  /** One for each full read that waits while newer changes were applied. */
  readonly overtaken?: readonly Overtaken[];
  readonly state: ObjectState;
  readonly version: string;
  /** Why it is in or out of scope, as last decided; empty before the first decision. */
  readonly scope: string;
  readonly facts?: ScopeFacts;
  /** Whether it is in scope could not be said when it was last mapped: it stays as it is. */
  readonly undecided?: true;
  /** It ended, and its target object was disabled for that, or is kept as it is; see `lifecycle.ts`. */
  readonly fate?: Exclude<Fate, "delete">;
  /** Since when it is to be deleted, where that waits: milliseconds since 1970. */
  readonly goneAt?: number;
  /** When its account expires, or its deletion has waited, and it has to be looked at again: milliseconds since 1970. */
  readonly expiresAt?: number;
  readonly link?: Link;
  readonly handedOver?: HandedOver;
  readonly unlinked?: Unlinked;
  readonly mark?: ExportMark;
  readonly last?: LastOutcome;
  /** Values claimed in the index and not exported yet. */
  readonly claims?: readonly Claim[];
  /** Its row can't be read: this is what can still be told of it, and it is never written. */
  readonly unreadable?: true;
}

/** One outcome for a change with several parts. */
const OUTCOME_RANK: readonly Outcome[] = ["escrowed", "staged", "exported", "no-op", "filtered"];

export function strongerOutcome(left: Outcome, right: Outcome): Outcome {
  return OUTCOME_RANK.indexOf(left) <= OUTCOME_RANK.indexOf(right) ? left : right;
}
