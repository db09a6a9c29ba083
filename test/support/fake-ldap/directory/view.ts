/** An object's attributes as a search shows them: stored ones, links as DNs, and what a domain controller computes on reading. */
import { guidToBytes } from "../../../../shared/domain/values.ts";
import { sidBytes } from "../security-descriptor.ts";
import { type DnForm, dnInForm, namingAttribute } from "./names.ts";
import {
  type DirectoryObject,
  isDeleted,
  liveHolders,
  liveTargets,
  type Replica,
  textOf,
  type Value,
} from "./replica.ts";
import { canonicalName, forwardOf, isDnSyntax, linkNumberOf } from "./schema.ts";
import { ROOT_GUID } from "./well-known.ts";

export interface View {
  readonly replica: Replica;
  readonly form: DnForm;
}

export const guidBytes = (guid: string): Buffer => Buffer.from(guidToBytes(guid));

/** Values by the attribute's name in lower case, without options; none when there is no such attribute. */
export function valuesOf(view: View, object: DirectoryObject, name: string): readonly Value[] {
  const { replica, form } = view;
  switch (name) {
    case "distinguishedname":
      return [dnInForm(replica, object, form)];
    case "objectguid":
      return [guidBytes(object.guid)];
    case "parentguid":
      return object.parent === undefined || isDeleted(object) ? [] : [guidBytes(object.parent)];
    case "objectsid":
      return object.sid === undefined ? [] : [sidBytes(object.sid)];
    case "cn":
    case "ou":
      return namingAttribute(object) === name ? [textOf(object, "name") ?? ""] : [];
    case "usncreated":
      return [String(object.usnCreated)];
    case "usnchanged":
      return [String(object.usnChanged)];
    case "whenchanged":
      return [generalizedTime(object.whenChanged)];
    case "whencreated":
      return [generalizedTime(object.attributes.get("objectclass")?.stamp.time ?? 0)];
    case "msds-ncreplcursors":
      return object.guid === ROOT_GUID ? replicationCursors(replica) : [];
    default:
      return storedValues(view, object, name);
  }
}

function storedValues(view: View, object: DirectoryObject, name: string): readonly Value[] {
  const { replica, form } = view;
  if (linkNumberOf(name) !== undefined) {
    return liveTargets(replica, object, name).map((target) => dnInForm(replica, target, form));
  }
  const forward = forwardOf(name);
  if (forward !== undefined) {
    return liveHolders(replica, object, forward).map((holder) => dnInForm(replica, holder, form));
  }
  const values = object.attributes.get(name)?.values ?? [];
  return isDnSyntax(name) ? values.map((value) => dnOfStored(view, value)) : values;
}

/** A reference that is no link (lastKnownParent) is stored as a GUID, and shown as where that object is now. */
export function dnOfStored(view: View, value: Value): Value {
  const target = view.replica.objects.get(value.toString());
  return target === undefined ? value : dnInForm(view.replica, target, view.form);
}

/** What `*` stands for: everything but what is computed. */
export function storedNames(object: DirectoryObject): string[] {
  const own = [...object.attributes.values()].filter(({ values }) => values.length > 0).map(({ name }) => name);
  const links = [...object.links.keys()].map(canonicalName);
  const local = ["distinguishedName", "objectGUID", "uSNCreated", "uSNChanged", "whenCreated", "whenChanged"];
  return [...new Set([...own, ...links, ...local, namingAttribute(object)])];
}

/**
 * `msDS-NCReplCursors` in its text form: one XML fragment for every invocation that this copy has changes of. (Windows gives the
 * structure DS_REPL_CURSOR_BLOB when `;binary` is asked for; this fake doesn't.)
 */
function replicationCursors(replica: Replica): string[] {
  return [...replica.vector, [replica.invocationId, replica.usn] as const].map(([invocation, usn]) =>
    [
      "<DS_REPL_CURSOR>",
      `\t<uuidSourceDsaInvocationID>${invocation}</uuidSourceDsaInvocationID>`,
      `\t<usnAttributeFilter>${usn}</usnAttributeFilter>`,
      `\t<ftimeLastSyncSuccess>${new Date(replica.now()).toISOString().slice(0, 19)}Z</ftimeLastSyncSuccess>`,
      "\t<pszSourceDsaDN></pszSourceDsaDN>",
      "</DS_REPL_CURSOR>\n",
    ].join("\n"),
  );
}

function generalizedTime(time: number): string {
  return `${new Date(time).toISOString().replace(/[-:T]/g, "").slice(0, 14)}.0Z`;
}
