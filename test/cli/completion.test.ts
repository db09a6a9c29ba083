/** `uplink completion`: what a real bash completes by it, and that the other scripts know the same words. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { COMMANDS } from "../../cli/commands.ts";
import { runCommand } from "../support/command-line.ts";

const scriptFor = async (shell: string) => (await runCommand(["completion", shell], COMMANDS)).out;

/** What bash offers with the cursor behind the last word. */
function completed(script: string, ...words: string[]): string[] {
  const program = `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _uplink; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync("bash", ["--norc", "-c", program, "bash", "uplink", ...words], { encoding: "utf8" });
  return out.split("\n").filter((line) => line !== "");
}

test("bash completes commands, options, choices and files", async () => {
  const script = await scriptFor("bash");
  expect(completed(script, "")).toEqual(expect.arrayContaining(["agent", "config", "job", "login", "status"]));
  expect(completed(script, "whatif", "")).toEqual(["run", "list", "show", "approve"]);
  expect(completed(script, "job", "re")).toEqual(["restart", "reevaluate"]);
  expect(completed(script, "reconcile", "run", "corp", "--pol")).toEqual(["--policy"]);
  expect(completed(script, "reconcile", "run", "corp", "--policy", "r")).toEqual(["report", "repair"]);
  expect(completed(script, "reconcile", "run", "--policy", "repair", "corp", "--w")).toEqual(["--wait"]);
  // A value that is called as a command is none.
  expect(completed(script, "whatif", "run", "corp", "--schema", "list", "--ev")).toEqual(["--everything"]);
  expect(completed(script, "whatif", "run", "corp", "--schema", "package.j")).toEqual(["package.json"]);
  expect(completed(script, "job", "mode", "corp", "st")).toEqual(["staging"]);
  expect(completed(script, "config", "plan", "package.j")).toEqual(["package.json"]);
  expect(completed(script, "completion", "")).toEqual(["bash", "zsh", "powershell"]);
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
