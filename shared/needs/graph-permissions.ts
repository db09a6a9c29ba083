/**
 * What the application of the target tenant may do in Microsoft Graph, as application permissions: no more than the calls of
 * `shared/adapters/graph` need. And the application that admins sign in to: its roles and its one delegated permission.
 *
 * Part of the table of needs; `infra/scripts/register-apps.mjs` grants and makes exactly these. The ids are Microsoft's, the same in every
 * tenant; those of our own application are made up once and stay.
 */

export interface GraphPermission {
  readonly permission: string;
  readonly appRoleId: string;
  readonly why: string;
  readonly calls: readonly string[];
}

export const GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000";

export const GRAPH_PERMISSIONS: readonly GraphPermission[] = [
  {
    permission: "User.ReadWrite.All",
    appRoleId: "741f803b-c850-494e-b5df-cde7c675a1ca",
    why: "users are found, made, changed, disabled, deleted and restored; their managers are set",
    calls: [
      "GET /users",
      "GET /users/{id}",
      "POST /users",
      "PATCH /users/{id}",
      "DELETE /users/{id}",
      "PUT /users/{id}/manager/$ref",
      "DELETE /users/{id}/manager/$ref",
      "GET /directory/deletedItems/microsoft.graph.user",
      "POST /directory/deletedItems/{id}/restore",
    ],
  },
  {
    permission: "Group.ReadWrite.All",
    appRoleId: "62a82d76-70ea-41e2-9197-370581804d09",
    why: "security groups and their members, deleted ones brought back too; who is in a role-assignable group is read, to leave them alone",
    calls: [
      "GET /groups",
      "GET /groups(uniqueName='{name}')",
      "PATCH /groups(uniqueName='{name}')",
      "GET /groups/{id}",
      "POST /groups",
      "PATCH /groups/{id}",
      "DELETE /groups/{id}",
      "GET /groups/{id}/members",
      "POST /groups/{id}/members/$ref",
      "DELETE /groups/{id}/members/{id}/$ref",
      "GET /directory/deletedItems/microsoft.graph.group",
    ],
  },
  {
    permission: "Organization.Read.All",
    appRoleId: "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    why: "the tenant's verified domains: which suffixes a userPrincipalName may have",
    calls: ["GET /organization"],
  },
  {
    permission: "RoleManagement.Read.Directory",
    appRoleId: "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    why: "who holds a directory role or may take one up: they are never matched",
    calls: [
      "GET /roleManagement/directory/roleAssignments",
      "GET /roleManagement/directory/roleEligibilityScheduleInstances",
    ],
  },
];

export interface AppRole {
  readonly id: string;
  /** As it stands in the token. */
  readonly value: "Synchronization.Read.All" | "Synchronization.ReadWrite.All";
  readonly displayName: string;
  readonly description: string;
}

/** The application that the admin API's tokens are for. */
export const ADMIN_APPLICATION = {
  displayName: "Directory Uplink",
  roles: [
    {
      id: "0b1f9a7c-6f0e-4c55-9b5a-6a3c1d1e7a01",
      value: "Synchronization.Read.All",
      displayName: "Read synchronization",
      description: "May look at configurations, jobs, logs and agents.",
    },
    {
      id: "0b1f9a7c-6f0e-4c55-9b5a-6a3c1d1e7a02",
      value: "Synchronization.ReadWrite.All",
      displayName: "Administer synchronization",
      description: "May change configurations, start and pause jobs, approve removals, and enrol agents.",
    },
  ],
  scope: {
    id: "0b1f9a7c-6f0e-4c55-9b5a-6a3c1d1e7a03",
    value: "user_impersonation",
    displayName: "Use Directory Uplink",
    description: "Use Directory Uplink as the person who is signed in, with the roles that this person has.",
  },
} as const satisfies {
  readonly displayName: string;
  readonly roles: readonly AppRole[];
  readonly scope: Readonly<Record<"id" | "value" | "displayName" | "description", string>>;
};

/** The public client by which people sign in: `uplink login`. */
export const CLIENT_APPLICATION = {
  displayName: "Directory Uplink command line",
  redirectUris: ["http://localhost"],
} as const;
