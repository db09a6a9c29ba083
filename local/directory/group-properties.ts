/**
 * Every property of Graph's `group`, as `@microsoft/microsoft-graph-types` has it, and what may be written to it.
 * `uniqueName` is closed here: it comes with the address of an upsert, and `groups.ts` sets it.
 */
import type { Group } from "@microsoft/microsoft-graph-types";
import { closed, closedLists, flag, list, type PropertyRules, type PropertyTable, text } from "./property-table.ts";

const no = closed<Group>();
const noList = closedLists<Group>();

const table = {
  classification: text(64),
  description: text(1024),
  displayName: text(256, { required: true }),
  groupTypes: list(5, 64),
  isAssignableToRole: flag(),
  mailEnabled: flag({ required: true }),
  mailNickname: text(64, { required: true }),
  membershipRule: text(3072),
  membershipRuleProcessingState: text(16),
  preferredDataLocation: text(16),
  preferredLanguage: text(32),
  securityEnabled: flag({ required: true }),
  theme: text(16),
  visibility: text(32),

  ...no("read-only", "id", "deletedDateTime", "createdDateTime", "expirationDateTime", "hasMembersWithLicenseErrors"),
  ...no("read-only", "isArchived", "isManagementRestricted", "licenseProcessingState", "mail", "onPremisesDomainName"),
  ...no("read-only", "onPremisesLastSyncDateTime", "onPremisesNetBiosName", "onPremisesSamAccountName"),
  ...no("read-only", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled", "renewedDateTime"),
  ...no("read-only", "securityIdentifier", "uniqueName", "unseenCount"),
  ...noList("read-only", "assignedLicenses", "onPremisesProvisioningErrors", "proxyAddresses"),
  ...noList("read-only", "serviceProvisioningErrors"),

  ...no("other-service", "allowExternalSenders", "autoSubscribeNewMembers", "hideFromAddressLists"),
  ...no("other-service", "hideFromOutlookClients", "isSubscribedByMail"),
  ...noList("other-service", "assignedLabels"),

  ...no("relation", "calendar", "createdOnBehalfOf", "drive", "onenote", "photo", "planner", "team"),
  ...noList("relation", "acceptedSenders", "appRoleAssignments", "calendarView", "conversations", "drives", "events"),
  ...noList("relation", "extensions", "groupLifecyclePolicies", "memberOf", "members", "membersWithLicenseErrors"),
  ...noList("relation", "owners", "permissionGrants", "photos", "rejectedSenders", "settings", "sites", "threads"),
  ...noList("relation", "transitiveMemberOf", "transitiveMembers"),
} satisfies PropertyTable<Group>;

export const groupProperties: PropertyRules = table;

/** What comes back without $select. */
export const groupDefaults = [
  "id",
  "deletedDateTime",
  "classification",
  "createdDateTime",
  "description",
  "displayName",
  "expirationDateTime",
  "groupTypes",
  "isAssignableToRole",
  "mail",
  "mailEnabled",
  "mailNickname",
  "membershipRule",
  "membershipRuleProcessingState",
  "onPremisesLastSyncDateTime",
  "onPremisesSamAccountName",
  "onPremisesSecurityIdentifier",
  "onPremisesSyncEnabled",
  "preferredDataLocation",
  "preferredLanguage",
  "proxyAddresses",
  "renewedDateTime",
  "securityEnabled",
  "securityIdentifier",
  "theme",
  "uniqueName",
  "visibility",
] as const satisfies readonly (keyof Group)[];
