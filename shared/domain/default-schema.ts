/** The schemas that a new job begins with, by target: people, groups and contacts of one domain, in Graph's shape. */

import { contactMapping } from "./default-schema/contacts.ts";
import { groupMapping } from "./default-schema/groups.ts";
import { scimGroupMapping, scimUserMapping } from "./default-schema/scim.ts";
import { userMappings } from "./default-schema/users.ts";
import type { ObjectMapping, SynchronizationSchema } from "./synchronization-schema.ts";
import type { TargetName } from "./targets.ts";

/** A new schema for Microsoft Graph, the same each time. */
export function defaultSchema(): SynchronizationSchema {
  const objectMappings = [...userMappings(), groupMapping(), contactMapping("Entra")];
  return schemaOf("AD2AAD", "Entra ID", objectMappings);
}

/** A new schema for a target, the same each time. */
export function defaultSchemaFor(target: TargetName): SynchronizationSchema {
  if (target === "graph") return defaultSchema();
  return schemaOf("AD2SCIM", "SCIM 2.0", [
    scimUserMapping("user"),
    scimUserMapping("inetOrgPerson"),
    scimGroupMapping(),
    contactMapping("SCIM"),
  ]);
}

function schemaOf(
  name: string,
  targetDirectoryName: string,
  objectMappings: readonly ObjectMapping[],
): SynchronizationSchema {
  return {
    synchronizationRules: [
      {
        name,
        priority: 1,
        editable: true,
        sourceDirectoryName: "Active Directory",
        targetDirectoryName,
        objectMappings,
      },
    ],
  };
}
