/**
 * What the scopes of a schema ask of places and groups: which units and groups they name, what an agent can decide of
 * that before data leaves, and what it has to read for the rest (groups with their members, though none is mapped).
 */
import { createHash } from "node:crypto";
import { commonCondition, type NamedObjects, namedIn, together } from "../../domain/scope/places.ts";
import type { ScopeFilter } from "../../domain/synchronization-schema.ts";
import type { NamedContext } from "../mapping/evaluate-object.ts";
import type { ScopeNeeds } from "../mapping/job-mapping.ts";
import type { ReadNeeds } from "../reading/reads.ts";
import type { JobRow } from "../state/job-rows.ts";

/** Of the classes that are mapped, by the filters of their mappings. */
export function scopeNeedsOf(filters: ReadonlyMap<string, ScopeFilter | null | undefined>): ScopeNeeds {
  const byClass = [...filters].map(([name, filter]) => ({ name, named: namedIn(filter) }));
  const named = together(byClass.map((one) => one.named));
  return {
    ...named,
    of: isNothing(named) ? "" : digestOf(named).slice(0, 16),
    objectClasses: new Set(byClass.filter((one) => !isNothing(one.named)).map((one) => one.name)),
  };
}

/** The needs of the mappings with those of their scopes. Without scopes by place or group they stay as they are. */
export function withScopeNeeds(
  needs: Pick<ReadNeeds, "attributes" | "objectClasses">,
  filters: readonly (ScopeFilter | null | undefined)[],
): ReadNeeds {
  const namesGroups = filters.some((filter) => namedIn(filter).groups.length > 0);
  const attributes = sorted([...needs.attributes, ...(namesGroups ? ["member"] : [])]);
  const objectClasses = sorted([...needs.objectClasses, ...(namesGroups ? ["group"] : [])]);
  const common = commonCondition(filters);
  const scope = common && { organizationalUnits: [...common.organizationalUnits], groups: [...common.groups] };
  // Another part for agents is another set: what they sent so far was read under another condition.
  const attributeSetHash = digestOf([attributes, objectClasses, ...(scope ? [scope] : [])]);
  return { attributes, objectClasses, attributeSetHash, ...(scope ? { scope } : {}) };
}

/** What is known for this version of the schema: nothing is missing as long as nobody looked. */
export function namedContext(job: JobRow, { of }: ScopeNeeds, names: ReadonlyMap<string, string>): NamedContext {
  const known = job.scopeKnown?.of === of ? job.scopeKnown : undefined;
  return { of, missing: new Set(known?.missing), nameOf: (guid) => names.get(guid) };
}

export function isNothing({ organizationalUnits, groups }: NamedObjects): boolean {
  return organizationalUnits.length + groups.length === 0;
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url");
}
