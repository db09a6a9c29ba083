/**
 * The target names of an AD-to-Entra schema, and the Microsoft Graph property of a user or a group that each becomes, or
 * why it becomes none. Data; what its fields mean is in `target-table.ts`, and nothing here decides.
 */

import type { TargetEntry, TargetObjects, TargetProperty, TargetTable, ValueFormat } from "./target-table.ts";

type Flags = Omit<TargetProperty, "property" | "type">;

const CLEARABLE: Flags = { clearable: true };
const upTo = (maximumLength: number, flags: Flags = CLEARABLE): Flags => ({ ...flags, maximumLength });
const text = (property: string, flags: Flags = CLEARABLE): TargetProperty => ({ property, type: "string", ...flags });

const ASCII_NAME: ValueFormat = {
  pattern: /^[!-~]+@[!-~]+$/,
  wanted: "a name and a domain in characters without accents or blanks",
  otherwise: "fail",
};
const SMTP_ADDRESS: ValueFormat = {
  pattern: /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/,
  wanted: "a mail address without accents",
  otherwise: "leave-out",
};
const COUNTRY_CODE: ValueFormat = {
  pattern: /^[A-Za-z]{2}$/,
  wanted: "a country code of two letters",
  otherwise: "leave-out",
};
const LANGUAGE_TAG: ValueFormat = {
  pattern: /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/,
  wanted: "a language such as en-US",
  otherwise: "leave-out",
};
const USER_TYPE: ValueFormat = { pattern: /^(?:Member|Guest)$/, wanted: "Member or Guest", otherwise: "fail" };

const EXTENSIONS: Readonly<Record<string, TargetProperty>> = Object.fromEntries(
  Array.from({ length: 15 }, (_, index) => [
    `ExtensionAttribute${index + 1}`,
    text(`onPremisesExtensionAttributes.extensionAttribute${index + 1}`, upTo(1024)),
  ]),
);

const SETTABLE: Readonly<Record<string, TargetProperty>> = {
  AccountEnabled: { property: "accountEnabled", type: "boolean", sensitive: true, required: true },
  Alias: { property: "mailNickname", type: "alias", maximumLength: 64, required: true },
  City: text("city", upTo(128)),
  Company: text("companyName", upTo(64)),
  Country: text("country", upTo(128)),
  Department: text("department", upTo(64)),
  DisplayName: text("displayName", upTo(256, { required: true })),
  EmployeeId: text("employeeId", upTo(16)),
  EmployeeType: text("employeeType", upTo(256)),
  ...EXTENSIONS,
  FacsimileTelephoneNumber: text("faxNumber", upTo(64)),
  GivenName: text("givenName", upTo(64)),
  Mail: text("mail", upTo(256, { unique: true, format: SMTP_ADDRESS, matchedAs: 4 })),
  Manager: { property: "manager", type: "reference" },
  Mobile: text("mobilePhone", upTo(64, { sensitive: true, clearable: true })),
  PhysicalDeliveryOfficeName: text("officeLocation", upTo(128)),
  PostalCode: text("postalCode", upTo(40)),
  PreferredLanguage: text("preferredLanguage", upTo(32, { clearable: true, format: LANGUAGE_TAG })),
  SourceAnchor: {
    property: "onPremisesImmutableId",
    type: "anchor",
    maximumLength: 256,
    sensitive: true,
    unique: true,
    matchedAs: 2,
  },
  State: text("state", upTo(128)),
  StreetAddress: text("streetAddress", upTo(1024)),
  Surname: text("surname", upTo(64)),
  TelephoneNumber: {
    property: "businessPhones",
    type: "list",
    maximumItems: 1,
    maximumLength: 64,
    sensitive: true,
    clearable: true,
  },
  Title: text("jobTitle", upTo(128)),
  UsageLocation: text("usageLocation", upTo(2, { format: COUNTRY_CODE })),
  UserPrincipalName: text("userPrincipalName", {
    sensitive: true,
    unique: true,
    required: true,
    maximumLength: 113,
    format: ASCII_NAME,
    matchedAs: 3,
  }),
  UserType: text("userType", { format: USER_TYPE }),
  onPremisesDistinguishedName: text("onPremisesDistinguishedName", { needsRole: "Hybrid Identity Administrator" }),
};

const EXCHANGE = "Exchange keeps it, and Microsoft Graph can't set it.";
const NO_PROPERTY = "A user in Microsoft Graph has no such property.";
const READ_ONLY = "It is read-only in Microsoft Graph.";
const NO_PUBLIC_API = "No public API takes it.";

