/**
 * Checks the body of a create or a PATCH against the property tables, one property at a time and then as a whole.
 *
 * It stops at the first fault, as Graph does. What needs the directory's content (uniqueness, references, roles) is
 * not decided here.
 */
import { type FlagRule, type PropertyRule, type PropertyRules, ruleOf, type TextRule } from "./property-table.ts";
import { type Refusal, refuse } from "./rules.ts";
import { isJsonObject, type JsonObject } from "./types.ts";

export type Mode = "create" | "update";
export type ResourceType = "User" | "Group";

/** The tenant's names that a userPrincipalName may end with; lower case. */
export type Domains = { verified: ReadonlySet<string>; federated: ReadonlySet<string> };

/**
 * Checks all properties of `body` by their tables. Names with an @ (bindings) are left to the caller, but for
 * `@odata.type`, which says nothing new.
 */
export function checkProperties(
  body: JsonObject,
  table: PropertyRules,
  type: ResourceType,
  mode: Mode,
): Refusal | undefined {
  for (const [name, value] of Object.entries(body)) {
    if (name.includes("@")) continue;
    const refusal = checkProperty(name, value, ruleOf(table, name), type);
    if (refusal) return refusal;
  }
  if (mode === "update") return undefined;
  for (const [name, rule] of Object.entries(table)) {
    if ("atCreate" in rule && rule.atCreate === "required" && (body[name] === undefined || body[name] === null)) {
      return refuse("property-required", `A value is required for property '${name}' of resource '${type}'.`, {
        details: [{ code: "PropertyValueRequired", message: `${name} is required.`, target: name }],
      });
    }
  }
  return undefined;
}

function checkProperty(
  name: string,
  value: unknown,
  rule: PropertyRule | undefined,
  type: ResourceType,
): Refusal | undefined {
  if (!rule) return refuse("property-unknown", `Invalid property '${name}' of resource '${type}'.`);
  switch (rule.kind) {
    case "read-only":
      return refuse("property-read-only", `Property '${name}' is read-only and cannot be set.`);
    case "relation":
      return refuse("property-relation", `Property '${name}' is a relationship and cannot be set as a property.`);
    case "other-service":
      return refuse(
        "property-other-service",
        `Property '${name}' can't be set together with properties of the directory.`,
      );
  }
  if (value === null) return checkNull(name, rule, type);
  switch (rule.kind) {
    case "flag":
    case "text":
      return checkScalar(name, value, rule, type);
    case "list":
      if (!Array.isArray(value)) return wrongType(name, "Collection(Edm.String)");
      if (value.length > rule.maxItems) {
        return refuse("property-length", `Property '${name}' can't have more than ${rule.maxItems} values.`);
      }
      for (const item of value) {
        const refusal = checkScalar(name, item, { ...rule, kind: "text" }, type);
        if (refusal) return refusal;
      }
      return undefined;
    case "structure":
      if (!isJsonObject(value)) return wrongType(name, "a complex type");
      for (const [member, inner] of Object.entries(value)) {
        const innerRule = Object.hasOwn(rule.members, member) ? rule.members[member] : undefined;
        if (!innerRule) {
          return refuse("property-unknown", `Invalid property '${name}/${member}' of resource '${type}'.`);
        }
        if (inner === null) continue;
        const refusal = checkScalar(`${name}/${member}`, inner, innerRule, type);
        if (refusal) return refusal;
      }
      return undefined;
  }
}

function checkNull(name: string, rule: PropertyRule, type: ResourceType): Refusal | undefined {
  if (rule.kind === "list") {
    return refuse("collection-null", `A null value was found for the property '${name}', which is a collection.`);
  }
  if ("clearable" in rule && rule.clearable) return undefined;
  return name === "usageLocation"
    ? refuse("usage-location-code", `Invalid value specified for property 'usageLocation' of resource '${type}'.`)
    : refuse("property-not-clearable", `A value is required for property '${name}' of resource '${type}'.`);
}

function checkScalar(name: string, value: unknown, rule: FlagRule | TextRule, type: ResourceType): Refusal | undefined {
  if (rule.kind === "flag") return typeof value === "boolean" ? undefined : wrongType(name, "Edm.Boolean");
  if (typeof value !== "string") return wrongType(name, "Edm.String");
  if (value === "") return refuse("property-empty", invalidValue(name, type));
  if (value.length > rule.max) {
    return refuse("property-length", `${invalidValue(name, type)} The maximum length is ${rule.max}.`, {
      details: [{ code: "InvalidLength", message: `The length of ${name} is limited to ${rule.max}.`, target: name }],
    });
  }
  return undefined;
}

