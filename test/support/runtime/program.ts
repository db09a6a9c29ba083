/**
 * A program of the project as a process of its own: started, watched, ended or killed by a test.
 *
 * What it prints is kept for messages. A test run that is broken off takes its programs with it: they notice that the
 * channel to it has closed, for a killed process has no chance to end them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until } from "../until.ts";

export const projectRoot = fileURLToPath(new URL("../../..", import.meta.url));

export type Program = {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** The exit code; a killed program's is null. */
  readonly ended: Promise<number | null>;
  hasEnded(): boolean;
  /** Sends the signal and waits for the end. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
};

const endWithParent = new URL("../../../local/start/end-with-parent.mjs", import.meta.url).href;
/** With these a program finds its tools; settings of whoever runs the tests stay outside. */
const inherited = ["PATH", "HOME", "TMPDIR", "TZ", "LANG"];

export function startProgram(args: readonly string[], env: Readonly<Record<string, string>>): Program {
  const own = Object.fromEntries(
    inherited.flatMap((name): [string, string][] => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const child: ChildProcess = spawn(process.execPath, ["--import", endWithParent, ...args], {
    cwd: projectRoot,
    env: { ...own, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

/** What `read` finds in the output, once it is there. Throws with what was printed when the program ends before. */
export function printed<T>(
  program: Program,
  what: string,
  read: (stdout: string) => T | undefined,
  withinMs?: number,
): Promise<T> {
  const look = () => {
    const found = read(program.stdout());
    if (found === undefined && program.hasEnded()) {
      throw new Error(`A program ended before it printed ${what}:\n${program.stdout()}${program.stderr()}`);
    }
    return found;
  };
  return until(what, look, withinMs);
}
