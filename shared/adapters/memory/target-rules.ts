/** The rules about values that the memory target keeps: required ones, verified suffixes, what role holders refuse. */

import type { TargetValues } from "../../domain/target-value.ts";
import type { TargetAction, TargetFailure } from "../../ports/target-directory.ts";
import { failure } from "./target-object.ts";

const REQUIRED = {
  user: ["accountEnabled", "displayName", "mailNickname", "userPrincipalName"],
  group: ["displayName", "mailNickname"],
} as const;

const SENSITIVE = new Set([
  "accountEnabled",
  "businessPhones",
  "mobilePhone",
  "onPremisesImmutableId",
  "otherMails",
  "userPrincipalName",
]);

export function sensitiveNames(values: TargetValues): readonly string[] {
  return Object.keys(values).filter((name) => SENSITIVE.has(name));
}

export function checkCreate(
  action: Extract<TargetAction, { kind: "create" }>,
  verifiedDomains: readonly string[],
): TargetFailure | undefined {
  const missing = REQUIRED[action.type].find((name) => isEmpty(action.values[name]));
  if (missing === undefined) return checkValues(action, action.values, verifiedDomains);
  return failure(action, "MandatoryFieldsMissing", `${missing} is required`, { properties: [missing], status: 400 });
}

export function checkValues(
  action: TargetAction & { readonly kind: "create" | "update" },
  values: TargetValues,
  verifiedDomains: readonly string[],
): TargetFailure | undefined {
  const cleared = REQUIRED[action.type].find((name) => name in values && isEmpty(values[name]));
  if (cleared !== undefined) {
    return failure(action, "MandatoryFieldsMissing", `${cleared} can't be cleared`, { properties: [cleared] });
  }
  const upn = values["userPrincipalName"];
  if (typeof upn !== "string") return undefined;
  const suffix = upn.slice(upn.lastIndexOf("@") + 1).toLowerCase();
  if (verifiedDomains.includes(suffix)) return undefined;
  return failure(action, "InvalidDomain", `${suffix} is not verified`, { properties: ["userPrincipalName"] });
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}
