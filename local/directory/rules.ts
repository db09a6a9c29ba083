/**
 * The rules of Microsoft Graph that the directory stand-in keeps, as one table.
 *
 * A rule that can refuse a call has the status and code of Graph's error and is cited by its id in that error
 * (`innerError.rule`, which Graph doesn't have), so that a failing test says which rule it met. A behaviour is a rule
 * that refuses nothing but that a client must live with. Every id has a test whose title begins with it; a test walks
 * this table and fails for an id without one.
 *
 * Texts of errors are Graph's where a public report shows them. Where none does, the stand-in takes the stricter
 * reading, and README's list of doubts names it.
 */

type RefusingRule = { status: number; code: string; sentence: string };

const bad = { status: 400, code: "Request_BadRequest" } as const;
const denied = { status: 403, code: "Authorization_RequestDenied" } as const;
const missing = { status: 404, code: "Request_ResourceNotFound" } as const;
const throttled = { status: 429, code: "TooManyRequests" } as const;
const unsupportedQuery = { status: 400, code: "Request_UnsupportedQuery" } as const;
const badBatch = { status: 400, code: "BadRequest" } as const;

export const rules = {
  // Callers
  "token-required": {
    status: 401,
    code: "InvalidAuthenticationToken",
    sentence: "A call without a bearer token is refused.",
  },
  "token-invalid": {
    status: 401,
    code: "InvalidAuthenticationToken",
    sentence: "A token that is expired, foreign or for another audience is refused.",
  },
  "permission-required": { ...denied, sentence: "Each route needs one of its application permissions." },
  "sensitive-role-holder": {
    ...denied,
    sentence:
      "Sensitive properties of a holder of a privileged role are refused to an application without such a role; one fails the whole PATCH.",
  },
  "sensitive-role-holder-delete": {
    ...denied,
    sentence: "A holder of a privileged role is deleted or restored only by an application with such a role.",
  },
  "distinguished-name-role": {
    ...denied,
    sentence: "onPremisesDistinguishedName is set only by an application that is Hybrid Identity Administrator.",
  },
  "password-change-right": {
    ...denied,
    sentence: "passwordProfile is changed only with User-PasswordProfile.ReadWrite.All and an administrator role.",
  },
  "role-assignable-group-right": {
    ...denied,
    sentence: "Role-assignable groups are written only with RoleManagement.ReadWrite.Directory.",
  },

  // Requests
  "segment-unknown": {
    status: 400,
    code: "BadRequest",
    sentence: "An unknown path segment is a 400 that names the segment.",
  },
  "method-not-allowed": {
    status: 405,
    code: "Request_BadRequest",
    sentence: "A known path with a method that it doesn't serve is a 405.",
  },
  "body-unreadable": {
    status: 400,
    code: "BadRequest",
    sentence: "A body that is no JSON object, or longer than 4 MiB, is refused.",
  },
  "object-not-found": { ...missing, sentence: "An object that doesn't exist, or is deleted, is a 404." },
  "object-not-yet-visible": {
    ...missing,
    sentence: "An object that was just created is a 404 until it is visible everywhere.",
  },
  "reference-not-found": {
    ...bad,
    sentence: "A reference to an object that doesn't exist, or is not yet visible, is a 400.",
  },
  "reference-malformed": { ...bad, sentence: "A reference is the address of a user, group or directory object." },
  "reference-type": { ...bad, sentence: "A manager is a user; a member is a user or a security group, never itself." },

  // Properties
  "property-unknown": { ...bad, sentence: "A property that the type doesn't have is refused." },
  "property-read-only": {
    ...bad,
    sentence: "A read-only property is refused, proxyAddresses and onPremises* among them.",
  },
  "property-relation": { ...bad, sentence: "A relation is not a property: it is bound by @odata.bind or $ref." },
  "property-other-service": {
    ...bad,
    sentence: "Properties that another service masters are refused together with the directory's.",
  },
  "property-type": { ...bad, sentence: "A value of another type than the property's is refused." },
  "property-length": { ...bad, sentence: "A value longer than the property's maximum is refused." },
  "property-empty": { ...bad, sentence: "The empty string is refused; null clears." },
  "property-required": { ...bad, sentence: "What a create needs must be there." },
  "property-not-clearable": { ...bad, sentence: "A required property can't be set to null." },
  "collection-null": { ...bad, sentence: "A collection is emptied by [], never by null." },
  "patch-empty": { ...bad, sentence: "A PATCH without any property is refused." },
  "business-phones-one": { ...bad, sentence: "businessPhones holds one number at most." },
  "usage-location-code": { ...bad, sentence: "usageLocation is a country's two letters and can't be cleared." },
  "mail-nickname-characters": { ...bad, sentence: 'mailNickname is ASCII without blanks and @()\\[]";:<>,.' },
  "mail-format": { ...bad, sentence: "mail and otherMails are SMTP addresses without accents." },
  "immutable-id-characters": { ...bad, sentence: "onPremisesImmutableId has no $ and no _." },
  "immutable-id-federated": { ...bad, sentence: "A user with a federated suffix is created with its immutable id." },
  "user-type-value": { ...bad, sentence: "userType is Member or Guest." },
  "preferred-language-code": { ...bad, sentence: "preferredLanguage is an ISO 639 code with an ISO 3166 region." },
  "password-complexity": { ...bad, sentence: "The password of a new user meets the tenant's complexity." },
  "upn-format": { ...bad, sentence: "userPrincipalName is ASCII letters, digits and '.-_!#^~, then @ and a domain." },
  "upn-domain-verified": { ...bad, sentence: "The suffix of userPrincipalName is a verified domain of the tenant." },

  // Uniqueness
  "unique-upn": { ...bad, sentence: "userPrincipalName is unique among live users, whatever its case." },
  "unique-mail": { ...bad, sentence: "mail is unique among all addresses of live users and groups." },
  "unique-immutable-id": { ...bad, sentence: "onPremisesImmutableId is unique among live users." },
  "unique-immutable-id-deleted": {
    ...bad,
    sentence: "A soft-deleted user keeps its onPremisesImmutableId: nobody else may take it.",
  },

  // Objects that others master
  "synced-object-update": { ...bad, sentence: "An object with onPremisesSyncEnabled = true refuses PATCH and links." },
  "synced-object-delete": { ...bad, sentence: "An object with onPremisesSyncEnabled = true refuses DELETE." },

  // Groups
  "group-mail-enabled-create": { ...bad, sentence: "Distribution and mail-enabled security groups can't be created." },
  "group-mail-enabled-change": { ...bad, sentence: "Distribution and mail-enabled security groups can't be changed." },
  "group-dynamic-members": { ...denied, sentence: "Members of a dynamic group can't be set." },
  "group-kind-fixed": { ...bad, sentence: "isAssignableToRole and the security of a group are fixed at create." },
  "members-at-most-20": { ...bad, sentence: "One request adds 20 links at most." },
  "members-all-or-nothing": { ...bad, sentence: "One member that is there already fails all of the request." },
  "member-already-there": { ...bad, sentence: "Adding a member that is there already is a 400." },
  "member-not-there": { ...missing, sentence: "Removing a member that isn't there is a 404." },
  "unique-name-fixed": { ...bad, sentence: "uniqueName is given at create by upsert only and never changes." },
  "unique-name-upsert": { ...missing, sentence: "PATCH by uniqueName creates only with Prefer: create-if-missing." },

  // Manager
  "manager-not-set": { ...missing, sentence: "The manager of a user without one is a 404, also for DELETE." },
  "manager-bound-at-create": { ...bad, sentence: "manager@odata.bind is for create; later it is PUT manager/$ref." },

  // Deleted items
  "restore-upn-taken": { ...bad, sentence: "A restore is refused when another live user has the userPrincipalName." },
  "restore-mail-taken": {
    ...bad,
    sentence: "A restore is refused when an address is taken, unless autoReconcileProxyConflict drops it.",
  },

  // Queries
  "filter-unsupported": { ...unsupportedQuery, sentence: "A $filter outside of what is supported is refused." },
  "filter-or-15": { ...unsupportedQuery, sentence: "A $filter has 15 alternatives at most." },
  "select-unknown": {
    status: 400,
    code: "BadRequest",
    sentence: "$select and $expand of an unknown property are refused.",
  },
  "top-range": { ...bad, sentence: "$top is 1 to 999." },
  "query-option-unsupported": { ...bad, sentence: "A query option that isn't supported is refused, never ignored." },
  "skiptoken-invalid": {
    status: 400,
    code: "Directory_ExpiredPageToken",
    sentence: "A damaged $skiptoken is refused.",
  },
  "get-by-ids-1000": { ...bad, sentence: "getByIds takes 1,000 ids at most." },

  // Batches
  "batch-at-most-20": { ...badBatch, sentence: "A batch has 1 to 20 requests; one more fails all." },
  "batch-id-unique": {
    ...badBatch,
    sentence: "Each request of a batch has an id of its own, a method and a relative url.",
  },
  "batch-depends-on-known": { ...badBatch, sentence: "dependsOn names requests of the same batch, without a cycle." },
  "batch-content-type": { ...badBatch, sentence: "A batched request with a body has Content-Type application/json." },
  "batch-no-nesting": { ...badBatch, sentence: "A batch can't hold a batch." },
  "batch-dependency-failed": {
    status: 424,
    code: "FailedDependency",
    sentence: "A request that depends on one that failed is a 424.",
  },

  // Limits
  "quota-app-writes": { ...throttled, sentence: "3,000 writes per 150 s for one application in one tenant." },
  "quota-tenant-writes": { ...throttled, sentence: "18,000 writes per 300 s for all applications in one tenant." },
  "quota-resource-units": { ...throttled, sentence: "3,500, 5,000 or 8,000 resource units per 10 s, by tenant size." },

  // Made on purpose
  "fault-down": {
    status: 503,
    code: "serviceUnavailable",
    sentence: "A directory that was told to be down answers 503.",
  },
  "fault-throttle": { ...throttled, sentence: "A directory that was told to throttle answers 429 so many times." },
  "fault-write": {
    status: 500,
    code: "InternalServerError",
    sentence: "A write that was told to fail changes nothing.",
  },
} as const satisfies Record<string, RefusingRule>;

