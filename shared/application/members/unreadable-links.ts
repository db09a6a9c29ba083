/** A group whose edges can't be read: a row of theirs is damaged or lost. It waits, alone, as an object does whose row is. */
import type { TargetFailure } from "../../ports/target-directory.ts";
import type { StoredLinks, UnreadableLinks } from "../state/link-rows.ts";

const REMEDY =
  "Restore the row, or delete the group's own (its name begins with 'h:'), and have everything read again. Who left the group meanwhile is found by 'uplink reconcile'.";

export function isUnreadable(stored: StoredLinks): stored is UnreadableLinks {
  return stored.unreadable !== undefined;
}

export function unreadableFailure({ key: { referrer }, unreadable: row }: UnreadableLinks): TargetFailure {
  const message = `The members of group ${referrer} can't be read: row ${row} of table links is damaged, or rows that it names are lost. Nothing is sent for them, and what the directory says of them is not applied.`;
  return { code: "EntryUnreadable", message, remedy: REMEDY, retriable: true };
}

/** Thrown where all edges of one group are gone through, part by part; `orUnreadable` catches it. */
class LinksUnreadable extends Error {
  readonly stored: UnreadableLinks;

  constructor(stored: UnreadableLinks) {
    super(unreadableFailure(stored).message);
    this.stored = stored;
  }
}

/** Throws where it can't be read. */
export function needReadable(stored: StoredLinks): StoredLinks {
  if (isUnreadable(stored)) throw new LinksUnreadable(stored);
  return stored;
}

/** What `run` comes to, or the first part of the group that it could not read. */
export async function orUnreadable<T>(run: () => Promise<T>): Promise<T | { readonly lost: UnreadableLinks }> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof LinksUnreadable) return { lost: error.stored };
    throw error;
  }
}
