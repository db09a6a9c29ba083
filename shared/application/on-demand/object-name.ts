/** What an admin means by a text: an objectGUID, a distinguished name or a user principal name. Pure. */
import type { ObjectName } from "../../contracts/agent-commands.ts";
import { isGuid, splitDn } from "../../domain/values.ts";

/** Undefined: it is none of them. A DN needs not exist, only to be one. */
export function objectNameOf(text: string): ObjectName | undefined {
  const trimmed = text.trim();
  const guid = trimmed.replace(/^\{(.*)\}$/, "$1").toLowerCase();
  if (isGuid(guid)) return { by: "guid", value: guid };
  if (isDn(trimmed)) return { by: "dn", value: trimmed };
  return /^[^\s@]+@[^\s@]+$/.test(trimmed) && !trimmed.startsWith("<") ? { by: "upn", value: trimmed } : undefined;
}

/** A name of our own makings (`<GUID=…>`, `<SID=…>`) is none. */
function isDn(text: string): boolean {
  const parts = splitDn(text);
  return parts.length > 0 && parts.every((part) => /^\s*[A-Za-z][A-Za-z0-9.-]*\s*=\s*\S/.test(part));
}