/** Rules that refuse nothing, and that a client must live with all the same. */
export const behaviours = {
  "sees-late": "Reads, lists and filters don't show a new object before the visibility delay is over.",
  "unique-at-once": "A unique value is taken at once, also while the object that took it can't be seen.",
  "defaults-selected": "Without $select only the default properties come back.",
  "pages-linked": "A list comes in pages of 100, linked by @odata.nextLink with $skiptoken.",
  "expand-shows-20": "An expanded relation shows its first 20 objects only.",
  "mail-to-proxy": "Setting mail makes it the primary address in proxyAddresses.",
  "deleted-upn-parked": "A deleted user's userPrincipalName is prefixed by its id, so that the name is free.",
  "deleted-30-days": "Deleted objects are gone for good after 30 days.",
  "deleted-manages-nobody": "A deleted user is nobody's manager, also after its restore; its own manager stays.",
  "restore-brings-memberships": "A restored object has its old memberships again.",
  "batch-any-order": "Requests of a batch run and come back in any order, but dependents after what they depend on.",
  "batch-each-alone": "Each request of a batch succeeds, fails and is throttled alone, and counts alone.",
  "throttle-headers": "Above 0.8 of a limit a write's answer has x-ms-throttle-limit-percentage and -scope.",
  "upsert-by-unique-name": "PATCH by uniqueName with create-if-missing creates once (201), then updates (204).",
  "request-ids": "Each answer has request-id and repeats the caller's client-request-id.",
  "answer-lost": "A write can be in effect though its answer never came.",
} as const;

