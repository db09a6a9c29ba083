/**
 * A cloud directory as the exporter sees it: find, apply, enumerate. Adapters: Graph, memory (tests).
 *
 * Values are properties of the target (Graph's names). `null` clears a property. Nothing here decides what should be
 * written; the adapter decides how: fewest calls, `$batch`, retries of what a fresh object's lag explains, per-item
 * results. No method throws for one object's failure; all throw `TargetUnavailable` when the target as a whole can't be
 * worked with (unreachable, credentials refused), so that the run waits and nothing is marked as failed.
 */

import type { FailureCode } from "../domain/failure-codes.ts";
import type { TargetValues } from "../domain/target-value.ts";

export type TargetObjectType = "user" | "group";

export interface TargetObject {
  readonly id: string;
  readonly type: TargetObjectType;
  readonly userPrincipalName?: string;
  readonly mail?: string;
  readonly displayName?: string;
  readonly immutableId?: string;
  /** Of a group that was created with one. */
  readonly uniqueName?: string;
  readonly accountEnabled?: boolean;
  /** Mastered on premises by Microsoft's own sync: never touched. */
  readonly synchronized: boolean;
  /** In `deletedItems`: can be restored. */
  readonly deleted: boolean;
}

export type TargetQuery =
  | { readonly by: "immutableId" | "userPrincipalName" | "mail"; readonly value: string }
  /** A user or a group (`type`), living or deleted. */
  | { readonly by: "id"; readonly value: string; readonly type?: TargetObjectType }
  /** A living group. */
  | { readonly by: "uniqueName"; readonly value: string }
  /** Among the deleted: by immutableId, or a group by its uniqueName. */
  | { readonly by: "deletedImmutableId" | "deletedUniqueName"; readonly value: string };

/** At most this many members can be bound while a group is created, or added by one write. */
export const MEMBERS_A_WRITE = 20;

/**
 * `key` is the caller's name for the object (its objectGUID): results carry it, logs name it. The value `manager` is the id
 * of a user in the target, or null: the adapter binds it in the create, or writes it by itself beside an update.
 */
export type TargetAction =
  | {
      readonly kind: "create";
      readonly key: string;
      readonly type: TargetObjectType;
      readonly values: TargetValues;
      /**
       * Ids of at most `MEMBERS_A_WRITE` objects. What can't be bound (a member that isn't there any more) doesn't keep the
       * group from being made: a warning whose `properties` are `members` says that none of them was bound.
       */
      readonly members?: readonly string[];
    }
  | {
      readonly kind: "update";
      readonly key: string;
      readonly type: TargetObjectType;
      readonly id: string;
      readonly values: TargetValues;
      /** Of an account that is not ours yet: what the target refuses a part of isn't written in part. Absent: it may be. */
      readonly isWhole?: boolean;
    }
  | {
      readonly kind: "delete" | "restore";
      readonly key: string;
      readonly type: TargetObjectType;
      readonly id: string;
      /**
       * When we made the object or brought it back (of a restore: deleted it), in milliseconds since 1970: not finding it
       * shortly afterwards is lag and no absence, whichever process it was.
       */
      readonly writtenAt?: number;
    };

/** An object and what it holds: of the properties that were asked for those that aren't empty; `manager` is the id of one. */
export interface TargetState extends TargetObject {
  readonly values: TargetValues;
}

/** `next` is the target's own name for where the next page begins; absent: this was the last one. */
export interface TargetPage<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface TargetFailure {
  readonly code: FailureCode;
  readonly message: string;
  readonly remedy: string;
  readonly retriable: boolean;
  /** The properties that the target refused or that clash, where it says so. */
  readonly properties?: readonly string[];
  /** `TooManyRequests`: milliseconds to wait, counted from the answer. */
  readonly retryAfterMs?: number;
  /** HTTP status, for the log. */
  readonly status?: number;
}

/** What the target answered to a write: enough to find the call again on its side, and nothing of the object. */
export interface TargetAnswer {
  /** HTTP status. */
  readonly status: number;
  /** The target's own name of the call; many writes that went together may share it. */
  readonly requestId?: string;
  /** Ours. */
  readonly clientRequestId?: string;
}

/** `unsent`: the write was not tried or surely had no effect (throttled): try again after `failure.retryAfterMs`. `answer`: to its last write. */
export type TargetResult =
  | {
      readonly key: string;
      readonly outcome: "done";
      readonly id: string;
      readonly warnings?: readonly TargetFailure[];
      readonly answer?: TargetAnswer;
    }
  | {
      readonly key: string;
      readonly outcome: "failed" | "unsent";
      readonly failure: TargetFailure;
      readonly answer?: TargetAnswer;
    };

