/**
 * The one address of several hosts: ends TLS and hands each request to the next host in turn, as the front ends of App Service do.
 * Turns are counted for each kind of request (method and last part of the path), so that two batches go to two hosts whatever is
 * asked in between.
 *
 * A host that refuses the connection is passed over. One that dies over a request has its caller answered 502: whether it did what
 * was asked nobody knows, and asking again is the caller's business.
 */
import { readFile } from "node:fs/promises";
import { Agent, type IncomingMessage, request as requestHttp, type ServerResponse } from "node:http";
import type { CertificateFiles } from "../certificates.ts";
import { type Listening, listen } from "../functions-host/listen.ts";

export interface SharedDoor {
  /** How many answers below 300 each host gave, by kind of request: `POST batches`. */
  served(): Readonly<Record<string, Readonly<Record<string, number>>>>;
  close(): Promise<void>;
}

export interface DoorHost {
  readonly name: string;
  /** On the loopback, plain HTTP. */
  readonly port: number;
}

const kindOf = ({ method = "", url = "" }: IncomingMessage): string =>
  `${method} ${url.split("?")[0]?.split("/").at(-1)}`;

export async function openSharedDoor(options: {
  readonly port: number;
  readonly certificates: CertificateFiles;
  readonly hosts: readonly DoorHost[];
  /** Told of requests that a host took and didn't answer. */
  readonly log: (line: string) => void;
}): Promise<SharedDoor> {
  const { certificates, hosts } = options;
  const turns = new Map<string, number>();
  const served: Record<string, Record<string, number>> = Object.fromEntries(hosts.map(({ name }) => [name, {}]));
  const agent = new Agent({ keepAlive: false });

  /** False: nobody took the connection, so nothing was asked. */
  const pass = (host: DoorHost, from: IncomingMessage, body: Buffer, to: ServerResponse): Promise<boolean> =>
    new Promise((resolve) => {
      let isConnected = false;
      const { method = "GET", url: path = "/" } = from;
      const headers = { ...from.headers, "content-length": String(body.length) };
      delete headers["transfer-encoding"];
      const sent = requestHttp({ host: "127.0.0.1", port: host.port, method, path, headers, agent }, (answer) => {
        const status = answer.statusCode ?? 502;
        const own = served[host.name] ?? {};
        const what = kindOf(from);
        if (status < 300) own[what] = (own[what] ?? 0) + 1;
        to.writeHead(status, answer.headers);
        answer.on("error", () => to.destroy());
        answer.pipe(to);
        to.once("close", () => resolve(true));
      });
      sent.on("socket", (socket) => socket.once("connect", () => (isConnected = true)));
      sent.on("error", (error) => {
        if (!isConnected) return resolve(false);
        options.log(`${host.name} did not answer ${method} ${path}: ${error.message}`);
        if (to.headersSent) to.destroy();
        else to.writeHead(502).end();
        resolve(true);
      });
      // Who asked and went away isn't answered any more.
      to.once("close", () => sent.destroy());
      sent.end(body);
    });

  const hand = async (from: IncomingMessage, to: ServerResponse): Promise<void> => {
    const pieces: Buffer[] = [];
    for await (const piece of from) pieces.push(piece as Buffer);
    const kind = kindOf(from);
    const turn = turns.get(kind) ?? 0;
    turns.set(kind, turn + 1);
    for (const index of hosts.keys()) {
      const host = hosts[(turn + index) % hosts.length];
      if (host && (await pass(host, from, Buffer.concat(pieces), to))) return;
    }
    to.writeHead(503, { "retry-after": "1" }).end();
  };

  const tls = { cert: await readFile(certificates.certFile), key: await readFile(certificates.keyFile) };
  const server: Listening = await listen(
    options.port,
    (from, to) => void hand(from, to).catch(() => to.destroy()),
    tls,
  );
  return { served: () => structuredClone(served), close: () => server.close(0) };
}
