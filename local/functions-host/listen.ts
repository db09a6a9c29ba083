/** Starting and stopping an HTTP or HTTPS server on loopback, with errors that name the port. */

import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";

export type Tls = { readonly key: string | Buffer; readonly cert: string | Buffer };

export type Listening = {
  readonly port: number;
  /** `http://localhost:PORT` or `https://localhost:PORT`. */
  readonly url: string;
  /** Takes no new request, lets running ones answer, then cuts what is left after `graceMs`. */
  close(graceMs?: number): Promise<void>;
};

/** A port that can't be had; `port` says which. */
export class PortTaken extends Error {
  readonly port: number;
  constructor(port: number, cause: unknown) {
    super(`Port ${port} is taken.`, { cause });
    this.port = port;
  }
}

export async function listen(port: number, handler: RequestListener, tls?: Tls): Promise<Listening> {
  const server: Server = tls === undefined ? createHttpServer(handler) : createHttpsServer({ ...tls }, handler);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new PortTaken(port, error) : error);
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `${tls === undefined ? "http" : "https"}://localhost:${bound}`,
    close: (graceMs = 5_000) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
