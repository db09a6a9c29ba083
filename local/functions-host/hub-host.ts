/**
 * A host at a task hub: it joins with its functions, runs what it is given, says that it is alive. It keeps nothing: who is
 * gone is replaced by whoever else has joined.
 *
 * The hub is expected to be there for as long as the host is. One that has lost it does nothing more for Durable, and says so.
 */

import { createConnection } from "node:net";
import type { FunctionRunner } from "../durable/function-runner.ts";
import { FromHub, hear, say } from "../durable/hub-messages.ts";
import type { Joining } from "../durable/task-hub.ts";

export type HubHost = {
  /** Where the durable client finds the hub's API. */
  readonly rpcBaseUrl: string;
  /** Takes nothing new, waits for what runs (at most `graceMs`), goes. */
  leave(graceMs: number): Promise<void>;
};

/** Rejects when there is no hub at this port. */
export async function joinTaskHub(deps: {
  readonly port: number;
  readonly joining: Joining;
  readonly runner: FunctionRunner;
  readonly onLost: () => void;
}): Promise<HubHost> {
  const socket = createConnection({ host: "127.0.0.1", port: deps.port });
  let running = 0;
  let isLeaving = false;
  /** The hub knows, so that no more work is on its way. */
  let hasLeft = false;
  let alive: NodeJS.Timeout | undefined;
  let whenIdle = (): void => undefined;
  const tellIdle = (): void => {
    if (hasLeft && running === 0) whenIdle();
  };
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", (cause) =>
      reject(new Error(`No task hub answers at port ${deps.port}: start it first.`, { cause })),
    );
  });
  const rpcBaseUrl = await new Promise<string>((resolve, reject) => {
    socket.once("close", () => {
      clearInterval(alive);
      reject(new Error(`The task hub at port ${deps.port} didn't take this host; its log says why.`));
      if (!isLeaving) deps.onLost();
    });
    hear(socket, FromHub, (message) => {
      if (message.say === "welcome") {
        alive = setInterval(() => say(socket, { say: "alive" }), message.aliveMs);
        return resolve(message.rpcBaseUrl);
      }
      if (message.say === "left") {
        hasLeft = true;
        return tellIdle();
      }
      const { id, work } = message;
      running += 1;
      void deps.runner
        .run(work)
        .then(
          (result) => say(socket, { say: "done", id, result }),
          (thrown: unknown) => {
            const error = thrown instanceof Error ? thrown : new Error(String(thrown));
            const { name, message: words, stack } = error;
            say(socket, {
              say: "failed",
              id,
              error: { name, message: words, ...(stack === undefined ? {} : { stack }) },
            });
          },
        )
        .finally(() => {
          running -= 1;
          tellIdle();
        });
    });
    say(socket, { say: "join", ...deps.joining });
  });
  return {
    rpcBaseUrl,
    leave: async (graceMs) => {
      isLeaving = true;
      const idle = new Promise<void>((resolve) => {
        whenIdle = resolve;
        socket.once("close", () => resolve());
        if (socket.destroyed) resolve();
      });
      say(socket, { say: "leave" });
      const grace = new Promise<void>((resolve) => {
        setTimeout(resolve, graceMs).unref();
      });
      await Promise.race([idle, grace]);
      // What it answered last goes out first.
      socket.end();
    },
  };
}
