/**
 * Which of the ordered classes an object belongs to.
 *
 * `(objectClass=user)` also brings computers and managed service accounts, because they derive from `user`; so the most
 * specific class that we know decides, whatever the order in which a directory or a file lists the classes.
 */

/** Most specific first. A class that the order names and this list doesn't know comes before all of them. */
const BY_SPECIFICITY = [
  "msDS-GroupManagedServiceAccount",
  "msDS-DelegatedManagedServiceAccount",
  "msDS-ManagedServiceAccount",
  "computer",
  "inetOrgPerson",
  "user",
  "group",
  "contact",
  "foreignSecurityPrincipal",
  "organizationalUnit",
] as const;

/** Whether the class alone says what an object is: one of those that are sent, or of those that derive from them and aren't. */
export function isKnownClass(objectClass: string): boolean {
  return BY_SPECIFICITY.some((name) => name.toLowerCase() === objectClass.toLowerCase());
}

/** Classes that travel as `container` changes: their name and place only. */
export const CONTAINER_CLASSES = ["organizationalUnit"] as const;

export interface ClassVerdict {
  readonly kind: "object" | "container";
  readonly objectClass: string;
}

/** The class under which an object is sent, or undefined when it is none of ours. */
export function classOf(objectClasses: readonly string[], wanted: readonly string[]): ClassVerdict | undefined {
  const present = new Set(objectClasses.map((name) => name.toLowerCase()));
  const known = new Set<string>(BY_SPECIFICITY.map((name) => name.toLowerCase()));
  const custom = wanted.find((name) => present.has(name.toLowerCase()) && !known.has(name.toLowerCase()));
  if (custom !== undefined) return { kind: "object", objectClass: custom };
  const structural = BY_SPECIFICITY.find((name) => present.has(name.toLowerCase()));
  if (structural === undefined) return undefined;
  if (CONTAINER_CLASSES.some((name) => name === structural)) return { kind: "container", objectClass: structural };
  const asked = wanted.find((name) => name.toLowerCase() === structural.toLowerCase());
  return asked === undefined ? undefined : { kind: "object", objectClass: asked };
}
