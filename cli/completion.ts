/**
 * Completion for shells, written from the tree of commands: its words, options and choices, and nothing that has to be kept beside it.
 *
 * A script is complete in itself: no shell starts this program to complete a word. Names of jobs and the like are not completed.
 */
import type { Command } from "commander";

/** One command: where it stands (`uplink job show`), what may follow, and which options take which values. */
export interface Place {
  readonly path: string;
  readonly commands: readonly string[];
  readonly options: readonly string[];
  /** Of its arguments, as far as they are a choice. */
  readonly choices: readonly string[];
  /** Options that take a value: with the choices, or empty for a file or any word. */
  readonly values: readonly (readonly [option: string, choices: readonly string[]])[];
}

export const SHELLS = ["bash", "zsh", "powershell"] as const;
export type Shell = (typeof SHELLS)[number];

export function placesOf(program: Command, path = program.name()): Place[] {
  const commands = program.commands.filter((own) => own.name() !== "help");
  const options = program.options.filter((own) => !own.hidden);
  const flagsOf = (own: { readonly long?: string | undefined; readonly short?: string | undefined }) =>
    [own.long, own.short].filter((flag) => flag !== undefined && flag !== null);
  return [
    {
      path,
      commands: commands.map((own) => own.name()),
      options: [...options.flatMap(flagsOf), "--help"],
      choices: program.registeredArguments.flatMap((own) => own.argChoices ?? []),
      values: options
        .filter((own) => own.required || own.optional)
        .flatMap((own) => flagsOf(own).map((flag) => [flag, own.argChoices ?? []] as const)),
    },
    ...commands.flatMap((own) => placesOf(own, `${path} ${own.name()}`)),
  ];
}

export function completionFor(shell: Shell, places: readonly Place[]): string {
  if (shell === "powershell") return powershell(places);
  return shell === "bash" ? bash(places) : zsh(places);
}

/** What both of the shells that understand `case` have: from the words before the cursor to `place`, `value` and its words. */
function walk(places: readonly Place[]): string {
  const known = places.slice(1).map(({ path }) => `"${path}"`);
  const valued = places.flatMap(({ path, values }) => values.map(([option]) => `"${path} ${option}"`));
  return `    if [[ -n "$option" ]]; then option=""; continue; fi
    case "$place $word" in
      ${known.join("|")}) place="$place $word" ;;
      ${valued.join("|")}) option="$word" ;;
    esac`;
}

function listing(places: readonly Place[]): string {
  const chosen = places.flatMap(({ path, values }) =>
    values.flatMap(([option, choices]) =>
      choices.length === 0 ? [] : [`      "${path} ${option}") offered="${choices.join(" ")}" ;;`],
    ),
  );
  const options = places.map((own) => `      "${own.path}") offered="${own.options.join(" ")}" ;;`);
  const words = places.flatMap((own) => {
    const all = [...own.commands, ...own.choices];
    return all.length === 0 ? [] : [`      "${own.path}") offered="${all.join(" ")}" ;;`];
  });
  return `  if [[ -n "$option" ]]; then
    case "$place $option" in
${chosen.join("\n")}
    esac
  elif [[ "$current" == -* ]]; then
    case "$place" in
${options.join("\n")}
    esac
  else
    case "$place" in
${words.join("\n")}
    esac
  fi`;
}

function bash(places: readonly Place[]): string {
  return `# Completion of uplink for bash. Into ~/.bashrc: source <(uplink completion bash)
_uplink() {
  local current="\${COMP_WORDS[COMP_CWORD]}" place="uplink" option="" offered="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
${walk(places)}
  done
${listing(places)}
  COMPREPLY=()
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(
    if [[ -n "$offered" ]]; then compgen -W "$offered" -- "$current"; else compgen -f -- "$current"; fi
  )
}
complete -o filenames -F _uplink uplink
`;
}

function zsh(places: readonly Place[]): string {
  return `#compdef uplink
# Completion of uplink for zsh. Into ~/.zshrc: source <(uplink completion zsh)
_uplink() {
  local current="\${words[CURRENT]}" place="uplink" option="" offered="" word i
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
${walk(places)}
  done
${listing(places)}
  if [[ -n "$offered" ]]; then compadd -- \${=offered}; else _files; fi
}
compdef _uplink uplink
`;
}

function powershell(places: readonly Place[]): string {
  const list = (words: readonly string[]) => `@(${words.map((word) => `'${word}'`).join(", ")})`;
  const words = places.map((own) => `    '${own.path}' = ${list([...own.commands, ...own.choices])}`);
  const options = places.map((own) => `    '${own.path}' = ${list(own.options)}`);
  const values = places.flatMap((own) =>
    own.values.map(([option, choices]) => `    '${own.path} ${option}' = ${list(choices)}`),
  );
  return `# Completion of uplink for PowerShell. Into $PROFILE: uplink completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName uplink -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @{
${words.join("\n")}
  }
  $options = @{
${options.join("\n")}
  }
  $values = @{
${values.join("\n")}
  }
  $place = 'uplink'
  $option = ''
  $before = @($commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  foreach ($word in $before) {
    if ($option) { $option = ''; continue }
    if ($words.ContainsKey("$place $word")) { $place = "$place $word" }
    elseif ($values.ContainsKey("$place $word")) { $option = $word }
  }
  $offered = if ($option) { $values["$place $option"] } elseif ($wordToComplete -like '-*') { $options[$place] } else { $words[$place] }
  $offered | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`;
}
