/**
 * The attribute mappings of a schema against a target's table: what flows as a value, what as a reference, by which rules,
 * what the target can't take, every fault of what is left, and what of it can't be honoured to the letter.
 */

import { compileExpression, type Program } from "../expression/compile.ts";
import type { AttributeMapping, ObjectMapping } from "../synchronization-schema.ts";
import type { TargetProperty, TargetTable } from "../target-table.ts";
import type { TargetScalar } from "../target-value.ts";
import { convert } from "./convert.ts";
import type { Drawn } from "./draw.ts";
import { FLOW_BEHAVIORS, FLOW_TYPES, type FlowRules, type FlowType, flowTypeOf } from "./flow-types.ts";
import { warningsOf } from "./mapping-warnings.ts";
import { expressionOf } from "./source-expression.ts";

export interface MappingFailure {
  readonly code: string;
  /** The target attribute's name, or `scope`. */
  readonly attribute: string;
  readonly message: string;
  readonly remedy: string;
}

export interface Unsettable {
  readonly target: string;
  readonly reason: string;
}

/** A property whose value is a link to the object that the source attribute names. */
export interface ReferenceFlow {
  readonly property: string;
  readonly sourceAttribute: string;
  /** Any number of objects: the links' engine moves them. */
  readonly isList?: true;
  /** Absent: Always. */
  readonly flowType?: Exclude<FlowType, "Always">;
}

export interface CompiledMappings {
  readonly drawn: readonly Drawn[];
  readonly references: readonly ReferenceFlow[];
  readonly unsettable: readonly Unsettable[];
  /** Source attributes of mappings that don't flow and that the engine reads all the same. */
  readonly engineAttributes: readonly string[];
  /** Of addresses that don't flow: a new object is matched by the primary one. */
  readonly addresses?: Program;
  readonly rules: FlowRules;
  readonly failures: readonly MappingFailure[];
  /** The mapping runs; what of it has no effect here, or another one. */
  readonly warnings: readonly MappingFailure[];
}

export function compileMappings(
  mapping: ObjectMapping,
  target: TargetTable,
  parameters: Readonly<Record<string, string>>,
  roles: readonly string[],
): CompiledMappings {
  const drawn: Drawn[] = [];
  const references: ReferenceFlow[] = [];
  const unsettable: Unsettable[] = [];
  const engineAttributes: string[] = [];
  let addresses: Program | undefined;
  const failures: MappingFailure[] = [];
  const warnings: MappingFailure[] = [];
  const rules = emptyRules();
  const seen = new Set<string>();
  for (const one of mapping.attributeMappings) {
    const name = one.targetAttributeName ?? "";
    const failed = (code: string, message: string, remedy: string) =>
      failures.push({
        code,
        attribute: name,
        message: `The mapping of ${name || "(no name)"} fails: ${message}`,
        remedy,
      });
    const expression = saysNothing(one.source) ? undefined : expressionOf(one.source);
    const compiled = compileExpression(expression ?? '""');
    const entry = target.get(name);
    warnings.push(...warningsOf(one, entry));
    if (!entry || "notSettable" in entry) {
      unsettable.push({ target: name, reason: entry?.notSettable ?? "The target has no attribute of this name." });
      if (entry?.usedByEngine && compiled.ok) engineAttributes.push(...compiled.program.attributes);
      if (entry?.holdsAddresses && compiled.ok) addresses = compiled.program;
      continue;
    }
    if (entry.needsRole && !roles.includes(entry.needsRole)) {
      unsettable.push({ target: name, reason: `The app must hold the role ${entry.needsRole} to write it.` });
      continue;
    }
    if (seen.has(entry.property)) {
      failed("duplicate-target", `${entry.property} is mapped twice.`, "Remove one of the mappings.");
      continue;
    }
    seen.add(entry.property);
    if (!compiled.ok) {
      const { code, message, remedy, excerpt } = compiled.failure;
      failed(code, `${message}\n${excerpt}`, remedy);
      continue;
    }
    const { program } = compiled;
    const flowType = flowTypeOf(one.flowType);
    if (!flowType) {
      failed("flow-type", `the flow type '${one.flowType}' is unknown.`, `Use one of ${FLOW_TYPES.join(", ")}.`);
      continue;
    }
    const flowBehavior = one.flowBehavior || "FlowWhenChanged";
    if (!FLOW_BEHAVIORS.some((known) => known === flowBehavior)) {
      failed(
        "flow-behavior",
        `the flow behaviour '${flowBehavior}' is unknown.`,
        `Use ${FLOW_BEHAVIORS.join(" or ")}.`,
      );
      continue;
    }
    if (entry.type === "reference") {
      const { directAttribute } = program;
      if (!directAttribute) {
        failed("reference", "a reference can't be computed.", "Map it from one attribute, such as [manager].");
      } else if (entry.isList && flowType !== "Always") {
        const message = `${entry.property} follow the directory, and ${flowType} would keep those who left.`;
        failed("flow-type", message, "Use Always.");
      } else references.push(referenceOf(entry, directAttribute, flowType));
      continue;
    }
    const unknown = program.parameters.find((parameter) => !Object.hasOwn(parameters, parameter));
    if (unknown) {
      failed("parameter", `the job has no parameter '${unknown}'.`, `Add ${unknown} to the job's settings.`);
    }
    const defaultValue = defaultValueOf(one);
    if (defaultValue !== undefined) {
      const converted = convert(entry, defaultValue);
      if (converted.kind === "value") rules.defaults[entry.property] = converted.value;
      else if (converted.kind === "fault")
        failed(
          "default-value",
          `the default value can't be taken. ${converted.message}`,
          "Change it, or leave it out.",
        );
    }
    const rule = ruleOf(flowType, entry);
    if (rule) rules[rule].push(entry.property);
    if (flowBehavior === "FlowAlways") rules.always.push(entry.property);
    drawn.push({
      target: name,
      entry,
      ...nestingOf(entry),
      program,
      defaultValue,
      // Nothing said of the source at all: the target is left alone, but for the default of a new object.
      onCreationOnly: flowType === "ObjectAddOnly" || program.selectsUniqueValue || expression === undefined,
    });
  }
  drawn.sort((left, right) => compareProperties(left.entry, right.entry));
  references.sort((left, right) => (left.property < right.property ? -1 : 1));
  unsettable.sort((left, right) => (left.target < right.target ? -1 : 1));
  const own = addresses ? { addresses } : {};
  return { drawn, references, unsettable, engineAttributes, ...own, rules, failures, warnings };
}

