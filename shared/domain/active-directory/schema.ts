/**
 * The attributes that Active Directory's own schema (Windows Server 2016) gives to users, groups and contacts: names in
 * its spelling, by type and number of values. Back links and computed attributes are among them: they can be read.
 *
 * One name is told here otherwise than in the schema: `description` may have several values there, but the server lets
 * accounts and groups have one, and no tool writes more to a contact.
 */

import type { AttributeTable } from "./table.ts";

/** Every class has these: what `top` and `mailRecipient` say. */
export const EVERYONE: AttributeTable = {
  text: `
    adminDescription adminDisplayName cn description displayName displayNamePrintable info legacyExchangeDN mail
    msDS-ExternalDirectoryObjectId msDS-LastKnownRDN msDS-ObjectSoa msDS-PhoneticDisplayName msDS-PrincipalName
    msDS-SourceAnchor msExchAssistantName name proxiedObjectName telephoneNumber textEncodedORAddress wWWHomePage`,
  texts: `
    allowedAttributes allowedAttributesEffective allowedChildClasses allowedChildClassesEffective canonicalName
    extensionName labeledURI msDS-NCReplCursors msDS-NCReplInboundNeighbors msDS-NCReplOutboundNeighbors
    msDS-ReplAttributeMetaData msDS-ReplValueMetaData msDS-ReplValueMetaDataExt msExchLabeledURI objectClass
    otherWellKnownObjects possibleInferiors proxyAddresses structuralObjectClass url wbemPath wellKnownObjects`,
  integer: `
    flags garbageCollPeriod instanceType mS-DS-ConsistencyChildCount msDS-Approx-Immed-Subordinates
    msDS-GeoCoordinatesAltitude msDS-GeoCoordinatesLatitude msDS-GeoCoordinatesLongitude msDS-NcType objectVersion
    revision sDRightsEffective systemFlags uSNChanged uSNCreated uSNDSALastObjRemoved USNIntersite uSNLastObjRem
    uSNSource`,
  reference: "distinguishedName fSMORoleOwner lastKnownParent msDS-parentdistname objectCategory",
  references: `
    bridgeheadServerListBL directReports frsComputerReferenceBL fRSMemberReferenceBL isPrivilegeHolder
    managedObjects masteredBy memberOf msCOM-PartitionSetLink msCOM-UserLink msDFSR-ComputerReferenceBL
    msDFSR-MemberReferenceBL msDS-AuthenticatedToAccountlist msDS-ClaimSharesPossibleValuesWithBL
    msDS-EnabledFeatureBL msDS-HostServiceAccountBL msDS-IsDomainFor msDS-IsFullReplicaFor msDS-IsPartialReplicaFor
    msDS-IsPrimaryComputerFor msDS-KrbTgtLinkBl msDs-masteredBy msds-memberOfTransitive msDS-MembersForAzRoleBL
    msDS-MembersOfResourcePropertyListBL msds-memberTransitive msDS-NC-RO-Replica-Locations-BL msDS-NonMembersBL
    msDS-ObjectReferenceBL msDS-OIDToGroupLinkBl msDS-OperationsForAzRoleBL msDS-OperationsForAzTaskBL
    msDS-PSOApplied msDS-RevealedDSAs msDS-RevealedListBL msDS-TasksForAzRoleBL msDS-TasksForAzTaskBL
    msDS-TDOEgressBL msDS-TDOIngressBL msDS-ValueTypeReferenceBL msSFU30PosixMemberOf netbootSCPBL
    nonSecurityMemberBL ownerBL queryPolicyBL secretary serverReferenceBL showInAddressBook siteObjectBL subRefs
    subSchemaSubEntry`,
  binary: `
    dSASignature mS-DS-ConsistencyGuid msDS-CloudAnchor nTSecurityDescriptor objectGUID partialAttributeDeletionList
    partialAttributeSet replPropertyMetaData replUpToDateVector userCert`,
  binaries: "repsFrom repsTo userCertificate userPassword userSMIMECertificate",
  boolean: "isCriticalSystemObject isDeleted isRecycled showInAdvancedViewOnly",
  date: `
    createTimeStamp modifyTimeStamp msDS-LocalEffectiveDeletionTime msDS-LocalEffectiveRecycleTime whenChanged
    whenCreated`,
  dates: "dSCorePropagationData",
};

