/**
 * Makes a job's schema ready to run: compiles it once per job and version, with the target's domains at hand.
 *
 * Version 1 is the default schema; later versions lie in blobs and are never changed. A mapping that no longer
 * compiles is a defect: schemas are checked when they are stored.
 */
import { createHash } from "node:crypto";
import { compileAttributeFlow } from "../domain/attribute-flow.ts";
import { GRAPH_TARGETS } from "../domain/graph-target.ts";
import { ALL_FLOWS, chooseMappings } from "../domain/object-flows.ts";
import type { SynchronizationSchema } from "../domain/synchronization-schema.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock, Random } from "../ports/clock.ts";
import type { TargetDescription, TargetDirectory } from "../ports/target-directory.ts";
import { type ClassFlow, evaluateObject } from "./evaluate-object.ts";
import type { JobMapping, JobMappings } from "./job-mapping.ts";
import { readSchema } from "./schema-store.ts";
import type { JobRow } from "./state/job-rows.ts";

/** The target's verified domains are looked up again after this long. */
const DESCRIPTION_MS = 300_000;

export function createJobMappings(deps: {
  readonly blobs: BlobStore;
  readonly target: TargetDirectory;
  readonly clock: Clock;
  readonly random: Random;
}): JobMappings {
  const compiled = new Map<string, Promise<Flows>>();
  let described: { readonly at: number; readonly description: Promise<TargetDescription> } | undefined;

  async function flowsOf(job: JobRow): Promise<Flows> {
    const key = `${job.jobId}:${job.schemaVersion}`;
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

  return async (job) => {
    const flows = await flowsOf(job);
    let target: TargetDescription | undefined;
    const mapping: JobMapping = {
      needs: flows.needs,
      schemaVersion: job.schemaVersion,
      leftOut: flows.leftOut,
      flowsOf(objectClass) {
        const own = flows.byClass.get(objectClass);
        return own && (own.flow?.objects ?? ALL_FLOWS);
      },
      prepare: async () => {
        target = await describe();
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
          now: deps.clock.now(),
          random: () => randomInteger(deps.random),
        };
        return evaluateObject(context, record, options.creating);
      },
    };
    return mapping;
  };
}

interface Flows {
  readonly byClass: ReadonlyMap<string, ClassFlow>;
  readonly needs: JobMapping["needs"];
  readonly leftOut: JobMapping["leftOut"];
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
  for (const [name, { mapping, targetName, holds }] of chooseMappings(schema, GRAPH_TARGETS).byClass) {
    if (!holds) {
      byClass.set(name, { targetName });
      continue;
    }
    const result = compileAttributeFlow(mapping, holds.table, parameters);
    if (!result.ok) {
      const [first] = result.failures;
      throw new Error(
        `The schema of job ${job.jobId} (version ${job.schemaVersion}) no longer compiles: ${first?.attribute ?? name}: ${first?.message ?? ""}`,
      );
    }
    byClass.set(name, { targetName, type: holds.type, flow: result.flow });
  }
  const attributes = [...new Set([...byClass.values()].flatMap((own) => own.flow?.sourceAttributes ?? []))].sort();
  const objectClasses = [...byClass.keys()].sort();
  const attributeSetHash = createHash("sha256")
    .update(JSON.stringify([attributes, objectClasses]))
    .digest("base64url");
  const leftOut = [...byClass].flatMap(([objectClass, { targetName, flow }]) =>
    flow && flow.unsettable.length > 0 ? [{ objectClass, targetName, mappings: flow.unsettable }] : [],
  );
  return { byClass, leftOut, needs: { attributes, attributeSetHash, objectClasses } };
}

function randomInteger(random: Random): number {
  return Buffer.from(random.bytes(4)).readUInt32LE(0);
}
