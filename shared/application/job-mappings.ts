/**
 * Makes a job's schema ready to run: compiles it once per job and version, with the target's domains at hand.
 *
 * Version 1 is the default user schema; later versions lie in blobs and are never changed. A mapping that no longer
 * compiles is a defect: schemas are checked when they are stored.
 */
import { createHash } from "node:crypto";
import { type AttributeFlow, compileAttributeFlow, type FlowResult } from "../domain/attribute-flow.ts";
import { defaultUserSchema } from "../domain/default-user-schema.ts";
import { GRAPH_USER_TARGET } from "../domain/graph-target.ts";
import type { ObjectRecord } from "../domain/object-record.ts";
import { attributeReader } from "../domain/source-object.ts";
import type { SynchronizationSchema } from "../domain/synchronization-schema.ts";
import { isNested, type TargetValues } from "../domain/target-value.ts";
import { settleSuffix } from "../domain/user-principal-name.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock, Random } from "../ports/clock.ts";
import type { TargetDescription, TargetDirectory } from "../ports/target-directory.ts";
import type { Evaluation, JobMapping, JobMappings, MappingWarning } from "./job-mapping.ts";
import type { JobRow } from "./state/job-rows.ts";
import { gunzipJson } from "./state/packing.ts";

/** The target's verified domains are looked up again after this long. */
const DESCRIPTION_MS = 300_000;

const CONTAINER_CLASSES: readonly string[] = ["organizationalUnit", "container", "builtinDomain", "domainDNS"];

export function schemaPath(jobId: string, version: number): string {
  return `schemas/${jobId}/${version}.json.gz`;
}

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
    const stored = await deps.blobs.get(schemaPath(job.jobId, job.schemaVersion));
    if (stored) return gunzipJson<SynchronizationSchema>(stored);
    if (job.schemaVersion === 1) return defaultUserSchema();
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
      prepare: async () => {
        target = await describe();
      },
      parkedName(objectGuid) {
        if (!target) throw new Error("The mapping is used before it was prepared.");
        return `${objectGuid}@${target.initialDomain}`;
      },
      evaluate(record, options) {
        if (!target) throw new Error("The mapping is used before it was prepared.");
        return evaluate(
          { job, flows, target, now: deps.clock.now(), random: () => randomInteger(deps.random) },
          record,
          options.creating,
        );
      },
    };
    return mapping;
  };
}

interface Flows {
  readonly byClass: ReadonlyMap<string, AttributeFlow>;
  readonly needs: JobMapping["needs"];
}

function compileFlows(job: JobRow, schema: SynchronizationSchema): Flows {
  const parameters = {
    DomainFQDN: job.domainFqdn,
    DomainNetBios: job.domainNetBios,
    ForestFQDN: job.domainFqdn,
    ForestNetBios: job.domainNetBios,
  };
  const byClass = new Map<string, AttributeFlow>();
  for (const mapping of schema.synchronizationRules.flatMap((rule) => rule.objectMappings)) {
    const name = mapping.sourceObjectName;
    if (!name || mapping.enabled === false) continue;
    const result = compileAttributeFlow(mapping, GRAPH_USER_TARGET, parameters);
    if (!result.ok) {
      const [first] = result.failures;
      throw new Error(
        `The schema of job ${job.jobId} (version ${job.schemaVersion}) no longer compiles: ${first?.attribute ?? name}: ${first?.message ?? ""}`,
      );
    }
    byClass.set(name, result.flow);
  }
  const attributes = [...new Set([...byClass.values()].flatMap((flow) => flow.sourceAttributes))].sort();
  const objectClasses = [...byClass.keys()].sort();
  const attributeSetHash = createHash("sha256")
    .update(JSON.stringify([attributes, objectClasses]))
    .digest("base64url");
  return { byClass, needs: { attributes, attributeSetHash, objectClasses } };
}

interface EvaluationContext {
  readonly job: JobRow;
  readonly flows: Flows;
  readonly target: TargetDescription;
  readonly now: number;
  readonly random: () => number;
}

