/** Two domain controllers of a new domain for each test, and a client of each. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { createFakeDirectory, type FakeDirectory } from "./directory/fake-directory.ts";
import { type ServedDc, serveDc } from "./directory/serve-dc.ts";
import { ROOT } from "./directory/well-known.ts";
import { type FakeLdap, startFakeLdap } from "./fake-ldap.ts";
import { openProbe, type Probe } from "./probe.ts";

export interface ProbeFixture {
  directory: FakeDirectory;
  one: ServedDc;
  two: ServedDc;
  probe: Probe;
  other: Probe;
}

export function useProbes(options: { readonly recycleBin?: boolean } = {}): ProbeFixture {
  // Filled before each test.
  const fixture = {} as ProbeFixture;
  const servers: FakeLdap[] = [];
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "uplink-fake-ldap-"));
    servers.push(await startFakeLdap(folder), await startFakeLdap(folder));
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    const [first, second] = servers;
    if (first === undefined || second === undefined) throw new Error("The servers are not up.");
    fixture.directory = createFakeDirectory({ dcs: ["DC1", "DC2"], ...options });
    fixture.one = serveDc(first, fixture.directory.dc("DC1"));
    fixture.two = serveDc(second, fixture.directory.dc("DC2"));
    fixture.probe = await openProbe(first, ROOT);
    fixture.other = await openProbe(second, ROOT);
  });
  afterEach(async () => {
    await fixture.probe.close();
    await fixture.other.close();
  });
  return fixture;
}
