/**
 * What of a linked object is compared with its target object, and which foreign object could be whose: decided from
 * records and evaluations alone. Pure.
 */
import { decodeBase64 } from "../../domain/base64.ts";
import { propertyNames } from "../../domain/doubt.ts";
import { type Drift, driftOf, FIXED_PROPERTIES, scalarAt } from "../../domain/drift.ts";
import { GRAPH_TARGETS } from "../../domain/graph-target.ts";
import { type Link, type ObjectRecord, underWayFor } from "../../domain/object-record.ts";
import type { TargetType } from "../../domain/target-table.ts";
import { guidFromBytes, isGuid } from "../../domain/values.ts";
import type { TargetState } from "../../ports/target-directory.ts";
import type { Excluded } from "../exclusions/excluded.ts";
import type { Evaluation, JobMapping } from "../mapping/job-mapping.ts";

export type Present = Extract<Evaluation, { kind: "present" }>;

/** The properties that a target object of a type may have got from us. */
export function propertiesOf(type: TargetType): readonly string[] {
  return PROPERTIES[type].all;
}

/** Those that the target lets nobody change on a holder of a role. */
export function sensitiveOf(type: TargetType): readonly string[] {
  return PROPERTIES[type].sensitive;
}

const PROPERTIES: Readonly<
  Record<TargetType, { readonly all: readonly string[]; readonly sensitive: readonly string[] }>
> = { user: namesIn("user"), group: namesIn("group") };

function namesIn(type: TargetType) {
  const entries = [...GRAPH_TARGETS.values()]
    .filter((own) => own.type === type)
    .flatMap(({ table }) => [...table.values()])
    .flatMap((entry) => ("property" in entry && !entry.isList ? [entry] : []));
  const outer = (property: string) => property.split(".")[0] ?? property;
  return {
    all: [...new Set(entries.map(({ property }) => outer(property)))],
    sensitive: entries.flatMap(({ property, sensitive }) => (sensitive ? [property] : [])),
  };
}

/** What flows to an object at all times; what is given once, or never taken back, isn't ours to compare. */
export function comparedNames({ values, references, rules, creationOnly }: Present): readonly string[] {
  const { neverClears = [], grows = [], fillsOnly = [], defaults = {} } = rules ?? {};
  const standing = Object.keys(defaults).filter((name) => scalarAt(values, name) === null);
  const left = new Set([...neverClears, ...grows, ...fillsOnly, ...standing, ...creationOnly, ...FIXED_PROPERTIES]);
  const names = new Set([...propertyNames(values), ...Object.keys(references)]);
  return [...names].filter((name) => !left.has(name));
}

/** A linked object that may be compared, and what the source says of it. */
export interface Comparable {
  readonly record: ObjectRecord;
  readonly link: Link;
  readonly evaluation: Present;
}

/** Undefined: nobody may touch it, it is in movement, on its way out, or its updates are switched off. */
export function comparable(
  record: ObjectRecord,
  mapping: Pick<JobMapping, "evaluate">,
  excluded: Excluded,
  now: number,
): Comparable | undefined {
  const { link } = record;
  if (!link || link.deletedAt !== undefined || link.owner !== record.configurationId) return undefined;
  if (excluded(record.objectGuid) || excluded(link.targetId) || underWayFor(record.mark, "", now) > 0) return undefined;
  const evaluation = mapping.evaluate(record, { creating: false });
  if (evaluation.kind !== "present" || evaluation.flows?.updates === false) return undefined;
  return { record, link, evaluation };
}

export function driftsOf({ link, evaluation }: Comparable, state: TargetState): Drift[] {
  return driftOf(link, state.values, comparedNames(evaluation));
}

/** The target objects that differing references (a manager) were bound to. */
export function referencesIn({ evaluation }: Comparable, drifts: readonly Drift[]): string[] {
  return drifts.flatMap(({ property, expected }) =>
    typeof expected === "string" && Object.hasOwn(evaluation.references, property) ? [expected] : [],
  );
}

/** Without the references that the target dropped with the object that they were to. `departed`: those that we deleted. */
export function withoutDeparted(own: Comparable, drifts: readonly Drift[], departed: ReadonlySet<string>): Drift[] {
  return drifts.filter((drift) => drift.actual !== null || !isTo(own, drift, departed));
}

/** Whether it is a reference to one of these. */
export function isTo(own: Comparable, drift: Drift, ids: ReadonlySet<string>): boolean {
  return referencesIn(own, [drift]).some((id) => ids.has(id));
}

/** The objectGUID that a target object's anchor stands for, where it was made from one. */
export function guidOfAnchor(state: TargetState, configurationId: string): string | undefined {
  if (state.type === "group") {
    const prefix = `uplink-${configurationId}-`;
    const name = state.uniqueName?.toLowerCase() ?? "";
    const guid = name.startsWith(prefix.toLowerCase()) ? name.slice(prefix.length) : "";
    return isGuid(guid) ? guid : undefined;
  }
  try {
    const bytes = decodeBase64(state.immutableId ?? "");
    return bytes.length === 16 ? guidFromBytes(bytes) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an object without link would be matched with a target object by what is given for life. */
export function isMatchable(record: ObjectRecord, evaluation: Evaluation, state: TargetState): boolean {
  if ((record.link && record.link.deletedAt === undefined) || evaluation.kind !== "present") return false;
  const { identity } = evaluation;
  if (identity.type === "group")
    return state.type === "group" && identity.uniqueName.toLowerCase() === state.uniqueName?.toLowerCase();
  return state.type === "user" && identity.immutableId === state.immutableId;
}
