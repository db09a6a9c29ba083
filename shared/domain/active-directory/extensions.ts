/**
 * What Exchange and Lync add to Active Directory's schema, as far as synchronizations read it, and what isn't in any
 * directory but reads like an attribute: values that the engine makes while it reads (`accountDisabled`).
 */

import type { AttributeTable } from "./table.ts";

const numbered = (name: string, last: number): string =>
  Array.from({ length: last }, (_, index) => `${name}${index + 1}`).join(" ");

/** Exchange: whoever receives mail, people, groups and contacts. */
export const RECIPIENTS: AttributeTable = {
  text: `${numbered("extensionAttribute", 15)}
    mailNickname msExchImmutableId msExchLitigationHoldOwner msExchRetentionComment msExchRetentionURL
    msExchAdministrativeNote targetAddress`,
  texts: `${numbered("msExchExtensionCustomAttribute", 5)}
    msExchPoliciesExcluded msExchPoliciesIncluded msExchSenderHintTranslations msExchUCVoiceMailSettings
    msExchUMDtmfMap`,
  integer: `delivContLength internetEncoding msExchAddressBookFlags msExchGroupSecurityFlags msExchModerationFlags
    msExchPreviousRecipientTypeDetails msExchProvisioningFlags msExchRecipientDisplayType msExchRecipientTypeDetails
    msExchRecipientSoftDeletedStatus msExchTransportRecipientSettingsFlags msExchUserAccountControl msExchVersion
    submissionContLength`,
  reference: "altRecipient homeMTA msExchArbitrationMailbox",
  references: `authOrig authOrigBL altRecipientBL dLMemRejectPerms dLMemRejectPermsBL dLMemSubmitPerms
    dLMemSubmitPermsBL msExchBypassModerationBL msExchBypassModerationFromDLMembersLink msExchBypassModerationLink
    msExchModeratedByLink msExchModeratedObjectsBL publicDelegates publicDelegatesBL unauthOrig unauthOrigBL`,
  binary: "msExchBlockedSendersHash msExchSafeRecipientsHash msExchSafeSendersHash replicationSignature",
  boolean: `deliverAndRedirect msExchEnableModeration msExchHideFromAddressLists msExchRequireAuthToSendTo`,
  date: "msExchLitigationHoldDate",
};

/** Exchange: people and contacts. */
export const MAIL_PEOPLE: AttributeTable = {
  text: "telephoneAssistant",
};

/** Exchange and Lync: mailboxes and accounts. */
export const MAILBOXES: AttributeTable = {
  text: `msExchArchiveAddress msExchArchiveDatabaseLinkSL msExchHomeServerName msExchResourceDisplay
    msExchTeamMailboxSharePointUrl msExchUsageLocation msExchUserCulture msExchWindowsLiveID
    msRTCSIP-DeploymentLocator msRTCSIP-Line msRTCSIP-LineServer msRTCSIP-OwnerUrn msRTCSIP-PrimaryUserAddress
    msRTCSIP-PrivateLine msRTCSIP-UserExtension`,
  texts: `msExchArchiveName msExchResourceMetaData msExchResourceSearchProperties msExchUserHoldPolicies
    msRTCSIP-UserPolicies msRTCSIP-UserPolicy protocolSettings`,
  integer: `mDBOverHardQuotaLimit mDBOverQuotaLimit mDBStorageQuota msExchArchiveQuota msExchArchiveStatus
    msExchArchiveWarnQuota msExchAuditAdmin msExchAuditDelegate msExchAuditDelegateAdmin msExchAuditOwner
    msExchCalendarLoggingQuota msExchDumpsterQuota msExchDumpsterWarningQuota msExchELCMailboxFlags msExchMDBRulesQuota
    msExchMailboxAuditLogAgeLimit msExchMobileMailboxFlags msExchOmaAdminWirelessEnable msExchRecipLimit
    msExchRemoteRecipientType msExchResourceCapacity msExchUMEnabledFlags2 msRTCSIP-ApplicationOptions
    msRTCSIP-ArchivingEnabled msRTCSIP-OptionFlags`,
  integers: "msExchTextMessagingState",
  reference: `homeMDB msExchArchiveDatabaseLink msExchMailboxTemplateLink msExchMobileMailboxPolicyLink msExchOWAPolicy
    msExchRBACPolicyLink msExchSharingPolicyLink msExchTeamMailboxSharePointLinkedBy msRTCSIP-PrimaryHomeServer`,
  references: "msExchCoManagedObjectsBL msExchDelegateListBL msExchDelegateListLink msExchTeamMailboxOwners",
  binary: `msExchArchiveGUID msExchMailboxGuid msExchMailboxSecurityDescriptor msExchMasterAccountSid
    msRTCSIP-GroupingID msRTCSIP-TenantId msRTCSIP-UserRoutingGroupId`,
  binaries: "securityProtocol",
  boolean: `mDBUseDefaults msExchBypassAudit msExchMailboxAuditEnable msRTCSIP-FederationEnabled
    msRTCSIP-InternetAccessEnabled msRTCSIP-UserEnabled`,
  date: `msExchELCExpirySuspensionEnd msExchELCExpirySuspensionStart msExchMailboxAuditLastAdminAccess
    msExchMailboxAuditLastDelegateAccess msExchMailboxAuditLastExternalAccess msExchTeamMailboxExpiration
    msExchWhenMailboxCreated`,
};

/** Exchange: distribution lists. */
export const MAIL_GROUPS: AttributeTable = {
  text: "msOrg-GroupSubtypeName msOrg-OtherDisplayNames",
  integer: "msExchGroupDepartRestriction msExchGroupJoinRestriction msExchGroupMemberCount",
  references: "msExchCoManagedByLink msOrg-Leaders",
  boolean: "hideDLMembership msOrg-IsOrganizational oOFReplyToOriginator reportToOriginator reportToOwner",
};

/** Made while an account is read: no directory stores them. */
export const MADE_OF_ACCOUNTS: AttributeTable = {
  text: "PasswordHash",
  boolean: "accountDisabled",
  date: "PasswordChangeDate",
};

export const MADE_OF_GROUPS: AttributeTable = {
  boolean: "securityEnabled",
};
