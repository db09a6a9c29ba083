/**
 * The text of a journal file: one JSON value a line. A process that was killed while it wrote leaves a last line
 * without an end; that one is cut off, as if it had never been written, because nobody was told that it was. Anything
 * else that can't be read is damage from outside, and an error: going on without it would forget what was promised.
 */

export type JournalText = {
  readonly lines: readonly unknown[];
  /** Where a torn last line begins: all the bytes when there is none. */
  readonly goodBytes: number;
};

/** The error for a file that can't be believed: which, why, and what to do. */
export const damagedJournal = (path: string, why: string, cause: unknown): Error =>
  new Error(
    `The journal ${path} is damaged: ${why}. Put the file back from a copy; or move it out of the folder, which forgets what it holds (one orchestration or entity, or with 'finished-' in its name the list of those that ended); or begin anew with an empty state folder.`,
    { cause },
  );

/** Throws an error that names the file, the line and what to do. */
export function parseJournal(text: string, path: string): JournalText {
  const lines: unknown[] = [];
  let at = 0;
  for (;;) {
    const end = text.indexOf("\n", at);
    if (end === -1) break;
    try {
      lines.push(JSON.parse(text.slice(at, end)));
    } catch (cause) {
      throw damagedJournal(path, `line ${lines.length + 1} is no JSON (${String(cause)})`, cause);
    }
    at = end + 1;
  }
  return { lines, goodBytes: Buffer.byteLength(text.slice(0, at)) };
}
