/**
 * The attribute flow: from a source object to the values that the target should hold, by a schema's mappings.
 *
 * Compiled once per schema: every fault of every mapping is named before anything runs, and what the target can't take
 * is listed in `unsettable`, never dropped in silence. `map` is then a pure function of one object, the clock and what
 * else comes in; the order of attributes and of mappings doesn't matter.
 *
 * In `values` a missing name means "leave it alone" (IgnoreFlow, creation only, a value that isn't acceptable) and null
 * "has no value"; null stands only for properties that the target can clear, the others are listed in `uncleared`.
 * Nested properties come as one record with every mapped key. References are named, not resolved: links go by GUID.
 */

import type { FlowNotice } from "./attribute-flow/convert.ts";
import { defaultAlias } from "./attribute-flow/convert.ts";
import { type Drawn, drawProperty } from "./attribute-flow/draw.ts";
import type { FlowRules } from "./attribute-flow/flow-types.ts";
import { warningOfOrder } from "./attribute-flow/mapping-warnings.ts";
import {
  compileMappings,
  type MappingFailure,
  type ReferenceFlow,
  type Unsettable,
} from "./attribute-flow/mappings.ts";
import { primaryAddressOf } from "./attribute-flow/primary-address.ts";
import type { Program } from "./expression/compile.ts";
import type { EvaluationContext } from "./expression/definition.ts";
import { ExpressionError } from "./expression/failure.ts";
import { createWork, OBJECT_LIMIT, WORK_LIMIT } from "./expression/work.ts";
import { type ObjectFlows, objectFlowsOf } from "./object-flows.ts";
import { isPasswordName, NOTHING_REDACTED, type Redaction } from "./redaction.ts";
import { compileScope, type Scope } from "./scope.ts";
import { attributeReader, type ReadAttribute, type SourceObject } from "./source-object.ts";
import type { ObjectMapping } from "./synchronization-schema.ts";
import type { TargetTable } from "./target-table.ts";
import type { TargetScalar, TargetValue, TargetValues } from "./target-value.ts";

export interface FlowInput extends SourceObject {
  /** Of the same object, where there is one already. */
  readonly read?: ReadAttribute;
  /** The object has no link yet: default values and creation-only mappings take part. */
  readonly creating: boolean;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: number;
  /** For Guid and RandomString: integers from 0 to 2^32 − 1. Without it those functions fail. */
  readonly random?: () => number;
  /** For SelectUniqueValue, in a creation. */
  readonly isTaken?: (value: string) => boolean;
}

export interface FlowResult {
  readonly values: TargetValues;
  /** Properties that have no value in the source and that the target can't clear. */
  readonly uncleared: readonly string[];
  /** Properties whose value is for a new object only; whoever takes over an existing one leaves them out. */
  readonly forCreationOnly: readonly string[];
  readonly references: readonly ReferenceFlow[];
  /** Of an object without link and without mail: the primary address among those that the target won't take. */
  readonly primaryAddress?: string;
  readonly warnings: readonly FlowNotice[];
  /** Any failure means that the object can't be exported as it is. */
  readonly failures: readonly FlowNotice[];
}

export interface AttributeFlow {
  readonly scope: Scope;
  /** Everything that mappings and scope read and that the engine matches by, sorted: what an agent has to read. */
  readonly sourceAttributes: readonly string[];
  readonly references: readonly ReferenceFlow[];
  readonly unsettable: readonly Unsettable[];
  /** What the mapping says that has no effect here, or another one. */
  readonly warnings: readonly MappingFailure[];
  /** What is switched on for the class. */
  readonly objects: ObjectFlows;
  /** How properties flow that don't simply follow the source; undefined when all do. */
  readonly rules: FlowRules | undefined;
  /** What logs must not show. */
  readonly redaction: Redaction;
  readonly map: (input: FlowInput) => FlowResult;
}

export type AttributeFlowResult =
  | { readonly ok: true; readonly flow: AttributeFlow }
  | { readonly ok: false; readonly failures: readonly MappingFailure[] };

export interface FlowOptions {
  /** Directory roles that the target's app holds; properties that need another are unsettable. */
  readonly roles?: readonly string[];
  /** Whether logs must not show it, beside what `Redact` and passwords' names say: by the schema's name for the target. */
  readonly isSecret?: (name: string) => boolean;
}

export type JobParameters = Readonly<Record<string, string>>;

/**
 * Compiles an object mapping for a target. `parameters` are the job's (`DomainFQDN`, `DomainNetBios` …). Failures name
 * the mapping, the place in its expression and the remedy; all of them are returned at once.
 */
