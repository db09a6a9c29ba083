/**
 * The way from the host to its storage, with a door in it. Shut, every connection is cut, at whatever point of a request,
 * and new ones are refused: what an unreachable account looks like. Requests that had arrived are carried out all the same,
 * and nobody hears their answers. Azurite itself lives on, for killed it would lose what it has acknowledged.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export type StorageDoor = {
  /** Lays the way to an account; returns the connection string that goes through the door. */
  through(connectionString: string): Promise<string>;
  shut(): Promise<void>;
  open(): Promise<void>;
  end(): Promise<void>;
};

type Way = { readonly server: Server; readonly sockets: Set<Socket>; readonly port: number };

const host = "127.0.0.1";

export function createStorageDoor(): StorageDoor {
  const ways: Way[] = [];

  async function lay(target: number): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (near) => {
      const far = connect({ host, port: target, noDelay: true });
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.pipe(other);
        socket.on("error", () => other.destroy());
        socket.on("close", () => {
          sockets.delete(socket);
          other.destroy();
        });
      }
    });
    await listen(server, 0);
    const { port } = server.address() as AddressInfo;
    ways.push({ server, sockets, port });
    return port;
  }

  const shut = async (): Promise<void> => {
    await Promise.all(
      ways.map(({ server, sockets }) => {
        const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
        for (const socket of sockets) socket.destroy();
        return closed;
      }),
    );
  };

  return {
    async through(connectionString) {
      let changed = connectionString;
      for (const [address, port] of connectionString.matchAll(/127\.0\.0\.1:(\d+)/g)) {
        changed = changed.replace(address, `${host}:${await lay(Number(port))}`);
      }
      return changed;
    },
    shut,
    async open() {
      await Promise.all(ways.map(({ server, port }) => listen(server, port)));
    },
    end: shut,
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