/** What holds for a user beyond the types and lengths of single properties. */
export function checkUser(body: JsonObject, domains: Domains, mode: Mode): Refusal | undefined {
  const text = (name: string) => (typeof body[name] === "string" ? body[name] : undefined);
  const invalid = (name: string) => invalidValue(name, "User");

  const upn = text("userPrincipalName");
  if (upn !== undefined) {
    const refusal = checkUpn(upn, domains);
    if (refusal) return refusal;
    const federated = domains.federated.has(suffixOf(upn));
    if (mode === "create" && federated && text("onPremisesImmutableId") === undefined) {
      return refuse("immutable-id-federated", "One or more properties contains invalid values.", {
        details: [
          { code: "PropertyValueRequired", message: "A federated user needs it.", target: "onPremisesImmutableId" },
        ],
      });
    }
  }
  const nickname = text("mailNickname");
  if (nickname !== undefined && !isNickname(nickname))
    return refuse("mail-nickname-characters", invalid("mailNickname"));
  const addresses = [text("mail"), ...(Array.isArray(body["otherMails"]) ? body["otherMails"] : [])];
  for (const address of addresses) {
    if (typeof address === "string" && !SMTP.test(address)) return refuse("mail-format", invalid("mail"));
  }
  if (/[$_]/.test(text("onPremisesImmutableId") ?? "")) {
    return refuse("immutable-id-characters", invalid("onPremisesImmutableId"));
  }
  if (Array.isArray(body["businessPhones"]) && body["businessPhones"].length > 1) {
    return refuse(
      "business-phones-one",
      "Only one number can be set for property 'businessPhones' of resource 'User'.",
    );
  }
  if (!/^[A-Za-z]{2}$/.test(text("usageLocation") ?? "US"))
    return refuse("usage-location-code", invalid("usageLocation"));
  if (!/^(member|guest)$/i.test(text("userType") ?? "Member")) return refuse("user-type-value", invalid("userType"));
  if (!LANGUAGE.test(text("preferredLanguage") ?? "en")) {
    return refuse("preferred-language-code", "Property 'preferredLanguage' must follow ISO 639-1, such as 'en-US'.");
  }
  return mode === "create" ? checkPassword(body["passwordProfile"]) : undefined;
}

/** What holds for a group beyond the types and lengths of single properties. */
export function checkGroup(body: JsonObject, mode: Mode): Refusal | undefined {
  const nickname = body["mailNickname"];
  if (typeof nickname === "string" && !isNickname(nickname)) {
    return refuse("mail-nickname-characters", invalidValue("mailNickname", "Group"));
  }
  const types = Array.isArray(body["groupTypes"]) ? body["groupTypes"] : [];
  if (mode === "create" && body["mailEnabled"] === true && !types.includes("Unified")) {
    return refuse(
      "group-mail-enabled-create",
      "The service does not currently support writing of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.",
    );
  }
  return undefined;
}

function suffixOf(upn: string): string {
  return upn.slice(upn.lastIndexOf("@") + 1).toLowerCase();
}

const SMTP = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/;
const LANGUAGE = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;
const UPN = /^[A-Za-z0-9'._\-!#^~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/;

function checkUpn(upn: string, domains: Domains): Refusal | undefined {
  const at = upn.lastIndexOf("@");
  if (!UPN.test(upn) || at > 64 || upn.startsWith(".") || upn[at - 1] === "." || upn.includes("..")) {
    return refuse("upn-format", "Property userPrincipalName is invalid.");
  }
  if (!domains.verified.has(suffixOf(upn))) {
    return refuse(
      "upn-domain-verified",
      "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
      { details: [{ code: "InvalidValue", message: "The domain is not verified.", target: "userPrincipalName" }] },
    );
  }
  return undefined;
}

function isNickname(value: string): boolean {
  // Graph's list: no blank, none of @ ( ) \ [ ] " ; : < > , and nothing beyond ASCII.
  return /^[!-~]+$/.test(value) && !/[@()\\[\]";:<>,]/.test(value);
}

function checkPassword(profile: unknown): Refusal | undefined {
  const password = isJsonObject(profile) ? profile["password"] : undefined;
  if (typeof password !== "string") {
    return refuse(
      "property-required",
      "A value is required for property 'passwordProfile/password' of resource 'User'.",
    );
  }
  const classes = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password)).length;
  if (password.length >= 8 && classes >= 3) return undefined;
  return refuse(
    "password-complexity",
    "The specified password does not comply with password complexity requirements. Please provide a different password.",
  );
}

function invalidValue(name: string, type: ResourceType): string {
  return `Invalid value specified for property '${name}' of resource '${type}'.`;
}

function wrongType(name: string, expected: string): Refusal {
  return refuse("property-type", `Cannot convert the value of property '${name}' to the expected type '${expected}'.`);
}
