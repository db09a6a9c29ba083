/**
 * A directory server on the loopback that says what a test tells it, over real TLS and real BER: for what Samba can't be made to do
 * (pages with MoreResults, ranges, a read-only DC, a Windows DC that shows more to DirSync than to a search).
 *
 * It knows bind, unbind and search. It evaluates no filter: `onSearch` gets the request and answers.
 */
import { readFile } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { Ber, BerReader, BerWriter, type Filter, OrFilter, PresenceFilter, SearchRequest } from "ldapts";
import { ensureCertificates } from "../../../local/certificates.ts";

export interface FakeEntry {
  readonly dn: string;
  /** An attribute with no values is sent as such. */
  readonly attributes: Readonly<Record<string, readonly (string | Buffer)[]>>;
}
export interface FakeSearch {
  readonly base: string;
  readonly scope: string;
  /** In lower case, as the server's parser leaves them. */
  readonly attributes: readonly string[];
  readonly filter: Filter;
  /** How many alternatives an OR filter has. */
  readonly alternatives: number;
  readonly controls: ReadonlyMap<string, Buffer>;
  /** Of the DirSync control, when there is one. */
  readonly dirSync: { readonly flags: number; readonly cookie: string } | undefined;
}
export interface FakeAnswer {
  readonly entries?: readonly FakeEntry[];
  readonly result?: number;
  readonly message?: string;
  readonly dirSync?: { readonly more: boolean; readonly cookie: string };
  /** Cut the connection instead of answering. */
  readonly cut?: boolean;
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

const DIRSYNC = "1.2.840.113556.1.4.841";
const CONTROLS = 0xa0;
const SET = 0x31;

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
      socket.write(
        result(id, 0x61, isGood ? 0 : 49, isGood ? "" : "80090308: LdapErr: DSID-0C090447, data 52e, v4563"),
      );
    } else if (operation === 0x63) {
      const search = parseSearch(reader, id);
      state.searches.push(search);
      const answer = state.onSearch(search);
      if (answer.cut) {
        socket.destroy();
        return;
      }
      // One packet where it fits, or Nagle's algorithm waits 40 ms for each answer.
      socket.cork();
      for (const entry of answer.entries ?? []) socket.write(entryMessage(id, entry));
      socket.write(result(id, 0x65, answer.result ?? 0, answer.message ?? "", answer.dirSync));
      socket.uncork();
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

function messageLength(buffer: Buffer): number | undefined {
  if (buffer.length < 2) return undefined;
  const first = buffer[1] ?? 0;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  return buffer.length < 2 + count ? undefined : 2 + count + buffer.readUIntBE(2, count);
}

function parseSearch(reader: BerReader, id: number): FakeSearch {
  reader.readSequence(0x63);
  const request = new SearchRequest({ messageId: id, filter: new PresenceFilter({ attribute: "objectClass" }) });
  request.parseMessage(reader);
  const controls = new Map<string, Buffer>();
  if (reader.peek() === CONTROLS) {
    reader.readSequence(CONTROLS);
    const end = reader.offset + reader.length;
    while (reader.offset < end) {
      reader.readSequence();
      const controlEnd = reader.offset + reader.length;
      const oid = reader.readString() ?? "";
      if (reader.offset < controlEnd && reader.peek() === Ber.Boolean) reader.readBoolean();
      controls.set(
        oid,
        reader.offset < controlEnd ? (reader.readString(Ber.OctetString, true) ?? Buffer.alloc(0)) : Buffer.alloc(0),
      );
    }
  }
  return {
    base: request.baseDN,
    scope: request.scope,
    attributes: request.attributes,
    filter: request.filter,
    alternatives: request.filter instanceof OrFilter ? request.filter.filters.length : 1,
    controls,
    dirSync: dirSyncOf(controls.get(DIRSYNC)),
  };
}

function dirSyncOf(value: Buffer | undefined): FakeSearch["dirSync"] {
  if (value === undefined) return undefined;
  const reader = new BerReader(value);
  reader.readSequence();
  const flags = (reader.readInt() ?? 0) >>> 0;
  reader.readInt();
  return { flags, cookie: (reader.readString(Ber.OctetString, true) ?? Buffer.alloc(0)).toString("utf8") };
}

function entryMessage(id: number, entry: FakeEntry): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(0x64);
  writer.writeString(entry.dn);
  writer.startSequence();
  for (const [name, values] of Object.entries(entry.attributes)) {
    writer.startSequence();
    writer.writeString(name);
    writer.startSequence(SET);
    for (const value of values) {
      if (typeof value === "string") writer.writeString(value);
      else writer.writeBuffer(value, Ber.OctetString);
    }
    writer.endSequence();
    writer.endSequence();
  }
  writer.endSequence();
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

function result(id: number, operation: number, code: number, message: string, dirSync?: FakeAnswer["dirSync"]): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(operation);
  writer.writeEnumeration(code);
  writer.writeString("");
  writer.writeString(message);
  writer.endSequence();
  if (dirSync) {
    const value = new BerWriter();
    value.startSequence();
    value.writeInt(dirSync.more ? 1 : 0);
    value.writeInt(0);
    value.writeBuffer(Buffer.from(dirSync.cookie), Ber.OctetString);
    value.endSequence();
    writer.startSequence(CONTROLS);
    writer.startSequence();
    writer.writeString(DIRSYNC);
    writer.writeBoolean(true);
    writer.writeBuffer(value.buffer, Ber.OctetString);
    writer.endSequence();
    writer.endSequence();
  }
  writer.endSequence();
  return writer.buffer;
}
