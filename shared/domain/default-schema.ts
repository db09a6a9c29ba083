/** The schema that every new job begins with: people, groups and contacts of one domain, in Graph's shape. */

import { contactMapping, groupMapping } from "./default-schema/groups.ts";
import { userMapping } from "./default-schema/users.ts";
import type { SynchronizationSchema } from "./synchronization-schema.ts";

/** A new schema, the same each time. */
export function defaultSchema(): SynchronizationSchema {
  return {
    synchronizationRules: [
      {
        name: "AD2AAD",
        priority: 1,
        editable: true,
        sourceDirectoryName: "Active Directory",
        targetDirectoryName: "Entra ID",
        objectMappings: [userMapping("user"), userMapping("inetOrgPerson"), groupMapping(), contactMapping()],
      },
    ],
  };
}
