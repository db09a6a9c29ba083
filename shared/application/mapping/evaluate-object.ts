/**
 * What the target should hold for one object: scope first, then the flow of its class, then what its type needs beside
 * that (a user's name with a verified suffix, a group's unique name, references by the GUIDs that they go to).
 *
 * A class whose mapping has a target that Microsoft Graph can't hold is filtered, and says so. An object whose class
 * changed from one type of target object to another is refused: its target object can't change.
 */

import { expiryOf } from "../../domain/account-expiry.ts";
import { defaultAlias } from "../../domain/attribute-flow/convert.ts";
import { type FlowRules, NO_RULES } from "../../domain/attribute-flow/flow-types.ts";
import type { ReferenceFlow } from "../../domain/attribute-flow/mappings.ts";
import type { AttributeFlow, FlowResult } from "../../domain/attribute-flow.ts";
import { readNoOf } from "../../domain/change-version.ts";
import { textOf } from "../../domain/expression/value.ts";
import { isDisabledAtSource } from "../../domain/hand-over.ts";
import { fateOf } from "../../domain/lifecycle.ts";
import { ALL_FLOWS } from "../../domain/object-flows.ts";
import { type ObjectRecord, typeOfLink } from "../../domain/object-record.ts";
import { askRecord } from "../../domain/scope/places.ts";
import type { ScopeExplanation } from "../../domain/scope/verdict.ts";
import { attributeReader, type ReadAttribute } from "../../domain/source-object.ts";
import type { TargetType } from "../../domain/target-table.ts";
import { isNested, type TargetValues } from "../../domain/target-value.ts";
import { settleSuffix } from "../../domain/user-principal-name.ts";
import { isGuid } from "../../domain/values.ts";
import type { TargetDescription } from "../../ports/target-directory.ts";
import type { JobRow } from "../state/job-rows.ts";
import { failed, mappingFailure, outdatedImage, scopeFailure, typeFailure } from "./evaluation-failures.ts";
import type { Evaluation, MappingWarning, TargetIdentity } from "./job-mapping.ts";

export const TARGET_CANNOT_HOLD = "target-cannot-hold";
const JOB_EMPTYING = "job-emptying";
const EMPTYING_SCOPE = "Its job is being deleted, and the job's objects with it.";
/** Nobody knows yet whether it is in scope. */
const SCOPE_UNDECIDED = "scope-undecided";

const CONTAINER_CLASSES: readonly string[] = ["organizationalUnit", "container", "builtinDomain", "domainDNS"];

/** How a class is mapped; without a flow: to something that the target can't hold. */
export type ClassFlow =
  | { readonly targetName: string; readonly type: TargetType; readonly flow: AttributeFlow }
  | { readonly targetName: string; readonly type?: undefined; readonly flow?: undefined };

export interface EvaluationContext {
  readonly job: JobRow;
  readonly byClass: ReadonlyMap<string, ClassFlow>;
  readonly target: TargetDescription;
  /** What scopes name by objectGUID; absent: nothing. */
  readonly named?: NamedContext;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly random: () => number;
}

/** The units and groups that scopes name, as far as the answer about an object depends on them. */
export interface NamedContext {
  /** A digest of them. */
  readonly of: string;
  /** Of them, those that aren't in the directory as far as is known. */
  readonly missing: ReadonlySet<string>;
  readonly nameOf?: (guid: string) => string | undefined;
}

const NOTHING_NAMED: NamedContext = { of: "", missing: new Set() };

