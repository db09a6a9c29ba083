/**
 * Makes a job's schema ready to run: compiles it once per job and version, with the target's domains at hand.
 *
 * Version 1 is the default schema; later versions lie in blobs and are never changed. A mapping that no longer
 * compiles is a defect: schemas are checked when they are stored.
 */
import { ACCOUNT_EXPIRES } from "../../domain/account-expiry.ts";
import { compileAttributeFlow } from "../../domain/attribute-flow.ts";
import { GRAPH_TARGETS } from "../../domain/graph-target.ts";
import { deleteDelayMs, fateOf } from "../../domain/lifecycle.ts";
import { ALL_FLOWS, chooseMappings } from "../../domain/object-flows.ts";
import { NOTHING_REDACTED } from "../../domain/redaction.ts";
import type { ScopeFilter, SynchronizationSchema } from "../../domain/synchronization-schema.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock, Random } from "../../ports/clock.ts";
import type { TargetDescription, TargetDirectory } from "../../ports/target-directory.ts";
import { readSchema } from "../schemas/schema-store.ts";
import { namedContext, scopeNeedsOf, withScopeNeeds } from "../scope/scope-needs.ts";
import { clausesWithoutSecrets, secretNames, withoutSecrets } from "../secrets.ts";
import type { JobRow } from "../state/job-rows.ts";
import { type ClassFlow, evaluateObject, explainObject } from "./evaluate-object.ts";
import type { JobMapping, JobMappings, ScopeNeeds } from "./job-mapping.ts";

/** Names of units and groups that scopes name, for explanations: so many, and sooner again while some aren't known. */
const NAMES_AT_MOST = 100;
const UNKNOWN_NAMES_MS = 15_000;
const NO_NAMES: ReadonlyMap<string, string> = new Map();

/** The target's verified domains are looked up again after this long. */
const DESCRIPTION_MS = 300_000;

