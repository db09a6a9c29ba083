/**
 * The local Service Bus: a broker that serves the unmodified `@azure/service-bus` client over plain AMQP 1.0 on
 * loopback, for development and tests. Never shipped.
 *
 * It has queues with peek-lock and receive-and-delete, settlement, lock renewal and expiry, dead-letter queues,
 * peeking and scheduled messages. It has no topics, sessions, deferral, duplicate detection, transactions or TLS, and
 * keeps everything in memory: what it held is lost when its process ends.
 */

import { randomUUID } from "node:crypto";
import type { Server, Socket } from "node:net";
import { createContainer } from "./amqp.ts";
import { createEntities } from "./entities.ts";
import { serveLinks } from "./links.ts";
import type { QueueCounts, QueueSettings } from "./queue-state.ts";

export type BrokerOptions = {
  /** 0 takes a free one. */
  readonly port: number;
  readonly queues: readonly QueueSettings[];
  readonly log?: (line: string) => void;
};

type QueueStats = QueueCounts & { readonly deadLetter: QueueCounts; readonly consumers: number };

type BrokerStats = {
  readonly connections: number;
  /** By the queue's name as it was given. */
  readonly queues: Readonly<Record<string, QueueStats>>;
};

export type Broker = {
  readonly port: number;
  readonly connectionString: string;
  stats(): BrokerStats;
  /** Cuts every connection and frees the port. Messages are gone afterwards. */
  stop(): Promise<void>;
};

const host = "127.0.0.1";
// The names that Microsoft's own emulator uses. No secret: the broker is reachable from this machine only.
const key = { name: "RootManageSharedAccessKey", value: "SAS_KEY_VALUE" };
/** For a broker of this machine, by its port: what `new ServiceBusClient(…)` and the Functions setting take. */
export const connectionStringOf = (port: number): string =>
  `Endpoint=sb://${host}:${port};SharedAccessKeyName=${key.name};SharedAccessKey=${key.value};UseDevelopmentEmulator=true;`;

// Locks last seconds and schedules minutes: a bell that is late by this much hurts nobody.
const tickMs = 50;

/** Starts a broker on 127.0.0.1. Rejects with the system's error when it can't listen (`code` EADDRINUSE: port taken). */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const nowMs = Date.now;
  const entities = createEntities({ queues: options.queues, nowMs });
  const container = createContainer();
  const newMessageId = (): string => randomUUID().replaceAll("-", "");
  serveLinks({ container, entities, key, nowMs, newMessageId, log: options.log ?? (() => undefined) });

  const server = container.listen({ host, port: options.port });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      // rhea 3.0.5 notices a peer's end, not a connection that was cut: tell it.
      socket.emit("end");
    });
  });
  const port = await listening(server);
  const timer = setInterval(() => {
    for (const { queue } of entities.all()) queue.tick();
  }, tickMs);
  timer.unref();

  return {
    port,
    connectionString: connectionStringOf(port),
    stats: () => ({
      connections: sockets.size,
      queues: Object.fromEntries(
        entities
          .pairs()
          .map(({ main, deadLetter }) => [
            main.queue.settings.name,
            { ...main.queue.counts(), deadLetter: deadLetter.queue.counts(), consumers: main.consumers.count() },
          ]),
      ),
    }),
    stop: () =>
      new Promise((resolve, reject) => {
        clearInterval(timer);
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("The broker got no TCP port."));
      else resolve(address.port);
    });
  });
}
