/** Findings of a schema's check and differences of two schemas, in words. */
import type { SchemaFinding } from "../shared/domain/schema-check.ts";
import type { SchemaChange, SchemaDiff } from "../shared/domain/schema-diff.ts";

/** Errors first, each with its place; what is only left out is told together, a line for each reason. */
export function wordsOfFindings(findings: readonly SchemaFinding[]): string {
  const errors = findings.filter((finding) => finding.severity === "error");
  const warnings = findings.filter((finding) => finding.severity === "warning" && finding.code !== "left-out");
  const leftOut = findings.filter((finding) => finding.severity === "warning" && finding.code === "left-out");
  const parts = [...errors.map(wordsOfFinding), ...warnings.map(wordsOfFinding), ...wordsOfLeftOut(leftOut)];
  return `${[...parts, countsOf(errors.length, findings.length - errors.length)].join("\n")}`;
}

function wordsOfFinding(finding: SchemaFinding): string {
  const { severity, message, remedy, excerpt, code } = finding;
  const excerptLines = excerpt === null ? "" : `${excerpt}\n`;
  return `${severity}: ${placeOf(finding)}${message} (${code})\n${excerptLines}  ${remedy}\n  at ${finding.path}\n`;
}

function placeOf({ objectMapping, targetAttribute, position }: SchemaFinding): string {
  const parts = [objectMapping, targetAttribute, position === null ? null : `at character ${position + 1}`].filter(
    (part) => part !== null,
  );
  return parts.length === 0 ? "" : `${parts.join(", ")}: `;
}

function wordsOfLeftOut(findings: readonly SchemaFinding[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { objectMapping, targetAttribute, message } of findings) {
    const reason = message.slice(message.indexOf(": ") + 2);
    const key = `${objectMapping}: left out: ${reason}`;
    const names = byReason.get(key) ?? [];
    byReason.set(key, names);
    names.push(targetAttribute ?? "(no name)");
  }
  return [...byReason].map(([key, names]) => `warning: ${key}\n  ${wrapped(names.join(", "))}\n`);
}

const WIDTH = 100;

function wrapped(text: string): string {
  let line = "";
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + word.length >= WIDTH) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n  ");
}

function countsOf(errors: number, warnings: number): string {
  if (errors > 0)
    return `${counted(errors, "error")}, ${counted(warnings, "warning")}: no job starts with this schema.\n`;
  return warnings > 0
    ? `No error, ${counted(warnings, "warning")}: a job starts with this schema.\n`
    : "No fault found.\n";
}

export function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

export function wordsOfDiff({ changes, objectMappings }: SchemaDiff): string {
  if (changes.length + objectMappings.length === 0) return "Nothing differs.\n";
  const lines = changes.map((change) => wordsOfChange(change, ""));
  for (const mapping of objectMappings) {
    if (lines.length > 0) lines.push("");
    lines.push(`${MARKS[mapping.kind]} ${mapping.objectMapping}`);
    lines.push(...mapping.changes.map((change) => wordsOfChange(change, "    ")));
    for (const attribute of mapping.attributes) {
      lines.push(`  ${MARKS[attribute.kind]} ${attribute.targetAttribute}`);
      lines.push(...attribute.changes.map((change) => wordsOfChange(change, "      ")));
    }
  }
  return `${lines.join("\n")}\n`;
}

const MARKS = { added: "+", removed: "-", changed: "~" } as const;

function wordsOfChange({ what, before, after }: SchemaChange, indent: string): string {
  if (before === null) return `${indent}${what}: + ${after}`;
  if (after === null) return `${indent}${what}: - ${before}`;
  const isShort = before.length + after.length < 80;
  return isShort
    ? `${indent}${what}: ${before} → ${after}`
    : `${indent}${what}:\n${indent}  - ${before}\n${indent}  + ${after}`;
}
