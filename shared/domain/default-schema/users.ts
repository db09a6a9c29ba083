/**
 * The default mapping of a person: every attribute that Microsoft's cloud sync maps from Active Directory, in Graph's
 * shape. For inetOrgPerson the same.
 *
 * What Graph can't set is mapped all the same: a schema exported here imports there, and the flow lists by name what
 * the target can't take. One expression differs from Microsoft's: where there is no Exchange to say where a person
 * uses services, `UsageLocation` falls back to the country code, without which nobody can be given a licence.
 */

import { DEFAULT_USER_EXCLUSIONS } from "../scope/default-exclusions.ts";
import type { AttributeMapping, ObjectMapping } from "../synchronization-schema.ts";
import { attributeMapping } from "./attribute-mapping.ts";

export const ACCOUNT_NAME =
  'IIF(IsPresent([userPrincipalName]), [userPrincipalName], IIF(IsPresent([sAMAccountName]), Join("@", [sAMAccountName], %DomainFQDN%), Error("AccountName is not present")))';

export const ACCOUNT_ENABLED =
  'IIF(IsPresent([userAccountControl]), IIF(BitAnd([userAccountControl], 2)="0", "True", "False"), Not([accountDisabled]))';

export const DISPLAY_NAME = "IIF(IsPresent([displayName]), [displayName], [cn])";

