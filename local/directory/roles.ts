/**
 * The directory roles that the stand-in knows, with their public template ids.
 *
 * `privileged` decides whether a holder's sensitive properties are protected. Microsoft's own table is finer (who may
 * change whom, role by role); here an application either holds a privileged role, and may, or doesn't.
 */

export type DirectoryRole = { name: string; templateId: string; privileged: boolean };

export const directoryRoles: readonly DirectoryRole[] = [
  { name: "Global Administrator", templateId: "62e90394-69f5-4237-9190-012177145e10", privileged: true },
  { name: "Privileged Role Administrator", templateId: "e8611ab8-c189-46e8-94e1-60213ab1f814", privileged: true },
  {
    name: "Privileged Authentication Administrator",
    templateId: "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    privileged: true,
  },
  { name: "Security Administrator", templateId: "194ae4cb-b126-40b2-bd5b-6091b380977d", privileged: true },
  { name: "User Administrator", templateId: "fe930be7-5e62-47db-91af-98c3a49a38b1", privileged: true },
  { name: "Helpdesk Administrator", templateId: "729827e3-9c14-49f7-bb1b-9608f156bbb8", privileged: true },
  { name: "Hybrid Identity Administrator", templateId: "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2", privileged: true },
  { name: "Directory Readers", templateId: "88d8e3e3-8f55-4a1e-953a-9b9898b8876b", privileged: false },
];

/** Finds a role by its name, whatever its case, or by its template id. */
export function findRole(nameOrId: string): DirectoryRole | undefined {
  const wanted = nameOrId.toLowerCase();
  return directoryRoles.find((role) => role.name.toLowerCase() === wanted || role.templateId === wanted);
}

/** The id of the tenant's own object for a role; Graph's differs from the template id, so this one does too. */
export function roleObjectId(role: DirectoryRole): string {
  return `d1${role.templateId.slice(2)}`;
}

/** How the store keeps a role that its principal may take up: it is no holder until it does. */
export function eligibleFor(templateId: string): string {
  return `eligible:${templateId}`;
}
