/** `uplink completion bash|zsh|powershell`: the script by which a shell completes this program's words. */
import { Argument, type Command } from "commander";
import { completionFor, placesOf, SHELLS, type Shell } from "./completion.ts";
import type { CommandContext } from "./terminal.ts";

const HELP = `
Examples:
  bash, in ~/.bashrc:      source <(uplink completion bash)
  zsh, in ~/.zshrc:        source <(uplink completion zsh)
  PowerShell, in $PROFILE: uplink completion powershell | Out-String | Invoke-Expression`;

export function registerCompletionCommands(program: Command, { terminal }: CommandContext): void {
  program
    .command("completion")
    .description("The script by which a shell completes commands, options and choices.")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addHelpText("after", HELP)
    .action((shell: Shell) => void terminal.out.write(completionFor(shell, placesOf(program))));
}
