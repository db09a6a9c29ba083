/** The ports of the local runtime: the one table of them, and finding out who is in the way before anything starts. */
import { type AddressInfo, createServer } from "node:net";
import { StartError } from "./home.ts";

export const PORTS = {
  host: { setting: "UPLINK_HOST_PORT", usual: 7071, what: "Functions host: agent and admin API (HTTPS)" },
  web: { setting: "UPLINK_WEB_PORT", usual: 7072, what: "Functions host for browsers: sign-in and API (HTTP)" },
  broker: { setting: "UPLINK_BROKER_PORT", usual: 5672, what: "Service Bus broker (AMQP)" },
  directory: { setting: "UPLINK_DIRECTORY_PORT", usual: 7080, what: "directory stand-in: Graph and tokens (HTTPS)" },
  azuriteBlob: { setting: "UPLINK_AZURITE_BLOB_PORT", usual: 10000, what: "Azurite: blobs (HTTP)" },
  azuriteTable: { setting: "UPLINK_AZURITE_TABLE_PORT", usual: 10002, what: "Azurite: tables (HTTP)" },
} as const;

export type PortName = keyof typeof PORTS;
export type Ports = Readonly<Record<PortName, number>>;

const NAMES = Object.keys(PORTS) as PortName[];
export const ANY_PORTS: Ports = { host: 0, web: 0, broker: 0, directory: 0, azuriteBlob: 0, azuriteTable: 0 };

/** Throws `StartError` that lists every setting which is no port. */
export function readPorts(environment: Readonly<Record<string, string | undefined>>): Ports {
  const faults: string[] = [];
  const read = (name: PortName): number => {
    const { setting, usual } = PORTS[name];
    const text = environment[setting] || String(usual);
    const port = Number(text);
    if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
    faults.push(`${setting} is '${text}': set it to a port number, 0 to 65535 (0 takes a free one).`);
    return 0;
  };
  const ports = Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Record<PortName, number>;
  for (const name of NAMES) {
    const twin = NAMES.find((other) => other < name && ports[other] === ports[name] && ports[name] !== 0);
    if (twin) faults.push(`${PORTS[name].setting} and ${PORTS[twin].setting} are both ${ports[name]}: change one.`);
  }
  if (faults.length > 0) throw new StartError(faults.join("\n"));
  return ports;
}

/**
 * The ports to use: each of them free a moment ago, each 0 replaced by a free one. All are held open together, so that
 * none is given out twice. Throws `StartError` that names every taken port with its setting.
 */
export async function settlePorts(wanted: Ports): Promise<Ports> {
  const probes = await Promise.all(NAMES.map((name) => probe(wanted[name])));
  const taken = NAMES.filter((_, index) => probes[index] === undefined);
  const settled = Object.fromEntries(NAMES.map((name, index) => [name, probes[index]?.port ?? 0])) as Ports;
  await Promise.all(probes.map((one) => one?.close()));
  if (taken.length === 0) return settled;
  const lines = taken.map(
    (name) =>
      `Port ${wanted[name]} is taken (${PORTS[name].what}). Stop who has it, or set ${PORTS[name].setting} to another one (0 takes a free one).`,
  );
  throw new StartError(`${lines.join("\n")}\nNothing was started.`);
}

async function probe(port: number): Promise<{ port: number; close(): Promise<void> } | undefined> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      // Without the right to a port below 1024 it can't be had either.
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(undefined);
      else reject(error);
    });
    server.listen(port, "127.0.0.1", () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => new Promise((closed) => server.close(() => closed())),
      }),
    );
  });
}