export function evaluateObject(context: EvaluationContext, record: ObjectRecord, creating: boolean): Evaluation {
  const own = context.byClass.get(record.objectClass);
  const flows = own?.flow?.objects ?? ALL_FLOWS;
  const fate = fateOf(context.job.settings.lifecycle?.outOfScope, record.state, own?.type ?? record.link?.type);
  // Whatever is said of it: what its class brought to the target goes.
  if (own && context.job.emptying)
    return { kind: "absent", scope: EMPTYING_SCOPE, because: JOB_EMPTYING, fate: "delete", flows };
  // A class that isn't mapped any more: what it brought to the target stays.
  const isLeftAlone = !own && record.objectClass !== "" && isLinked(record);
  if (record.state !== "live" && !isLeftAlone) {
    const scope = scopeOfState(record);
    return { kind: "absent", scope, because: scope, fate, flows };
  }
  if (!own) {
    const what = CONTAINER_CLASSES.includes(record.objectClass)
      ? "a container"
      : `class ${record.objectClass || "unknown"} has no mapping`;
    return { kind: "ignored", scope: what };
  }
  if (!own.flow) {
    const scope = `Microsoft Graph can't hold a ${own.targetName}.`;
    if (isLinked(record)) return typeFailure(record, own.targetName, scope);
    return { kind: "absent", scope, because: TARGET_CANNOT_HOLD };
  }
  // What the schema asks for may be missing in it, and would be taken for empty.
  if (readNoOf(record.version) < (context.job.mappedSchemaRead ?? 0)) return outdatedImage(record);
  const source = { bag: record.image, dn: record.dn, objectGuid: record.objectGuid };
  const read = attributeReader(source);
  const { named = NOTHING_NAMED } = context;
  const { nameOf } = named;
  const facts = askRecord(record, named);
  const verdict = own.flow.scope.evaluate(read, nameOf ? { ...facts, nameOf } : facts);
  if (verdict.failure) {
    if (verdict.failure.code !== "unknown") return scopeFailure(record, verdict);
    // Whatever may stand in the target for it stays as it is.
    if (record.link || record.mark) return { kind: "ignored", scope: verdict.explanation, undecided: true };
    return { kind: "absent", scope: verdict.explanation, because: SCOPE_UNDECIDED, undecided: true };
  }
  if (!verdict.inScope) {
    // An input filter keeps an object from being taken up; one that has a link already is left as it is.
    if (!verdict.mayRemove && record.link) return { kind: "ignored", scope: verdict.explanation };
    const scope = own.type === "group" ? explained(verdict.explanation, read) : verdict.explanation;
    return { kind: "absent", scope, because: verdict.findings[0]?.clause ?? "scope", fate, flows };
  }
  if (record.link && typeOfLink(record.link) !== own.type)
    return typeFailure(record, own.targetName, verdict.explanation);
  const input = { ...source, read, now: context.now, random: context.random };
  const mapped: Mapped = {
    record,
    scope: verdict.explanation,
    creating,
    read,
    result: own.flow.map({ ...input, creating }),
    flow: own.flow,
  };
  const failure = mappingFailure(record, mapped.scope, mapped.result.failures, own.flow.redaction.properties);
  if (failure) return failure;
  if (own.type === "user") return settleUser(context, withNecessities(mapped, {}));
  const flow = own.flow;
  // What else could they be: Microsoft Graph makes plain security groups only.
  const plain = withNecessities(mapped, { mailEnabled: false, securityEnabled: true });
  return settleGroup(context, plain, () => flow.map({ ...input, creating: true }).values["uniqueName"]);
}

/** What each clause says of a live object, by the filter and the facts that `evaluateObject` goes by. */
export function explainObject(
  byClass: ReadonlyMap<string, ClassFlow>,
  named: NamedContext,
  record: ObjectRecord,
): ScopeExplanation | undefined {
  const flow = byClass.get(record.objectClass)?.flow;
  if (!flow || record.state !== "live") return undefined;
  const { image: bag, dn, objectGuid } = record;
  const facts = askRecord(record, named);
  const { nameOf } = named;
  return flow.scope.explain(attributeReader({ bag, dn, objectGuid }), nameOf ? { ...facts, nameOf } : facts);
}

const MAIL_NICKNAME_LENGTH = 64;

interface Mapped {
  readonly record: ObjectRecord;
  readonly scope: string;
  readonly creating: boolean;
  readonly read: ReadAttribute;
  readonly result: FlowResult;
  readonly flow: AttributeFlow;
}

/** What the target wants of a new object and a schema doesn't map: a tenant's own engine adds the same by itself. */
function withNecessities(mapped: Mapped, fixed: TargetValues): Mapped {
  const { creating, record, result } = mapped;
  if (!creating) return mapped;
  const upn = result.values["userPrincipalName"];
  const mailNickname = defaultAlias(typeof upn === "string" ? upn : "", record.objectGuid, MAIL_NICKNAME_LENGTH);
  const added = Object.entries({ ...fixed, mailNickname }).filter(([name]) => result.values[name] === undefined);
  if (added.length === 0) return mapped;
  return {
    ...mapped,
    result: {
      ...result,
      values: { ...result.values, ...Object.fromEntries(added) },
      forCreationOnly: [...result.forCreationOnly, ...added.map(([name]) => name)],
    },
  };
}

