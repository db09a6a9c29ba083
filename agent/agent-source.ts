/**
 * What the agent's loop wants from a source beyond the port: whether it can read deltas at all, and, where it can't, a
 * cheap fingerprint by which an unchanged source is known without an upload.
 */
import type { ReadAnswer, ReadObjectCommand } from "../shared/contracts/agent-commands.ts";
import type { AgentScope } from "../shared/contracts/configuration.ts";
import type { SourceDirectory } from "../shared/ports/source-directory.ts";

export interface AgentSource extends SourceDirectory {
  /** `full-only`: the source has no notion of "what changed since" (an LDIF file). */
  readonly reads: "delta" | "full-only";
  /**
   * The token that a full read would carry now (`full-only` sources). Throws `SourceError` like `describe`.
   */
  fingerprint?(): Promise<string>;
  /** Throws source-scope while an object that the scope names can't be read, else as `describe`. */
  checkScope(scope: AgentScope): Promise<void>;
  /** Up to which USN of that invocation the server has everything; undefined when it doesn't say. Throws as `describe`. */
  replicationCursor?(invocationId: string): Promise<string | undefined>;
  /**
   * Some objects by name, as they are now, read beside whatever read is under way. Throws `SourceError` as `describe` does, and
   * source-scope. Sources without it answer no commands.
   */
  lookUp?(order: LookUpOrder): Promise<ReadAnswer>;
  /** About how many objects a full read brings, where that is known beforehand. */
  expectedObjects?(): number | undefined;
}

export type LookUpOrder = Omit<ReadObjectCommand, "id" | "kind">;
