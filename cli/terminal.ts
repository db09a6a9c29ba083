import type { Log } from "../shared/ports/log.ts";
import type { Telemetry } from "../shared/ports/telemetry.ts";

/** What a command may touch of the outside; tests hand in their own. */
export interface Terminal {
  /** Standard input; without it there is nothing to read. */
  readonly input?: AsyncIterable<Uint8Array | string>;
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly fetch: typeof fetch;
  /** Shows an address to the person; false where there is no browser. */
  readonly openBrowser?: (url: string) => boolean;
  /** Sees the agent's work from outside, and its log; absent: nobody does. */
  readonly watch?: { readonly telemetry: Telemetry; log(own: Log): Log } | undefined;
  /** Aborted by SIGINT and SIGTERM. */
  readonly stop: AbortSignal;
}

/** How a command ends that did not throw: the exit status. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The exit status of a command that ended as expected, but not with 0. */
  setExit(code: number): void;
}
