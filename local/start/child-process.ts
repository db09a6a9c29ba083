/**
 * A process of the local runtime: a Node program with a log file of its own, in a process group of its own, so that a
 * Ctrl-C at the terminal reaches the supervisor alone and things end in order.
 *
 * A server writes to its log by itself: over a pipe, the death of the supervisor would break its next line, and with it
 * a program that must end cleanly. It is ended by SIGTERM. SIGKILL comes only after a long wait, and never to a process
 * that may not be killed: Azurite loses rows that it has acknowledged.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { projectRoot, StartError } from "./home.ts";

export interface ChildOptions {
  /** What messages and the log file call it. */
  readonly name: string;
  readonly logFile: string;
  /** A path and its arguments; a `.ts` file runs through tsx. */
  readonly program: readonly [path: string, ...args: string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** Says from a line of its output whether it is ready; without it, it is ready at once. */
  readonly isReady?: (line: string) => boolean;
  /** Told every line that it prints; all of it is in the log as well. Not for a server: see above. */
  readonly onLine?: (line: string, stream: "out" | "err") => void;
  readonly isKillable?: boolean;
  /** Another Node than the one that runs this. */
  readonly node?: string;
}

export interface RunningChild {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** The exit code (128 + n for a signal), once it has ended and all that it printed is known. */
  readonly ended: Promise<number>;
  /** SIGTERM, then waiting for the end. */
  stop(): Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

const READY_WITHIN_MS = 60_000;
const READY_POLL_MS = 30;
const KILL_AFTER_MS = 20_000;
const LOG_BYTES = 10 * 1024 * 1024;
const TAIL_LINES = 15;
const endWithParent = new URL("end-with-parent.mjs", import.meta.url).href;
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Resolves when the process is ready. Throws `StartError` with the end of its log when it isn't. */
export async function startChild(options: ChildOptions): Promise<RunningChild> {
  const { name, logFile, program, onLine } = options;
  const log = openLog(logFile);
  const logStart = statSync(logFile).size;
  const output = onLine ? "pipe" : log;
  const child = spawn(
    options.node ?? process.execPath,
    [
      ...["--import", endWithParent],
      ...(program[0].endsWith(".ts") ? ["--import", tsx] : []),
      ...["--enable-source-maps", ...program],
    ],
    {
      cwd: projectRoot,
      detached: true,
      env: { ...inherited(), ...options.environment },
      stdio: ["ignore", output, output, "ipc"],
      windowsHide: true,
    },
  );
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(127));
    // Not `exit`: what it printed last is still on its way then.
    child.once("close", (code, signal) => resolve(code ?? (signal === "SIGTERM" ? 143 : 137)));
  });
  void ended.then(() => closeSync(log));
  if (onLine) {
    follow(child.stdout, log, (line) => onLine(line, "out"));
    follow(child.stderr, log, (line) => onLine(line, "err"));
  }
  const running: RunningChild = {
    name,
    pid: child.pid ?? 0,
    logFile,
    ended,
    kill: (signal) => void child.kill(signal),
    stop: () => stop(child, ended, options),
  };
  if (options.isReady && !(await becomesReady(child, options.isReady, logFile, logStart))) {
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

function follow(stream: Readable | null, log: number, onLine: (line: string) => void): void {
  if (!stream) return;
  stream.on("data", (chunk: Buffer) => writeSync(log, chunk));
  createInterface(stream).on("line", onLine);
}

/** False when it ended, or was too late. */
async function becomesReady(
  child: ChildProcess,
  isReady: (line: string) => boolean,
  logFile: string,
  logStart: number,
): Promise<boolean> {
  const file = await open(logFile, "r");
  const bytes = Buffer.alloc(64 * 1024);
  let at = logStart;
  let rest = "";
  try {
    for (const end = Date.now() + READY_WITHIN_MS; Date.now() < end; await sleep(READY_POLL_MS)) {
      const hasEnded = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
      const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
      at += bytesRead;
      const lines = (rest + bytes.toString("utf8", 0, bytesRead)).split("\n");
      rest = lines.pop() ?? "";
      if (lines.some(isReady)) return true;
      if (hasEnded) return false;
    }
    return false;
  } finally {
    await file.close();
  }
}

async function stop(child: ChildProcess, ended: Promise<number>, options: ChildOptions): Promise<number> {
  if (child.exitCode !== null || child.signalCode !== null) return ended;
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

const INHERITED = [
  ...["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "LC_ALL", "SystemRoot", "USERPROFILE"],
];

/** What a program needs of its surroundings; settings of other programs stay outside. */
function inherited(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name): [string, string][] => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
