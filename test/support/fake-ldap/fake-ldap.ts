/**
 * A directory server on the loopback that says what it is told, over real TLS and real BER: for what Samba can't be made to do
 * (pages with MoreResults, ranges, a read-only DC, a Windows DC that shows more to DirSync than to a search).
 *
 * It knows bind, unbind and search. It evaluates no filter: `onSearch` gets the request and answers. A test answers itself
 * (fake-domain.ts helps), or lets a modelled directory do it (directory/serve-dc.ts).
 */
import { readFile } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { BerReader } from "ldapts";
import { ensureCertificates } from "../../../local/certificates.ts";
import {
  dirSyncValue,
  entryMessage,
  type FakeEntry,
  type FakeSearch,
  messageLength,
  OID,
  parseSearch,
  resultMessage,
} from "./messages.ts";

export type { FakeEntry, FakeSearch } from "./messages.ts";

export interface FakeAnswer {
  readonly entries?: readonly FakeEntry[];
  readonly result?: number;
  readonly message?: string;
  readonly dirSync?: { readonly more: boolean; readonly cookie: string | Buffer };
  /** Of other controls, by OID. */
  readonly controls?: Readonly<Record<string, Buffer>>;
  /** Cut the connection instead of answering. */
  readonly cut?: boolean;
  /** Cut it after so many entries, in the middle of a message. */
  readonly cutAfter?: number;
  /** Milliseconds before the answer goes out. */
  readonly delay?: number;
}
export interface FakeLdap {
  readonly url: string;
  readonly caFile: string;
  readonly searches: FakeSearch[];
  readonly binds: string[];
  password: string;
  onSearch: (search: FakeSearch) => FakeAnswer;
  /** Connections that are open now. */
  connections(): number;
  dropConnections(): void;
  close(): Promise<void>;
}

/** `folder` is where its certificates lie. */
export async function startFakeLdap(folder: string): Promise<FakeLdap> {
  const files = await ensureCertificates(folder);
  const sockets = new Set<Socket>();
  const state = {
    searches: [] as FakeSearch[],
    binds: [] as string[],
    password: "secret",
    onSearch: (_search: FakeSearch): FakeAnswer => ({ result: 32 }),
  };

  function respond(socket: TLSSocket, message: Buffer): void {
    const reader = new BerReader(message);
    reader.readSequence();
    const id = reader.readInt() ?? 0;
    const operation = reader.peek();
    if (operation === 0x60) {
      reader.readSequence(0x60);
      reader.readInt();
      const name = reader.readString() ?? "";
      const password = reader.readString(0x80) ?? "";
      state.binds.push(name);
      const isGood = password === state.password;
      const reason = isGood ? "" : "80090308: LdapErr: DSID-0C090447, data 52e, v4563";
      socket.write(resultMessage(id, 0x61, isGood ? 0 : 49, reason));
    } else if (operation === 0x63) {
      const search = parseSearch(reader, id);
      state.searches.push(search);
      const found = state.onSearch(search);
      if (found.delay === undefined) answer(socket, id, found);
      else setTimeout(() => answer(socket, id, found), found.delay).unref();
    } else socket.end();
  }

  const server = createServer(
    { cert: await readFile(files.certFile), key: await readFile(files.keyFile) },
    (socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      let pending: Buffer = Buffer.alloc(0);
      socket.on("data", (data) => {
        pending = Buffer.concat([pending, data]);
        for (
          let length = messageLength(pending);
          length !== undefined && pending.length >= length;
          length = messageLength(pending)
        ) {
          const message = pending.subarray(0, length);
          pending = pending.subarray(length);
          respond(socket, message);
        }
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    url: `ldaps://127.0.0.1:${port}`,
    caFile: files.caFile,
    connections: () => sockets.size,
    dropConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}

function answer(socket: TLSSocket, id: number, found: FakeAnswer): void {
  if (socket.destroyed) return;
  if (found.cut) {
    socket.destroy();
    return;
  }
  const entries = found.entries ?? [];
  // One packet where it fits, or Nagle's algorithm waits 40 ms for each answer.
  socket.cork();
  for (const entry of entries.slice(0, found.cutAfter)) socket.write(entryMessage(id, entry));
  if (found.cutAfter === undefined) {
    const { dirSync, controls } = found;
    const own = dirSync ? { [OID.dirSync]: dirSyncValue(dirSync.more, Buffer.from(dirSync.cookie)) } : {};
    socket.write(resultMessage(id, 0x65, found.result ?? 0, found.message ?? "", { ...controls, ...own }));
  } else {
    const next = entries[found.cutAfter];
    const message = next ? entryMessage(id, next) : resultMessage(id, 0x65, 0, "");
    socket.write(message.subarray(0, message.length >> 1), () => socket.destroy());
  }
  socket.uncork();
}