function evaluate(context: EvaluationContext, record: ObjectRecord, creating: boolean): Evaluation {
  if (record.state !== "live") return { kind: "absent", scope: scopeOfState(record), because: scopeOfState(record) };
  const flow = context.flows.byClass.get(record.objectClass);
  if (!flow) {
    const what = CONTAINER_CLASSES.includes(record.objectClass)
      ? "a container"
      : `class ${record.objectClass || "unknown"} has no mapping`;
    return { kind: "ignored", scope: what };
  }
  const source = { bag: record.image, dn: record.dn, objectGuid: record.objectGuid };
  const verdict = flow.scope.evaluate(attributeReader(source));
  if (!verdict.inScope) {
    // An input filter keeps an object from being taken up; one that has a link already is left as it is.
    if (!verdict.mayRemove && record.link) return { kind: "ignored", scope: verdict.explanation };
    return { kind: "absent", scope: verdict.explanation, because: verdict.findings[0]?.clause ?? "scope" };
  }
  const result = flow.map({ ...source, creating, now: context.now, random: context.random });
  return settle(context, record, result, verdict.explanation, creating);
}

function scopeOfState(record: ObjectRecord): string {
  switch (record.state) {
    case "deleted":
      return "deleted in the directory";
    case "absent":
      return "not in a complete full read";
    case "left":
      return record.scope || "left the agent's part of the scope";
    case "live":
      return record.scope;
  }
}

function settle(
  context: EvaluationContext,
  record: ObjectRecord,
  result: FlowResult,
  scope: string,
  creating: boolean,
): Evaluation {
  const [failure] = result.failures;
  if (failure) {
    return {
      kind: "failed",
      scope,
      code: failure.code,
      message: `Attribute ${failure.attribute} of object ${record.objectGuid}: ${failure.message}`,
      remedy: "Mend the value in the directory, or the mapping.",
    };
  }
  const upn = result.values["userPrincipalName"];
  const immutableId = result.values["onPremisesImmutableId"];
  const mail = result.values["mail"];
  if (typeof upn !== "string" || typeof immutableId !== "string") {
    const missing = typeof upn === "string" ? "source anchor" : "user principal name";
    return {
      kind: "failed",
      scope,
      code: "MandatoryFieldsMissing",
      message: `Object ${record.objectGuid} has no ${missing}.`,
      remedy: "Give it one in the directory, or take it out of scope.",
    };
  }
  const suffix = settleSuffix(upn, context.target, context.job.settings.suffixPolicy);
  if (suffix.kind === "refused") {
    return {
      kind: "failed",
      scope,
      code: "InvalidDomain",
      message: `The UPN suffix '${suffix.suffix}' of object ${record.objectGuid} is not verified in the target.`,
      remedy: "Verify the domain there, or let the job replace unverified suffixes.",
    };
  }
  const warnings: MappingWarning[] = result.warnings.map((warning) => ({
    code: warning.code,
    message: `${warning.attribute}: ${warning.message}`,
  }));
  const stuck = result.uncleared.filter((property) => hasExported(record, property));
  if (stuck.length > 0)
    warnings.push({
      code: "AttributeNotCleared",
      message: `${stuck.join(", ")}: the directory has no value any more, and the target can't clear it; it keeps the old one.`,
    });
  if (suffix.kind === "replaced")
    warnings.push({
      code: "InvalidDomain",
      message: `The UPN suffix '${suffix.suffix}' is not verified in the target; ${context.target.initialDomain} stands in for it.`,
    });
  const values: TargetValues = withUsageLocation(
    { ...result.values, userPrincipalName: suffix.userPrincipalName },
    context.job,
    creating,
  );
  return {
    kind: "present",
    scope,
    values,
    identity: {
      immutableId,
      userPrincipalName: suffix.userPrincipalName,
      ...(typeof mail === "string" ? { mail } : {}),
    },
    creationOnly: result.forCreationOnly,
    warnings,
  };
}

/** `property` or `property.key`, as the flow names what can't be cleared. */
function hasExported(record: ObjectRecord, property: string): boolean {
  const [name = "", key] = property.split(".");
  const value = record.link?.exported[name];
  if (value === undefined || key === undefined) return value !== undefined;
  return isNested(value) && value[key] !== undefined;
}

function withUsageLocation(values: TargetValues, job: JobRow, creating: boolean): TargetValues {
  const fallback = job.settings.defaultUsageLocation;
  if (fallback === undefined || typeof values["usageLocation"] === "string" || !creating) return values;
  return { ...values, usageLocation: fallback };
}

function randomInteger(random: Random): number {
  return Buffer.from(random.bytes(4)).readUInt32LE(0);
}
