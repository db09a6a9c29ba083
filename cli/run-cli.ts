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
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok;
      // Whoever named no command was shown them all.
      if (error.code !== "commander.help") terminal.err.write(`See '${commandOf(program, args)} --help'.\n`);
      return EXIT.config;
    }
    terminal.err.write(`${wordsOf(error)}\n`);
    return exitCodeOf(error);
  }
}

/** As far as what was given names one. */
function commandOf(program: Command, args: readonly string[]): string {
  const words = [program.name()];
  let command: Command | undefined = program;
  for (const arg of args) {
    command = command?.commands.find((own) => own.name() === arg);
    if (!command) break;
    words.push(arg);
  }
  return words.join(" ");
}

/** A defect shows where it happened; everything expected says what to do. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("remedy" in error && typeof error.remedy === "string") return `${error.message}\n${error.remedy}`;
  return error.stack ?? error.message;
}
