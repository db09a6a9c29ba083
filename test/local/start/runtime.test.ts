/** The runtime as a library, on the bundle in `dist/` (npm test builds it). */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TableServiceClient } from "@azure/data-tables";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Runtime, startRuntime } from "../../../local/start/runtime.ts";
import { TABLES } from "../../../shared/needs/stores.ts";

let home: string;
let runtime: Runtime;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "uplink-runtime-"));
  runtime = await startRuntime({ home, inMemory: true, quota: "off", settings: { UPLINK_HEARTBEAT_SECONDS: "1" } });
});
afterAll(async () => {
  await runtime?.stop();
  await rm(home, { recursive: true, force: true });
});

const aConfiguration = {
  ...{ displayName: "hq", domainFqdn: "example.test", domainNetBios: "EXAMPLE" },
  settings: { signIn: "ownProcess" as const },
};

test("starts empty: no configuration, no object, and both sides answer", async () => {
  expect(await runtime.admin.configurations()).toEqual([]);
  expect((await runtime.graphFetch("users")).status).toBe(200);
  expect((await (await runtime.control("stats")).json()) as object).toMatchObject({ writeCalls: 0 });
  expect((await runtime.adminFetch("v1.0/uplink/jobs/none/status")).status).toBe(404);
});

test("has the tables of the table of needs, before anything was written", async () => {
  const options = { allowInsecureConnection: true };
  const names: (string | undefined)[] = [];
  const service = TableServiceClient.fromConnectionString(runtime.storageConnection, options);
  for await (const { name } of service.listTables()) names.push(name);
  // A tick may have begun this month's log by now.
  const fixed = names.filter((name) => !/^(log|audit)\d{6}$/.test(name ?? ""));
  expect(fixed.toSorted()).toEqual(TABLES.map(({ name }) => name).toSorted());
});

test("the same domain asked for twice is one configuration", async () => {
  const first = await runtime.admin.createConfiguration(aConfiguration);
  expect(await runtime.admin.createConfiguration(aConfiguration)).toEqual(first);
});

test("an agent that can't enrol says why", async () => {
  const { id } = await runtime.admin.createConfiguration(aConfiguration);
  const source = ["--source", "ldif", "--file", join(home, "nothing.ldif")];
  const enrolled = runtime.agents.enrol({ name: "hq", configurationId: id, source });
  await expect(enrolled).rejects.toThrow(/agent hq could not enrol\..*nothing\.ldif/s);
});

test("a killed host is noticed, and started again it has what was there", async () => {
  const before = await runtime.admin.configurations();
  const { pid, kill } = runtime.process("host");
  kill("SIGKILL");
  await expect(runtime.broken).rejects.toThrow(/host ended by itself \(exit code 137\)/);
  await runtime.restartHost();
  expect(runtime.process("host").pid).not.toBe(pid);
  expect(await runtime.admin.configurations()).toEqual(before);
});
