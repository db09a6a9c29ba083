/** From a record of an LDIF file to changes: pure, no file. Values that name objects by DN go by the index. */
import type { Change } from "../../../shared/contracts/change.ts";
import { normalDn, splitDn } from "../../../shared/domain/values.ts";
import type { SourceReadOrder } from "../../../shared/ports/source-directory.ts";
import { fallbackSyntaxTable } from "../attribute-syntax.ts";
import { type AttributeValue, encodeValue } from "../encode-value.ts";
import { foreignSid } from "../foreign-sid.ts";
import { isMember, type LinkChange, type LinkValue, replacement, wholeListChanges } from "../member-lists.ts";
import { classOf } from "../object-classes.ts";
import type { LdifIndex } from "./ldif-index.ts";
import type { LdifRecord } from "./ldif-parser.ts";
import type { LdifScope } from "./ldif-scope.ts";
import { binaryValue, guidOfRecord, isDeleted, listOfRecord, textsOfRecord } from "./record-values.ts";

/** Of no domain controller. */
export const NO_SERVER = "00000000-0000-0000-0000-000000000000";

/** `isComplete`: a manifest vouches for it. */
export interface CheckedIndex extends LdifIndex {
  readonly isComplete: boolean;
}

/** One record as changes: an object, its lists in parts. `onUnresolved` is told of values that name nobody in the file. */
export function* changesOf(
  record: LdifRecord,
  {
    order,
    scope,
  }: {
    readonly order: Pick<SourceReadOrder, "attributes" | "objectClasses" | "reportsLeaves">;
    readonly scope: LdifScope;
  },
  index: LdifIndex,
  path: string,
  onUnresolved: () => void,
): Generator<Change> {
  const verdict = classOf(textsOfRecord(record, "objectClass"), order.objectClasses);
  const objectGuid = guidOfRecord(record, path);
  if (verdict === undefined || objectGuid === undefined) return;
  if (isDeleted(record)) {
    yield { op: "delete", objectGuid };
    return;
  }
  const parentGuid = index.guidsByDn.get(normalDn(splitDn(record.dn).slice(1).join(",")));
  const place = { objectGuid, dn: record.dn, ...(parentGuid === undefined ? {} : { parentGuid }) };
  if (verdict.kind === "container") {
    if (scope.isNearUnits(record.dn)) yield { op: "container", objectClass: verdict.objectClass, ...place };
    return;
  }
  const reason = scope.reasonOut(objectGuid, record.dn);
  if (reason !== undefined) {
    if (order.reportsLeaves) yield { op: "leave", objectGuid, reason };
    return;
  }
  const attributes: Record<string, AttributeValue[]> = {};
  const links: LinkChange[] = [];
  let memberList: string | undefined;
  for (const name of order.attributes) {
    if (name.toLowerCase() === "distinguishedname") {
      attributes[name] = [record.dn];
      continue;
    }
    const values = listOfRecord(record, name, path);
    if (isMember(name) && verdict.objectClass.toLowerCase() === "group") memberList = name;
    if (values === undefined || name === memberList) continue;
    const syntax = fallbackSyntaxTable.of(name);
    if (syntax === "link") links.push(replacement(name, [...linkValues(values, index, onUnresolved)]));
    else
      attributes[name] = values.map((value) =>
        syntax === "binary" ? encodeValue(binaryValue(name, value), true) : encodeValue(value, false),
      );
  }
  const object = {
    op: "upsert" as const,
    objectClass: verdict.objectClass,
    ...place,
    attributes,
    ...(links.length > 0 ? { links } : {}),
  };
  // A group without members is one whose members are all gone.
  if (memberList === undefined) yield object;
  else {
    const values = listOfRecord(record, memberList, path) ?? [];
    yield* wholeListChanges(object, memberList, linkValues(values, index, onUnresolved));
  }
}

/** Values name objects by DN; one that the file doesn't hold can't be told. */
function* linkValues(values: readonly Buffer[], index: LdifIndex, onUnresolved: () => void): Generator<LinkValue> {
  for (const value of values) {
    const dn = value.toString("utf8");
    const guid = index.guidsByDn.get(normalDn(dn));
    const sid = foreignSid(dn);
    if (guid === undefined) onUnresolved();
    else yield { guid, ...(sid === undefined ? {} : { sid }) };
  }
}
