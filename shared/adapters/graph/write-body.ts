/**
 * From values to the bodies that Graph takes: what a create leaves out, how a collection or a member of a structure is
 * cleared, which properties are refused for holders of roles, and the password that every new user must have.
 */

import { isNested, type TargetValue, type TargetValues } from "../../domain/target-value.ts";
import type { Random } from "../../ports/clock.ts";
import type { TargetAction } from "../../ports/target-directory.ts";
import { memberAddress, userAddress } from "./addresses.ts";

export type CreateAction = Extract<TargetAction, { kind: "create" }>;

export type Body = Readonly<Record<string, unknown>>;

/** Collections refuse null: they are cleared by an empty one. */
const COLLECTIONS = new Set(["businessPhones", "otherMails"]);

/**
 * Refused for holders of privileged roles and members of role-assignable groups unless the application holds a role;
 * the distinguished name always needs one. A single such property fails the whole PATCH.
 */
const GUARDED = new Set([
  "accountEnabled",
  "businessPhones",
  "mobilePhone",
  "onPremisesDistinguishedName",
  "onPremisesImmutableId",
  "otherMails",
  "passwordProfile",
  "userPrincipalName",
]);

/** The values in two: those that anybody may write, and the guarded ones. */
export function splitGuarded(values: TargetValues): { readonly plain: TargetValues; readonly guarded: TargetValues } {
  const entries = Object.entries(values);
  return {
    plain: Object.fromEntries(entries.filter(([name]) => !GUARDED.has(name))),
    guarded: Object.fromEntries(entries.filter(([name]) => GUARDED.has(name))),
  };
}

/** A PATCH's body: null clears; of a structure only the members that are named change. */
export function updateBody(values: TargetValues): Body {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value === null && COLLECTIONS.has(name) ? [] : value]),
  );
}

/**
 * A create's body: nothing that is empty, what it points to bound by address, and for a user the password, made here and
 * known to nobody. An empty list is left out even where it says something (groupTypes: an assigned group, as without
 * it): the upsert of a group that is there already would make a dynamic one lose its rule.
 */
export function createBody(
  { type, values, members = [] }: CreateAction,
  options: { readonly baseUrl: string; readonly random: Random; readonly forceChangePasswordNextSignIn: boolean },
): Body {
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const present = withoutEmpty(value);
    if (present === undefined) continue;
    // A reference is bound at create, where the other object exists: no write of its own.
    if (name === "manager") body["manager@odata.bind"] = userAddress(options.baseUrl, String(present));
    // The address of the upsert says it.
    else if (name !== "uniqueName") body[name] = present;
  }
  if (members.length > 0) body["members@odata.bind"] = members.map((id) => memberAddress(options.baseUrl, id));
  if (type === "user") {
    const { forceChangePasswordNextSignIn } = options;
    body["passwordProfile"] = { password: newPassword(options.random), forceChangePasswordNextSignIn };
  }
  return body;
}

function withoutEmpty(value: TargetValue): TargetValue | undefined {
  if (value === null || value === "") return undefined;
  if (Array.isArray(value)) return value.length > 0 ? value : undefined;
  if (!isNested(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== "");
  return members.length > 0 ? Object.fromEntries(members) : undefined;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CLASSES = [/[A-Z]/, /[a-z]/, /[0-9]/, /[-_]/];

/** 64 characters of 64 possible ones (384 bits), drawn again until all four classes are there. */
function newPassword(random: Random): string {
  for (;;) {
    const password = Array.from(random.bytes(64), (byte) => LETTERS[byte & 63]).join("");
    if (CLASSES.every((wanted) => wanted.test(password))) return password;
  }
}
