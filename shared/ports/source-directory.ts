/** The agent's view of a directory that it reads: Active Directory over LDAPS, or an LDIF file. */
import type { Change, DirectoryServer, DomainIdentity, Watermark } from "../contracts/change.ts";
import type { AgentScope } from "../contracts/configuration.ts";

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
  /** Throws `source-scope` while an object that it names can't be read. */
  readonly scope: AgentScope;
  readonly reportsLeaves: boolean;
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
  | "source-record"
  /** An organizational unit or group that the scope names is gone or can't be read (`ScopeObjectMissing`). */
  | "source-scope";

export class SourceError extends Error {
  readonly code: SourceErrorCode;
  readonly remedy: string;
  /** The objects that it is about, where it is about some. */
  readonly objectGuids: readonly string[];
  constructor(
    code: SourceErrorCode,
    message: string,
    remedy: string,
    options?: ErrorOptions & { readonly objectGuids?: readonly string[] },
  ) {
    super(message, options);
    this.name = "SourceError";
    this.code = code;
    this.remedy = remedy;
    this.objectGuids = options?.objectGuids ?? [];
  }
}
