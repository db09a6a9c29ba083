/**
 * The work that the bench of the mapping measures: what the map activity does for one object, by the functions that it
 * calls, on objects of the generated directory; and the yardstick beside it.
 *
 * `map` is scope, attribute flow, the plan (difference to what was exported) and a hash of the values in one form,
 * by which two processes can compare what they made of an object. A quarter of the objects are new, of the others every
 * fifth has a change. The yardstick reads and writes the same objects as JSON.
 */
import { hash, randomBytes } from "node:crypto";
import { createMemoryBlobStore } from "../shared/adapters/memory/blob-store.ts";
import { createMemoryTargetDirectory } from "../shared/adapters/memory/target-directory.ts";
import type { JobMapping } from "../shared/application/mapping/job-mapping.ts";
import { createJobMappings } from "../shared/application/mapping/job-mappings.ts";
import { desiredOf } from "../shared/application/mapping/missing-names.ts";
import type { JobRow } from "../shared/application/state/job-rows.ts";
import { JobSettings } from "../shared/contracts/configuration.ts";
import { NO_VERSION } from "../shared/domain/change-version.ts";
import type { ObjectRecord } from "../shared/domain/object-record.ts";
import { planObject, withoutNulls } from "../shared/domain/plan.ts";
import type { TargetValue, TargetValues } from "../shared/domain/target-value.ts";
import { AD_DOMAIN, type AdObject } from "./ad-objects.ts";

/** A Monday; nothing of the mapping depends on it but functions such as Now. */
export const NOW = Date.UTC(2024, 0, 1);

export const BENCH_JOB: JobRow = {
  jobId: "bench",
  configurationId: "bench",
  displayName: "Bench",
  targetKey: "bench",
  state: "active",
  domainFqdn: AD_DOMAIN.fqdn,
  domainNetBios: AD_DOMAIN.netBios,
  schemaVersion: 1,
  scopeVersion: 1,
  settings: JobSettings.parse({ signIn: "federated" }),
  createdAt: 0,
  fullReadWanted: null,
  fullReadWantedAt: 0,
  lastFullReadAt: null,
  steadyStateAt: 0,
  lastScheduledAt: null,
};

/** The default schema, compiled as a service does that has just started. */
export async function compileDefaultSchema(): Promise<JobMapping> {
  const mappings = createJobMappings({
    blobs: createMemoryBlobStore(),
    target: createMemoryTargetDirectory({ verifiedDomains: ["contoso.example"] }),
    clock: { now: () => NOW },
    random: { bytes: (count) => randomBytes(count) },
  });
  return mappings(BENCH_JOB);
}

export async function preparedMapping(): Promise<JobMapping> {
  const mapping = await compileDefaultSchema();
  await mapping.prepare();
  return mapping;
}

/** The object as the service knows it, without a link. */
export function recordOf(object: AdObject): ObjectRecord {
  return {
    configurationId: BENCH_JOB.configurationId,
    objectGuid: object.objectGuid,
    objectClass: object.objectClass,
    dn: object.dn,
    image: object.attributes,
    state: "live",
    version: NO_VERSION,
    scope: "",
  };
}

/** The same, with what an export has left: for three of four, and every fifth of them not up to date. */
export function knownRecordOf(mapping: JobMapping, object: AdObject, index: number): ObjectRecord {
  const record = recordOf(object);
  const made = mapping.evaluate(record, { creating: true });
  if (index % 4 === 0 || made.kind !== "present") return record;
  const exported = withoutNulls(made.values);
  const before: TargetValues =
    index % 5 === 0 ? { ...exported, jobTitle: "Trainee", displayName: "New here" } : exported;
  const type = made.identity.type;
  return {
    ...record,
    link: { targetId: record.objectGuid, owner: BENCH_JOB.configurationId, origin: "created", type, exported: before },
  };
}

/** Scope, flow, difference and hash of one object. The hash comes back; "" for an object that is not to be there. */
export function mapOne(mapping: JobMapping, record: ObjectRecord): string {
  const evaluation = mapping.evaluate(record, { creating: record.link === undefined });
  if (evaluation.kind === "failed" || evaluation.kind === "ignored") return "";
  planObject(record, desiredOf(evaluation), { allow: [], now: NOW });
  return evaluation.kind === "present" ? hashOf(evaluation.values) : "";
}

/** SHA-256 of the values in one form: by name, each value behind its type and length. */
export function hashOf(values: TargetValues): string {
  return hash("sha256", written(values), "base64url");
}

function written(value: TargetValue | TargetValues): string {
  if (typeof value === "string") return `s${value.length}:${value}`;
  if (value === null || typeof value === "boolean") return String(value);
  if (isList(value)) return `l${value.length}:${value.map(written).join("")}`;
  let text = "o";
  for (const name of Object.keys(value).sort()) text += `${name.length}:${name}${written(value[name] ?? null)}`;
  return `${text}.`;
}

const isList = (value: TargetValue | TargetValues): value is readonly string[] => Array.isArray(value);
