/** What the LDAP source needs to know. The password comes from a file or the environment, never from this file. */
import { z } from "zod";

export const LdapSettings = z.strictObject({
  kind: z.literal("ldap"),
  /** `ldaps://host[:636]` of one writable domain controller. */
  url: z
    .string()
    .regex(/^ldaps:\/\/[^/\s]+\/?$/i, "must be ldaps://host or ldaps://host:port; plain LDAP would show the password"),
  /** DN, UPN or DOMAIN\user of the account. */
  bindDn: z.string().min(1),
  passwordFile: z.string().min(1).optional(),
  caFile: z.string().min(1).optional(),
  /** The name that the server's certificate must carry, where the URL has an address. */
  tlsServerName: z.string().min(1).optional(),
  connectTimeoutSeconds: z.number().positive().max(600).default(10),
  /** For one search: a domain controller may take long over its first page. */
  timeoutSeconds: z.number().positive().max(3600).default(120),
  pollSeconds: z.number().positive().max(86_400).default(15),
});
export type LdapSettings = z.infer<typeof LdapSettings>;

export const LDAP_PASSWORD_VARIABLE = "UPLINK_LDAP_PASSWORD";