export function compileAttributeFlow(
  mapping: ObjectMapping,
  target: TargetTable,
  parameters: JobParameters,
  options: FlowOptions = {},
): AttributeFlowResult {
  const compiled = compileMappings(mapping, target, parameters, options.roles ?? []);
  const scope = compileScope(mapping.scope);
  const failures: MappingFailure[] = [...compiled.failures];
  if (!scope.ok) failures.push(...scope.failures.map((failure) => ({ attribute: "scope", ...failure })));
  const objects = objectFlowsOf(mapping.flowTypes);
  for (const word of objects.unknown)
    failures.push({
      code: "flow-types",
      attribute: "flowTypes",
      message: `The flow type '${word}' of an object mapping is unknown.`,
      remedy: "Use Add, Update and Delete, separated by commas.",
    });
  if (!scope.ok || failures.length > 0) return { ok: false, failures };
  const { drawn, references, unsettable, engineAttributes, addresses, rules } = compiled;
  const read = [
    ...drawn.flatMap(({ program }) => program.attributes),
    ...references.map(({ sourceAttribute }) => sourceAttribute),
    ...engineAttributes,
    ...scope.scope.attributes,
  ];
  const parameter = (name: string) => (Object.hasOwn(parameters, name) ? parameters[name] : undefined);
  const flow: AttributeFlow = {
    scope: scope.scope,
    sourceAttributes: [...new Set(read)].sort(),
    references,
    unsettable,
    warnings: [...compiled.warnings, ...warningOfOrder(mapping.attributeMappings, target)],
    objects: objects.flows,
    rules: hasRules(rules) ? rules : undefined,
    redaction: redactionOf(drawn, references, options.isSecret ?? (() => false)),
    map: (input) => mapObject(input, { drawn, references, addresses, parameter }),
  };
  return { ok: true, flow };
}

function redactionOf(
  drawn: readonly Drawn[],
  references: readonly ReferenceFlow[],
  isNamed: (name: string) => boolean,
): Redaction {
  const isSecret = (name: string) => isPasswordName(name) || isNamed(name);
  const properties: string[] = [];
  const attributes = new Set<string>();
  for (const { target, entry, program } of drawn) {
    if (!program.redacted && ![target, entry.property, ...program.attributes].some(isSecret)) continue;
    properties.push(entry.property);
    for (const name of program.attributes) attributes.add(name);
  }
  for (const { property, sourceAttribute } of references) {
    if (![property, sourceAttribute].some(isSecret)) continue;
    properties.push(property);
    attributes.add(sourceAttribute);
  }
  return properties.length === 0 ? NOTHING_REDACTED : { properties, attributes: [...attributes].sort() };
}

function hasRules(rules: FlowRules): boolean {
  return Object.values(rules).some((own) => Object.keys(own).length > 0);
}

interface Prepared {
  readonly drawn: readonly Drawn[];
  readonly references: readonly ReferenceFlow[];
  readonly addresses: Program | undefined;
  readonly parameter: (name: string) => string | undefined;
}

function noRandom(): number {
  throw new ExpressionError("range", "There is no source of randomness where this mapping is evaluated.");
}

function mapObject(input: FlowInput, { drawn, references, addresses, parameter }: Prepared): FlowResult {
  const context: EvaluationContext = {
    attribute: input.read ?? attributeReader(input),
    parameter,
    now: input.now,
    random: input.random ?? noRandom,
    isTaken: input.isTaken,
    work: createWork(WORK_LIMIT, OBJECT_LIMIT),
  };
  const collector = createCollector();
  const { values, put } = collector;
  const uncleared: string[] = [];
  const forCreationOnly: string[] = [];
  const warnings: FlowNotice[] = [];
  const failures: FlowNotice[] = [];
  const aliases: Drawn[] = [];
  for (const one of drawn) {
    const { entry, target } = one;
    const { property } = entry;
    const result = drawProperty(one, context, input.creating);
    if (result.warning) warnings.push({ attribute: target, property, ...result.warning });
    if (result.failure) failures.push({ attribute: target, property, ...result.failure, expression: one.program.text });
    if (result.isForCreationOnly) forCreationOnly.push(property);
    if (result.value !== undefined) put(one, result.value);
    else if (result.isEmpty && entry.type === "alias" && input.creating) aliases.push(one);
    else if (result.isEmpty) settleEmpty(one, input.creating, { collector, uncleared, failures });
  }
  for (const one of aliases) {
    const { entry } = one;
    const upn = values["userPrincipalName"];
    const name = typeof upn === "string" ? upn : "";
    put(one, defaultAlias(name, input.objectGuid, entry.maximumLength ?? 64));
    forCreationOnly.push(entry.property);
  }
  const isMatchedByAddress = input.creating && typeof values["mail"] !== "string";
  const primaryAddress = isMatchedByAddress && addresses ? primaryAddressOf(addresses.evaluate(context)) : undefined;
  const own = primaryAddress === undefined ? {} : { primaryAddress };
  return { values, uncleared, forCreationOnly, references, ...own, warnings, failures };
}

function settleEmpty(
  drawn: Drawn,
  creating: boolean,
  into: { collector: Collector; uncleared: string[]; failures: FlowNotice[] },
): void {
  const { entry, target } = drawn;
  const { property, clearable, required, type } = entry;
  if (clearable) into.collector.put(drawn, type === "list" ? [] : null);
  else if (creating && required) {
    const message = "The source has no value, and the target takes no object without one.";
    into.failures.push({ code: "MandatoryFieldsMissing", attribute: target, property, message });
  } else if (!creating) into.uncleared.push(property);
}

interface Collector {
  readonly values: Record<string, TargetValue>;
  readonly put: (drawn: Drawn, value: TargetScalar) => void;
}

/** Takes properties and keys of nested ones; the mappings come in an order that keeps the keys sorted. */
function createCollector(): Collector {
  const values: Record<string, TargetValue> = {};
  const nested = new Map<string, Record<string, string | null>>();
  const put = ({ entry, nesting }: Drawn, value: TargetScalar) => {
    if (!nesting) {
      values[entry.property] = value;
      return;
    }
    const { outer, key } = nesting;
    const record = nested.get(outer) ?? {};
    if (!nested.has(outer)) nested.set(outer, record);
    record[key] = typeof value === "string" ? value : null;
    values[outer] = record;
  };
  return { values, put };
}
