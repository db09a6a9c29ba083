/**
 * The default mapping of a contact: the attributes that Microsoft documents as synchronised for contacts, mapped as they
 * are for people.
 *
 * Microsoft Graph can't make contacts, and SCIM has none. The mapping is declared all the same: contacts are read and said
 * to have no place in the target, and a target that can hold them needs no other schema.
 */

import type { ObjectMapping } from "../synchronization-schema.ts";
import { personMappings } from "./users.ts";

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name}${at + 1}`);

const ATTRIBUTES: ReadonlySet<string> = new Set([
  ..."Alias AuthOrig City Company Country CountryCode CountryLetterCode Department Description DisplayName".split(" "),
  ..."DLMemRejectPerms DLMemSubmitPerms FacsimileTelephoneNumber GivenName HomePhone Info Initials IPPhone".split(" "),
  ..."LegacyExchangeDN Mail Manager MiddleName Mobile MSDSHABSeniorityIndex MSDSPhoneticDisplayName".split(" "),
  ..."MSExchAssistantName MSExchBlockedSendersHash MSExchEnableModeration MSExchHideFromAddressLists".split(" "),
  ..."MSExchLitigationHoldDate MSExchLitigationHoldOwner MSExchModeratedByLink MSExchModerationFlags".split(" "),
  ..."MSExchRecipientDisplayType MSExchRecipientTypeDetails MSExchRequireAuthToSendTo".split(" "),
  ..."MSExchRetentionComment MSExchRetentionUrl MSExchSafeRecipientsHash MSExchSafeSendersHash".split(" "),
  ..."MSExchSenderHintTranslations onPremisesObjectIdentifier OtherFacsimileTelephoneNumber OtherHomePhone".split(" "),
  ..."OtherIPPhone OtherMobile OtherPager OtherTelephone Pager PhysicalDeliveryOfficeName PostalCode".split(" "),
  ..."PostOfficeBox ProxyAddresses PublicDelegates SourceAnchor State StreetAddress Surname TargetAddress".split(" "),
  ..."TelephoneAssistant TelephoneNumber ThumbnailPhoto Title UnauthOrig Url UserCertificate".split(" "),
  ..."UserSMIMECertificate WwwHomepage".split(" "),
  ...numbered("ExtensionAttribute", 15),
  ...numbered("MSExchExtensionCustomAttribute", 5),
]);

export function contactMapping(target: "Entra" | "SCIM"): ObjectMapping {
  return {
    name: `Synchronize on-premises contact to ${target} Contact`,
    enabled: true,
    flowTypes: "Add,Update,Delete",
    sourceObjectName: "contact",
    targetObjectName: "Contact",
    scope: { groups: [], inputFilterGroups: [], categoryFilterGroups: [] },
    attributeMappings: personMappings(ATTRIBUTES),
  };
}