const REASONS: readonly (readonly [reason: string, targets: string])[] = [
  ["It only feeds UsageLocation.", "CountryLetterCode"],
  [READ_ONLY, "onPremisesSamAccountName onPremisesUserPrincipalName dnsDomainName netBiosName"],
  [
    EXCHANGE,
    "AltRecipient AuthOrig DLMemRejectPerms DLMemSubmitPerms LegacyExchangeDN MSDSHABSeniorityIndex MSDSPhoneticDisplayName PublicDelegates TargetAddress UnauthOrig",
  ],
  [
    EXCHANGE,
    "MSExchArchiveGuid MSExchArchiveName MSExchAssistantName MSExchAuditAdmin MSExchAuditDelegate MSExchAuditDelegateAdmin MSExchAuditOwner MSExchBlockedSendersHash MSExchBypassAudit MSExchDelegateListLink MSExchElcExpirySuspensionEnd MSExchElcExpirySuspensionStart MSExchElcMailboxFlags MSExchEnableModeration MSExchExtensionCustomAttribute1 MSExchExtensionCustomAttribute2 MSExchExtensionCustomAttribute3 MSExchExtensionCustomAttribute4 MSExchExtensionCustomAttribute5 MSExchHideFromAddressLists MSExchImmutableId MSExchLitigationHoldDate MSExchLitigationHoldOwner MSExchMailboxAuditEnable MSExchMailboxAuditLogAgeLimit MSExchMailboxGuid MSExchModeratedByLink MSExchModerationFlags MSExchRecipientDisplayType MSExchRecipientTypeDetails MSExchRemoteRecipientType MSExchRequireAuthToSendTo MSExchResourceCapacity MSExchResourceDisplay MSExchResourceMetadata MSExchResourceSearchProperties MSExchRetentionComment MSExchRetentionUrl MSExchSafeRecipientsHash MSExchSafeSendersHash MSExchSenderHintTranslations MSExchTeamMailboxExpiration MSExchTeamMailboxOwners MSExchTeamMailboxSharePointLinkedBy MSExchTeamMailboxSharePointUrl MSExchUserHoldPolicies",
  ],
  [
    EXCHANGE,
    "MSRtcSipApplicationOptions MSRtcSipDeploymentLocator MSRtcSipLine MSRtcSipOptionFlags MSRtcSipOwnerUrn MSRtcSipPrimaryUserAddress MSRtcSipUserEnabled",
  ],
  [
    NO_PROPERTY,
    "Assistant CommonName CountryCode Description HomePhone IPPhone Info Initials MiddleName OtherFacsimileTelephoneNumber OtherHomePhone OtherIPPhone OtherMobile OtherPager OtherTelephone Pager PostOfficeBox TelephoneAssistant Url UserCertificate UserSMIMECertificate WwwHomepage",
  ],
  ["A photo needs a mailbox.", "ThumbnailPhoto"],
  [NO_PUBLIC_API, "ChangeDate CredentialData LastPasswordChangeTimestamp"],
];

const USED_BY_ENGINE: Readonly<Record<string, TargetEntry>> = {
  onPremisesObjectIdentifier: {
    notSettable: "It is kept on the engine's own row of the object.",
    usedByEngine: true,
    matchedAs: 1,
  },
  OnPremiseSecurityIdentifier: { notSettable: READ_ONLY, usedByEngine: true },
  ProxyAddresses: { notSettable: READ_ONLY, usedByEngine: true },
};

const USER_ADDRESSES: TargetEntry = { notSettable: READ_ONLY, usedByEngine: true, holdsAddresses: true, matchedAs: 4 };

/** Every target name that is known for a user. A name that isn't here is one the target can't take. */
export const GRAPH_USER_TARGET: TargetTable = new Map<string, TargetEntry>([
  ...Object.entries(SETTABLE),
  ...Object.entries(USED_BY_ENGINE),
  ["ProxyAddresses", USER_ADDRESSES],
  ...reasonEntries(REASONS),
]);

const GROUP_SETTABLE: Readonly<Record<string, TargetProperty>> = {
  DisplayName: text("displayName", upTo(256, { required: true })),
  Description: text("description", upTo(1024)),
  Alias: { property: "mailNickname", type: "alias", maximumLength: 64, required: true },
  MailEnabled: { property: "mailEnabled", type: "boolean", required: true },
  SecurityEnabled: { property: "securityEnabled", type: "boolean", required: true },
  UniqueName: text("uniqueName", { unique: true, matchedAs: 2 }),
  Member: { property: "members", type: "reference", isList: true },
};

const GROUP_REASONS: readonly (readonly [reason: string, targets: string])[] = [
  [READ_ONLY, "onPremisesDistinguishedName onPremisesSamAccountName dnsDomainName netBiosName"],
  ["Owners of groups are not synchronised.", "ManagedBy"],
  ["A group in Microsoft Graph has no such property.", "CommonName Info SourceAnchor"],
  [
    EXCHANGE,
    "AuthOrig DLMemRejectPerms DLMemSubmitPerms HideDLMembership LegacyExchangeDN OofReplyToOriginator PublicDelegates ReportToOriginator ReportToOwner TargetAddress UnauthOrig",
  ],
];

/** Every target name that is known for a group. */
export const GRAPH_GROUP_TARGET: TargetTable = new Map<string, TargetEntry>([
  ...Object.entries(GROUP_SETTABLE),
  ...Object.entries(USED_BY_ENGINE),
  ["Mail", { notSettable: "Microsoft Graph makes no mail-enabled security groups.", usedByEngine: true }],
  ...reasonEntries(GROUP_REASONS),
]);

/** A schema's targets by their names there; one that isn't here is a thing that Microsoft Graph can't hold. */
export const GRAPH_TARGETS: TargetObjects = new Map([
  ["User", { type: "user", table: GRAPH_USER_TARGET }],
  ["Group", { type: "group", table: GRAPH_GROUP_TARGET }],
]);

function reasonEntries(reasons: typeof REASONS): [string, TargetEntry][] {
  return reasons.flatMap(([notSettable, targets]) =>
    targets.split(" ").map((target): [string, TargetEntry] => [target, { notSettable }]),
  );
}
