/**
 * From one object's record and what the mapping wants, to the one action that brings the target there.
 *
 * The plan is a value; nothing is done here. Whatever takes something away (a delete, a disable, a blanked attribute) is
 * named by its **removal class** and left out of the action unless that class is allowed: removals wait for the end of
 * the read and the guard (N6). A property named in `held` is left out as well (a claim that another object has), and what
 * an admin let the target keep.
 * What the mapping has switched off for the whole class is not done, waits for nothing and is named.
 */
import { type FlowRules, flowingTo, mergedValues, sentAgain } from "./attribute-flow/flow-types.ts";
import type { Fate } from "./lifecycle.ts";
import { ALL_FLOWS, type ObjectFlows, type SwitchedOff } from "./object-flows.ts";
import type { Link, ObjectRecord } from "./object-record.ts";
import { differenceOf, type TargetValues, withoutProperties } from "./target-value.ts";

export const REMOVAL_CLASSES = ["deletes", "disables", "blanks"] as const;
export type RemovalClass = (typeof REMOVAL_CLASSES)[number];

/** A target can restore what it deleted for this long (Graph: 30 days); a margin keeps us from asking too late. */
export const RESTORE_WINDOW_MS = 29.5 * 24 * 60 * 60 * 1000;

export type Desired =
  /** In scope: the target should hold these values. */
  | { readonly kind: "present"; readonly values: TargetValues; readonly rules?: FlowRules | undefined }
  /** Gone or out of scope, by `reason`: the target should not hold it, unless it is disabled or kept (`fate`). */
  | { readonly kind: "absent"; readonly reason: string; readonly fate?: Fate | undefined };

export type ObjectAction =
  | { readonly kind: "create"; readonly values: TargetValues }
  /** Takes over a target object that nobody owns. */
  | { readonly kind: "adopt"; readonly targetId: string; readonly values: TargetValues }
  | { readonly kind: "update"; readonly targetId: string; readonly values: TargetValues }
  /** Restores, then brings to `values`. */
  | { readonly kind: "restore"; readonly targetId: string; readonly values: TargetValues }
  | { readonly kind: "delete"; readonly targetId: string }
  | { readonly kind: "none" };

export interface ObjectPlan {
  readonly action: ObjectAction;
  /** Classes of removal that this object needs and that are not allowed yet, in the order of `REMOVAL_CLASSES`. */
  readonly waiting: readonly RemovalClass[];
  /** The outcome when the action is none and nothing waits. */
  readonly settled: "no-op" | "filtered";
  /** What would be done, were it not switched off for the class. */
  readonly switchedOff?: SwitchedOff;
}

export interface PlanOptions {
  readonly allow: readonly RemovalClass[];
  readonly held?: readonly string[];
  /** All by default. */
  readonly flows?: ObjectFlows | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function planObject(record: ObjectRecord, desired: Desired, options: PlanOptions): ObjectPlan {
  const link = record.link;
  const flows = options.flows ?? ALL_FLOWS;
  if (desired.kind === "absent") return planAbsence(record, desired.fate ?? "delete", { ...options, flows });
  const values = withoutProperties(desired.values, [...(options.held ?? []), ...Object.keys(link?.waived ?? {})]);
  const isExpired = link?.deletedAt !== undefined && options.now - link.deletedAt > RESTORE_WINDOW_MS;
  const isDeleted = link?.deletedAt !== undefined;
  if ((!link || isDeleted) && !flows.adds) return switchedOff("Add");
  if (!link || isExpired) {
    return { action: { kind: "create", values: withoutNulls(values) }, waiting: [], settled: "no-op" };
  }
  const { rules } = desired;
  const flowing = rules ? flowingTo(link, values, rules) : values;
  if (!isDeleted) return planUpdate(link, flowing, rules, { ...options, flows });
  // Back within 30 days: the old target object, and everything set to what the directory says now (N9).
  return {
    action: {
      kind: "restore",
      targetId: link.targetId,
      values: differenceOf(link.exported, flowing, link.doubt?.properties).changed,
    },
    waiting: [],
    settled: "no-op",
  };
}

export function switchedOff(what: SwitchedOff): ObjectPlan {
  return { action: { kind: "none" }, waiting: [], settled: "filtered", switchedOff: what };
}

type Options = PlanOptions & { readonly flows: ObjectFlows };

function planUpdate(link: Link, values: TargetValues, rules: FlowRules | undefined, options: Options): ObjectPlan {
  const inDoubt = link.doubt?.properties ?? [];
  const { changed, blanked } = differenceOf(link.exported, values, inDoubt);
  if (!options.flows.updates && Object.keys(changed).length > 0) return switchedOff("Update");
  const mayBeEnabled = link.exported["accountEnabled"] !== false || inDoubt.includes("accountEnabled");
  const disables = changed["accountEnabled"] === false && mayBeEnabled;
  const waiting: RemovalClass[] = [];
  let sent = changed;
  if (disables && !options.allow.includes("disables")) {
    waiting.push("disables");
    sent = withoutProperties(sent, ["accountEnabled"]);
  }
  if (blanked.length > 0 && !options.allow.includes("blanks")) {
    waiting.push("blanks");
    sent = withoutProperties(sent, blanked);
  }
  if (Object.keys(sent).length === 0) return { action: { kind: "none" }, waiting, settled: "no-op" };
  const whole = rules ? mergedValues(sent, sentAgain(values, changed, rules)) : sent;
  return { action: { kind: "update", targetId: link.targetId, values: whole }, waiting, settled: "no-op" };
}

function planAbsence(record: ObjectRecord, fate: Fate, options: Options): ObjectPlan {
  const { link } = record;
  const settled = record.state === "live" || record.state === "left" ? "filtered" : "no-op";
  // Only what we own is ever deleted: a link whose owner is another configuration is that one's business.
  if (!link || link.deletedAt !== undefined || link.owner !== record.configurationId) {
    return { action: { kind: "none" }, waiting: [], settled };
  }
  if (fate === "keep") return { action: { kind: "none" }, waiting: [], settled: "filtered" };
  if (fate === "disable") return planDisable(link, options);
  if (!options.flows.deletes) return switchedOff("Delete");
  if (!options.allow.includes("deletes")) return { action: { kind: "none" }, waiting: ["deletes"], settled };
  return { action: { kind: "delete", targetId: link.targetId }, waiting: [], settled };
}

/** Nothing of it follows the source any more; it only may not sign in. */
function planDisable(link: Link, options: Options): ObjectPlan {
  const isDone = link.exported["accountEnabled"] === false && !link.doubt?.properties.includes("accountEnabled");
  if (isDone) return { action: { kind: "none" }, waiting: [], settled: "filtered" };
  if (!options.flows.updates) return switchedOff("Update");
  if (!options.allow.includes("disables"))
    return { action: { kind: "none" }, waiting: ["disables"], settled: "filtered" };
  const values: TargetValues = { accountEnabled: false };
  return { action: { kind: "update", targetId: link.targetId, values }, waiting: [], settled: "filtered" };
}

/** A create and an adoption send what there is; nothing is cleared on the way in. */
export function withoutNulls(values: TargetValues): TargetValues {
  return differenceOf({}, values).changed;
}
