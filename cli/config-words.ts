/** A plan as people read it: what is made, changed and removed, job by job, what follows, and what stays. */
import type { ConfigPlan, Difference, PlanStep } from "./config-plan.ts";
import { namedIn, secretLines } from "./config-secrets.ts";
import { wordsOfDiff } from "./schema-words.ts";

const FULL_READ = /^(?:scope|lifecycle)\b/;
const RE_EVALUATION = /^suffixPolicy\b/;

/** `command`: how it is carried out, without the digest. */
export function wordsOfPlan({ steps, untouched, secretsNotCompared, digest }: ConfigPlan, command: string): string {
  const parts = steps.map((step) => `${[stepLine(step), ...detailsOf(step)].join("\n")}\n`);
  const left =
    untouched.length === 0
      ? []
      : [
          `Left as they are, for no file is about them (nothing is deleted for that):\n${untouched.map((one) => `  ${one}\n`).join("")}`,
        ];
  const secrets =
    secretsNotCompared.length === 0
      ? []
      : [
          `Secrets are set, and nobody can tell whether they are as the files refer to (--set-secrets sets them anew):\n${secretsNotCompared.map((one) => `  ${one}\n`).join("")}`,
        ];
  const end =
    steps.length === 0
      ? "Nothing to do: everything is as the files say.\n"
      : `${counted(steps.length, "step")}. To carry out just that:\n  ${command} --digest ${digest}\n`;
  return [...parts, ...left, ...secrets, end].join("\n");
}

/** One line that says what a step does. */
export function stepLine(step: PlanStep): string {
  switch (step.kind) {
    case "exclude":
      return step.before === null
        ? `+ exclusion ${step.guid}: ${step.reason}`
        : `~ exclusion ${step.guid}: ${step.before} → ${step.reason}`;
    case "include":
      return `- exclusion ${step.guid} (${step.reason}): it is treated as any other`;
    case "create":
      return `+ ${step.domainFqdn}: a configuration with its job, '${step.request.displayName}'`;
    case "mode":
      return `~ ${step.domainFqdn}: mode ${step.before} → ${step.mode}${step.mode === "normal" ? "; what was held goes out" : ""}`;
    case "settings":
      return `~ ${step.domainFqdn}: ${counted(step.differences.length, "setting")}${followOf(step.differences)}`;
    case "schema":
      return `~ ${step.domainFqdn}: schema ${step.file}, as a version after ${step.expectedVersion}; everybody is mapped anew`;
    case "secrets":
      return `${step.before.length === 0 ? "+" : "~"} ${step.domainFqdn}: secrets ${namedIn(step.references).join(", ")}`;
  }
}

function detailsOf(step: PlanStep): string[] {
  if (step.kind === "settings") return step.differences.flatMap(differenceLines);
  if (step.kind === "secrets") return secretLines(step);
  if (step.kind === "create")
    return Object.entries(step.request.settings).map(([name, value]) => `    ${name}: ${shown(value)}`);
  if (step.kind !== "schema" || step.differences === null) return [];
  return wordsOfDiff(step.differences)
    .trimEnd()
    .split("\n")
    .map((line) => `    ${line}`);
}

function differenceLines({ what, before, after }: Difference): string[] {
  if (!Array.isArray(before) || !Array.isArray(after)) return [`    ${what}: ${shown(before)} → ${shown(after)}`];
  const added = after.filter((own) => !before.includes(own));
  const removed = before.filter((own) => !after.includes(own));
  return [
    ...removed.map((own) => `    ${what}: - ${shown(own)}`),
    ...added.map((own) => `    ${what}: + ${shown(own)}`),
  ];
}

function followOf(differences: readonly Difference[]): string {
  if (differences.some(({ what }) => FULL_READ.test(what))) return "; everything is read again";
  return differences.some(({ what }) => RE_EVALUATION.test(what)) ? "; everybody is mapped anew" : "";
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "(none)";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
