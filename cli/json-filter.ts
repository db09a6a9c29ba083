/**
 * A scoping filter from JSON: as Microsoft Graph writes it (`sourceOperandName`, `operatorName`, `targetOperand.values`),
 * or short (`attribute`, `operator`, `value`). Both forms of a clause may stand in one filter.
 */

import type { ScopeFilter, ScopeFilterClause, ScopeFilterGroup } from "../shared/domain/synchronization-schema.ts";
import { longInteger } from "./exact-json.ts";
import { isRecord, kindOf, ShapeError } from "./json-source.ts";

const GROUP_FIELDS = ["groups", "inputFilterGroups", "categoryFilterGroups"] as const;

/** Null is a filter that lets everything in. Throws `ShapeError` with the path of what is wrong. */
export function jsonFilter(json: unknown, path = "filter"): ScopeFilter {
  if (json === null) return {};
  if (!isRecord(json)) throw new ShapeError(`${path} must be an object, not ${kindOf(json)}.`);
  if (GROUP_FIELDS.every((field) => json[field] === undefined)) {
    throw new ShapeError(`${path} has no groups. A filter that lets everything in is {"groups": []}.`);
  }
  const groups = GROUP_FIELDS.map((field) => [field, groupsOf(json[field], `${path}.${field}`)] as const);
  return Object.fromEntries(groups);
}

function groupsOf(json: unknown, path: string): ScopeFilterGroup[] {
  return listOf(json, path).map((group, index) => {
    const own = `${path}[${index}]`;
    if (!isRecord(group)) throw new ShapeError(`${own} must be an object, not ${kindOf(group)}.`);
    const { name } = group;
    if (typeof name !== "string" && name !== undefined && name !== null) {
      throw new ShapeError(`${own}.name must be a text, not ${kindOf(name)}.`);
    }
    const clauses = listOf(group["clauses"], `${own}.clauses`);
    return { name, clauses: clauses.map((clause, at) => clauseOf(clause, `${own}.clauses[${at}]`)) };
  });
}

function clauseOf(json: unknown, path: string): ScopeFilterClause {
  if (!isRecord(json)) throw new ShapeError(`${path} must be an object, not ${kindOf(json)}.`);
  return {
    sourceOperandName: textOf(json, ["sourceOperandName", "attribute"], path),
    operatorName: textOf(json, ["operatorName", "operator"], path),
    targetOperand: { values: operandsOf(json, path) },
  };
}

function textOf(json: Readonly<Record<string, unknown>>, names: readonly string[], path: string): string {
  const name = names.find((one) => json[one] !== undefined && json[one] !== null);
  if (name === undefined) throw new ShapeError(`${path} lacks ${names.join(" or ")}.`);
  const value = json[name];
  if (typeof value === "string") return value;
  throw new ShapeError(`${path}.${name} must be a text, not ${kindOf(value)}.`);
}

function operandsOf(json: Readonly<Record<string, unknown>>, path: string): string[] {
  const { targetOperand, value } = json;
  if (targetOperand !== undefined && targetOperand !== null) {
    if (!isRecord(targetOperand)) {
      throw new ShapeError(`${path}.targetOperand must be an object, not ${kindOf(targetOperand)}.`);
    }
    return listOf(targetOperand["values"], `${path}.targetOperand.values`).map((one) => operandOf(one, path));
  }
  return value === undefined || value === null ? [] : [operandOf(value, path)];
}

function operandOf(json: unknown, path: string): string {
  const integer = longInteger(json);
  if (integer !== undefined) return integer;
  if (typeof json === "string") return json;
  if (typeof json === "number" || typeof json === "boolean") return String(json);
  throw new ShapeError(`${path} has an operand that is ${kindOf(json)}; a text is wanted.`);
}

function listOf(json: unknown, path: string): readonly unknown[] {
  if (json === undefined || json === null) return [];
  if (Array.isArray(json)) return json;
  throw new ShapeError(`${path} must be an array, not ${kindOf(json)}.`);
}
