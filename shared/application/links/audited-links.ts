/** Links that an admin dissolved or moved away, as the audit log has it: rows that were lost can't tell any more. */
import { joinLink, moveLink, unlink } from "../../contracts/admin/links.ts";
import type { Unlinked } from "../../domain/object-record.ts";
import type { AuditRows } from "../state/audit-rows.ts";

const ENTRIES_A_PAGE = 500;
/** Of the clocks of two hosts. */
const SKEW_MS = 600_000;
const DISSOLVING: readonly string[] = [unlink.id, moveLink.id];

/**
 * By objectGUID: whose last word since `since` (milliseconds since 1970) was that they let go of their target object. What was begun and
 * may not have been done counts: to be left alone is safe.
 */
export async function dissolvedSince(
  auditRows: Pick<AuditRows, "page">,
  since: number,
): Promise<ReadonlyMap<string, Unlinked>> {
  const newest = new Map<string, Unlinked | undefined>();
  let from: string | undefined;
  let isOver = false;
  do {
    const { entries, next } = await auditRows.page(ENTRIES_A_PAGE, from);
    for (const { at, operation, subject, by } of entries) {
      isOver ||= at < since - SKEW_MS;
      const objectGuid = subject.id?.toLowerCase();
      const isOfLink = operation === joinLink.id || DISSOLVING.includes(operation);
      if (isOver || !isOfLink || objectGuid === undefined || newest.has(objectGuid)) continue;
      newest.set(objectGuid, DISSOLVING.includes(operation) ? { by: by.name ?? by.id, at } : undefined);
    }
    from = next;
  } while (from !== undefined && !isOver);
  return new Map([...newest].flatMap(([guid, unlinked]) => (unlinked ? [[guid, unlinked] as const] : [])));
}
