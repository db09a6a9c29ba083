import { type AddressInfo, createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ANY_PORTS, PORTS, readPorts, settlePorts } from "../../../local/start/ports.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function takePort(): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

test("without settings the usual ports are meant", () => {
  expect(readPorts({})).toEqual({
    ...{ host: 7071, web: 7072, broker: 5672, directory: 7080 },
    ...{ azuriteBlob: 10000, azuriteTable: 10002 },
  });
});

test("every setting that is no port is listed, and so are two that are the same", () => {
  const read = () =>
    readPorts({ UPLINK_HOST_PORT: "https", UPLINK_BROKER_PORT: "70000", UPLINK_AZURITE_BLOB_PORT: "10002" });
  expect(read).toThrow(/UPLINK_HOST_PORT is 'https'/);
  expect(read).toThrow(/UPLINK_BROKER_PORT is '70000'/);
  expect(read).toThrow(/UPLINK_AZURITE_TABLE_PORT and UPLINK_AZURITE_BLOB_PORT are both 10002/);
});

test("zeros become free ports, all of them different", async () => {
  const ports = Object.values(await settlePorts(ANY_PORTS));
  expect(new Set(ports).size).toBe(Object.keys(PORTS).length);
  expect(ports.every((port) => port > 0)).toBe(true);
});

test("every taken port is named with its setting", async () => {
  const [host, table] = [await takePort(), await takePort()];
  const settled = settlePorts({ ...ANY_PORTS, host, azuriteTable: table });
  await expect(settled).rejects.toThrow(new RegExp(`Port ${host} is taken .*UPLINK_HOST_PORT`));
  await expect(settled).rejects.toThrow(new RegExp(`Port ${table} is taken .*UPLINK_AZURITE_TABLE_PORT`));
  await expect(settled).rejects.toThrow(/Nothing was started/);
});
