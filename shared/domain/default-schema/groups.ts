/**
 * The default mapping of a group.
 *
 * Security groups become plain security groups, whatever else they are: Microsoft Graph makes no others. What a group is
 * (security, mail, its unique name) is fixed when it is made. Members are declared here and moved by the links' own
 * engine.
 */

import { DEFAULT_GROUP_EXCLUSIONS } from "../scope/default-exclusions.ts";
import type { ObjectMapping } from "../synchronization-schema.ts";
import { attributeMapping } from "./attribute-mapping.ts";
import { DISPLAY_NAME } from "./users.ts";

/** What a mail nickname may not hold is dropped before it is cut. One that is left empty falls back to the objectGUID. */
const NICKNAME =
  'Left(Replace(NormalizeDiacritics(Coalesce([mailNickname], [sAMAccountName])), , "[^!-~]|[@()\\[\\]\\x22;:<>,\\x5C]", , "", , ), 64)';

export function groupMapping(): ObjectMapping {
  return {
    name: "Synchronize on-premises group to Entra Group",
    enabled: true,
    flowTypes: "Add,Update,Delete",
    sourceObjectName: "group",
    targetObjectName: "Group",
    scope: { groups: [DEFAULT_GROUP_EXCLUSIONS], inputFilterGroups: [], categoryFilterGroups: [] },
    attributeMappings: [
      attributeMapping("DisplayName", DISPLAY_NAME),
      attributeMapping("Description", "Left(Trim([description]), 448)"),
      attributeMapping("Alias", NICKNAME),
      attributeMapping("MailEnabled", '"False"', "ObjectAddOnly"),
      attributeMapping("SecurityEnabled", '"True"', "ObjectAddOnly"),
      attributeMapping("UniqueName", 'Join("", "uplink-", %ConfigurationId%, "-", [objectGUID])', "ObjectAddOnly"),
      attributeMapping("Member", "[member]"),
      attributeMapping("Mail", "Trim([mail])"),
      attributeMapping("ProxyAddresses", "RemoveDuplicates(Trim([proxyAddresses]))"),
      attributeMapping("onPremisesDistinguishedName", "[distinguishedName]"),
      attributeMapping("onPremisesObjectIdentifier", "[objectGUID]"),
      attributeMapping("OnPremiseSecurityIdentifier", "[objectSid]"),
      attributeMapping("onPremisesSamAccountName", "[sAMAccountName]"),
    ],
  };
}