function isLinked({ link }: ObjectRecord): boolean {
  return link !== undefined && link.deletedAt === undefined;
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

/** The clause says it in numbers only. */
function explained(explanation: string, read: ReadAttribute): string {
  const groupType = Number(textOf(read("groupType")) ?? "0");
  const isSecurity = (groupType & 0x80000000) !== 0;
  return isSecurity ? explanation : `${explanation} Microsoft Graph makes no distribution groups.`;
}

function settleUser(context: EvaluationContext, mapped: Mapped): Evaluation {
  const { record, result, scope } = mapped;
  const upn = result.values["userPrincipalName"];
  const immutableId = result.values["onPremisesImmutableId"];
  const mail = result.values["mail"];
  if (typeof upn !== "string" || typeof immutableId !== "string") {
    const missing = typeof upn === "string" ? "source anchor" : "user principal name";
    return failed(
      scope,
      "MandatoryFieldsMissing",
      `Object ${record.objectGuid} has no ${missing}.`,
      "Give it one in the directory, or take it out of scope.",
    );
  }
  const suffix = settleSuffix(upn, context.target, context.job.settings.suffixPolicy);
  if (suffix.kind === "refused") {
    return failed(
      scope,
      "InvalidDomain",
      `The UPN suffix '${suffix.suffix}' of object ${record.objectGuid} is not verified in the target.`,
      "Verify the domain there, or let the job replace unverified suffixes.",
    );
  }
  const warnings = warningsOf(mapped);
  if (suffix.kind === "replaced")
    warnings.push({
      code: "InvalidDomain",
      message: `The UPN suffix '${suffix.suffix}' is not verified in the target; ${context.target.initialDomain} stands in for it.`,
    });
  const replaced = suffix.kind === "replaced" ? { userPrincipalName: suffix.userPrincipalName } : {};
  const { expiresAt, ...ended } = expired(context, mapped);
  const values = { ...replaced, ...usageLocationOf(mapped, context.job), ...enabledAgain(mapped), ...ended };
  const identity: TargetIdentity = {
    type: "user",
    immutableId,
    userPrincipalName: suffix.userPrincipalName,
    ...(typeof mail === "string" ? { mail } : {}),
    ...(result.primaryAddress === undefined ? {} : { address: result.primaryAddress }),
  };
  const { defaultUsageLocation } = context.job.settings;
  const defaults = defaultUsageLocation === undefined ? {} : { usageLocation: defaultUsageLocation };
  const evaluation = present(mapped, identity, values, warnings, defaults);
  return expiresAt === undefined || evaluation.kind !== "present" ? evaluation : { ...evaluation, expiresAt };
}

/** Whose account has expired is disabled, where the job goes by that; whose will, is looked at again then. */
function expired(
  { job, now }: EvaluationContext,
  { record, result }: Mapped,
): { readonly expiresAt?: number; readonly accountEnabled?: false } {
  if (job.settings.lifecycle?.expiredAccounts !== "disable" || result.values["accountEnabled"] === undefined) return {};
  const expiresAt = expiryOf(record.image);
  if (expiresAt === undefined) return {};
  return expiresAt > now ? { expiresAt } : { accountEnabled: false };
}

/** `mapName` is what the mapping gives a new object. */
function settleGroup(context: EvaluationContext, mapped: Mapped, mapName: () => unknown): Evaluation {
  const { record, result, creating, read } = mapped;
  const names = [result.values["uniqueName"], record.link?.exported["uniqueName"]];
  const known = names.find((name) => typeof name === "string") ?? mapName();
  // A mapping may leave it out; without it a lost create could not be found again.
  const uniqueName = typeof known === "string" ? known : `uplink-${context.job.configurationId}-${record.objectGuid}`;
  const warnings = warningsOf(mapped);
  if (read("mail") !== null || read("proxyAddresses") !== null)
    warnings.push({
      code: "ValueLeftOut",
      message: "Mail: the group has a mail address; Microsoft Graph makes plain security groups only, without one.",
    });
  return present(mapped, { type: "group", uniqueName }, creating ? { uniqueName } : {}, warnings);
}

/** `settled` is what stands in for the mapping's values, or beside them. */
function present(
  { record, result, scope, read, flow }: Mapped,
  identity: TargetIdentity,
  settled: TargetValues,
  warnings: readonly MappingWarning[],
  defaults: FlowRules["defaults"] = {},
): Evaluation {
  const references: Record<string, string> = {};
  const empty: Record<string, null> = {};
  const creationOnly = [...result.forCreationOnly];
  for (const { property, sourceAttribute, isList, flowType } of result.references) {
    if (isList) continue;
    if (flowType !== undefined && flowType !== "ValueAddOnly") creationOnly.push(property);
    if (!mayRefer(record, property, flowType)) continue;
    const referee = textOf(read(sourceAttribute))?.toLowerCase();
    // Nobody is his own manager in the target.
    if (referee === undefined || referee === record.objectGuid) {
      if (flowType === undefined) empty[property] = null;
    } else if (isGuid(referee)) references[property] = referee;
  }
  const changed = { ...settled, ...empty };
  // The mapping's values are most often taken as they are, and have many names.
  const values = Object.keys(changed).length === 0 ? result.values : { ...result.values, ...changed };
  if (values["uniqueName"] !== undefined) creationOnly.push("uniqueName");
  const rules = withDefaults(flow.rules, defaults);
  return {
    kind: "present",
    scope,
    values,
    identity,
    references,
    creationOnly: [...new Set(creationOnly)],
    ...(rules ? { rules } : {}),
    flows: flow.objects,
    warnings,
  };
}

/** Whether a reference may be set or changed, by its flow type. */
function mayRefer({ link }: ObjectRecord, property: string, flowType: ReferenceFlow["flowType"]): boolean {
  if (!link || flowType === undefined || flowType === "ValueAddOnly") return true;
  return flowType !== "ObjectAddOnly" && link.origin === "created" && link.exported[property] === undefined;
}

/** What the job gives new objects, beside what the mappings do. */
function withDefaults(rules: FlowRules | undefined, defaults: FlowRules["defaults"]): FlowRules | undefined {
  if (Object.keys(defaults).length === 0) return rules;
  return { ...NO_RULES, ...rules, defaults: { ...defaults, ...rules?.defaults } };
}

function warningsOf({ record, result }: Mapped): MappingWarning[] {
  const warnings: MappingWarning[] = result.warnings.map((warning) => ({
    code: warning.code,
    message: `${warning.attribute}: ${warning.message}`,
  }));
  const stuck = result.uncleared.filter((property) => hasExported(record, property) && !isOurOwn(record, property));
  if (stuck.length > 0)
    warnings.push({
      code: "AttributeNotCleared",
      message: `${stuck.join(", ")}: the directory has no value any more, and the target can't clear it; it keeps the old one.`,
    });
  return warnings;
}

/** A nickname that was made up at creation never was the directory's to empty. */
function isOurOwn({ objectGuid, link }: ObjectRecord, property: string): boolean {
  const { mailNickname, userPrincipalName = "" } = link?.exported ?? {};
  if (property !== "mailNickname" || typeof mailNickname !== "string") return false;
  return mailNickname === defaultAlias(String(userPrincipalName), objectGuid, mailNickname.length);
}

/** `property` or `property.key`, as the flow names what can't be cleared. */
function hasExported(record: ObjectRecord, property: string): boolean {
  const [name = "", key] = property.split(".");
  const value = record.link?.exported[name];
  if (value === undefined || key === undefined) return value !== undefined;
  return isNested(value) && value[key] !== undefined;
}

/** We disabled it while it was out of scope, and no mapping says what it is to be now that it is back. */
function enabledAgain({ record, result }: Mapped): TargetValues {
  const isOurs = record.fate === "disable" && record.link?.exported["accountEnabled"] === false;
  return isOurs && result.values["accountEnabled"] === undefined ? { accountEnabled: !isDisabledAtSource(record) } : {};
}

/** The job's, for somebody new without one. */
function usageLocationOf({ result, creating }: Mapped, job: JobRow): TargetValues {
  const fallback = job.settings.defaultUsageLocation;
  if (fallback === undefined || typeof result.values["usageLocation"] === "string" || !creating) return {};
  return { usageLocation: fallback };
}
