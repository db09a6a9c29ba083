/** `uplink completion`: what a real bash completes by it, and a real zsh where there is one, and that the other scripts know the same words. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMANDS } from "../../cli/commands.ts";
import { runCommand } from "../support/command-line.ts";

const scriptFor = async (shell: string) => (await runCommand(["completion", shell], COMMANDS)).out;

/** What a shell offers for each line, with the cursor behind its last word. */
type Complete = (script: string, lines: readonly (readonly string[])[]) => string[][];

const byBash: Complete = (script, lines) =>
  lines.map((words) => {
    const program = `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _uplink; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync("bash", ["--norc", "-c", program, "bash", "uplink", ...words], { encoding: "utf8" });
    return out.split("\n").filter((line) => line !== "");
  });

/**
 * In a terminal of zsh's own, because completion is a part of its line editor: each line is typed, Tab is pressed, and what zsh would offer
 * is written down. `$1`: the completion; `$2`: where to; then the lines.
 */
const ZSH = `zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "OUT=$2; PS1=; unsetopt prompt_cr prompt_sp auto_list auto_menu; autoload -Uz compinit; compinit -u -D; source $1"
zpty -w inner 'compadd() { local -a kept; builtin compadd -O kept "$@"; print -rl -- "\${kept[@]}" >> $OUT; builtin compadd "$@" }'
zpty -w inner 'tell() { _main_complete }; zle -C tell complete-word tell; bindkey "^I" tell'
zpty -w inner 'tell-next() { print -r -- NEXT >> $OUT; BUFFER= }; zle -N tell-next; bindkey "^O" tell-next'
zpty -w inner 'tell-end() { exit }; zle -N tell-end; bindkey "^T" tell-end'
for line in "\${@:3}"; do zpty -w -n inner "$line"$'\\t\\x0f'; done
zpty -w -n inner $'\\x14'
zpty -r inner rest "*NEVER*" > /dev/null
true
`;
const hasZsh = spawnSync("zsh", ["-f", "-c", "zmodload zsh/zpty && autoload -Uz +X compinit"]).status === 0;

const byZsh: Complete = (script, lines) => {
  const folder = mkdtempSync(join(tmpdir(), "uplink-zsh-"));
  try {
    const [file, out, harness] = [join(folder, "_uplink"), join(folder, "out"), join(folder, "type.zsh")];
    writeFileSync(file, script);
    writeFileSync(harness, ZSH);
    const typed = lines.map((words) => ["uplink", ...words].join(" "));
    execFileSync("zsh", ["-f", harness, file, out, ...typed], { timeout: 110_000 });
    const told = readFileSync(out, "utf8").split("NEXT\n").slice(0, -1);
    return told.map((text) => [...new Set(text.split("\n"))].filter((line) => line !== ""));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const SHELLS: readonly (readonly [string, Complete])[] = [
  ["bash", byBash],
  ...(hasZsh ? [["zsh", byZsh] as const] : []),
];

/** A line, and all that is offered. */
const LINES: readonly (readonly [words: readonly string[], offered: readonly string[]])[] = [
  [
    ["whatif", ""],
    ["run", "list", "show", "approve"],
  ],
  [
    ["job", "re"],
    ["restart", "reevaluate"],
  ],
  [["reconcile", "run", "corp", "--pol"], ["--policy"]],
  [
    ["reconcile", "run", "corp", "--policy", "r"],
    ["report", "repair"],
  ],
  [["reconcile", "run", "--policy", "repair", "corp", "--w"], ["--wait"]],
  // A value that is called as a command is none.
  [["whatif", "run", "corp", "--schema", "list", "--ev"], ["--everything"]],
  [["whatif", "run", "corp", "--schema", "package.j"], ["package.json"]],
  [["job", "mode", "corp", "st"], ["staging"]],
  [["config", "plan", "package.j"], ["package.json"]],
  [
    ["completion", ""],
    ["bash", "zsh", "powershell"],
  ],
];

test.each(SHELLS)(
  "%s completes commands, options, choices and files",
  { timeout: 120_000 },
  async (shell, complete) => {
    const script = await scriptFor(shell);
    const [first, ...rest] = complete(script, [[""], ...LINES.map(([words]) => words)]);
    expect(first).toEqual(expect.arrayContaining(["agent", "config", "job", "login", "status"]));
    expect(rest).toEqual(LINES.map(([, offered]) => offered));
  },
);

test.runIf(!hasZsh)("zsh isn't installed here: its completion is compared as text alone", () => {
  expect(hasZsh).toBe(false);
});

test("zsh and PowerShell have the same words, and no other shell is known", async () => {
  const zsh = await scriptFor("zsh");
  expect(zsh).toMatch(/^#compdef uplink\n/);
  const powershell = await scriptFor("powershell");
  for (const words of ["run list show approve", "report repair adopt"]) {
    expect(zsh).toContain(`offered="${words}"`);
    expect(powershell).toContain(
      `@(${words
        .split(" ")
        .map((word) => `'${word}'`)
        .join(", ")})`,
    );
  }
  expect((await runCommand(["completion", "fish"], COMMANDS)).code).toBe(2);
});