/** Users and contacts: what `person` and `organizationalPerson` say. */
export const PEOPLE: AttributeTable = {
  text: `
    c co comment company department division employeeID facsimileTelephoneNumber generationQualifier givenName
    homePhone homePostalAddress initials ipPhone l middleName mobile msDS-PhoneticCompanyName
    msDS-PhoneticDepartment msDS-PhoneticFirstName msDS-PhoneticLastName msDS-SourceObjectDN msExchHouseIdentifier
    pager personalTitle physicalDeliveryOfficeName postalCode primaryInternationalISDNNumber primaryTelexNumber sn
    st street streetAddress title`,
  texts: `
    destinationIndicator houseIdentifier internationalISDNNumber mhsORAddress msDS-AllowedToDelegateTo o
    otherFacsimileTelephoneNumber otherHomePhone otherIpPhone otherMailbox otherMobile otherPager otherTelephone ou
    postalAddress postOfficeBox serialNumber x121Address`,
  integer: "countryCode msDS-HABSeniorityIndex",
  integers: "preferredDeliveryMethod",
  reference: "assistant manager",
  references: "seeAlso",
  binary: "msDS-AllowedToActOnBehalfOfOtherIdentity thumbnailLogo thumbnailPhoto",
  binaries: "attributeCertificateAttribute registeredAddress teletexTerminalIdentifier telexNumber",
};

/** Users and groups: what `securityPrincipal` says. */
export const PRINCIPALS: AttributeTable = {
  text: "desktopProfile msSFU30Name msSFU30NisDomain sAMAccountName",
  texts: "accountNameHistory altSecurityIdentities",
  integer: "adminCount gidNumber msDS-KeyVersionNumber operatorCount rid sAMAccountType",
  references: `
    msDS-PrimaryComputer msds-tokenGroupNames msds-tokenGroupNamesGlobalAndUniversal
    msds-tokenGroupNamesNoGCAcceptable`,
  binary: "groupMembershipSAM objectSid securityIdentifier",
  binaries: `
    controlAccessRights sIDHistory supplementalCredentials tokenGroups tokenGroupsGlobalAndUniversal
    tokenGroupsNoGCAcceptable unixUserPassword`,
};

