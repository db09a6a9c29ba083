/**
 * A job's schema made ready to run: what the directory has to give, and what the target should hold for one object.
 *
 * Compiled once per job and schema version and kept by the process that uses it; two instances that compile the same
 * version get the same answers, because nothing here depends on clock or chance.
 */
import type { FlowRules } from "../../domain/attribute-flow/flow-types.ts";
import type { FailureCode } from "../../domain/failure-codes.ts";
import type { Fate } from "../../domain/lifecycle.ts";
import type { ObjectFlows } from "../../domain/object-flows.ts";
import type { ObjectRecord, ObjectState } from "../../domain/object-record.ts";
import type { Redaction } from "../../domain/redaction.ts";
import type { NamedObjects } from "../../domain/scope/places.ts";
import type { ScopeExplanation } from "../../domain/scope/verdict.ts";
import type { TargetType } from "../../domain/target-table.ts";
import type { TargetValues } from "../../domain/target-value.ts";
import type { ReadNeeds } from "../reading/reads.ts";
import type { JobRow } from "../state/job-rows.ts";

/** What an object is known by in the target, and may be matched by. */
export type TargetIdentity = UserIdentity | GroupIdentity;

export interface UserIdentity {
  readonly type: "user";
  /** base64 of the source anchor's 16 bytes. */
  readonly immutableId: string;
  readonly userPrincipalName: string;
  readonly mail?: string;
  /** Of a new object without mail: the primary address by which it is matched. It isn't given to the target, and so no claim. */
  readonly address?: string;
}

export interface GroupIdentity {
  readonly type: "group";
  /** Given at creation, from the objectGUID: it never changes. */
  readonly uniqueName: string;
}

export interface MappingWarning {
  readonly code: FailureCode;
  readonly message: string;
}

export type Evaluation =
  | {
      readonly kind: "present";
      readonly values: TargetValues;
      readonly identity: TargetIdentity;
      /**
       * Properties whose value is one other object (manager), by its objectGUID: bound to the target's id when the object is
       * exported. One that the source has empty stands in `values` as null.
       */
      readonly references: Readonly<Record<string, string>>;
      /** Properties, references too, for a new object only: whoever takes over an existing one leaves them out. */
      readonly creationOnly: readonly string[];
      /** How properties flow that don't simply follow the source; absent: all do. */
      readonly rules?: FlowRules;
      /** What is switched on for the class; absent: everything. */
      readonly flows?: ObjectFlows;
      /** When its account will have expired and is disabled for that: milliseconds since 1970. */
      readonly expiresAt?: number;
      readonly scope: string;
      readonly warnings: readonly MappingWarning[];
    }
  /** Out of scope or gone: the target should not hold it. `because` is the clause or state, without anyone's values. */
  | {
      readonly kind: "absent";
      readonly scope: string;
      readonly because: string;
      /** What becomes of its target object; absent: it is deleted. */
      readonly fate?: Fate;
      readonly flows?: ObjectFlows;
      readonly undecided?: true;
    }
  /**
   * Never provisioned by this job (containers, classes without a mapping that is enabled), or not to be told for now
   * (`undecided`), or on the exclusion list. What is there is left alone.
   */
  | { readonly kind: "ignored"; readonly scope: string; readonly undecided?: true; readonly excluded?: true }
  | {
      readonly kind: "failed";
      readonly code: FailureCode;
      readonly message: string;
      readonly remedy: string;
      readonly scope: string;
    };

/** Attribute mappings of a class that the target can't hold. */
export interface LeftOut {
  readonly objectClass: string;
  readonly targetName: string;
  readonly mappings: readonly { readonly target: string; readonly reason: string }[];
}

/** What scopes ask of places and groups, by objectGUID. */
export interface ScopeNeeds extends NamedObjects {
  /** A digest of both lists; "" when they are empty. */
  readonly of: string;
  /** Classes whose scope asks for any of it. */
  readonly objectClasses: ReadonlySet<string>;
}

export interface JobMapping {
  readonly schemaVersion: number;
  readonly leftOut: readonly LeftOut[];
  readonly needs: ReadNeeds;
  /** What is switched on for a source class; undefined: the class has no mapping, or a disabled one. */
  flowsOf(objectClass: string): ObjectFlows | undefined;
  /** How properties of a source class flow that don't simply follow the source; undefined: all do, or the class has no mapping. */
  rulesOf(objectClass: string): FlowRules | undefined;
  /** What becomes of a linked object of that class in that state, if it isn't in scope. */
  fateOf(objectClass: string, state: ObjectState): Fate;
  /** For how long the deletion of objects of that class waits: milliseconds. */
  deleteDelayOf(objectClass: string): number;
  readonly scope: ScopeNeeds;
  /** What logs must not show of objects of a source class. */
  redactionOf(objectClass: string): Redaction;
  /** Properties that no log shows of any class that goes to a type: for target objects whose class nobody knows. */
  redactedIn(type: TargetType): readonly string[];
  /** Learns what the target has to say (its verified domains). Throws `TargetUnavailable`. */
  prepare(): Promise<void>;
  /** After `prepare`. A name that nobody else wants, for an object that has to give up its own for a moment. */
  parkedName(objectGuid: string): string;
  /** After `prepare`. `creating`: values that flow only at creation are included. */
  evaluate(record: ObjectRecord, options: { readonly creating: boolean }): Evaluation;
  /** After `prepare`. What each clause says by which `evaluate` decides, without secrets; undefined: the class has no filter. */
  explainScope(record: ObjectRecord): ScopeExplanation | undefined;
}

/** Throws a defect when a stored schema no longer compiles: it was checked when it was stored. */
export type JobMappings = (job: JobRow) => Promise<JobMapping>;
