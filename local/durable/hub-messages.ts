/** What a task hub and its hosts say to each other: JSON, a message a line, over TCP on the loopback. */

import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { Work } from "./function-runner.ts";

const byKind = <T extends z.ZodType>(value: T) => z.object({ orchestrator: value, activity: value, entity: value });
const id = z.int();

export const FromHost = z.discriminatedUnion("say", [
  z.object({
    say: z.literal("join"),
    host: z.string(),
    slots: byKind(z.int().positive()),
    functions: byKind(z.array(z.string()).readonly()),
  }),
  z.object({ say: z.literal("alive") }),
  z.object({ say: z.literal("leave") }),
  z.object({ say: z.literal("done"), id, result: z.string().nullable() }),
  z.object({
    say: z.literal("failed"),
    id,
    error: z.object({ name: z.string(), message: z.string(), stack: z.string().exactOptional() }),
  }),
]);
export type FromHost = z.output<typeof FromHost>;

/** `aliveMs`: how often the host has to say that it is alive. After `left` no more work comes. */
export const FromHub = z.discriminatedUnion("say", [
  z.object({ say: z.literal("welcome"), rpcBaseUrl: z.string(), aliveMs: z.number() }),
  z.object({ say: z.literal("left") }),
  z.object({ say: z.literal("work"), id, work: z.custom<Work>((value) => typeof value === "object") }),
]);
export type FromHub = z.output<typeof FromHub>;

export const say = (socket: Socket, message: FromHost | FromHub): void => {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
};

/** Tells each message in its order; whoever says anything else is cut off. */
export function hear<T>(socket: Socket, schema: z.ZodType<T>, told: (message: T) => void): void {
  socket.setNoDelay(true);
  const lines = createInterface({ input: socket });
  // A peer that is killed resets the connection: its end is what counts, and `close` follows. Lines tell it a second time.
  for (const source of [socket, lines]) source.on("error", () => undefined);
  lines.on("line", (line) => {
    const message = schema.safeParse(parseJson(line));
    if (message.success) told(message.data);
    else socket.destroy();
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
