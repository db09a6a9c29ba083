/** The page `docs/cli.md`, from the tree of commands itself: what `uplink … --help` says. `npm run docs` writes it. */
import { Command, type Option } from "commander";
import { exitHelp } from "../agent/agent-error.ts";
import { COMMANDS } from "../cli/commands.ts";
import type { CommandContext } from "../cli/terminal.ts";

/** `uplink` with every command; nothing of it can be carried out. */
export function commandTree(): Command {
  const program = new Command("uplink");
  const nowhere = { write: () => undefined };
  const context: CommandContext = {
    terminal: { environment: {}, stop: new AbortController().signal, out: nowhere, err: nowhere, fetch },
    setExit: () => undefined,
  };
  for (const register of COMMANDS) register(program, context);
  return program;
}

/** Every command that does something, with the words before it. */
export function leavesOf(command: Command, path = command.name()): (readonly [path: string, command: Command])[] {
  const own = command.commands.filter((child) => child.name() !== "help");
  const isOne = own.length === 0 || command.registeredArguments.length > 0;
  return [
    ...(isOne ? [[path, command] as const] : []),
    ...own.flatMap((child) => leavesOf(child, `${path} ${child.name()}`)),
  ];
}

export function cliPage(): string {
  const sections = commandTree()
    .commands.filter((own) => own.name() !== "help")
    .sort((one, other) => (one.name() < other.name() ? -1 : 1))
    .flatMap((own) => [
      `## ${own.name()}`,
      "",
      ...(own.commands.length > 0 ? [own.description(), ""] : []),
      "| command | what it does | options |",
      "|---|---|---|",
      ...leavesOf(own, `uplink ${own.name()}`).map(rowOf),
      "",
    ]);
  return [
    "<!-- Made by `npm run docs` from the tree of commands (cli/commands.ts): edit those. -->",
    "",
    "# The command line",
    "",
    HEAD,
    "",
    "```",
    exitHelp(),
    "```",
    "",
    ...sections,
  ].join("\n");
}

const HEAD = `\`uplink\` talks to the local runtime of the working folder without any setting, and to a deployed service after \`uplink login\` (or with
\`UPLINK_URL\` and \`UPLINK_ADMIN_TOKEN\`). A job is named by what people call it, by its domain or by its id. Tables are for people, \`--json\` for
scripts, \`--csv\` for lists that go elsewhere (a value that a spreadsheet would take for a formula begins with an apostrophe there; \`--json\` has it as it is). Long work draws on a
terminal how far it is. \`uplink completion bash\` (\`zsh\`, \`powershell\`)
prints what completes commands and options. What a command can't do it says with the thing and the remedy, and ends with one of these:`;

function rowOf([path, command]: readonly [path: string, command: Command]): string {
  const usage = [
    path,
    ...command.registeredArguments.map((own) => (own.required ? `<${own.name()}>` : `[${own.name()}]`)),
  ];
  const options = command.options.filter((own) => !own.hidden).map(optionText);
  return `| \`${usage.join(" ")}\` | ${cell(command.description())} | ${options.join("<br>")} |`;
}

function optionText({ flags, description, argChoices, mandatory }: Option): string {
  const choices = argChoices ? ` (${argChoices.join(", ")})` : "";
  return cell(`\`${flags}\`${mandatory ? " (required)" : ""}: ${description}${choices}`);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
