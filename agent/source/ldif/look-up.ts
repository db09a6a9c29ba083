/** Objects by name in an LDIF file: the records as a read would send them, judged by the same scope. One pass over the file. */
import { basename } from "node:path";
import type { FoundObject, ObjectName, ReadAnswer } from "../../../shared/contracts/agent-commands.ts";
import { normalDn, sameDn, sameUpn, splitDn } from "../../../shared/domain/values.ts";
import type { LookUpOrder } from "../../agent-source.ts";
import { isMember } from "../member-lists.ts";
import { classOf } from "../object-classes.ts";
import { type CheckedIndex, changesOf, NO_SERVER } from "./ldif-changes.ts";
import { hashedChunks } from "./ldif-index.ts";
import { type LdifRecord, parseLdif } from "./ldif-parser.ts";
import { openLdifScope } from "./ldif-scope.ts";
import { guidOfRecord, listOfRecord, textsOfRecord } from "./record-values.ts";

export async function lookUpInLdif(order: LookUpOrder, index: CheckedIndex, path: string): Promise<ReadAnswer> {
  const scope = await openLdifScope(order.scope, index, path);
  const names = [order.subject, ...order.members];
  const found = names.map((): LdifRecord[] => []);
  for await (const record of parseLdif(hashedChunks(path), path))
    for (const [at, name] of names.entries()) if (isNamed(record, name, path)) found[at]?.push(record);
  const attributes = order.attributes.filter((name) => !isMember(name));
  const asked = { order: { attributes, objectClasses: order.objectClasses, reportsLeaves: true }, scope };

  const objectOf = (records: readonly LdifRecord[]): FoundObject => {
    const [record] = records;
    if (!record) return { kind: "missing", why: "nobody" };
    if (records.length > 1) return { kind: "missing", why: "several" };
    const [change] = changesOf(record, asked, index, path, () => undefined);
    if (change?.op === "delete") return { kind: "missing", why: "deleted" };
    if (change) return { kind: "found", change };
    const container = containerOf(record);
    return container ? { kind: "found", change: container } : { kind: "missing", why: "class" };
  };
  const containerOf = (record: LdifRecord) => {
    const verdict = classOf(textsOfRecord(record, "objectClass"), order.objectClasses);
    const objectGuid = guidOfRecord(record, path);
    if (verdict?.kind !== "container" || objectGuid === undefined) return undefined;
    return { op: "container" as const, objectClass: verdict.objectClass, objectGuid, dn: record.dn };
  };
  const [group, ...others] = found;
  const listed = new Set(
    (group?.[0] ? (listOfRecord(group[0], "member", path) ?? []) : []).map((dn) => normalDn(dn.toString("utf8"))),
  );
  const members = others.map((records): FoundObject => {
    const own = objectOf(records);
    return own.kind === "found" ? { ...own, isMember: listed.has(normalDn(records[0]?.dn ?? "")) } : own;
  });
  return {
    kind: "read",
    domain: index.domain,
    dsa: { invocationId: NO_SERVER, dnsName: basename(path), highestCommittedUsn: "0" },
    visibility: index.isComplete ? "complete" : "partial",
    object: objectOf(group ?? []),
    members,
  };
}

function isNamed(record: LdifRecord, { by, value }: ObjectName, path: string): boolean {
  switch (by) {
    case "guid":
      return guidOfRecord(record, path) === value;
    case "dn":
      return splitDn(record.dn).length === splitDn(value).length && sameDn(record.dn, value);
    case "upn":
      return textsOfRecord(record, "userPrincipalName").some((own) => sameUpn(own, value));
  }
}
