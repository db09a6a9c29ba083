/**
 * A process of the local runtime: a Node program with a log file of its own, in a process group of its own, so that a
 * Ctrl-C at the terminal reaches the supervisor alone and things end in order.
 *
 * It is ended by SIGTERM. SIGKILL comes only after a long wait, and never to a process that may not be killed: Azurite
 * loses rows that it has acknowledged.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { projectRoot, StartError } from "./home.ts";

export interface ChildOptions {
  /** What messages and the log file call it. */
  readonly name: string;
  readonly logFile: string;
  /** A path and its arguments; a `.ts` file runs through tsx. */
  readonly program: readonly [path: string, ...args: string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** Says from a line of standard output whether the process is ready. */
  readonly isReady?: (line: string) => boolean;
  readonly readyWithinMs?: number;
  /** Told every line of standard error; it is in the log as well. */
  readonly onErrorLine?: (line: string) => void;
  readonly isKillable?: boolean;
}

export interface RunningChild {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** The exit code (128 + n for a signal), once it has ended. */
  readonly ended: Promise<number>;
  hasEnded(): boolean;
  /** Standard output from now on; it is in the log as well. */
  onOutput(listener: (text: string) => void): void;
  /** SIGTERM, then waiting for the end. */
  stop(): Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

const READY_WITHIN_MS = 60_000;
const KILL_AFTER_MS = 20_000;
const LOG_BYTES = 10 * 1024 * 1024;
const TAIL_LINES = 15;
const endWithParent = fileURLToPath(new URL("end-with-parent.mjs", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Resolves when the process is ready. Throws `StartError` with the end of its log when it isn't. */
export async function startChild(options: ChildOptions): Promise<RunningChild> {
  const { name, logFile, program } = options;
  const log = openLog(logFile);
  const child = spawn(
    process.execPath,
    [
      "--import",
      pathToFileURL(endWithParent).href,
      ...(program[0].endsWith(".ts") ? ["--import", tsx] : []),
      "--enable-source-maps",
      ...program,
    ],
    {
      cwd: projectRoot,
      detached: true,
      env: { ...inherited(), ...options.environment },
      stdio: ["ignore", "pipe", options.onErrorLine ? "pipe" : log, "ipc"],
      windowsHide: true,
    },
  );
  // The supervisor lives by what it does, not by its children.
  child.unref();
  child.channel?.unref();
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(127));
    // Not `exit`: what it printed last is still on its way then.
    child.once("close", (code, signal) => resolve(code ?? (signal === "SIGTERM" ? 143 : 137)));
  });
  void ended.then(() => closeSync(log));
  if (options.onErrorLine && child.stderr) {
    child.stderr.on("data", (chunk: Buffer) => writeSync(log, chunk));
    createInterface(child.stderr).on("line", options.onErrorLine);
  }
  const running: RunningChild = {
    name,
    pid: child.pid ?? 0,
    logFile,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    onOutput: (listener) => void child.stdout?.on("data", (chunk: Buffer) => listener(chunk.toString("utf8"))),
    kill: (signal) => void child.kill(signal),
    stop: () => stop(child, ended, options),
  };
  if (!(await isReady(child, ended, log, options))) {
    await running.stop();
    throw new StartError(`${name} did not start. ${await logTail(logFile)}`);
  }
  return running;
}

/** The last lines of a log, for a message, and where the rest is. */
export async function logTail(logFile: string): Promise<string> {
  const text = await readFile(logFile, "utf8").catch(() => "");
  const lines = text.trimEnd().split("\n").slice(-TAIL_LINES);
  return `Its log ends with:\n${lines.map((line) => `    ${line}`).join("\n")}\nAll of it: ${logFile}`;
}

async function isReady(
  child: ChildProcess,
  ended: Promise<number>,
  log: number,
  { isReady: test, readyWithinMs }: ChildOptions,
): Promise<boolean> {
  let rest = "";
  const ready = new Promise<boolean>((resolve) => {
    if (test === undefined) resolve(true);
    child.stdout?.on("data", (chunk: Buffer) => {
      writeSync(log, chunk);
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      if (test && lines.some(test)) resolve(true);
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), readyWithinMs ?? READY_WITHIN_MS);
  });
  const isUp = await Promise.race([ready, ended.then(() => false), late]);
  clearTimeout(timer);
  return isUp;
}

async function stop(child: ChildProcess, ended: Promise<number>, options: ChildOptions): Promise<number> {
  if (child.exitCode !== null || child.signalCode !== null) return ended;
  child.ref();
  child.kill("SIGTERM");
  const timer = options.isKillable === false ? undefined : setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  const code = await ended;
  clearTimeout(timer);
  return code;
}

/** A log that has grown large makes place for a new one; the one before is kept. */
function openLog(path: string): number {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES) renameSync(path, `${path}.1`);
  return openSync(path, "a", 0o600);
}

/** What a program needs of its surroundings; settings of other programs stay outside. */
function inherited(): Record<string, string> {
  const names = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "TZ",
    "LANG",
    "LC_ALL",
    "SystemRoot",
    "USERPROFILE",
  ];
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