/** A mapping of kind "None", as Graph writes it: a constant without text (the constant `""` has two quotes). */
function saysNothing(source: AttributeMapping["source"]): boolean {
  return !source?.expression?.trim() && !source?.name;
}

function emptyRules() {
  return {
    neverClears: [] as string[],
    grows: [] as string[],
    fillsOnly: [] as string[],
    always: [] as string[],
    defaults: {} as Record<string, TargetScalar>,
  };
}

function referenceOf(entry: TargetProperty, sourceAttribute: string, flowType: FlowType): ReferenceFlow {
  return {
    property: entry.property,
    sourceAttribute,
    ...(entry.isList ? { isList: true } : {}),
    ...(flowType === "Always" ? {} : { flowType }),
  };
}

/** A property that takes one value can get another one only by losing the first: there, to add is to fill. */
function ruleOf(
  flowType: FlowType,
  entry: TargetProperty,
): Exclude<keyof FlowRules, "always" | "defaults"> | undefined {
  const takesOne = entry.type !== "list" || entry.maximumItems === 1;
  switch (flowType) {
    case "Always":
    case "ObjectAddOnly":
      return undefined;
    case "ValueAddOnly":
      return takesOne ? "neverClears" : "grows";
    case "MultiValueAddOnly":
      return takesOne ? "fillsOnly" : "grows";
    case "AttributeAddOnly":
      return "fillsOnly";
  }
}

function nestingOf({ property, isPath }: TargetProperty): Pick<Drawn, "nesting"> {
  const at = isPath ? -1 : property.indexOf(".");
  return at < 0 ? {} : { nesting: { outer: property.slice(0, at), key: property.slice(at + 1) } };
}

function defaultValueOf({ defaultValue }: AttributeMapping): string | undefined {
  return defaultValue === null || defaultValue === undefined || defaultValue === "" ? undefined : defaultValue;
}

/** By name, with numbers in their order: extensionAttribute2 before extensionAttribute10. */
function compareProperties(left: TargetProperty, right: TargetProperty): number {
  const key = ({ property }: TargetProperty) => property.replace(/\d+/g, (digits) => digits.padStart(4, "0"));
  return key(left) < key(right) ? -1 : key(left) > key(right) ? 1 : 0;
}
