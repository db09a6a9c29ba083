/**
 * Every fault of a schema in one run: where it is, what it is, and what to do.
 *
 * Errors keep a job from starting; warnings say what won't happen: mappings and objects that the target can't hold,
 * patterns that match nothing, matching that this engine does another way. A schema exported from a tenant has warnings
 * and no errors. A schema without errors compiles: whatever the compiler of flows refuses is reported here too.
 */

import { ACTIVE_DIRECTORY } from "./active-directory.ts";
import { warningOfOrder } from "./attribute-flow/mapping-warnings.ts";
import { compileMappings } from "./attribute-flow/mappings.ts";
import { type AttributeDefinition, type ObjectDefinition, objectDefinition } from "./object-definition.ts";
import { type ChosenMappings, chooseMappings, objectFlowsOf } from "./object-flows.ts";
import { type AttributeCheck, checkAttributeMappings } from "./schema-check/attribute-mappings.ts";
import { createReporter, type Reporter, type SchemaFinding } from "./schema-check/finding.ts";
import { checkRuleFilters } from "./schema-check/rule-filters.ts";
import { checkScope } from "./schema-check/scope.ts";
import type { ObjectMapping, SynchronizationRule, SynchronizationSchema } from "./synchronization-schema.ts";
import { GRAPH, type Target } from "./targets.ts";

export type { SchemaFinding } from "./schema-check/finding.ts";

/** The parameters that every job has. */
export const JOB_PARAMETERS: readonly string[] = [
  "DomainFQDN",
  "DomainNetBios",
  "ForestFQDN",
  "ForestNetBios",
  "ConfigurationId",
];

export interface SchemaCheckOptions {
  /** Microsoft Graph when left out. */
  readonly target?: Target;
  /** Directory roles that the target's app holds. */
  readonly roles?: readonly string[];
  readonly parameters?: readonly string[];
}

interface Context {
  readonly schema: SynchronizationSchema;
  readonly target: Target;
  readonly roles: readonly string[];
  readonly parameters: readonly string[];
  readonly findings: SchemaFinding[];
  /** Enabled, and not the first of their class. */
  readonly unused: ChosenMappings["unused"];
  /** Enabled, and something that the target can hold. */
  readonly held: ObjectMapping[];
}

/** Findings in the order of the schema. */
export function checkSchema(schema: SynchronizationSchema, options: SchemaCheckOptions = {}): readonly SchemaFinding[] {
  const { target = GRAPH, roles = [], parameters = JOB_PARAMETERS } = options;
  const findings: SchemaFinding[] = [];
  const { unused } = chooseMappings(schema, target.objects);
  const context: Context = { schema, target, roles, parameters, findings, unused, held: [] };
  for (const [index, rule] of schema.synchronizationRules.entries())
    checkRule(rule, `synchronizationRules[${index}]`, context);
  if (context.held.length === 0) {
    createReporter(findings, { objectMapping: null, path: "synchronizationRules" }).error({
      code: "nothing-to-do",
      message: `No object mapping is enabled that ${target.label} can hold.`,
      remedy: `Enable one; ${target.label} holds ${[...target.objects.keys()].join(", ")}.`,
    });
  }
  return findings;
}

export function hasErrors(findings: readonly SchemaFinding[]): boolean {
  return findings.some((finding) => finding.severity === "error");
}

const CLOUD_DIRECTORY = /\b(?:azure|entra)\b/i;

function checkRule(rule: SynchronizationRule, path: string, context: Context): void {
  const report = createReporter(context.findings, { objectMapping: null, path });
  const name = rule.name || path;
  if (CLOUD_DIRECTORY.test(rule.sourceDirectoryName ?? "")) {
    report.error({
      code: "direction",
      message: `Rule ${name} goes from ${rule.sourceDirectoryName} to ${rule.targetDirectoryName ?? "another directory"}; a job here reads Active Directory.`,
      remedy: "Export the schema of the job that goes from Active Directory to the cloud.",
    });
    return;
  }
  if (rule.objectMappings.some(({ enabled }) => enabled !== false)) checkRuleFilters(rule, path, report);
  for (const [index, mapping] of rule.objectMappings.entries()) {
    if (mapping.enabled !== false) checkObjectMapping(mapping, `${path}.objectMappings[${index}]`, context);
  }
}

function checkObjectMapping(mapping: ObjectMapping, path: string, context: Context): void {
  const { target, findings } = context;
  const objectMapping = nameOfMapping(mapping);
  const report = createReporter(findings, { objectMapping, path });
  const className = mapping.sourceObjectName ?? "";
  const held = target.objects.get(mapping.targetObjectName ?? "User");
  checkFlowTypes(mapping, report);
  if (!held) {
    report.warn({
      code: "target-cannot-hold",
      message: `${target.label} can't hold a ${mapping.targetObjectName}; objects of class ${className || "(none)"} are read and filtered.`,
      remedy: "Nothing needs to be done. Disable the mapping to have them not read at all.",
    });
    return;
  }
  context.held.push(mapping);
  const clash = context.unused.find((one) => one.mapping === mapping);
  if (clash) {
    report.error({
      code: "duplicate-class",
      message: `Class ${className} is mapped twice, and an object has one target object.`,
      remedy: "Disable one of the object mappings.",
    });
  }
  const source = className === "" ? undefined : definitionOf(context.schema, className);
  if (className === "") {
    report.error({
      code: "no-source-class",
      message: "The object mapping names no class to read.",
      remedy: "Name one.",
    });
  } else if (!source) {
    report.error({
      code: "unknown-class",
      message: `Neither the schema's directories nor Active Directory know a class '${className}'.`,
      remedy: "Correct the name, or define the class in directories.",
    });
  }
  const check: AttributeCheck = {
    table: held.table,
    targetLabel: target.label,
    roles: context.roles,
    source,
    parameters: new Set(context.parameters),
  };
  const own = checkAttributeMappings(mapping, check, { objectMapping, path });
  findings.push(...own);
  checkRequired(mapping, check, report);
  checkScope(mapping.scope, `${path}.scope`, report);
  addWhatCompilerSays(mapping, check, own, { objectMapping, path, findings });
}

