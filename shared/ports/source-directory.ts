/** The agent's view of a directory that it reads: Active Directory over LDAPS, or an LDIF file. */
import type { Change, DirectoryServer, DomainIdentity, Watermark } from "../contracts/change.ts";

export interface SourceDescription {
  readonly domain: DomainIdentity;
  readonly server: DirectoryServer;
  /** `complete` only where what the account may not see would show (DESIGN N4). */
  readonly visibility: "complete" | "partial";
}

export interface SourceReadOrder {
  readonly kind: "full" | "delta";
  readonly attributes: readonly string[];
  readonly objectClasses: readonly string[];
  readonly watermark: Watermark | null;
}

/** A run of changes in the order in which the directory gave them. `watermarkAfter` stands on the last run of a page. */
export interface SourcePage {
  readonly changes: readonly Change[];
  readonly watermarkAfter?: Watermark;
  readonly isLast: boolean;
}

export interface SourceDirectory {
  /**
   * Connects and proves that reading is possible. Throws `SourceError`: `source-unreachable`, `source-credentials`,
   * `source-rights` (no sight of CN=Deleted Objects, no replication right), `source-config`, `source-incomplete`.
   */
  describe(): Promise<SourceDescription>;
  /**
   * Reads in pages of bounded size. A delta without changes yields one page without changes. Throws `SourceError`;
   * `source-cookie` means that the watermark is of no use here and a full read is needed; `source-incomplete` that the
   * source changed under the read or ends inside a record: nothing after the last page counts.
   */
  read(order: SourceReadOrder): AsyncIterable<SourcePage>;
  /**
   * Resolves when there may be something new, at the latest after the poll interval (milliseconds); an aborted signal
   * ends the wait at once. Never rejects.
   */
  waitForChange(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export type SourceErrorCode =
  | "source-unreachable"
  | "source-credentials"
  | "source-rights"
  | "source-config"
  | "source-cookie"
  | "source-incomplete"
  | "source-record";

export class SourceError extends Error {
  readonly code: SourceErrorCode;
  readonly remedy: string;
  constructor(code: SourceErrorCode, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SourceError";
    this.code = code;
    this.remedy = remedy;
  }
}
