/** Runs one command line: commander, with errors turned into words and exit codes. */
import { Command, CommanderError } from "commander";
import { EXIT, exitCodeOf, exitHelp } from "../agent/agent-error.ts";
import { AGENT_VERSION } from "../agent/version.ts";
import type { CommandContext, Terminal } from "./terminal.ts";

export type Registration = (program: Command, context: CommandContext) => void;

/** `args` without node and script. Resolves with the exit code; never rejects. */
export async function runCli(
  args: readonly string[],
  terminal: Terminal,
  registrations: readonly Registration[],
): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command("uplink")
    .description("Directory Uplink: identities from Active Directory to the cloud.")
    .version(AGENT_VERSION)
    .addHelpText("after", `\n${exitHelp()}`)
    .configureOutput({ writeOut: (text) => terminal.out.write(text), writeErr: (text) => terminal.err.write(text) })
    .exitOverride();
  const context: CommandContext = {
    terminal,
    setExit: (code) => {
      exitCode = code;
    },
  };
  for (const register of registrations) register(program, context);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.config;
    terminal.err.write(`${wordsOf(error)}\n`);
    return exitCodeOf(error);
  }
}

/** A defect shows where it happened; everything expected says what to do. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("remedy" in error && typeof error.remedy === "string") return `${error.message}\n${error.remedy}`;
  return error.stack ?? error.message;
}
