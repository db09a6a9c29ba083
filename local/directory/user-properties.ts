/**
 * Every property of Graph's `user`, as `@microsoft/microsoft-graph-types` has it, and what may be written to it.
 *
 * Maximum lengths are those of the published types' comments; where they say nothing, those that public reports name
 * (officeLocation 128, mail 256, userPrincipalName 113 = 64 + @ + 48).
 */
import type {
  EmployeeOrgData,
  OnPremisesExtensionAttributes,
  PasswordProfile,
  User,
} from "@microsoft/microsoft-graph-types";
import {
  closed,
  closedLists,
  flag,
  list,
  type PropertyRules,
  type PropertyTable,
  structure,
  text,
} from "./property-table.ts";

const extension = text(1024);
const no = closed<User>();
const noList = closedLists<User>();

const table = {
  accountEnabled: flag({ required: true, sensitive: true }),
  ageGroup: text(16),
  businessPhones: list(250, 64, { sensitive: true }),
  city: text(128),
  companyName: text(64),
  consentProvidedForMinor: text(16),
  country: text(128),
  department: text(64),
  displayName: text(256, { required: true }),
  employeeHireDate: text(40),
  employeeId: text(16),
  employeeOrgData: structure<EmployeeOrgData>({ costCenter: text(128), division: text(128) }),
  employeeType: text(256),
  faxNumber: text(64),
  givenName: text(64),
  jobTitle: text(128),
  mail: text(256),
  mailNickname: text(64, { required: true }),
  mobilePhone: text(64, { sensitive: true }),
  officeLocation: text(128),
  onPremisesDistinguishedName: text(1024),
  onPremisesExtensionAttributes: structure<OnPremisesExtensionAttributes>({
    extensionAttribute1: extension,
    extensionAttribute2: extension,
    extensionAttribute3: extension,
    extensionAttribute4: extension,
    extensionAttribute5: extension,
    extensionAttribute6: extension,
    extensionAttribute7: extension,
    extensionAttribute8: extension,
    extensionAttribute9: extension,
    extensionAttribute10: extension,
    extensionAttribute11: extension,
    extensionAttribute12: extension,
    extensionAttribute13: extension,
    extensionAttribute14: extension,
    extensionAttribute15: extension,
  }),
  onPremisesImmutableId: text(256, { sensitive: true }),
  otherMails: list(250, 250, { sensitive: true }),
  passwordPolicies: text(128),
  passwordProfile: structure<PasswordProfile>(
    {
      forceChangePasswordNextSignIn: flag(),
      forceChangePasswordNextSignInWithMfa: flag(),
      password: text(256),
    },
    { required: true, sensitive: true },
  ),
  postalCode: text(40),
  preferredDataLocation: text(16),
  preferredLanguage: text(32),
  showInAddressList: flag(),

  streetAddress: text(1024),
  state: text(128),
  surname: text(64),
  usageLocation: text(2, { clearable: false }),
  userPrincipalName: text(113, { required: true, sensitive: true }),
  userType: text(16),

  ...no("read-only", "id", "deletedDateTime", "authorizationInfo", "createdDateTime", "creationType"),
  ...no("read-only", "externalUserState", "externalUserStateChangeDateTime", "isManagementRestricted"),
  ...no("read-only", "isResourceAccount", "lastPasswordChangeDateTime", "legalAgeGroupClassification"),
  ...no("read-only", "onPremisesDomainName", "onPremisesLastSyncDateTime", "onPremisesSamAccountName"),
  ...no("read-only", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled", "onPremisesUserPrincipalName"),
  ...no("read-only", "securityIdentifier", "signInActivity", "signInSessionsValidFromDateTime"),
  ...noList("read-only", "assignedLicenses", "assignedPlans", "imAddresses", "licenseAssignmentStates"),
  ...noList("read-only", "onPremisesProvisioningErrors", "provisionedPlans", "proxyAddresses"),
  ...noList("read-only", "serviceProvisioningErrors"),

  ...no("other-service", "aboutMe", "birthday", "customSecurityAttributes", "deviceEnrollmentLimit"),
  ...no("other-service", "employeeLeaveDateTime", "hireDate", "mailboxSettings", "mySite", "preferredName", "print"),
  ...noList("other-service", "identities", "interests", "pastProjects", "responsibilities", "schools", "skills"),

  ...no("relation", "authentication", "calendar", "cloudClipboard", "dataSecurityAndGovernance", "drive"),
  ...no("relation", "employeeExperience", "inferenceClassification", "insights", "manager", "onenote", "outlook"),
  ...no("relation", "photo", "planner", "presence", "settings", "solutions", "teamwork", "todo"),
  ...noList("relation", "activities", "agreementAcceptances", "appRoleAssignments", "calendarGroups", "calendars"),
  ...noList("relation", "calendarView", "chats", "contactFolders", "contacts", "createdObjects"),
  ...noList("relation", "deviceManagementTroubleshootingEvents", "directReports", "drives", "events", "extensions"),
  ...noList("relation", "followedSites", "joinedTeams", "licenseDetails", "mailFolders", "managedAppRegistrations"),
  ...noList("relation", "managedDevices", "memberOf", "messages", "oauth2PermissionGrants", "onlineMeetings"),
  ...noList("relation", "ownedDevices", "ownedObjects", "people", "permissionGrants", "photos", "registeredDevices"),
  ...noList("relation", "scopedRoleMemberOf", "sponsors", "transitiveMemberOf"),
} satisfies PropertyTable<User>;

export const userProperties: PropertyRules = table;

/** What comes back without $select. */
export const userDefaults = [
  "businessPhones",
  "displayName",
  "givenName",
  "id",
  "jobTitle",
  "mail",
  "mobilePhone",
  "officeLocation",
  "preferredLanguage",
  "surname",
  "userPrincipalName",
] as const satisfies readonly (keyof User)[];
