import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ensureCertificates } from "../../local/certificates.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "uplink-certificates-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

it("serves TLS that a client with the authority trusts, by name and by address", async () => {
  const files = await ensureCertificates(dir);
  const [ca, cert, key] = await Promise.all([
    readFile(files.caFile),
    readFile(files.certFile),
    readFile(files.keyFile),
  ]);
  const server = createServer({ key, cert }, (_, reply) => reply.end("here"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const get = (host: string, authority?: Buffer) =>
    new Promise<number | string>((resolve) => {
      request({ host, port, ...(authority ? { ca: authority } : {}), agent: false }, (reply) => {
        reply.resume();
        resolve(reply.statusCode ?? 0);
      })
        .on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
        .end();
    });
  try {
    expect(await get("localhost", ca)).toBe(200);
    expect(await get("127.0.0.1", ca)).toBe(200);
    expect(await get("localhost")).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED/);
  } finally {
    server.close();
  }
});

it("keeps what is usable, and keeps the key to its owner", async () => {
  const first = await ensureCertificates(dir);
  const before = await readFile(first.certFile, "utf8");
  await ensureCertificates(dir);
  expect(await readFile(first.certFile, "utf8")).toBe(before);
  expect((await stat(first.keyFile)).mode & 0o777).toBe(0o600);
});

it("makes a new set when the end is near, a file is torn, or the key is not the certificate's", async () => {
  const files = await ensureCertificates(dir);
  const serial = async () => new X509Certificate(await readFile(files.certFile)).serialNumber;
  let last = await serial();
  const renewed = async (now?: Date) => {
    await ensureCertificates(dir, now);
    const present = await serial();
    const changed = present !== last;
    last = present;
    return changed;
  };
  expect(await renewed(new Date(Date.now() + 700 * 86_400_000))).toBe(false);
  expect(await renewed(new Date(Date.now() + 800 * 86_400_000))).toBe(true);
  await ensureCertificates(dir);
  last = await serial();
  await writeFile(files.caFile, "-----BEGIN CERTIFICATE-----\nMIIB");
  expect(await renewed()).toBe(true);
  const other = await mkdtemp(join(tmpdir(), "uplink-certificates-"));
  const foreign = await ensureCertificates(other);
  await writeFile(files.keyFile, await readFile(foreign.keyFile));
  await rm(other, { recursive: true, force: true });
  expect(await renewed()).toBe(true);
});

it("names the folder that it cannot write", async () => {
  const file = join(dir, "a-file");
  await writeFile(file, "");
  await expect(ensureCertificates(join(file, "certificates"))).rejects.toThrow(/a-file.*writable/);
});
