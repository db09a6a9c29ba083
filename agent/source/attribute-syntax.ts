/**
 * How the values of an attribute travel: as text, as bytes, or as links to other objects.
 *
 * Active Directory's own schema says it (attributeSyntax, linkID); where there is none to ask (an LDIF file, a schema
 * that the account may not read) the lists below stand in. Names are compared without case.
 */

export type Syntax = "text" | "binary" | "dn" | "link";

export interface SyntaxTable {
  of(attribute: string): Syntax;
  /** True when a DirSync read can't bring the attribute: computed on reading, or never replicated (whenChanged, memberOf). */
  isLocal(attribute: string): boolean;
}

const BINARY = [
  "objectGUID objectSid sIDHistory tokenGroups parentGUID mS-DS-ConsistencyGuid ms-DS-ConsistencyGuid thumbnailPhoto jpegPhoto photo",
  "thumbnailLogo audio userCertificate userSMIMECertificate cACertificate userPKCS12 logonHours nTSecurityDescriptor",
  "msExchMailboxGuid msExchArchiveGUID msExchMasterAccountSid msExchBlockedSendersHash msExchSafeSendersHash msExchSafeRecipientsHash",
  "msExchMailboxSecurityDescriptor msExchDisabledArchiveGUID msDS-KeyMaterial msDS-CreatorSID securityIdentifier replUpToDateVector",
  "replPropertyMetaData msExchUMPinChecksum msExchUMSpokenName msDS-GenerationId msRTCSIP-UserRoutingGroupId mSMQDigests mSMQSignCertificates",
  "terminalServer unicodePwd supplementalCredentials dBCSPwd ntPwdHistory lmPwdHistory invocationId",
]
  .join(" ")
  .toLowerCase()
  .split(" ");

const LINKS = [
  "manager secretary member managedBy publicDelegates altRecipient authOrig unauthOrig dLMemSubmitPerms dLMemRejectPerms owner",
  "msExchDelegateListLink msExchCoManagedByLink msExchModeratedByLink msExchBypassModerationLink msExchAssistant",
  "msDS-MembersForAzRole",
]
  .join(" ")
  .toLowerCase()
  .split(" ");

const DNS = "distinguishedName homeMDB seeAlso objectCategory memberOf directReports".toLowerCase().split(" ");
const LOCAL = [
  "memberOf directReports managedObjects whenChanged uSNChanged uSNCreated lastLogon lastLogoff logonCount badPwdCount badPasswordTime",
  "canonicalName tokenGroups parentGUID msDS-UserPasswordExpiryTimeComputed msDS-User-Account-Control-Computed msDS-PrincipalName",
  "modifyTimeStamp createTimeStamp allowedAttributes",
]
  .join(" ")
  .toLowerCase()
  .split(" ");

/** Every entry carries these by itself, so no read is too poor for them. */
const FROM_THE_ENTRY = new Set(["distinguishedname", "objectguid", "objectclass", "name"]);

export const fallbackSyntaxTable: SyntaxTable = {
  of: (attribute) => {
    const name = attribute.toLowerCase();
    if (name.endsWith(";binary") || BINARY.includes(name)) return "binary";
    if (LINKS.includes(name)) return "link";
    return DNS.includes(name) ? "dn" : "text";
  },
  isLocal: (attribute) => LOCAL.includes(attribute.toLowerCase()),
};

export interface SchemaRow {
  readonly name: string;
  readonly attributeSyntax: string;
  readonly linkId: number | undefined;
  readonly systemFlags: number;
}

const NOT_REPLICATED = 0x1;
const CONSTRUCTED = 0x4;
const BYTES_SYNTAXES = new Set(["2.5.5.10", "2.5.5.15", "2.5.5.17"]);
const DN_SYNTAX = "2.5.5.1";

/** A table from the rows of a schema partition; what it doesn't know falls back to the lists. */
export function syntaxTableFromSchema(rows: readonly SchemaRow[]): SyntaxTable {
  const rowsByName = new Map(rows.map((row) => [row.name.toLowerCase(), row]));
  return {
    of: (attribute) => {
      const row = rowsByName.get(attribute.toLowerCase());
      if (row === undefined) return fallbackSyntaxTable.of(attribute);
      if (BYTES_SYNTAXES.has(row.attributeSyntax)) return "binary";
      if (row.attributeSyntax !== DN_SYNTAX) return "text";
      // Even link numbers are forward links; a back link (odd) is computed and can't be owned by this object.
      return row.linkId !== undefined && row.linkId % 2 === 0 ? "link" : "dn";
    },
    isLocal: (attribute) => {
      const name = attribute.toLowerCase();
      if (FROM_THE_ENTRY.has(name)) return false;
      const row = rowsByName.get(name);
      if (row === undefined) return fallbackSyntaxTable.isLocal(attribute);
      return (row.systemFlags & (NOT_REPLICATED | CONSTRUCTED)) !== 0 || (row.linkId ?? 0) % 2 === 1;
    },
  };
}
