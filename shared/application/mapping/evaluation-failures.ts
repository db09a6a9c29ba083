/** Why an object can't be evaluated, in words: which mapping or clause, and what to do. That object alone waits. */

import type { FlowNotice } from "../../domain/attribute-flow/convert.ts";
import { FAILURES, type FailureCode } from "../../domain/failure-codes.ts";
import { type ObjectRecord, typeOfLink } from "../../domain/object-record.ts";
import { IMAGE_MAX_BYTES } from "../../domain/oversize.ts";
import type { UndecidedScope } from "../../domain/scope/verdict.ts";
import type { Evaluation } from "./job-mapping.ts";

export type Failed = Extract<Evaluation, { kind: "failed" }>;

export function failed(scope: string, code: FailureCode, message: string, remedy: string): Failed {
  return { kind: "failed", scope, code, message, remedy };
}

/** Neither in nor out: whatever the target has of it stays as it is until the filter can be evaluated. */
export function scopeFailure({ objectGuid }: ObjectRecord, { failure, explanation }: UndecidedScope): Failed {
  const { group, clause, message } = failure;
  return failed(
    explanation,
    "ScopingFilterFailed",
    `The scoping filter of object ${objectGuid} can't be evaluated: ${clause} in ${group}. ${message}`,
    "Make the clause's pattern simpler, or mend the value in the directory. The target object stays as it is until then.",
  );
}

/** An image from before the schema: what it lacks may never have been asked for, and must not be taken for empty. */
export function outdatedImage({ objectGuid }: ObjectRecord): Failed {
  return failed(
    "not read since the schema changed",
    "ImageOutdated",
    `Object ${objectGuid} was not in the full read that the job's schema brought, so it can't be mapped by it. Its target object stays as it is.`,
    "See why that read lacked it (uplink job show): who is gone is staged or absent; who is there comes with its next change or the next full read.",
  );
}

/** What should not happen, in the mapping or the export of this one object: it waits, and the others go on. */
export function defectFailure({ objectGuid }: ObjectRecord, error: unknown, what = "mapped"): Failed {
  const why = error instanceof Error ? error.message : String(error);
  const message = `Object ${objectGuid} can't be ${what}, which should not happen: ${why.replace(/\.?$/, ".")}`;
  return failed("not evaluated", "InternalError", message, FAILURES.InternalError.action);
}

/** What a change says that could not be applied is missing in the image, and must not be taken for what it was before. */
export function unappliedFailure({ objectGuid }: ObjectRecord): Failed {
  const message = `A change of object ${objectGuid} could not be applied, which should not happen. Its target object stays as it is until a full read brings the object whole.`;
  return failed("not evaluated", "InternalError", message, FAILURES.InternalError.action);
}

/** Its row is damaged: nothing is known for sure, so nothing is done. */
export function unreadableFailure({ objectGuid }: ObjectRecord): Failed {
  const message = `The row of object ${objectGuid} can't be read: its content is damaged, or from a newer version.`;
  return failed("not evaluated", "EntryUnreadable", message, FAILURES.EntryUnreadable.action);
}

/** What was known of it before must not be exported as if it were new, nor what is missing be taken for empty. */
export function oversizeFailure({ objectGuid }: ObjectRecord, oversize: Readonly<Record<string, number>>): Failed {
  const sizes = Object.entries(oversize).map(([name, bytes]) => `${name} (${Math.ceil(bytes / 1024)} KiB)`);
  const most = `${IMAGE_MAX_BYTES / 1024} KiB`;
  return failed(
    "not evaluated",
    "ExceededAllowedLength",
    `Object ${objectGuid} is too large to be kept: of it, ${most} fit, and too much is in ${sizes.join(", ")}. Its target object stays as it is.`,
    "Take values off the attribute in the directory, or the attribute out of the schema; the change, or the next full read, brings the object again.",
  );
}

export function typeFailure(
  { objectGuid, objectClass, link }: ObjectRecord,
  targetName: string,
  scope: string,
): Failed {
  const is = link ? typeOfLink(link) : "nothing";
  const message = `Object ${objectGuid} is a ${objectClass} now, and goes to a ${targetName}; its target object ${link?.targetId} is a ${is}.`;
  const remedy =
    "Delete the target object, or take the object out of scope and let that remove it; it is made anew then.";
  return failed(scope, "ObjectTypeMismatch", message, remedy);
}

const SHOWN_EXPRESSION = 200;

/**
 * The first mapping that failed, with the expression that did, and the names of the others. Of a redacted property nothing is
 * repeated that was said of its value: what the mapping made of it is in no list of secrets.
 */
export function mappingFailure(
  { objectGuid }: ObjectRecord,
  scope: string,
  [first, ...others]: readonly FlowNotice[],
  redacted: readonly string[],
): Failed | undefined {
  if (!first) return undefined;
  const { code, attribute, property, expression } = first;
  const isRedacted = redacted.includes(property);
  const message = isRedacted ? "what is wrong with it may hold the value, which is redacted" : first.message;
  const by = expression === undefined ? "" : ` It is mapped by ${shortened(expression)}.`;
  const more = others.length === 0 ? "" : ` Failed too: ${others.map((own) => own.attribute).join(", ")}.`;
  const text = `Attribute ${attribute} of object ${objectGuid}: ${message.replace(/\.?$/, ".")}${by}${more}`;
  return failed(scope, code, text, "Mend the value in the directory, or the mapping.");
}

function shortened(expression: string): string {
  const line = expression.replace(/\s+/g, " ");
  return line.length <= SHOWN_EXPRESSION ? line : `${line.slice(0, SHOWN_EXPRESSION)} …`;
}
