/**
 * What Microsoft Graph's refusals mean, as one table: status, code, message → our code, worth another try, remedy.
 *
 * The first row that fits counts. Graph says most things with 400 `Request_BadRequest` and a sentence, so sentences are
 * matched, by the words that public reports and the documentation show; one that nothing fits is `UnprocessableEntity`
 * and comes with Graph's text. Names of properties are read from `details[].target` and from the sentence.
 */

import { FAILURES, type FailureCode } from "../../domain/failure-codes.ts";
import type { TargetFailure } from "../../ports/target-directory.ts";

/** The `error` object of an answer, as far as it is read. */
export interface GraphError {
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly code: string; readonly target: string }[];
}

interface FailureRow {
  readonly status?: number;
  readonly code?: RegExp;
  readonly text?: RegExp;
  readonly to: FailureCode;
  readonly retriable: boolean;
}

const ROWS: readonly FailureRow[] = [
  row("TooManyRequests", true, { status: 429 }),
  row("Timeout", true, { status: 408 }),
  row("Timeout", true, { status: 504 }),
  row("InternalServerError", true, {
    code: /^(InternalServerError|serviceUnavailable|UnknownError|generalException)$/i,
  }),
  row("CannotUpdateObjectsMasteredOnPremises", false, { text: /on-premises mastered|Directory Sync objects/i }),
  row("UnableToResolveReferenceAttributeValue", true, {
    status: 400,
    text: /objects? being referenced do(es)? not exist/i,
  }),
  row("InvalidDomain", false, { text: /domain portion|verified domain/i }),
  row("QuotaLimitExceeded", false, { code: /QuotaExceeded/i }),
  row("LicenseLimitExceeded", false, { text: /licen[sc]e/i, status: 400 }),
  row("EntryChanged", true, { code: /Concurrency/i }),
  row("InsufficientRights", false, { status: 403 }),
  row("Unauthorized", false, { status: 401 }),
  row("InvalidAnchor", false, { status: 404 }),
  row("MethodNotAllowed", false, { status: 405 }),
  // An item that depends on another one of its batch, which failed: nothing was done.
  row("InternalServerError", true, { status: 424 }),
  row("NotImplemented", false, { status: 501 }),
  row("ExceededAllowedLength", false, { text: /maximum length|InvalidLength|too long/i }),
  row("MandatoryFieldsMissing", false, { text: /value is required|required propert/i }),
  row("SchemaPropertyCanOnlyAcceptValue", false, {
    text: /Cannot convert|expected type|null value was found|Only one number/i,
  }),
  row("SchemaAttributeNotFound", false, {
    text: /^Invalid property|read-only|unknown property|can't be set together|could not find a property/i,
  }),
  row("IdentityDataValidationFailed", false, {
    text: /Invalid value|is invalid|invalid values|must follow|does not comply/i,
  }),
  row("InternalServerError", true, { status: 500 }),
];

/** `retriable`: what it did is not known, or the same goes through later. What to do stands in the table of codes. */
function row(to: FailureCode, retriable: boolean, when: Omit<FailureRow, "to" | "retriable">): FailureRow {
  return { to, retriable, ...when };
}

/** Graph's `error` object out of a body; empty strings where there is none. */
export function graphErrorOf(body: unknown): GraphError {
  const error = fieldsOf(fieldsOf(body)["error"]);
  const details = Array.isArray(error["details"]) ? error["details"].map(fieldsOf) : [];
  return {
    code: textOf(error["code"]),
    message: textOf(error["message"]),
    details: details.map((detail) => ({ code: textOf(detail["code"]), target: textOf(detail["target"]) })),
  };
}

