/**
 * The pages of a full read, each of a size that fits in memory.
 *
 * Windows pages by itself. Samba answers everything in one page, however large, so there the read goes in windows of
 * `uSNCreated`: a USN is given once, so a window of n numbers holds at most n objects. The cookie of the *first* window is
 * the watermark: what changed while the later ones were read is reported again by the next delta.
 */
import type { LdapConnection } from "./connection.ts";
import { type DirSyncPage, type DirSyncRequest, readDirSyncPage } from "./dirsync.ts";

/** Windows up to 2,000 kept an agent with 10,000 users at 200 MB (8,000: 310 MB); empty ones cost a few milliseconds each. */
const FIRST_WINDOW = 500;
const MOST_WINDOW = 2_000;
const FEW_OBJECTS = 250;
const MANY_OBJECTS = 1_000;

export interface FullReadRequest {
  readonly root: string;
  readonly filter: string;
  readonly attributes: readonly string[];
  readonly isSamba: boolean;
  /** Read before the first search. */
  readonly highestUsn: number;
}

/** `cookie` of a page is the watermark to keep when the page ends the read. Fails as `readDirSyncPage`. */
export async function* fullReadPages(
  connection: LdapConnection,
  request: FullReadRequest,
): AsyncGenerator<DirSyncPage> {
  if (request.isSamba) yield* windows(connection, request);
  else yield* serverPages(connection, request, Buffer.alloc(0));
}

/** Pages as the server makes them, from a cookie to the end. */
export async function* serverPages(
  connection: LdapConnection,
  request: Omit<DirSyncRequest, "cookie">,
  from: Buffer,
): AsyncGenerator<DirSyncPage> {
  let cookie = from;
  for (;;) {
    const page = await readDirSyncPage(connection, { ...request, cookie });
    yield page;
    if (!page.more) return;
    cookie = page.cookie;
  }
}

async function* windows(connection: LdapConnection, request: FullReadRequest): AsyncGenerator<DirSyncPage> {
  let firstCookie: Buffer | undefined;
  let size = FIRST_WINDOW;
  for (let low = 0; low <= request.highestUsn; ) {
    const high = low + size - 1;
    const filter = `(&(uSNCreated>=${low})(uSNCreated<=${high})${request.filter})`;
    const page = await readDirSyncPage(connection, { ...request, filter, cookie: Buffer.alloc(0) });
    firstCookie ??= page.cookie;
    low = high + 1;
    yield { entries: page.entries, cookie: firstCookie, more: low <= request.highestUsn };
    if (page.entries.length < FEW_OBJECTS) size = Math.min(size * 2, MOST_WINDOW);
    else if (page.entries.length > MANY_OBJECTS) size = Math.max(Math.floor(size / 2), FIRST_WINDOW);
  }
}
