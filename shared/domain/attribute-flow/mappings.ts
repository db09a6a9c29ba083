/**
 * The attribute mappings of a schema against a target's table: what flows as a value, what as a reference, what the
 * target can't take, and every fault of what is left.
 */

import { compileExpression } from "../expression/compile.ts";
import type { AttributeMapping, ObjectMapping } from "../synchronization-schema.ts";
import type { TargetProperty, TargetTable } from "../target-table.ts";
import type { Drawn } from "./draw.ts";
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
}

export interface CompiledMappings {
  readonly drawn: readonly Drawn[];
  readonly references: readonly ReferenceFlow[];
  readonly unsettable: readonly Unsettable[];
  /** Source attributes of mappings that don't flow and that the engine reads all the same. */
  readonly engineAttributes: readonly string[];
  readonly failures: readonly MappingFailure[];
}

/** Flow types with a documented meaning here. The others add single values to lists, which nothing here has. */
const FLOW_TYPES: ReadonlySet<string> = new Set(["Always", "ObjectAddOnly"]);

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
  const failures: MappingFailure[] = [];
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
    const compiled = compileExpression(expressionOf(one.source) ?? '""');
    const entry = target.get(name);
    if (!entry || "notSettable" in entry) {
      unsettable.push({ target: name, reason: entry?.notSettable ?? "The target has no attribute of this name." });
      if (entry?.usedByEngine && compiled.ok) engineAttributes.push(...compiled.program.attributes);
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
    if (entry.type === "reference") {
      if (program.directAttribute)
        references.push({
          property: entry.property,
          sourceAttribute: program.directAttribute,
          ...(entry.isList ? { isList: true } : {}),
        });
      else failed("reference", "a reference can't be computed.", "Map it from one attribute, such as [manager].");
      continue;
    }
    const unknown = program.parameters.find((parameter) => !Object.hasOwn(parameters, parameter));
    if (unknown) {
      failed("parameter", `the job has no parameter '${unknown}'.`, `Add ${unknown} to the job's settings.`);
    }
    const flowType = one.flowType ?? "Always";
    if (!FLOW_TYPES.has(flowType)) {
      failed("flow-type", `the flow type '${flowType}' is not supported.`, "Use Always or ObjectAddOnly.");
    }
    drawn.push({
      target: name,
      entry,
      ...nestingOf(entry),
      program,
      defaultValue: defaultValueOf(one),
      onCreationOnly: flowType === "ObjectAddOnly" || program.selectsUniqueValue,
    });
  }
  drawn.sort((left, right) => compareProperties(left.entry, right.entry));
  references.sort((left, right) => (left.property < right.property ? -1 : 1));
  unsettable.sort((left, right) => (left.target < right.target ? -1 : 1));
  return { drawn, references, unsettable, engineAttributes, failures };
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
