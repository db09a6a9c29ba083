/**
 * One page of a DirSync search, and what its refusals mean.
 *
 * The base is always the root of the domain's naming context (nothing else is allowed), the flags are INCREMENTAL_VALUES
 * alone: with OBJECT_SECURITY, what the account may not see would look as if it weren't there.
 */
import type { Filter } from "ldapts";
import { SourceError } from "../../../shared/ports/source-directory.ts";
import type { LdapConnection } from "./connection.ts";
import { DIRSYNC_INCREMENTAL_VALUES, DirSyncControl, extendedDnControl } from "./controls.ts";
import type { LdapEntry } from "./entries.ts";
import { describeError, RESULT, replicationDenied, resultCodeOf } from "./errors.ts";

/** Windows fills a page up to this many bytes (and about 1,000 entries); Samba ignores it. */
const PAGE_BYTES = 1024 * 1024;

/** Without `isDeleted` no tombstone comes, without `name` (or itself, on some versions) no parentGUID: the attribute list is a filter too. */
export const ALWAYS_ASKED = ["objectClass", "name", "parentGUID", "isDeleted", "lastKnownParent"] as const;

export interface DirSyncPage {
  readonly entries: readonly LdapEntry[];
  readonly cookie: Buffer;
  readonly more: boolean;
}

export interface DirSyncRequest {
  readonly root: string;
  /** Terms of objectClass (Samba's windows and lookups by GUID apart): `objectCategory` would lose all tombstones. */
  readonly filter: Filter | string;
  readonly attributes: readonly string[];
  readonly cookie: Buffer;
}

/** Throws `SourceError`: source-cookie (refused cookie), source-rights, source-config, source-unreachable. */
export async function readDirSyncPage(connection: LdapConnection, request: DirSyncRequest): Promise<DirSyncPage> {
  const control = new DirSyncControl({
    flags: DIRSYNC_INCREMENTAL_VALUES,
    maxBytes: PAGE_BYTES,
    cookie: request.cookie,
  });
  let entries: LdapEntry[];
  try {
    entries = await connection.search({
      base: request.root,
      scope: "sub",
      filter: request.filter,
      attributes: [...new Set([...ALWAYS_ASKED, ...request.attributes])],
      controls: [control, extendedDnControl()],
    });
  } catch (error) {
    throw dirSyncError(error, connection, request);
  }
  if (control.answer === undefined) {
    throw new SourceError(
      "source-config",
      `${connection.url} answered a DirSync search without its control.`,
      "Set url to a writable domain controller (port 636, not the global catalogue).",
    );
  }
  return { entries, cookie: control.answer.cookie, more: control.answer.more };
}

function dirSyncError(error: unknown, connection: LdapConnection, request: DirSyncRequest): unknown {
  const code = resultCodeOf(error);
  // ldapts collects the entries of one answer with `push(...entries)`: above some 120,000 the stack overflows. Samba has no pages.
  if (error instanceof SourceError && error.cause instanceof RangeError && request.cookie.length > 0) {
    return new SourceError(
      "source-cookie",
      `More objects changed on ${connection.url} than one answer can hold.`,
      "Nothing to do: a full read, in parts, follows.",
      { cause: error },
    );
  }
  if (code === undefined) return error;
  const message = describeError(error);
  // 2105 is ERROR_DS_DRA_ACCESS_DENIED (8453): some versions say it under another result code.
  if (code === RESULT.insufficientAccessRights || /\b0*2105\b/.test(message)) {
    return replicationDenied(error, connection.bindDn, request.root);
  }
  const hadCookie = request.cookie.length > 0;
  if (hadCookie && (code === RESULT.unavailableCriticalExtension || code === RESULT.unwillingToPerform)) {
    return new SourceError(
      "source-cookie",
      `${connection.url} refused the watermark's cookie: ${message}.`,
      "Nothing to do: a full read follows.",
      { cause: error },
    );
  }
  if (code === RESULT.busy || code === RESULT.unavailable || code === RESULT.timeLimitExceeded) return error;
  return new SourceError(
    "source-config",
    `${connection.url} refused the DirSync search: ${message}.`,
    "Set url to a writable domain controller (port 636, not the global catalogue).",
    { cause: error },
  );
}