/** Members to add to one group, or to take out of it. At most one change an `op` and group in a call. */
export interface TargetMemberChange {
  /** The caller's name for the group (its objectGUID). */
  readonly key: string;
  readonly groupId: string;
  readonly op: "add" | "remove";
  readonly memberIds: readonly string[];
}

/** Every member of the change is in exactly one of the three. */
export interface TargetMemberResult {
  readonly key: string;
  /** In the group (`add`) or not (`remove`), whether by this call or before it. */
  readonly done: readonly string[];
  /** Surely not written: try again after `retryAfterMs`. */
  readonly unsent: readonly string[];
  readonly retryAfterMs?: number;
  readonly failed: readonly { readonly memberId: string; readonly failure: TargetFailure }[];
  /** To the last write of the change. */
  readonly answer?: TargetAnswer;
}

export interface TargetDescription {
  readonly initialDomain: string;
  /** Lower case. */
  readonly verifiedDomains: readonly string[];
}

export interface ApplyOptions {
  readonly priority: "low" | "normal";
  /** Called for each writing call that this very `apply` makes: many run at once over one adapter. */
  readonly onWrite?: () => void;
  /** Called for each call that the target refuses with 429, with what its Retry-After says. */
  readonly onThrottle?: (retryAfterMs: number | undefined) => void;
  /**
   * Called for each writing call that was answered, with the part of the application's quota of writes that is used by
   * the target's own count, whoever used it: 0 to 1 and above; undefined where it says nothing.
   */
  readonly onCount?: (part: number | undefined) => void;
}

export interface FindOptions {
  /**
   * Called for each question (its place) that the target refuses for itself while it answers others: what it answers then is
   * empty, or undefined, and says nothing. Left out, such a refusal is one of everything: `TargetUnavailable`.
   */
  readonly onRefused?: (at: number, failure: TargetFailure) => void;
}

export interface TargetDirectory {
  describe(): Promise<TargetDescription>;
  /** One result a query, in order: every object that matches. */
  find(queries: readonly TargetQuery[], options?: FindOptions): Promise<readonly (readonly TargetObject[])[]>;
  /**
   * Of the given ids, those that hold a directory role or are in a role-assignable group. What is known may be a minute old, but
   * where it is asked `anew`.
   */
  privileged(ids: readonly string[], options?: { readonly anew?: boolean }): Promise<ReadonlySet<string>>;
  /** At most one action a key. Results in the order of the actions. */
  apply(actions: readonly TargetAction[], options: ApplyOptions): Promise<readonly TargetResult[]>;
  /**
   * Changes memberships with the fewest writes: 20 adds a write, split where the target refuses them together, one removal a
   * write. Results in the order of the changes.
   */
  changeMembers(changes: readonly TargetMemberChange[], options: ApplyOptions): Promise<readonly TargetMemberResult[]>;
  /** The ids of a group's direct members, in pages. */
  members(groupId: string): AsyncIterable<readonly string[]>;
  /**
   * A page of the living objects of a type, the first one or that of a `next`. Throws `TargetPageLost` when the target has
   * forgotten what that stood for.
   */
  page(type: TargetObjectType, properties: readonly string[], from?: string): Promise<TargetPage<TargetState>>;
  /** By id, each by itself, in order: living, or deleted (then without values); undefined: nowhere. */
  states(
    type: TargetObjectType,
    ids: readonly string[],
    properties: readonly string[],
    options?: FindOptions,
  ): Promise<readonly (TargetState | undefined)[]>;
  /**
   * A page of each of some groups' direct members, in order; undefined: there is no such group. Throws `TargetPageLost` when
   * the target has forgotten what a `from` stood for.
   */
  memberPages(
    asked: readonly { readonly groupId: string; readonly from?: string | undefined }[],
    options?: FindOptions,
  ): Promise<readonly (TargetPage<string> | undefined)[]>;
  /** All users, in pages. */
  users(): AsyncIterable<readonly TargetObject[]>;
  /** Writing calls made by this adapter since it was made, whoever asked for them. */
  writes(): number;
}

/** The target keeps the place of a page for a while only: what was read so far has to be read again. */
export class TargetPageLost extends Error {
  constructor(options?: ErrorOptions) {
    super("The target has forgotten where its next page begins.", options);
    this.name = "TargetPageLost";
  }
}

export class TargetUnavailable extends Error {
  readonly code: "target-unreachable" | "target-credentials" | "target-refused";
  readonly remedy: string;
  /** Milliseconds to wait before it makes sense to try again. */
  readonly retryAfterMs: number;
  constructor(
    code: TargetUnavailable["code"],
    message: string,
    remedy: string,
    retryAfterMs: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "TargetUnavailable";
    this.code = code;
    this.remedy = remedy;
    this.retryAfterMs = retryAfterMs;
  }
}
