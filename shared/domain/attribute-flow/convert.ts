/**
 * From what an expression gives to what a property takes: text, Boolean, a collection of one, an anchor in base64, a
 * mail nickname. Nothing is cut: a value that is too long is a failure. A mail nickname is cleaned, as the directory
 * takes fewer characters there than AD does, and says so.
 */

import { encodeBase64 } from "../base64.ts";
import { normalizeDiacritics } from "../expression/diacritics.ts";
import { type Scalar, textOfScalar } from "../expression/value.ts";
import type { TargetProperty } from "../target-table.ts";
import type { TargetScalar } from "../target-value.ts";
import { guidToBytes, isGuid } from "../values.ts";

export type FlowCode =
  | "ExceededAllowedLength"
  | "IdentityDataValidationFailed"
  | "MandatoryFieldsMissing"
  | "AttributeMappingFailed"
  | "ValueAdjusted"
  | "ValueLeftOut";

export interface FlowNotice {
  readonly code: FlowCode;
  /** The target attribute's name in the schema. */
  readonly attribute: string;
  readonly property: string;
  readonly message: string;
  /** What the attribute is mapped by. */
  readonly expression?: string;
}

export type Converted =
  | { readonly kind: "value"; readonly value: Exclude<TargetScalar, null>; readonly adjusted?: string }
  | { readonly kind: "empty" }
  | { readonly kind: "fault"; readonly code: FlowCode; readonly message: string; readonly isFatal: boolean };

const EMPTY: Converted = { kind: "empty" };

const fault = (code: FlowCode, message: string, isFatal = true): Converted => ({
  kind: "fault",
  code,
  message,
  isFatal,
});

export function convert(property: TargetProperty, scalar: Scalar): Converted {
  if (property.type === "boolean") return convertBoolean(scalar);
  const read = property.type === "anchor" ? anchorText(scalar) : textOfScalar(scalar);
  if (read === "") return EMPTY;
  const text = property.type === "alias" ? cleanAlias(read) : read;
  // Nothing usable is left: the nickname's own default takes over.
  if (text === "") return EMPTY;
  const { maximumLength = Number.POSITIVE_INFINITY, format } = property;
  if (text.length > maximumLength) {
    return fault("ExceededAllowedLength", `The value has ${text.length} characters; ${maximumLength} are allowed.`);
  }
  if (format && !format.pattern.test(text)) {
    const isFatal = format.otherwise === "fail";
    const code = isFatal ? "IdentityDataValidationFailed" : "ValueLeftOut";
    return fault(code, `The value is not ${format.wanted}.`, isFatal);
  }
  if (property.type === "list") return { kind: "value", value: [text] };
  if (text === read) return { kind: "value", value: text };
  return { kind: "value", value: text, adjusted: "Characters that the target doesn't take were removed." };
}

function convertBoolean(scalar: Scalar): Converted {
  if (typeof scalar === "boolean") return { kind: "value", value: scalar };
  const text = textOfScalar(scalar).trim().toLowerCase();
  if (text === "") return EMPTY;
  if (text === "true" || text === "false") return { kind: "value", value: text === "true" };
  return fault("IdentityDataValidationFailed", "The value is neither True nor False.");
}

/** Bytes as base64, a GUID's text as base64 of its bytes; any other text (an employee number) as it is. */
function anchorText(scalar: Scalar): string {
  if (typeof scalar === "object" && scalar.kind === "binary") return scalar.base64;
  const text = textOfScalar(scalar);
  const lower = text.toLowerCase();
  return isGuid(lower) ? encodeBase64(guidToBytes(lower)) : text;
}

/** What a mail nickname may hold: ASCII without blanks and without @ ( ) \ [ ] " ; : < > and the comma. */
const NOT_IN_ALIAS = /[^!-~]|[@()\\[\]";:<>,]/g;

function cleanAlias(text: string): string {
  return normalizeDiacritics(text).replace(NOT_IN_ALIAS, "");
}

/** The nickname of an object that has none: its user principal name's prefix, else its GUID. Never empty. */
export function defaultAlias(userPrincipalName: string, objectGuid: string, maximumLength: number): string {
  const prefix = userPrincipalName.slice(0, Math.max(0, userPrincipalName.lastIndexOf("@")));
  return (cleanAlias(prefix) || objectGuid).slice(0, maximumLength);
}
