/**
 * The attribute mappings of one object mapping, each looked at whatever is wrong with the others.
 *
 * What the target can't take is left out of the flow, so nothing that is wrong with such a mapping keeps a job from
 * starting: its faults are warnings. All other faults are errors. An attribute that the class doesn't know is a warning
 * too: directories have attributes that no definition lists, and reading one that isn't there only gives no value.
 */

import { convert } from "../attribute-flow/convert.ts";
import { FLOW_BEHAVIORS, FLOW_TYPES } from "../attribute-flow/flow-types.ts";
import { expressionOf, readSource } from "../attribute-flow/source-expression.ts";
import { checkExpression } from "../expression/check.ts";
import { parse } from "../expression/parser.ts";
import type { ObjectDefinition } from "../object-definition.ts";
import type { AttributeMapping, ObjectMapping } from "../synchronization-schema.ts";
import type { TargetEntry, TargetProperty, TargetTable } from "../target-table.ts";
import { createReporter, type Reporter, type SchemaFinding } from "./finding.ts";

export interface AttributeCheck {
  readonly table: TargetTable;
  /** As people call the target. */
  readonly targetLabel: string;
  readonly roles: readonly string[];
  readonly source: ObjectDefinition | undefined;
  readonly parameters: ReadonlySet<string>;
}

export function checkAttributeMappings(
  mapping: ObjectMapping,
  check: AttributeCheck,
  about: { readonly objectMapping: string; readonly path: string },
): SchemaFinding[] {
  const findings: SchemaFinding[] = [];
  const properties = new Map<string, string>();
  for (const [index, one] of mapping.attributeMappings.entries()) {
    const targetAttribute = one.targetAttributeName || null;
    const path = `${about.path}.attributeMappings[${index}]`;
    const report = createReporter(findings, { ...about, path, targetAttribute });
    if (targetAttribute === null) {
      report.error({ code: "no-target", message: "The mapping names no target attribute.", remedy: "Name one." });
      continue;
    }
    const entry = check.table.get(targetAttribute);
    const leftOut = reasonToLeaveOut(entry, check);
    if (leftOut !== undefined) {
      const message = `${check.targetLabel} can't take ${targetAttribute}: ${leftOut}`;
      const remedy = "Nothing needs to be done: the mapping is left out. Remove it to be rid of this warning.";
      report.warn({ code: "left-out", message, remedy });
    } else {
      const property = entry && "property" in entry ? entry.property : targetAttribute;
      checkTarget(one, property, properties.get(property), report);
      properties.set(property, targetAttribute);
    }
    const isUsed = leftOut === undefined || (entry !== undefined && "usedByEngine" in entry);
    const gentle: Reporter = { error: report.warn, warn: report.warn };
    const isSound = checkSource(one, check, isUsed ? report : gentle);
    if (isSound && leftOut === undefined && entry && "property" in entry) checkConstant(one, entry, report);
  }
  return findings;
}

/** Why the target takes nothing for this name; undefined when it does. */
function reasonToLeaveOut(entry: TargetEntry | undefined, { roles }: AttributeCheck): string | undefined {
  if (!entry) return "there is no attribute of this name.";
  if ("notSettable" in entry) return entry.notSettable;
  if (entry.needsRole && !roles.includes(entry.needsRole)) return `the app must hold the role ${entry.needsRole}.`;
  return undefined;
}

function checkTarget(one: AttributeMapping, property: string, other: string | undefined, report: Reporter): void {
  if (other !== undefined) {
    const message = `${property} is mapped twice${other === one.targetAttributeName ? "" : `: by ${other} too`}.`;
    report.error({ code: "duplicate-target", message, remedy: "Remove one of the mappings." });
  }
  const { flowType, flowBehavior, matchingPriority } = one;
  if (flowType && !FLOW_TYPES.some((known) => known === flowType)) {
    const remedy = `Use one of ${FLOW_TYPES.join(", ")}.`;
    report.error({ code: "flow-type", message: `There is no flow type '${flowType}'.`, remedy });
  }
  if (flowBehavior && !FLOW_BEHAVIORS.some((known) => known === flowBehavior)) {
    const remedy = `Use one of ${FLOW_BEHAVIORS.join(", ")}.`;
    report.error({ code: "flow-behavior", message: `There is no flow behaviour '${flowBehavior}'.`, remedy });
  }
  if ((matchingPriority ?? 0) < 0) {
    const message = `A matching priority can't be negative, and is ${matchingPriority}.`;
    report.error({ code: "matching-priority", message, remedy: "Use 0 for no matching, else 1 or more." });
  }
}

/** A constant that the target can't take would fail for every object. */
function checkConstant({ source }: AttributeMapping, entry: TargetProperty, report: Reporter): void {
  const text = expressionOf(source);
  const node = text === undefined ? undefined : parse(text);
  if (node?.type !== "string" || node.value === "" || entry.type === "reference") return;
  const converted = convert(entry, node.value);
  if (converted.kind !== "fault") return;
  const remedy = "Change the constant, or remove the mapping.";
  const finding = { code: "constant", message: `The constant can't be taken. ${converted.message}`, remedy };
  report[converted.isFatal ? "error" : "warn"](finding);
}

/** Whether there is an expression without errors. */
function checkSource(one: AttributeMapping, check: AttributeCheck, report: Reporter): boolean {
  const reading = readSource(one.source);
  if (reading.kind === "nothing") {
    const message = "The mapping has no source, so its value is always null.";
    report.warn({ code: "no-source", message, remedy: "Give it an expression, or remove it." });
    return false;
  }
  if (reading.kind === "disagreement") {
    const message = `The expression is given twice, and not the same: the text says ${shortened(reading.text)}, the tree of parameters says ${shortened(reading.tree)}.`;
    const remedy =
      "Correct the one that isn't meant. A text alone is enough: name, type and parameters may be left out; uplink schema import --prefer text (or tree) settles all of them, save texts that lack a job parameter which the tree has: write it into those.";
    report.error({ code: "text-and-tree", message, remedy });
    return false;
  }
  const { expression, isOfTree } = reading;
  const { findings } = checkExpression(expression, { source: check.source, parameters: check.parameters });
  for (const { severity, code, message, remedy, position, excerpt } of findings) {
    const shown = isOfTree ? `${message} (In the expression as the tree of parameters gives it.)` : message;
    const isError = severity === "error" && code !== "unknown-attribute";
    report[isError ? "error" : "warn"]({ code, message: shown, remedy, position, excerpt });
  }
  return !findings.some(({ severity }) => severity === "error");
}

const SHOWN = 160;

function shortened(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
}
