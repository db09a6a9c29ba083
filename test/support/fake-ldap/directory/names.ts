/** Distinguished names of the fake domain: always computed from the tree, as no copy stores them. */
import { guidToBytes, splitDn } from "../../../../shared/domain/values.ts";
import { sidBytes } from "../security-descriptor.ts";
import { type DirectoryObject, type Replica, textOf } from "./replica.ts";
import { ROOT_GUID } from "./well-known.ts";

export interface DnForm {
  readonly root: string;
  /** Of the extended-DN control: 1 for text, 0 for hexadecimal; undefined for plain DNs. */
  readonly extended: 0 | 1 | undefined;
}

export function dnOf(replica: Replica, object: DirectoryObject, root: string): string {
  const parts: string[] = [];
  let at: DirectoryObject | undefined = object;
  while (at !== undefined && at.guid !== ROOT_GUID) {
    parts.push(`${namingAttribute(at).toUpperCase()}=${escapeRdn(textOf(at, "name") ?? "")}`);
    at = at.parent === undefined ? undefined : replica.objects.get(at.parent);
  }
  return [...parts, root].join(",");
}

export function namingAttribute(object: DirectoryObject): "cn" | "ou" {
  const classes = object.attributes.get("objectclass")?.values ?? [];
  return classes.includes("organizationalUnit") ? "ou" : "cn";
}

/** In the form that the search asked for: `<GUID=…>;<SID=…>;DN`, or the DN alone. */
export function dnInForm(replica: Replica, object: DirectoryObject, form: DnForm): string {
  const dn = dnOf(replica, object, form.root);
  if (form.extended === undefined) return dn;
  const isText = form.extended === 1;
  const guid = isText ? object.guid : Buffer.from(guidToBytes(object.guid)).toString("hex");
  if (object.sid === undefined) return `<GUID=${guid}>;${dn}`;
  return `<GUID=${guid}>;<SID=${isText ? object.sid : sidBytes(object.sid).toString("hex")}>;${dn}`;
}

/** By `<GUID=…>`, by extended DN, or by the name itself, in any case of letters. */
export function findByDn(replica: Replica, text: string, root: string): DirectoryObject | undefined {
  const guid = /^<GUID=([^>]+)>/i.exec(text)?.[1]?.toLowerCase();
  if (guid !== undefined) return replica.objects.get(guid);
  const names = splitDn(text).map((part) => part.trim());
  const own = names.length - splitDn(root).length;
  if (own < 0 || names.slice(own).join().toLowerCase() !== root.toLowerCase()) return undefined;
  let at = replica.objects.get(ROOT_GUID);
  for (const rdn of names.slice(0, own).reverse()) {
    const parent: string | undefined = at?.guid;
    at = [...replica.objects.values()].find(
      (object) =>
        object.parent === parent &&
        `${namingAttribute(object)}=${escapeRdn(textOf(object, "name") ?? "")}`.toLowerCase() === rdn.toLowerCase(),
    );
    if (at === undefined) return undefined;
  }
  return at;
}

export function isBelow(replica: Replica, object: DirectoryObject, ancestor: string): boolean {
  for (let at = object.parent; at !== undefined; at = replica.objects.get(at)?.parent) if (at === ancestor) return true;
  return false;
}

function escapeRdn(name: string): string {
  return name
    .replace(/[,+"\\<>;=]/g, "\\$&")
    .replaceAll("\n", "\\0A")
    .replace(/^[ #]/, "\\$&")
    .replace(/ $/, "\\ ");
}
