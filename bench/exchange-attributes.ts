/** What Exchange and Lync leave on a person's account: most people of an old directory have both. */

import type { Filled, Person } from "./ad-objects.ts";
import type { Dice } from "./dice.ts";

const ORGANIZATION = "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)";
const GUID_BYTES = 16;

/** Nine in ten have a mailbox, most of them in the cloud by now. */
export function exchangeOf({ account, mail, createdAt, display }: Person, dice: Dice, domain: string): Filled {
  if (dice.chance(0.1)) return { mail: dice.some(0.5, () => mail) };
  const isRemote = dice.chance(0.7);
  const others = Array.from({ length: 1 + dice.below(5) }, (_, at) => `smtp:${account}${at || ""}@old${at}.${domain}`);
  return {
    mail,
    mailNickname: account,
    proxyAddresses: [`SMTP:${mail}`, `smtp:${account}@contoso.mail.onmicrosoft.com`, ...others, ...sipOf(mail, dice)],
    targetAddress: isRemote ? `SMTP:${account}@contoso.mail.onmicrosoft.com` : undefined,
    homeMDB: isRemote ? undefined : `CN=DB${dice.digits(2)},CN=Databases,CN=Contoso,CN=Microsoft Exchange`,
    legacyExchangeDN: `${ORGANIZATION}/cn=Recipients/cn=${dice.hex(32)}-${account}`,
    showInAddressBook: ["All Users", "Default Global Address List", "All Recipients(VLV)"].map(
      (list) => `CN=${list},CN=All Address Lists,CN=Address Lists Container,CN=Contoso,CN=Microsoft Exchange`,
    ),
    mDBUseDefaults: isRemote ? undefined : "TRUE",
    internetEncoding: "0",
    msExchHomeServerName: isRemote ? undefined : `${ORGANIZATION}/cn=Configuration/cn=Servers/cn=EX${dice.digits(2)}`,
    msExchMailboxGuid: [{ base64: dice.base64(GUID_BYTES) }],
    msExchArchiveGUID: dice.some(0.3, () => [{ base64: dice.base64(GUID_BYTES) }]),
    msExchArchiveName: dice.some(0.3, () => [`In-Place Archive - ${display}`]),
    msExchRecipientDisplayType: isRemote ? "-2147483642" : "1073741824",
    msExchRecipientTypeDetails: isRemote ? "2147483648" : "1",
    msExchRemoteRecipientType: isRemote ? "4" : undefined,
    msExchVersion: "88218628259840",
    msExchPoliciesIncluded: ["{26491cfc-9e50-4857-861b-0cb8df22b5d7}", dice.hex(32)],
    msExchRBACPolicyLink: "CN=Default Role Assignment Policy,CN=Policies,CN=RBAC,CN=Contoso,CN=Microsoft Exchange",
    msExchUserAccountControl: "0",
    msExchUserCulture: dice.pick(["de-CH", "en-US", "fr-FR"]),
    msExchTextMessagingState: ["302120705", "16842751"],
    msExchWhenMailboxCreated: `${new Date(createdAt).getUTCFullYear()}0301081500.0Z`,
    msExchUMDtmfMap: [`emailAddress:${dice.digits(12)}`, `lastNameFirstName:${dice.digits(12)}`],
    msExchELCMailboxFlags: dice.some(0.3, () => "2"),
    msExchAddressBookFlags: dice.some(0.5, () => "1"),
    msExchModerationFlags: dice.some(0.5, () => "6"),
    msExchProvisioningFlags: dice.some(0.5, () => "0"),
    msExchTransportRecipientSettingsFlags: dice.some(0.5, () => "0"),
    msExchBypassAudit: dice.some(0.3, () => "FALSE"),
    msExchMailboxAuditEnable: dice.some(0.3, () => "TRUE"),
    msExchMailboxAuditLogAgeLimit: dice.some(0.3, () => "7776000"),
    msExchHideFromAddressLists: dice.some(0.05, () => "TRUE"),
    msExchSafeSendersHash: dice.some(0.2, () => [{ base64: dice.base64(40) }]),
    extensionAttribute1: dice.some(0.6, () => `CC-${dice.digits(5)}`),
    extensionAttribute2: dice.some(0.3, () => dice.pick(["E3", "E5", "F1"])),
    extensionAttribute5: dice.some(0.1, () => `${dice.digits(4)}-${dice.digits(2)}-01`),
    extensionAttribute10: dice.some(0.1, () => " nosync-home "),
    extensionAttribute15: dice.some(0.2, () => display),
  };
}

function sipOf(mail: string, dice: Dice): string[] {
  return dice.chance(0.7) ? [`SIP:${mail}`] : [];
}

/** Of those who had it once. */
export function lyncOf({ mail }: Person, dice: Dice): Filled {
  if (dice.chance(0.4)) return {};
  return {
    "msRTCSIP-DeploymentLocator": dice.pick(["SRV:", "sipfed.online.lync.com"]),
    "msRTCSIP-FederationEnabled": "TRUE",
    "msRTCSIP-InternetAccessEnabled": "TRUE",
    "msRTCSIP-Line": dice.some(0.5, () => `tel:+4144${dice.digits(7)};ext=${dice.digits(3)}`),
    "msRTCSIP-OptionFlags": "257",
    "msRTCSIP-PrimaryUserAddress": `sip:${mail}`,
    "msRTCSIP-UserEnabled": "TRUE",
  };
}
