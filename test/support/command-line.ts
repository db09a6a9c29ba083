/**
 * `uplink …` as a test types it: arguments in, exit code and both outputs out, in this process. The service that a command asks
 * is the one of `admin-service.ts`, or any other that the environment names.
 */
import { type Registration, runCli } from "../../cli/run-cli.ts";
import type { Terminal } from "../../cli/terminal.ts";

export interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runCommand(
  args: readonly string[],
  registrations: readonly Registration[],
  given: Partial<Pick<Terminal, "environment" | "fetch" | "input" | "stop" | "openBrowser">> = {},
): Promise<Told> {
  let out = "";
  let err = "";
  const terminal: Terminal = {
    environment: {},
    stop: new AbortController().signal,
    fetch,
    ...given,
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
  };
  const code = await runCli(args, terminal, registrations);
  return { code, out, err };
}