export function createJobMappings(deps: {
  readonly blobs: BlobStore;
  readonly target: TargetDirectory;
  readonly clock: Clock;
  readonly random: Random;
  /** What objects of a configuration are called, for those that are known. */
  readonly namesOf?: (configurationId: string, objectGuids: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}): JobMappings {
  const compiled = new Map<string, Promise<Flows>>();
  const named = new Map<string, { readonly until: number; readonly names: Promise<ReadonlyMap<string, string>> }>();
  let described: { readonly at: number; readonly description: Promise<TargetDescription> } | undefined;

  async function flowsOf(job: JobRow): Promise<Flows> {
    const redact = (job.settings.redact ?? []).join(",");
    const key = `${job.jobId}:${job.schemaVersion}:${redact}:${disablesExpired(job)}`;
    const known = compiled.get(key) ?? loadSchema(job).then((schema) => compileFlows(job, schema));
    compiled.set(key, known);
    // A blob that could not be read is no answer to keep.
    known.catch(() => compiled.delete(key));
    return known;
  }

  async function loadSchema(job: JobRow): Promise<SynchronizationSchema> {
    const stored = await readSchema(deps.blobs, job.jobId, job.schemaVersion);
    if (stored) return stored;
    throw new Error(`Version ${job.schemaVersion} of the schema of job ${job.jobId} is missing.`);
  }

  function describe(): Promise<TargetDescription> {
    const now = deps.clock.now();
    if (described && now - described.at < DESCRIPTION_MS) return described.description;
    const description = deps.target.describe();
    described = { at: now, description };
    description.catch(() => {
      described = undefined;
    });
    return description;
  }

  /** Names are for explanations only: of the first few, and not younger than need be. */
  function namesFor(job: JobRow, { organizationalUnits, groups }: ScopeNeeds): Promise<ReadonlyMap<string, string>> {
    const guids = [...organizationalUnits, ...groups].slice(0, NAMES_AT_MOST);
    if (guids.length === 0 || !deps.namesOf) return Promise.resolve(NO_NAMES);
    const key = `${job.jobId}:${job.schemaVersion}`;
    const now = deps.clock.now();
    const known = named.get(key);
    if (known && now < known.until) return known.names;
    const names = deps.namesOf(job.configurationId, guids).then((found) => {
      if (found.size < guids.length) named.set(key, { until: now + UNKNOWN_NAMES_MS, names });
      return found;
    });
    named.set(key, { until: now + DESCRIPTION_MS, names });
    names.catch(() => named.delete(key));
    return names;
  }

  return async (job) => {
    const flows = await flowsOf(job);
    let target: TargetDescription | undefined;
    let names = NO_NAMES;
    const mapping: JobMapping = {
      needs: flows.needs,
      schemaVersion: job.schemaVersion,
      leftOut: flows.leftOut,
      flowsOf(objectClass) {
        const own = flows.byClass.get(objectClass);
        return own && (own.flow?.objects ?? ALL_FLOWS);
      },
      rulesOf: (objectClass) => flows.byClass.get(objectClass)?.flow?.rules,
      fateOf: (objectClass, state) =>
        job.emptying
          ? "delete"
          : fateOf(job.settings.lifecycle?.outOfScope, state, flows.byClass.get(objectClass)?.type),
      deleteDelayOf: (objectClass) =>
        deleteDelayMs(job.settings.lifecycle?.groupDeleteDelayDays, flows.byClass.get(objectClass)?.type),
      scope: flows.scope,
      redactionOf: (objectClass) => flows.byClass.get(objectClass)?.flow?.redaction ?? NOTHING_REDACTED,
      redactedIn: (type) =>
        [...flows.byClass.values()].flatMap((own) => (own.type === type ? own.flow.redaction.properties : [])),
      prepare: async () => {
        [target, names] = await Promise.all([describe(), namesFor(job, flows.scope)]);
      },
      parkedName(objectGuid) {
        if (!target) throw new Error("The mapping is used before it was prepared.");
        return `${objectGuid}@${target.initialDomain}`;
      },
      evaluate(record, options) {
        if (!target) throw new Error("The mapping is used before it was prepared.");
        const context = {
          job,
          byClass: flows.byClass,
          target,
          named: namedContext(job, flows.scope, names),
          now: deps.clock.now(),
          random: () => randomInteger(deps.random),
        };
        const evaluation = evaluateObject(context, record, options.creating);
        return withoutSecrets(evaluation, mapping.redactionOf(record.objectClass), record);
      },
      explainScope(record) {
        const explanation = explainObject(flows.byClass, namedContext(job, flows.scope, names), record);
        return explanation && clausesWithoutSecrets(explanation, mapping.redactionOf(record.objectClass), record);
      },
    };
    return mapping;
  };
}

interface Flows {
  readonly byClass: ReadonlyMap<string, ClassFlow>;
  readonly needs: JobMapping["needs"];
  readonly leftOut: JobMapping["leftOut"];
  readonly scope: ScopeNeeds;
}

function compileFlows(job: JobRow, schema: SynchronizationSchema): Flows {
  const parameters = {
    DomainFQDN: job.domainFqdn,
    DomainNetBios: job.domainNetBios,
    ForestFQDN: job.domainFqdn,
    ForestNetBios: job.domainNetBios,
    ConfigurationId: job.configurationId,
  };
  const byClass = new Map<string, ClassFlow>();
  const filters = new Map<string, ScopeFilter | null | undefined>();
  for (const [name, { mapping, targetName, holds }] of chooseMappings(schema, GRAPH_TARGETS).byClass) {
    if (!holds) {
      byClass.set(name, { targetName });
      continue;
    }
    const result = compileAttributeFlow(mapping, holds.table, parameters, {
      isSecret: secretNames(schema, targetName, job.settings.redact ?? []),
    });
    if (!result.ok) {
      const [first] = result.failures;
      throw new Error(
        `The schema of job ${job.jobId} (version ${job.schemaVersion}) no longer compiles: ${first?.attribute ?? name}: ${first?.message ?? ""}`,
      );
    }
    byClass.set(name, { targetName, type: holds.type, flow: result.flow });
    filters.set(name, mapping.scope);
  }
  const users = [...byClass.values()].filter((own) => own.type === "user");
  const engine = users.length > 0 && disablesExpired(job) ? [ACCOUNT_EXPIRES] : [];
  const mapped = [...byClass.values()].flatMap((own) => own.flow?.sourceAttributes ?? []);
  const attributes = [...new Set([...mapped, ...engine])].sort();
  const needs = withScopeNeeds({ attributes, objectClasses: [...byClass.keys()].sort() }, [...filters.values()]);
  const leftOut = [...byClass].flatMap(([objectClass, { targetName, flow }]) =>
    flow && flow.unsettable.length > 0 ? [{ objectClass, targetName, mappings: flow.unsettable }] : [],
  );
  return { byClass, leftOut, needs, scope: scopeNeedsOf(filters) };
}

function disablesExpired({ settings }: JobRow): boolean {
  return settings.lifecycle?.expiredAccounts === "disable";
}

function randomInteger(random: Random): number {
  return Buffer.from(random.bytes(4)).readUInt32LE(0);
}
