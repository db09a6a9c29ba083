/** What the account that signs in may see. Ordinary searches are bound by it; DirSync only where it says OBJECT_SECURITY, as on Windows. */
import { isBelow } from "./names.ts";
import type { DirectoryObject, Replica } from "./replica.ts";

export interface Access {
  /** *Replicating Directory Changes* on the domain. */
  canReplicate: boolean;
  /** No one's value of these is shown. */
  readonly hiddenAttributes: Set<string>;
  /** These objects and all below them (GUIDs) aren't there. */
  readonly hiddenObjects: Set<string>;
}

export interface Sight {
  sees(object: DirectoryObject): boolean;
  seesAttribute(name: string): boolean;
}

export const seesAll: Sight = { sees: () => true, seesAttribute: () => true };

export const openAccess = (): Access => ({ canReplicate: true, hiddenAttributes: new Set(), hiddenObjects: new Set() });

export function sightOf(access: Access, replica: Replica): Sight {
  const names = new Set([...access.hiddenAttributes].map((name) => name.toLowerCase()));
  const hidden = [...access.hiddenObjects];
  return {
    sees: (object) => !hidden.some((guid) => object.guid === guid || isBelow(replica, object, guid)),
    seesAttribute: (name) => !names.has(name.toLowerCase()),
  };
}
