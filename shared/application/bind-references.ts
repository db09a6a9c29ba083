/**
 * References to one other object (a user's manager), bound as late as can be: when the chunk is exported, to the id of
 * the target object that stands behind the GUID by then.
 *
 * A bound reference is a value like any other: it goes with the create, is compared with what was exported, is in doubt
 * when an answer is lost. One that can't be bound (nobody there yet, deleted by us, no user) is left out with a warning; when
 * its object appears, whoever refers to it is mapped again. What is at the target meanwhile stays.
 */
import type { ObjectAction } from "../domain/plan.ts";
import { differenceOf, type TargetValues } from "../domain/target-value.ts";
import type { ChunkHeader, PlannedObject } from "./chunk-files.ts";
import type { Reference, References } from "./references.ts";

export const UNRESOLVED = "UnableToResolveReferenceAttributeValue";

/** The planned objects in order, with what their references are bound to now; binding again changes nothing. */
export async function bindReferences(
  references: References,
  header: ChunkHeader,
  planned: readonly PlannedObject[],
): Promise<readonly PlannedObject[]> {
  const guids = [...new Set(planned.flatMap((own) => Object.values(own.references ?? {})))].sort();
  if (guids.length === 0) return planned;
  const found = await references.resolve(
    header.configurationId,
    guids.map((guid) => ({ guid })),
  );
  return planned.map((own) => (own.references ? bound(own, own.references, found) : own));
}

function bound(
  planned: PlannedObject,
  references: Readonly<Record<string, string>>,
  found: ReadonlyMap<string, Reference>,
): PlannedObject {
  const values: Record<string, string> = {};
  const pending: string[] = [];
  for (const [property, guid] of Object.entries(references).sort(([one], [other]) => (one < other ? -1 : 1))) {
    const referee = found.get(guid);
    if (referee?.type === "user" && !referee.isDeleted) values[property] = referee.targetId;
    else pending.push(`${property} is object ${guid}, which is no user in the target`);
  }
  const warnings = planned.warnings.filter((warning) => warning.code !== UNRESOLVED);
  const told =
    pending.length === 0
      ? warnings
      : [{ code: UNRESOLVED, message: `${pending.join("; ")}. It is set when it appears.` }, ...warnings];
  return { ...withValues(planned, values), warnings: told };
}

function withValues(planned: PlannedObject, values: TargetValues): PlannedObject {
  const { action, record, outcome } = planned;
  const link = record.link;
  if (action.kind === "delete" || Object.keys(values).length === 0) return planned;
  // A target object that is new, or comes back, has none.
  const isWhole = action.kind === "create" || action.kind === "adopt" || action.kind === "restore";
  const sent =
    isWhole || planned.resendsReferences
      ? values
      : differenceOf(link?.exported ?? {}, values, link?.doubt?.properties).changed;
  if (Object.keys(sent).length === 0) return planned;
  if (action.kind !== "none") return { ...planned, action: { ...action, values: { ...action.values, ...sent } } };
  if (!link || link.deletedAt !== undefined) return planned;
  const update: ObjectAction = { kind: "update", targetId: link.targetId, values: sent };
  return { ...planned, action: update, outcome: outcome === "no-op" ? "exported" : outcome };
}
