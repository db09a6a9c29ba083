/**
 * References to one other object (a user's manager), bound as late as can be: when the chunk is exported, to the id of
 * the target object that stands behind the GUID by then.
 *
 * A bound reference is a value like any other: it goes with the create, is compared with what was exported, is in doubt
 * when an answer is lost. One that can't be bound (nobody there yet, deleted by us, no user) is left out with a warning; when
 * its object appears, whoever refers to it is mapped again. What is at the target meanwhile stays.
 */
import { bindAction } from "../../domain/references.ts";
import type { ChunkHeader, PlannedObject } from "../lanes/chunk-files.ts";
import type { Reference, References } from "./references.ts";

export const UNRESOLVED = "UnableToResolveReferenceAttributeValue";

/** The planned objects in order, with what their references are bound to now; binding again changes nothing. */
export async function bindReferences(
  references: Pick<References, "resolve">,
  header: ChunkHeader,
  planned: readonly PlannedObject[],
): Promise<readonly PlannedObject[]> {
  const guids = [...new Set(planned.flatMap((own) => Object.values(own.references ?? {})))].sort();
  if (guids.length === 0) return planned;
  const found = await references.resolve(
    header.configurationId,
    guids.map((guid) => ({ guid })),
    { isFirstLoad: header.isFirstLoad },
  );
  return planned.map((own) => (own.references ? bound(own, own.references, found) : own));
}

function bound(
  planned: PlannedObject,
  references: Readonly<Record<string, string>>,
  found: ReadonlyMap<string, Reference>,
): PlannedObject {
  const { record, resendsReferences = false } = planned;
  const { action, pending } = bindAction(planned.action, record.link, references, found, resendsReferences);
  const warnings = planned.warnings.filter((warning) => warning.code !== UNRESOLVED);
  const missing = pending.map(({ property, guid }) => `${property} is object ${guid}, which is no user in the target`);
  const message = `${missing.join("; ")}. It is set when it appears.`;
  const isMore = planned.action.kind === "none" && action.kind !== "none";
  return {
    ...planned,
    action,
    outcome: isMore && planned.outcome === "no-op" ? "exported" : planned.outcome,
    warnings: pending.length === 0 ? warnings : [{ code: UNRESOLVED, message }, ...warnings],
  };
}
