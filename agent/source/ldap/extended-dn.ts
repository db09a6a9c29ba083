/**
 * Names of objects as the extended-DN control gives them, and what of a link's value travels: GUIDs, and the SID of a foreign security
 * principal, whose GUID says nothing outside its own domain. DNs stay here: they are long, and the service doesn't need them.
 */
import { isGuid } from "../../../shared/domain/values.ts";
import { foreignSid } from "../foreign-sid.ts";
import type { LinkValue } from "../member-lists.ts";

export interface ExtendedDn {
  readonly dn: string;
  readonly guid?: string;
  readonly sid?: string;
}

/** `<GUID=…>;<SID=…>;CN=…` in its parts; a plain DN is its own DN. */
export function parseExtendedDn(text: string): ExtendedDn {
  let rest = text;
  let guid: string | undefined;
  let sid: string | undefined;
  for (;;) {
    const match = /^<(GUID|SID)=([^>]*)>(?:;|$)/i.exec(rest);
    if (match?.[1] === undefined || match[2] === undefined) break;
    if (match[1].toUpperCase() === "GUID") guid = match[2].toLowerCase();
    else sid = match[2];
    rest = rest.slice(match[0].length);
  }
  return {
    dn: rest,
    ...(guid !== undefined && isGuid(guid) ? { guid } : {}),
    ...(sid === undefined ? {} : { sid }),
  };
}

/** undefined for a value without a GUID: nobody could tell what it names. */
export function linkValueOf(text: string): LinkValue | undefined {
  const { guid, sid, dn } = parseExtendedDn(text);
  if (guid === undefined) return undefined;
  const named = foreignSid(dn);
  return named === undefined ? { guid } : { guid, sid: sid ?? named };
}
