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
  /** Aborted by SIGINT and SIGTERM. */
  readonly stop: AbortSignal;
}

/** How a command ends that did not throw: the exit status. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The exit status of a command that ended as expected, but not with 0. */
  setExit(code: number): void;
}
