/**
 * One agent to a state folder: two would clear each other's outbox, and one key with two boots looks like a clone.
 *
 * The lock is a local socket that its holder listens on: it goes away with the process however that ends, where a file with a process
 * id would outlive it. Its path is short whatever the folder's is (sockets allow about 100 characters).
 */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { AgentError } from "./agent-error.ts";

export interface StateLock {
  release(): Promise<void>;
}

/** Throws `AgentError` already-running. */
export async function lockState(folder: string): Promise<StateLock> {
  const path = socketPathOf(folder);
  if (await isListening(path)) {
    throw new AgentError(
      "already-running",
      `An agent is running on ${folder} already.`,
      "Stop it first, or give this one a state folder (and an enrolment) of its own.",
    );
  }
  // What a killed process left.
  if (process.platform !== "win32") await rm(path, { force: true });
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(path, done);
  });
  server.unref();
  return { release: () => new Promise((done) => server.close(() => done())) };
}

function socketPathOf(folder: string): string {
  const name = `uplink-agent-${createHash("sha256").update(resolve(folder)).digest("hex").slice(0, 20)}`;
  return process.platform === "win32" ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

async function isListening(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}
