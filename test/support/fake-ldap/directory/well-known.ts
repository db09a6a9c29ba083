/** The fake domain's name, and the objects that it always has. */
export const ROOT = "DC=corp,DC=example,DC=com";
export const DOMAIN_SID = "S-1-5-21-1-2-3";
export const ROOT_GUID = "11111111-1111-4111-8111-111111111111";
export const DELETED_OBJECTS_GUID = "11111111-1111-4111-8111-18e2ea80684f";
export const USERS_GUID = "11111111-1111-4111-8111-a9d1ca15768a";
