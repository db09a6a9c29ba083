/**
 * One runtime a folder. The holder listens on a loopback port, writes it to the lock file and answers with the folder's
 * name; a lock whose port doesn't answer so was left by a runtime that is gone. A process id alone would not do: ids are
 * used again.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { StartError } from "./home.ts";

export interface HomeLock {
  release(): Promise<void>;
}

const ANSWER_MS = 1_000;

/** Throws `StartError` when a runtime runs in the folder. */
export async function takeHomeLock(home: string, file: string): Promise<HomeLock> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(home);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  // The lock alone keeps no process alive.
  server.unref();
  const text = JSON.stringify({ port: (server.address() as AddressInfo).port, pid: process.pid });
  for (let attempt = 1; ; attempt++) {
    try {
      await writeFile(file, text, { flag: "wx", mode: 0o600 });
      break;
    } catch (error) {
      const isHeld = error instanceof Error && "code" in error && error.code === "EEXIST";
      if (isHeld && attempt === 1 && !(await isRunning(home, file))) {
        await rm(file, { force: true });
        continue;
      }
      server.close();
      if (!isHeld) throw error;
      throw new StartError(await words(home, file));
    }
  }
  return {
    async release() {
      await rm(file, { force: true });
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Whether a runtime holds the folder now. */
export async function isRunning(home: string, file: string): Promise<boolean> {
  const lock = await read(file);
  if (lock === undefined) return false;
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(lock.port, "127.0.0.1");
    const end = (isOurs: boolean) => {
      socket.destroy();
      resolve(isOurs);
    };
    socket.setTimeout(ANSWER_MS, () => end(false));
    socket.on("data", (chunk) => {
      answer += chunk.toString();
    });
    socket.on("error", () => end(false));
    socket.on("end", () => end(answer === home));
  });
}

async function words(home: string, file: string): Promise<string> {
  const pid = (await read(file))?.pid;
  const who = pid === undefined ? "" : ` (process ${pid})`;
  return `A local runtime is running in ${home} already${who}.\nUse it (npm run uplink -- status), end it with Ctrl-C where it runs, or set UPLINK_HOME and other ports for a second one.`;
}

async function read(file: string): Promise<{ port: number; pid: number } | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(file, "utf8"));
    if (typeof parsed !== "object" || parsed === null || !("port" in parsed) || !("pid" in parsed)) return undefined;
    const { port, pid } = parsed;
    return typeof port === "number" && typeof pid === "number" ? { port, pid } : undefined;
  } catch {
    return undefined;
  }
}
