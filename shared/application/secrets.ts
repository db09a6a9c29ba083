/**
 * Keeps redacted values out of what is said of objects: explanations, failures and warnings. Which values those are is
 * decided in `domain/redaction.ts`; here it is applied to what mapping, matching and the target have to say.
 */
import type { ObjectRecord } from "../domain/object-record.ts";
import { type Redaction, redactText, redactTold, secretsOf } from "../domain/redaction.ts";
import type { ScopeExplanation } from "../domain/scope/verdict.ts";
import type { SynchronizationSchema } from "../domain/synchronization-schema.ts";
import { valuesOf } from "./export/export-records.ts";
import type { PlannedObject } from "./lanes/chunk-files.ts";
import type { Evaluation } from "./mapping/job-mapping.ts";

/** Names that the job lists, and attributes of the target object that the schema's directories call write-only. */
export function secretNames(
  { directories }: SynchronizationSchema,
  targetName: string,
  listed: readonly string[],
): (name: string) => boolean {
  const writeOnly = (directories ?? [])
    .flatMap(({ objects }) => objects ?? [])
    .filter(({ name }) => name === targetName)
    .flatMap(({ attributes }) => attributes ?? [])
    .flatMap(({ name, mutability }) => (name && mutability?.toLowerCase() === "writeonly" ? [name] : []));
  const secret = new Set([...listed, ...writeOnly].map((name) => name.toLowerCase()));
  return (name) => secret.has(name.toLowerCase());
}

/** What the mapping says of an object. Values stay: they are what is to be exported. */
export function withoutSecrets(evaluation: Evaluation, redaction: Redaction, record: ObjectRecord): Evaluation {
  if (redaction.properties.length === 0) return evaluation;
  const values = evaluation.kind === "present" ? evaluation.values : {};
  const secrets = secretsOf(redaction, record.image, values, record.link?.exported ?? {});
  const scope = redactText(evaluation.scope, secrets);
  if (evaluation.kind === "failed") return { ...evaluation, scope, message: redactText(evaluation.message, secrets) };
  if (evaluation.kind !== "present") return { ...evaluation, scope };
  const warnings = evaluation.warnings.map((own) => redactTold(own, redaction.properties, secrets));
  return { ...evaluation, scope, warnings };
}

/** What each clause of its scope says, and what it saw. */
export function clausesWithoutSecrets(
  explanation: ScopeExplanation,
  redaction: Redaction,
  record: ObjectRecord,
): ScopeExplanation {
  const secrets = secretsOf(redaction, record.image, record.link?.exported ?? {});
  if (secrets.length === 0) return explanation;
  const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value), (_key, own) => textWithout(own)) as T;
  const textWithout = (own: unknown) => (typeof own === "string" ? redactText(own, secrets) : own);
  return plain(explanation);
}

/** What matching and claims say of it; and the plan knows from here on what of it is redacted. */
export function withoutPlannedSecrets(planned: PlannedObject, redaction: Redaction): PlannedObject {
  const { properties } = redaction;
  if (properties.length === 0) return planned;
  const secrets = plannedSecrets(planned, redaction);
  const { failure } = planned;
  return {
    ...planned,
    redacted: properties,
    warnings: planned.warnings.map((own) => redactTold(own, properties, secrets)),
    ...(failure ? { failure: redactTold(failure, properties, secrets) } : {}),
  };
}

/** What the target says of it. */
export function redactAnswer<T extends { readonly message: string; readonly properties?: readonly string[] }>(
  planned: PlannedObject,
  told: T,
): T {
  const properties = planned.redacted ?? [];
  if (properties.length === 0) return told;
  return redactTold(told, properties, plannedSecrets(planned, { properties, attributes: [] }));
}

function plannedSecrets({ action, record }: PlannedObject, redaction: Redaction): string[] {
  return secretsOf(redaction, record.image, valuesOf(action), record.link?.exported ?? {});
}
