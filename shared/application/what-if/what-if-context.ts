/**
 * What a what-if maps with: the job as it would be, its mapping, and the facts that its scopes ask for.
 *
 * A new schema lies where its version would lie, in a view of the blobs that nobody else has; so it is compiled and run by the
 * very code that runs stored ones. Facts that nobody found out yet (units and groups that only the tried scope names) are found
 * out for the objects at hand, from the same rows, and noted nowhere.
 */
import { createHash } from "node:crypto";
import type { ObjectRecord, ScopeFacts } from "../../domain/object-record.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { ChunkItem } from "../lanes/chunk-files.ts";
import type { JobMapping, JobMappings, ScopeNeeds } from "../mapping/job-mapping.ts";
import { schemaPath } from "../schemas/schema-store.ts";
import type { FactsOf, ScopeFactsFinder } from "../scope/scope-facts.ts";
import { isNothing } from "../scope/scope-needs.ts";
import { type JobRow, mappedVersionOf } from "../state/job-rows.ts";
import type { StoredObject } from "../state/object-store.ts";
import { WHAT_IF_FILES, type WhatIfRow } from "../state/what-if-rows.ts";

export interface WhatIfContext {
  readonly job: JobRow;
  /** Prepared. */
  readonly mapping: JobMapping;
  /** Attributes and classes that agents were never asked for. */
  readonly notRead: readonly string[];
  /** The objects as they would be looked at: with the facts for the tried scopes, and gone from what agents may send. */
  itemsOf(
    stored: readonly StoredObject[],
  ): Promise<{ readonly items: readonly ChunkItem[]; readonly objects: ReadonlyMap<string, StoredObject> }>;
}

export type WhatIfContexts = (job: JobRow, whatIf: WhatIfRow) => Promise<WhatIfContext>;

export function createWhatIfContexts(deps: {
  readonly blobs: BlobStore;
  /** Mappings that read schemas from some blobs. */
  readonly mappingsOver: (blobs: BlobStore) => JobMappings;
  readonly facts: ScopeFactsFinder;
}): WhatIfContexts {
  const present = deps.mappingsOver(deps.blobs);
  /** Of the last one that was asked for: its slices come one after the other. */
  let last: { readonly id: string; readonly mappings: JobMappings } | undefined;

  function triedMappings({ id, jobId, of, base }: WhatIfRow): JobMappings {
    if (of.kind !== "schema") return present;
    if (last?.id !== id) {
      const path = schemaPath(jobId, base.schemaVersion + 1);
      const own = WHAT_IF_FILES.schema(jobId, id);
      const get: BlobStore["get"] = (asked) => deps.blobs.get(asked === path ? own : asked);
      last = { id, mappings: deps.mappingsOver({ ...deps.blobs, get }) };
    }
    return last.mappings;
  }

  return async (job, whatIf) => {
    const { of, base } = whatIf;
    const version = of.kind === "schema" ? base.schemaVersion + 1 : versionOf(of, job);
    const tried: JobRow = { ...job, schemaVersion: version };
    const mappings = triedMappings(whatIf);
    const [asked, read] = await Promise.all([
      mappings(tried),
      present({ ...job, schemaVersion: mappedVersionOf(job) }),
    ]);
    const notRead = missingOf(asked, read);
    const { configurationId } = job;
    const root = job.domain?.objectGuid;
    const hasLists = job.steadyStateAt !== null && read.needs.attributes.includes("member");
    const factsFor = async (scope: ScopeNeeds): Promise<FactsOf> => ({
      configurationId,
      root,
      scope,
      missing: new Set(await deps.facts.missing({ configurationId, root, scope })),
      isCertain: hasLists,
    });
    const isNewScope = !isNothing(asked.scope) && asked.scope.of !== read.scope.of;
    const filters = isNewScope ? await factsFor(asked.scope) : undefined;
    const agents = of.kind === "scope" && !isNothing(of.scope) ? await factsFor(needsOf(of.scope)) : undefined;
    const scoped: JobRow = filters ? { ...tried, scopeKnown: knownOf(filters) } : tried;
    const mapping = await mappings(scoped);
    await mapping.prepare();

    return {
      job: scoped,
      mapping,
      notRead,
      async itemsOf(stored) {
        const guids = stored.map(({ record }) => record.objectGuid);
        const found = new Map((await factsOf(filters, guids)).map((item) => [item.objectGuid, item.facts]));
        const staying = agents && (await stayingIn(agents, stored));
        const objects = stored.map((one): StoredObject => {
          const { record } = one;
          if (!staying || record.state !== "live" || staying.has(record.objectGuid)) return one;
          return { ...one, record: { ...record, state: "left", scope: "outside the scope that is tried" } };
        });
        return {
          items: guids.map((objectGuid, index): ChunkItem => {
            const facts = found.get(objectGuid);
            return { objectGuid, index, ...(facts ? { facts } : {}) };
          }),
          objects: new Map(objects.map((one) => [one.record.objectGuid, one])),
        };
      },
    };
  };

  function factsOf(of: FactsOf | undefined, guids: readonly string[]) {
    return of && guids.length > 0 ? deps.facts.some(of, guids) : Promise.resolve([]);
  }

  /** Who would stay in what agents may send; who may be, by what is known, stays. */
  async function stayingIn(of: FactsOf, stored: readonly StoredObject[]): Promise<ReadonlySet<string>> {
    const records = new Map(stored.map(({ record }) => [record.objectGuid, record]));
    const { organizationalUnits, groups } = of.scope;
    const classes = new Set([...records.values()].map((record) => record.objectClass));
    const asked = { ...of, scope: { ...of.scope, objectClasses: classes } };
    const found = await deps.facts.some(asked, [...records.keys()]);
    const facts = new Map(found.map((item) => [item.objectGuid, item.facts?.after]));
    const isIn = (record: ObjectRecord): boolean => {
      const own: ScopeFacts | undefined = facts.get(record.objectGuid) ?? record.facts;
      if (!own || (own.doubt ?? []).length > 0) return true;
      const holds = new Set(own.holds);
      const isThere = (names: readonly string[]) => names.length === 0 || names.some((name) => holds.has(name));
      return isThere(organizationalUnits) && (isThere(groups) || groups.includes(record.objectGuid));
    };
    return new Set([...records.values()].filter(isIn).map((record) => record.objectGuid));
  }
}

function versionOf(of: Exclude<WhatIfRow["of"], { kind: "schema" }>, job: JobRow): number {
  return of.kind === "schemaVersion" ? of.version : job.schemaVersion;
}

/** An agent's scope as filters name one; the name is nobody else's. */
function needsOf({ organizationalUnits, groups }: { organizationalUnits: string[]; groups: string[] }): ScopeNeeds {
  const digest = createHash("sha256").update(JSON.stringify([organizationalUnits, groups]));
  return {
    organizationalUnits,
    groups,
    objectClasses: new Set(),
    of: `tried-${digest.digest("base64url").slice(0, 16)}`,
  };
}

function knownOf({ scope, missing }: FactsOf): NonNullable<JobRow["scopeKnown"]> {
  return { of: scope.of, attributeSetHash: null, missing: [...missing], at: 0 };
}

function missingOf(asked: JobMapping, read: JobMapping): string[] {
  const attributes = asked.needs.attributes.filter((name) => !read.needs.attributes.includes(name));
  const classes = asked.needs.objectClasses.filter((name) => !read.needs.objectClasses.includes(name));
  return [...attributes, ...classes.map((name) => `objects of class ${name}`)];
}