const MAPPINGS: readonly (readonly [target: string, expression: string])[] = [
  ["AccountEnabled", ACCOUNT_ENABLED],
  ["Alias", "[mailNickname]"],
  ["AltRecipient", "[altRecipient]"],
  ["Assistant", "[assistant]"],
  ["AuthOrig", "[authOrig]"],
  ["ChangeDate", "[PasswordChangeDate]"],
  ["City", "Trim([l])"],
  ["CommonName", "[cn]"],
  ["Company", "Trim([company])"],
  ["Country", "Trim([co])"],
  ["CountryCode", "[countryCode]"],
  ["CountryLetterCode", "Trim([c])"],
  ["Department", "Trim([department])"],
  ["Description", "Left(Trim([description]), 448)"],
  ["DisplayName", DISPLAY_NAME],
  ["DLMemRejectPerms", "[dLMemRejectPerms]"],
  ["DLMemSubmitPerms", "[dLMemSubmitPerms]"],
  ["dnsDomainName", "%DomainFQDN%"],
  ["EmployeeId", "[employeeID]"],
  ["ExtensionAttribute1", "Trim([extensionAttribute1])"],
  ["ExtensionAttribute10", "Trim([extensionAttribute10])"],
  ["ExtensionAttribute11", "Trim([extensionAttribute11])"],
  ["ExtensionAttribute12", "Trim([extensionAttribute12])"],
  ["ExtensionAttribute13", "Trim([extensionAttribute13])"],
  ["ExtensionAttribute14", "Trim([extensionAttribute14])"],
  ["ExtensionAttribute15", "Trim([extensionAttribute15])"],
  ["ExtensionAttribute2", "Trim([extensionAttribute2])"],
  ["ExtensionAttribute3", "Trim([extensionAttribute3])"],
  ["ExtensionAttribute4", "Trim([extensionAttribute4])"],
  ["ExtensionAttribute5", "Trim([extensionAttribute5])"],
  ["ExtensionAttribute6", "Trim([extensionAttribute6])"],
  ["ExtensionAttribute7", "Trim([extensionAttribute7])"],
  ["ExtensionAttribute8", "Trim([extensionAttribute8])"],
  ["ExtensionAttribute9", "Trim([extensionAttribute9])"],
  ["FacsimileTelephoneNumber", "Trim([facsimileTelephoneNumber])"],
  ["GivenName", "Trim([givenName])"],
  ["HomePhone", "Trim([homePhone])"],
  ["Info", "Left(Trim([info]), 448)"],
  ["Initials", "Trim([initials])"],
  ["IPPhone", "Trim([ipPhone])"],
  [
    "LastPasswordChangeTimestamp",
    'IIF(IsPresent([pwdLastSet]), FormatDateTime(DateFromNum([pwdLastSet]), , "yyyyMMddHHmmss.0Z"), )',
  ],
  ["LegacyExchangeDN", "[legacyExchangeDN]"],
  ["Mail", "Trim([mail])"],
  ["Manager", "[manager]"],
  ["MiddleName", "Trim([middleName])"],
  ["Mobile", "Trim([mobile])"],
  ["MSDSHABSeniorityIndex", "[msDS-HABSeniorityIndex]"],
  ["MSDSPhoneticDisplayName", "[msDS-PhoneticDisplayName]"],
  ["MSExchArchiveGuid", "[msExchArchiveGUID]"],
  ["MSExchArchiveName", "[msExchArchiveName]"],
  ["MSExchAssistantName", "[msExchAssistantName]"],
  ["MSExchAuditAdmin", "[msExchAuditAdmin]"],
  ["MSExchAuditDelegate", "[msExchAuditDelegate]"],
  ["MSExchAuditDelegateAdmin", "[msExchAuditDelegateAdmin]"],
  ["MSExchAuditOwner", "[msExchAuditOwner]"],
  ["MSExchBlockedSendersHash", "[msExchBlockedSendersHash]"],
  ["MSExchBypassAudit", "[msExchBypassAudit]"],
  ["MSExchDelegateListLink", "[msExchDelegateListLink]"],
  ["MSExchElcExpirySuspensionEnd", "[msExchELCExpirySuspensionEnd]"],
  ["MSExchElcExpirySuspensionStart", "[msExchELCExpirySuspensionStart]"],
  ["MSExchElcMailboxFlags", "[msExchELCMailboxFlags]"],
  ["MSExchEnableModeration", "[msExchEnableModeration]"],
  ["MSExchExtensionCustomAttribute1", "Trim([msExchExtensionCustomAttribute1])"],
  ["MSExchExtensionCustomAttribute2", "Trim([msExchExtensionCustomAttribute2])"],
  ["MSExchExtensionCustomAttribute3", "Trim([msExchExtensionCustomAttribute3])"],
  ["MSExchExtensionCustomAttribute4", "Trim([msExchExtensionCustomAttribute4])"],
  ["MSExchExtensionCustomAttribute5", "Trim([msExchExtensionCustomAttribute5])"],
  ["MSExchHideFromAddressLists", "[msExchHideFromAddressLists]"],
  ["MSExchImmutableId", "[msExchImmutableId]"],
  ["MSExchLitigationHoldDate", "[msExchLitigationHoldDate]"],
  ["MSExchLitigationHoldOwner", "[msExchLitigationHoldOwner]"],
  ["MSExchMailboxAuditEnable", "[msExchMailboxAuditEnable]"],
  ["MSExchMailboxAuditLogAgeLimit", "[msExchMailboxAuditLogAgeLimit]"],
  ["MSExchMailboxGuid", "[msExchMailboxGuid]"],
  ["MSExchModeratedByLink", "[msExchModeratedByLink]"],
  ["MSExchModerationFlags", "[msExchModerationFlags]"],
  ["MSExchRecipientDisplayType", "[msExchRecipientDisplayType]"],
  ["MSExchRecipientTypeDetails", "[msExchRecipientTypeDetails]"],
  ["MSExchRemoteRecipientType", "[msExchRemoteRecipientType]"],
  ["MSExchRequireAuthToSendTo", "[msExchRequireAuthToSendTo]"],
  ["MSExchResourceCapacity", "[msExchResourceCapacity]"],
  ["MSExchResourceDisplay", "[msExchResourceDisplay]"],
  ["MSExchResourceMetadata", "[msExchResourceMetaData]"],
  ["MSExchResourceSearchProperties", "[msExchResourceSearchProperties]"],
  ["MSExchRetentionComment", "[msExchRetentionComment]"],
  ["MSExchRetentionUrl", "[msExchRetentionURL]"],
  ["MSExchSafeRecipientsHash", "[msExchSafeRecipientsHash]"],
  ["MSExchSafeSendersHash", "[msExchSafeSendersHash]"],
  ["MSExchSenderHintTranslations", "[msExchSenderHintTranslations]"],
  ["MSExchTeamMailboxExpiration", "[msExchTeamMailboxExpiration]"],
  ["MSExchTeamMailboxOwners", "[msExchTeamMailboxOwners]"],
  ["MSExchTeamMailboxSharePointLinkedBy", "[msExchTeamMailboxSharePointLinkedBy]"],
  ["MSExchTeamMailboxSharePointUrl", "[msExchTeamMailboxSharePointUrl]"],
  ["MSExchUserHoldPolicies", "[msExchUserHoldPolicies]"],
  ["MSRtcSipApplicationOptions", "[msRTCSIP-ApplicationOptions]"],
  ["MSRtcSipDeploymentLocator", "[mSRTCSIP-DeploymentLocator]"],
  ["MSRtcSipLine", "[msRTCSIP-Line]"],
  ["MSRtcSipOptionFlags", "[msRTCSIP-OptionFlags]"],
  ["MSRtcSipOwnerUrn", "[msRTCSIP-OwnerUrn]"],
  ["MSRtcSipPrimaryUserAddress", "[msRTCSIP-PrimaryUserAddress]"],
  ["MSRtcSipUserEnabled", "[msRTCSIP-UserEnabled]"],
  ["netBiosName", "%DomainNetBios%"],
  ["onPremisesDistinguishedName", "[distinguishedName]"],
  ["OnPremiseSecurityIdentifier", "[objectSid]"],
  ["onPremisesObjectIdentifier", "[objectGUID]"],
  ["onPremisesSamAccountName", "[sAMAccountName]"],
  ["onPremisesUserPrincipalName", ACCOUNT_NAME],
  ["OtherFacsimileTelephoneNumber", "Trim([otherFacsimileTelephoneNumber])"],
  ["OtherHomePhone", "Trim([otherHomePhone])"],
  ["OtherIPPhone", "Trim([otherIpPhone])"],
  ["OtherMobile", "Trim([otherMobile])"],
  ["OtherPager", "Trim([otherPager])"],
  ["OtherTelephone", "Trim([otherTelephone])"],
  ["Pager", "Trim([pager])"],
  ["PhysicalDeliveryOfficeName", "Trim([physicalDeliveryOfficeName])"],
  ["PostalCode", "Trim([postalCode])"],
  ["PostOfficeBox", 'IIF(IsPresent([postOfficeBox]), Left(Trim(Item([postOfficeBox], 1)), 448), "")'],
  ["PreferredLanguage", "Trim([preferredLanguage])"],
  ["ProxyAddresses", "RemoveDuplicates(Trim([proxyAddresses]))"],
  ["PublicDelegates", "[publicDelegates]"],
  ["SourceAnchor", "IIF(IsPresent([ms-DS-ConsistencyGuid]), [ms-DS-ConsistencyGuid], [objectGUID])"],
  ["State", "Trim([st])"],
  ["StreetAddress", "Trim([streetAddress])"],
  ["Surname", "Trim([sn])"],
  ["TargetAddress", "[targetAddress]"],
  ["TelephoneAssistant", "Trim([telephoneAssistant])"],
  ["TelephoneNumber", "Trim([telephoneNumber])"],
  ["ThumbnailPhoto", "[thumbnailPhoto]"],
  ["Title", "Trim([title])"],
  ["UnauthOrig", "[unauthOrig]"],
  ["Url", 'IIF(IsPresent([url]), Left(Trim(Item([url], 1)), 448), "")'],
  ["UsageLocation", "Coalesce([msExchUsageLocation], [c])"],
  ["UserCertificate", "[userCertificate]"],
  ["UserPrincipalName", ACCOUNT_NAME],
  ["UserSMIMECertificate", "[userSMIMECertificate]"],
  ["WwwHomepage", "[wWWHomePage]"],
];

/** The mappings of these target attributes, as people have them. */
export function personMappings(targets: ReadonlySet<string>): AttributeMapping[] {
  return MAPPINGS.filter(([target]) => targets.has(target)).map(([target, expression]) =>
    attributeMapping(target, expression),
  );
}

/** The mappings of the classes of people, the same each time. */
export function userMappings(): ObjectMapping[] {
  const attributeMappings = MAPPINGS.map(([target, expression]) => attributeMapping(target, expression));
  return ["user", "inetOrgPerson"].map((sourceObjectName) => ({
    name: `Synchronize on-premises ${sourceObjectName} to Entra User`,
    enabled: true,
    flowTypes: "Add,Update,Delete",
    sourceObjectName,
    targetObjectName: "User",
    scope: { groups: [DEFAULT_USER_EXCLUSIONS], inputFilterGroups: [], categoryFilterGroups: [] },
    attributeMappings,
  }));
}