/** Users alone. */
export const USERS: AttributeTable = {
  text: `
    aCSPolicyName employeeNumber employeeType gecos homeDirectory homeDrive loginShell msDS-cloudExtensionAttribute1
    msDS-cloudExtensionAttribute10 msDS-cloudExtensionAttribute11 msDS-cloudExtensionAttribute12
    msDS-cloudExtensionAttribute13 msDS-cloudExtensionAttribute14 msDS-cloudExtensionAttribute15
    msDS-cloudExtensionAttribute16 msDS-cloudExtensionAttribute17 msDS-cloudExtensionAttribute18
    msDS-cloudExtensionAttribute19 msDS-cloudExtensionAttribute2 msDS-cloudExtensionAttribute20
    msDS-cloudExtensionAttribute3 msDS-cloudExtensionAttribute4 msDS-cloudExtensionAttribute5
    msDS-cloudExtensionAttribute6 msDS-cloudExtensionAttribute7 msDS-cloudExtensionAttribute8
    msDS-cloudExtensionAttribute9 msIIS-FTPDir msIIS-FTPRoot msRADIUS-FramedInterfaceId msRADIUS-FramedIpv6Prefix
    msRADIUS-SavedFramedInterfaceId msRADIUS-SavedFramedIpv6Prefix msRADIUSCallbackNumber msRASSavedCallbackNumber
    msTSHomeDirectory msTSHomeDrive msTSInitialProgram msTSLicenseVersion msTSLicenseVersion2 msTSLicenseVersion3
    msTSLicenseVersion4 msTSManagingLS msTSManagingLS2 msTSManagingLS3 msTSManagingLS4 msTSProfilePath
    msTSWorkDirectory preferredLanguage profilePath scriptPath unixHomeDirectory userParameters userPrincipalName
    userSharedFolder userWorkstations`,
  texts: `
    businessCategory carLicense departmentNumber groupPriority groupsToIgnore msDS-KeyCredentialLink
    msDS-SyncServerUrl msNPCallingStationID msNPSavedCallingStationID msPKI-CredentialRoamingTokens
    msPKIAccountCredentials msPKIDPAPIMasterKeys msRADIUS-FramedIpv6Route msRADIUS-SavedFramedIpv6Route
    msRADIUSFramedRoute msRASSavedFramedRoute msTSLSProperty01 msTSLSProperty02 msTSProperty01 msTSProperty02
    networkAddress otherLoginWorkstations roomNumber servicePrincipalName uid userSharedFolderOther`,
  integer: `
    accountExpires badPasswordTime badPwdCount codePage lastLogoff lastLogon lastLogonTimestamp lockoutTime
    logonCount maxStorage msDS-Cached-Membership-Time-Stamp msDS-FailedInteractiveLogonCount
    msDS-FailedInteractiveLogonCountAtLastSuccessfulLogon msDS-LastFailedInteractiveLogonTime
    msDS-LastSuccessfulInteractiveLogonTime msDS-SecondaryKrbTgtNumber msDS-SupportedEncryptionTypes
    msDS-User-Account-Control-Computed msDS-UserPasswordExpiryTimeComputed msRADIUSFramedIPAddress
    msRADIUSServiceType msRASSavedFramedIPAddress msTSMaxConnectionTime msTSMaxDisconnectionTime msTSMaxIdleTime
    msTSRemoteControl primaryGroupID pwdLastSet shadowExpire shadowFlag shadowInactive shadowLastChange shadowMax
    shadowMin shadowWarning uidNumber userAccountControl`,
  integers: "localeID",
  reference: `
    dynamicLDAPServer msCOM-UserPartitionSetLink msDS-AssignedAuthNPolicy msDS-AssignedAuthNPolicySilo
    msDS-ResultantPSO msTSPrimaryDesktop preferredOU`,
  references: `
    defaultClassStore msDS-AuthenticatedAtDC msDS-AuthNPolicySiloMembersBL msDS-KeyPrincipalBL msTSSecondaryDesktops`,
  binary: `
    dBCSPwd logonHours logonWorkstation mS-DS-CreatorSID msDS-Cached-Membership mSMQSignCertificates
    mSMQSignCertificatesMig msPKIRoamingTimeStamp terminalServer unicodePwd`,
  binaries: `
    audio jpegPhoto lmPwdHistory msDRM-IdentityCertificate msDS-Site-Affinity mSMQDigests mSMQDigestsMig
    ntPwdHistory photo userPKCS12 x500uniqueIdentifier`,
  boolean: `
    msNPAllowDialin msTSAllowLogon msTSBrokenConnectionAction msTSConnectClientDrives msTSConnectPrinterDrives
    msTSDefaultToMainPrinter msTSReconnectionAction`,
  date: "msTSExpireDate msTSExpireDate2 msTSExpireDate3 msTSExpireDate4",
};

/** Contacts alone. */
export const CONTACTS: AttributeTable = {
  text: "notes",
};

/** Groups alone. */
export const GROUPS: AttributeTable = {
  text: `
    msDS-AzApplicationData msDS-AzBizRule msDS-AzBizRuleLanguage msDS-AzGenericData msDS-AzLastImportedBizRulePath
    msDS-AzLDAPQuery`,
  texts: "memberUid",
  integer: "groupAttributes groupType primaryGroupToken",
  reference: "managedBy",
  references: "member msDS-NonMembers msSFU30PosixMember nonSecurityMember",
  binary: "msDS-AzObjectGuid",
  binaries: "nTGroupMembers",
};
