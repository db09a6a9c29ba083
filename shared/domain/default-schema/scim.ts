/**
 * The default mappings to SCIM 2.0: the rows of Microsoft's template for SCIM applications, with the attributes of Active
 * Directory as their sources.
 *
 * Where the template takes what only Entra has, Active Directory's own stands in: `active` comes from userAccountControl,
 * and `externalId` is the objectGUID, which never changes, not the mail nickname. A country is SCIM's two letters.
 * Objects are matched by `externalId`, then by `userName`.
 */

import { DEFAULT_GROUP_EXCLUSIONS, DEFAULT_USER_EXCLUSIONS } from "../scope/default-exclusions.ts";
import type { ObjectMapping } from "../synchronization-schema.ts";
import { attributeMapping } from "./attribute-mapping.ts";
import { ACCOUNT_ENABLED, ACCOUNT_NAME, DISPLAY_NAME } from "./users.ts";

const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";

const USER: readonly (readonly [path: string, expression: string])[] = [
  ["userName", ACCOUNT_NAME],
  ["active", ACCOUNT_ENABLED],
  ["displayName", DISPLAY_NAME],
  ["title", "Trim([title])"],
  ['emails[type eq "work"].value', "Trim([mail])"],
  ["preferredLanguage", "Trim([preferredLanguage])"],
  ["name.givenName", "Trim([givenName])"],
  ["name.familyName", "Trim([sn])"],
  ["name.formatted", 'Join(" ", Trim([givenName]), Trim([sn]))'],
  ['addresses[type eq "work"].formatted', "Trim([physicalDeliveryOfficeName])"],
  ['addresses[type eq "work"].streetAddress', "Trim([streetAddress])"],
  ['addresses[type eq "work"].locality', "Trim([l])"],
  ['addresses[type eq "work"].region', "Trim([st])"],
  ['addresses[type eq "work"].postalCode', "Trim([postalCode])"],
  ['addresses[type eq "work"].country', "Trim([c])"],
  ['phoneNumbers[type eq "work"].value', "Trim([telephoneNumber])"],
  ['phoneNumbers[type eq "mobile"].value', "Trim([mobile])"],
  ['phoneNumbers[type eq "fax"].value', "Trim([facsimileTelephoneNumber])"],
  ["externalId", "[objectGUID]"],
  [`${ENTERPRISE}:employeeNumber`, "Trim([employeeID])"],
  [`${ENTERPRISE}:organization`, "Trim([company])"],
  [`${ENTERPRISE}:division`, "Trim([division])"],
  [`${ENTERPRISE}:department`, "Trim([department])"],
  [`${ENTERPRISE}:manager`, "[manager]"],
];

const MATCHED: Readonly<Record<string, number>> = { externalId: 1, userName: 2 };

export function scimUserMapping(sourceObjectName: "user" | "inetOrgPerson"): ObjectMapping {
  return {
    name: `Synchronize on-premises ${sourceObjectName} to SCIM User`,
    enabled: true,
    flowTypes: "Add,Update,Delete",
    sourceObjectName,
    targetObjectName: ENTERPRISE,
    scope: { groups: [DEFAULT_USER_EXCLUSIONS], inputFilterGroups: [], categoryFilterGroups: [] },
    attributeMappings: USER.map(([path, expression]) => ({
      ...attributeMapping(path, expression),
      matchingPriority: MATCHED[path] ?? 0,
    })),
  };
}

export function scimGroupMapping(): ObjectMapping {
  return {
    name: "Synchronize on-premises group to SCIM Group",
    enabled: true,
    flowTypes: "Add,Update,Delete",
    sourceObjectName: "group",
    targetObjectName: GROUP,
    scope: { groups: [DEFAULT_GROUP_EXCLUSIONS], inputFilterGroups: [], categoryFilterGroups: [] },
    attributeMappings: [
      attributeMapping("displayName", DISPLAY_NAME),
      { ...attributeMapping("externalId", "[objectGUID]"), matchingPriority: 1 },
      attributeMapping("members", "[member]"),
    ],
  };
}
