/** The changes of one page of a full read: what DirSync reported, tombstones included (they are evidence of deletion). */
import type { Change } from "../../../shared/contracts/change.ts";
import { guidOf, isTombstone, wholeChange } from "./changes.ts";
import { type DeltaDeps, wholeEntries } from "./delta-read.ts";
import type { LdapEntry } from "./entries.ts";

export async function* fullChanges(deps: DeltaDeps, entries: readonly LdapEntry[]): AsyncGenerator<Change[]> {
  const needsSecondRead = deps.shape.attributes.some((name) => deps.shape.syntax.isLocal(name));
  const live = entries.filter((entry) => !isTombstone(entry));
  const tombstones = entries.filter(isTombstone);
  const whole = needsSecondRead ? await wholeEntries(deps, live) : live;
  yield whole.flatMap((entry) => wholeChange(entry, deps.shape) ?? []);
  yield tombstones.flatMap((entry): Change[] => {
    const guid = guidOf(entry);
    return guid !== undefined && wholeChange(entry, deps.shape) !== undefined
      ? [{ op: "delete", objectGuid: guid }]
      : [];
  });
}