export function nameOfMapping({ sourceObjectName, targetObjectName }: ObjectMapping): string {
  return `${sourceObjectName || "(none)"} → ${targetObjectName || "User"}`;
}

function checkFlowTypes({ flowTypes }: ObjectMapping, report: Reporter): void {
  const { flows, unknown } = objectFlowsOf(flowTypes);
  if (unknown.length > 0) {
    report.error({
      code: "flow-types",
      message: `The object mapping's flowTypes name ${unknown.map((name) => `'${name}'`).join(", ")}.`,
      remedy: "List some of Add, Update, Delete.",
    });
  } else if (!(flows.adds || flows.updates || flows.deletes)) {
    const remedy = "List some of Add, Update, Delete, or disable the mapping.";
    report.warn({ code: "flow-types", message: "The object mapping's flowTypes switch everything off.", remedy });
  }
}

/** What the engine gives a new object that its mapping gives nothing. */
const FILLED_IN: readonly string[] = ["mailNickname", "mailEnabled", "securityEnabled"];

function checkRequired(mapping: ObjectMapping, check: AttributeCheck, report: Reporter): void {
  const creates = objectFlowsOf(mapping.flowTypes).flows.adds;
  const mapped = new Set(mapping.attributeMappings.map((one) => one.targetAttributeName));
  for (const [targetAttribute, entry] of check.table) {
    if ("notSettable" in entry || mapped.has(targetAttribute)) continue;
    // A user is known by these two at every step; what else is required is wanted by a creation only.
    const isIdentity = entry.type === "anchor" || entry.property === "userPrincipalName";
    if (!isIdentity && !(entry.required && creates)) continue;
    if (FILLED_IN.includes(entry.property)) {
      report.warn({
        code: "missing-target",
        targetAttribute,
        message: `Nothing is mapped to ${targetAttribute}, and ${check.targetLabel} makes no object without: new objects get a value of the engine's own.`,
        remedy: "Nothing needs to be done if that is as well.",
      });
      continue;
    }
    report.error({
      code: "missing-target",
      targetAttribute,
      message: `${check.targetLabel} makes no object without ${entry.property}, and nothing is mapped to ${targetAttribute}.`,
      remedy: `Map something to ${targetAttribute}; the default schema shows what (uplink schema export --default).`,
    });
  }
}

/** A schema that was found sound must compile: what isn't looked at above is said in the compiler's words. */
function addWhatCompilerSays(
  mapping: ObjectMapping,
  check: AttributeCheck,
  own: readonly SchemaFinding[],
  about: { readonly objectMapping: string; readonly path: string; readonly findings: SchemaFinding[] },
): void {
  const named = new Set(own.filter((one) => one.severity === "error").map((one) => one.targetAttribute ?? ""));
  const parameters = Object.fromEntries([...check.parameters].map((name) => [name, ""]));
  const compiled = compileMappings(mapping, check.table, parameters, check.roles);
  const pathOf = (attribute: string) => {
    const index = mapping.attributeMappings.findIndex((one) => one.targetAttributeName === attribute);
    return index < 0 ? about.path : `${about.path}.attributeMappings[${index}]`;
  };
  const report = createReporter(about.findings, about);
  for (const { attribute, ...said } of [
    ...compiled.warnings,
    ...warningOfOrder(mapping.attributeMappings, check.table),
  ]) {
    report.warn({ ...said, targetAttribute: attribute, path: pathOf(attribute) });
  }
  for (const { attribute, ...said } of compiled.failures) {
    if (!named.has(attribute)) report.error({ ...said, targetAttribute: attribute, path: pathOf(attribute) });
  }
}

/** The class as Active Directory knows it, with what the schema's own directories say beside or instead. */
function definitionOf(schema: SynchronizationSchema, className: string): ObjectDefinition | undefined {
  const lower = className.toLowerCase();
  const standard = ACTIVE_DIRECTORY.get(lower);
  const source = schema.directories?.filter(({ name }) => !CLOUD_DIRECTORY.test(name ?? "")) ?? [];
  const found = source.flatMap(({ objects }) => objects ?? []).find((one) => one.name?.toLowerCase() === lower);
  if (!found) return standard;
  const own = (found.attributes ?? []).flatMap(({ name, type, multivalued }): AttributeDefinition[] =>
    name ? [{ name, type: typeOf(type), multivalued: multivalued === true }] : [],
  );
  return objectDefinition(className, [...(standard?.attributes.values() ?? []), ...own]);
}

function typeOf(type: string | null | undefined): AttributeDefinition["type"] {
  switch (type) {
    case "Integer":
    case "Reference":
    case "Binary":
    case "Boolean":
    case "DateTime":
      return type;
    default:
      return "String";
  }
}
