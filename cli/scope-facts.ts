/**
 * Where an object is and which groups it is in, as people say it: objectGUIDs of the units above it and of its groups.
 *
 * A list that isn't given says nothing, and clauses that ask for it are undecided; an empty list says that there is none.
 */

import type { AskFacts } from "../shared/domain/scope/places.ts";
import { isGuid } from "../shared/domain/values.ts";
import { isRecord, kindOf, ShapeError } from "./json-source.ts";

export interface GivenFacts {
  readonly units: readonly string[] | undefined;
  readonly groups: readonly string[] | undefined;
}

/** An objectGUID in the one form that is compared, or undefined. */
export function guidOf(text: string): string | undefined {
  const guid = text
    .trim()
    .replace(/^\{(.*)\}$/, "$1")
    .toLowerCase();
  return isGuid(guid) ? guid : undefined;
}

export function factsOf({ units, groups }: GivenFacts): AskFacts {
  return { isBelow: (unit) => units?.includes(unit), isMemberOf: (group) => groups?.includes(group) };
}

/** `{ units?, groups? }`. Throws `ShapeError` that names the field. */
export function jsonFacts(json: unknown): AskFacts {
  if (json === undefined || json === null) return factsOf({ units: undefined, groups: undefined });
  if (!isRecord(json)) throw new ShapeError(`facts must be an object, not ${kindOf(json)}.`);
  return factsOf({ units: guidsOf(json["units"], "units"), groups: guidsOf(json["groups"], "groups") });
}

function guidsOf(json: unknown, field: string): readonly string[] | undefined {
  if (json === undefined || json === null) return undefined;
  if (!Array.isArray(json)) throw new ShapeError(`facts.${field} must be an array, not ${kindOf(json)}.`);
  return json.map((one) => {
    const guid = typeof one === "string" ? guidOf(one) : undefined;
    if (guid === undefined) throw new ShapeError(`facts.${field} must hold objectGUIDs, 8-4-4-4-12.`);
    return guid;
  });
}
