/** A foreign security principal stands for an account of another forest: its GUID says nothing there, and its name is the account's SID. */

const FOREIGN = /^\s*CN\s*=\s*(S-1-\d+(?:-\d+)*)\s*,\s*CN\s*=\s*ForeignSecurityPrincipals\s*,/i;

/** undefined for any other object. */
export function foreignSid(dn: string): string | undefined {
  return FOREIGN.exec(dn)?.[1]?.toUpperCase();
}