/** The failure that an answer means. `what` begins the message: "Cannot create user 7c1e…". */
export function failureOf(status: number, error: GraphError, what: string): TargetFailure {
  const properties = propertiesOf(error);
  const named = properties.length > 0 ? { properties } : {};
  const message = `${what}: ${error.message || `the target answered ${status} ${error.code}`.trim()}`;
  if (isConflict(status, error)) {
    // Two objects with one anchor are one object too many; any other value can be changed.
    const twin = properties.includes("onPremisesImmutableId") || properties.includes("uniqueName");
    // Graph names the addresses that follow from mail; mail is what was sent.
    const clashing = properties.map((name) => (name === "proxyAddresses" ? "mail" : name));
    const code = twin ? "EntryConflict" : "AttributeValueMustBeUnique";
    return {
      code,
      message,
      remedy: FAILURES[code].action,
      retriable: false,
      status,
      ...(clashing.length > 0 ? { properties: clashing } : {}),
    };
  }
  const found = ROWS.find((candidate) => fits(candidate, status, error));
  const isFault = status >= 500;
  const { to: code, retriable } = found ?? {
    to: isFault ? ("InternalServerError" as const) : ("UnprocessableEntity" as const),
    retriable: isFault,
  };
  return { code, message, remedy: FAILURES[code].action, retriable, status, ...named };
}

function fits(candidate: FailureRow, status: number, error: GraphError): boolean {
  if (candidate.status !== undefined && candidate.status !== status) return false;
  if (
    candidate.code &&
    ![error.code, ...error.details.map((detail) => detail.code)].some((one) => candidate.code?.test(one))
  ) {
    return false;
  }
  const texts = [error.message, ...error.details.map((detail) => detail.code)];
  return !candidate.text || texts.some((text) => candidate.text?.test(text));
}

/** A unique value that another object has. */
export function isConflict(status: number, error: GraphError): boolean {
  if (status !== 400 && status !== 409) return false;
  const codes = [error.code, ...error.details.map((detail) => detail.code)];
  return codes.includes("ObjectConflict") || /same value for property|already exists/i.test(error.message);
}

/** 400 for a reference, 404 for an object: what a fresh object's lag looks like. */
export function looksLikeLag(status: number, error: GraphError): boolean {
  return status === 404 || isMissingReference(status, error);
}

/** An object that a write points to isn't there, or doesn't show yet. */
export function isMissingReference(status: number, error: GraphError): boolean {
  return status === 400 && /objects? being referenced do(es)? not exist/i.test(error.message);
}

/** A link that is there already; one of them fails all that were to be added by the same write. */
export function isLinkedAlready(status: number, error: GraphError): boolean {
  return status === 400 && /object references? already exist/i.test(error.message);
}

/** The write is refused for what it points to, for whatever reason. */
export function isAboutReferences(status: number, error: GraphError): boolean {
  if (isMissingReference(status, error) || isLinkedAlready(status, error)) return true;
  return status === 400 && /reference propert|@odata\.(bind|id)/i.test(error.message);
}

/** Two writes met on one object: nothing was written, and the same goes through a moment later. */
export function isConcurrency(status: number, error: GraphError): boolean {
  if (status === 412) return true;
  return [error.code, ...error.details.map((detail) => detail.code)].some((code) => /Concurrency/i.test(code));
}

/** The same refusal as one of the reference and not of the object itself. */
export function referenceFailure(failure: TargetFailure, property?: string): TargetFailure {
  return {
    ...failure,
    code: "UnableToResolveReferenceAttributeValue",
    remedy: FAILURES.UnableToResolveReferenceAttributeValue.action,
    retriable: true,
    ...(property === undefined ? {} : { properties: [property] }),
  };
}

const PROPERTY_IN_TEXT = [
  /propert(?:y|ies) '([a-z]\w*(?:\/\w+)?)'/i,
  /for property ([a-z]\w*)/i,
  /portion of the (\w+) property/,
  /Property (\w+) is invalid/,
];

function propertiesOf(error: GraphError): readonly string[] {
  const named = error.details
    .filter((detail) => detail.code !== "ConflictingObjects")
    .map((detail) => detail.target)
    .filter((target) => /^[a-z]\w*$/.test(target));
  const inText = PROPERTY_IN_TEXT.map((pattern) => pattern.exec(error.message)?.[1]).find((name) => name !== undefined);
  const all = named.length > 0 ? named : inText === undefined ? [] : [inText];
  // Graph writes `a/b` for a member of a structure, callers `a.b`.
  return [...new Set(all.map((name) => name.replace("/", ".")))];
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
