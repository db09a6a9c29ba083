/**
 * Where hosts join a task hub: a port on the loopback. The first host to join has the engine begun, for only then is it known
 * which functions there are; what the journal holds goes on from there.
 */

import { type AddressInfo, createServer, type Socket } from "node:net";
import { FromHost, hear, say } from "./hub-messages.ts";
import type { Seat, TaskHub } from "./task-hub.ts";

export type HubServer = { readonly port: number; close(): Promise<void> };

export async function startHubServer(deps: {
  readonly hub: TaskHub;
  /** 0 takes a free one. */
  readonly port: number;
  /** How often hosts have to say that they are alive. */
  readonly aliveMs: number;
  /** Begins the engine unless it was begun; gives the address of its API. */
  readonly begin: () => Promise<string>;
  readonly onDefect: (error: unknown) => void;
}): Promise<HubServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let seat: Seat | undefined;
    socket.on("close", () => {
      sockets.delete(socket);
      seat?.leave();
    });
    hear(socket, FromHost, (message) => {
      if (message.say === "join") {
        if (seat !== undefined) return void socket.destroy();
        seat = deps.hub.join(message, (id, work) => say(socket, { say: "work", id, work }));
        deps
          .begin()
          .then((rpcBaseUrl) => say(socket, { say: "welcome", rpcBaseUrl, aliveMs: deps.aliveMs }))
          .catch((error: unknown) => {
            deps.onDefect(error);
            socket.destroy();
          });
      } else if (message.say === "leave") {
        seat?.leave();
        say(socket, { say: "left" });
      } else if (message.say === "alive") seat?.heard();
      else if (message.say === "done") seat?.answer(message.id, { result: message.result });
      else seat?.answer(message.id, { error: message.error });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(deps.port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