export type RuleId = keyof typeof rules;
export type BehaviourId = keyof typeof behaviours;

type ErrorDetail = { code: string; message: string; target?: string };

/** A refused call: the rule it met, and what Graph would say. */
export type Refusal = {
  rule: RuleId;
  status: number;
  code: string;
  message: string;
  details?: ErrorDetail[];
  headers?: Record<string, string>;
};

/** Makes the refusal of a rule; `message` is for the caller and names the thing. */
export function refuse(
  rule: RuleId,
  message: string,
  extra: Partial<Pick<Refusal, "details" | "headers" | "status" | "code">> = {},
): Refusal {
  const { status, code } = rules[rule];
  return { rule, status, code, message, ...extra };
}

/** Graph's refusal of a unique value that another object has. */
export function refuseConflict(rule: RuleId, property: string, otherId: string, otherKind: "user" | "group"): Refusal {
  const message = `Another object with the same value for property ${property} already exists.`;
  const other = `${otherKind === "user" ? "User" : "Group"}_${otherId}`;
  return refuse(rule, message, {
    details: [
      { code: "ObjectConflict", message, target: property },
      { code: "ConflictingObjects", message, target: other },
    ],
  });
}

export function refuseMissing(
  id: string,
  rule: "object-not-found" | "object-not-yet-visible" = "object-not-found",
): Refusal {
  return refuse(
    rule,
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  );
}
