/** `npm start` as a user runs it (its script, in a folder of its own, on free ports), and the `uplink` commands against it. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { COMMANDS } from "../../cli/commands.ts";
import { runCli } from "../../cli/run-cli.ts";
import { projectRoot } from "../../local/start/home.ts";
import { ANY_PORTS, PORTS } from "../../local/start/ports.ts";
import { createSecureFetch, type SecureFetch } from "../../local/start/secure-fetch.ts";

export interface StartedCommand {
  readonly child: ChildProcess;
  /** What it printed so far, both streams. */
  text(): string;
  /** Resolves when its output from `since` on holds that; rejects when it ends without. */
  until(wanted: RegExp, since?: number): Promise<RegExpExecArray>;
  readonly ended: Promise<number | null>;
}

const WITHIN_MS = 90_000;

export function runScript(
  script: string,
  args: readonly string[],
  home: string,
  environment: Readonly<Record<string, string>> = {},
): StartedCommand {
  const anyPorts = Object.fromEntries(
    Object.keys(ANY_PORTS).map((name) => [PORTS[name as keyof typeof PORTS].setting, "0"]),
  );
  const child = spawn(process.execPath, [join(projectRoot, "scripts", script), ...args], {
    cwd: projectRoot,
    env: { ...process.env, ...anyPorts, UPLINK_HOME: home, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  child.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  let hasEnded = false;
  const ended = new Promise<number | null>((resolve) =>
    child.once("close", (code) => {
      hasEnded = true;
      resolve(code);
    }),
  );
  return {
    child,
    ended,
    text: () => printed,
    async until(wanted, since = 0) {
      for (const end = Date.now() + WITHIN_MS; ; await new Promise((resolve) => setTimeout(resolve, 25))) {
        const found = wanted.exec(printed.slice(since));
        if (found) return found;
        if (hasEnded || Date.now() > end) throw new Error(`${script} never printed ${wanted}. It printed:\n${printed}`);
      }
    },
  };
}

/** The running runtime's files, read from its folder. */
export async function runtimeAt(home: string) {
  const runtime = JSON.parse(await readFile(join(home, "runtime.json"), "utf8")) as {
    urls: { service: string; directory: string };
    caFile: string;
  };
  const fetch: SecureFetch = createSecureFetch(await readFile(runtime.caFile, "utf8"));
  return {
    ...runtime,
    fetch,
    control: async (path: string): Promise<unknown> =>
      (await fetch(`${runtime.urls.directory}/control/${path}`)).json(),
    /** One `uplink` command in this process. */
    async uplink(...args: string[]): Promise<{ code: number; out: string; err: string }> {
      let out = "";
      let err = "";
      const terminal = {
        out: { write: (text: string) => (out += text) },
        err: { write: (text: string) => (err += text) },
        environment: { UPLINK_HOME: home },
        // The commands give an address and plain headers, as their own type says.
        fetch: ((url: string, init?: Parameters<SecureFetch>[1]) => fetch(url, init)) as typeof globalThis.fetch,
        stop: new AbortController().signal,
      };
      const code = await runCli(args, terminal, COMMANDS);
      return { code, out, err };
    },
  };
}
