/**
 * The scope of an object mapping: everything that the compiler of scopes refuses, patterns that can match nothing, groups
 * that let everybody in, and filters that remove nobody.
 */

import { compileScope } from "../scope.ts";
import type { ScopeFilter, ScopeFilterGroup } from "../synchronization-schema.ts";
import type { Reporter } from "./finding.ts";

export function checkScope(scope: ScopeFilter | null | undefined, path: string, report: Reporter): void {
  if (!scope) return;
  const compiled = compileScope(scope);
  if (!compiled.ok) {
    for (const { code, message, remedy } of compiled.failures) report.error({ code, message, remedy, path });
  }
  if ((scope.inputFilterGroups ?? []).length > 0) {
    report.warn({
      code: "input-filter",
      message:
        "The scope's inputFilterGroups keep objects out and let nobody go: who comes to fail them stays in the target as he was.",
      remedy: "Move the clauses to groups if those who leave are to be removed.",
      path: `${path}.inputFilterGroups`,
    });
  }
  for (const kind of ["groups", "inputFilterGroups"] as const) {
    checkEmpty(scope[kind] ?? [], `${path}.${kind}`, report);
    checkPatterns(scope[kind] ?? [], `${path}.${kind}`, report);
  }
}

/** A misspelt `clauses` looks like this, and one such group undoes all others: groups are ORed. */
function checkEmpty(groups: readonly ScopeFilterGroup[], path: string, report: Reporter): void {
  for (const [at, group] of groups.entries()) {
    if ((group.clauses ?? []).length > 0) continue;
    report.warn({
      code: "empty-scope-group",
      message: `In the scope's ${group.name || `group ${at + 1}`} there is no clause, so it lets everybody in, whatever the other groups say.`,
      remedy: "Give it clauses, or remove the group.",
      path: `${path}[${at}]`,
    });
  }
}

function checkPatterns(groups: readonly ScopeFilterGroup[], path: string, report: Reporter): void {
  for (const [at, group] of groups.entries()) {
    for (const [index, clause] of (group.clauses ?? []).entries()) {
      const pattern = clause.targetOperand?.values?.[0] ?? "";
      if (!(clause.operatorName ?? "").includes("REGEX") || nulOf(pattern) === undefined) continue;
      report.warn({
        code: "pattern-wants-nul",
        message: `In the scope's ${group.name || `group ${at + 1}`}: ${clause.sourceOperandName} ${clause.operatorName} '${pattern}' wants the character NUL (${nulOf(pattern)} is .NET's octal escape for it), which no value of a directory holds. So the pattern matches nothing${(clause.operatorName ?? "").startsWith("NOT") ? ", and the clause excludes nobody" : ""}.`,
        remedy:
          "Where the text \\0A of a distinguished name is meant (a replication conflict), write \\\\0A with two backslashes.",
        path: `${path}[${at}].clauses[${index}]`,
      });
    }
  }
}

/** An escape for the character 0 and no other: octal, hexadecimal, Unicode, or the character itself. */
const ESCAPED_NUL = /^(?:\\0{1,3}(?![0-7])|\\x00|\\u0000|\\c@|\0)/;

function nulOf(pattern: string): string | undefined {
  for (let at = 0; at < pattern.length; at++) {
    const found = ESCAPED_NUL.exec(pattern.slice(at, at + 6))?.[0];
    if (found !== undefined) return found === "\0" ? "NUL" : found;
    if (pattern[at] === "\\") at++;
  }
  return undefined;
}
