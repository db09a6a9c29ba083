/** The agent's configuration: everything wrong is said at once; paths are relative to the file. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadAgentConfig, parseAgentConfig, parseSourceSettings } from "../../agent/config.ts";

const good = {
  version: 1,
  url: "https://uplink.example.com",
  name: "agent",
  agentId: "a",
  configurationId: "c",
  jobId: "j",
  source: {
    kind: "ldap",
    url: "ldaps://dc1.corp.example.com",
    bindDn: "reader@corp.example.com",
    passwordFile: "secret/password",
  },
};
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-config-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("fills in what isn't said, and finds files beside itself", () => {
  const config = parseAgentConfig(good, "/etc/uplink/agent.json");
  expect(config).toMatchObject({
    stateDir: "/etc/uplink",
    keyFile: "/etc/uplink/agent.key.json",
    outboxDir: "/etc/uplink/outbox",
    source: { passwordFile: "/etc/uplink/secret/password", pollSeconds: 15, timeoutSeconds: 120 },
    intervals: { retryFirstSeconds: 5, retryMostSeconds: 300, watermarkMinutes: 60 },
  });
});

it("lists every problem with the setting's name", async () => {
  const path = join(folder, "agent.json");
  const bad = {
    ...good,
    url: "http://uplink.example.com",
    name: "",
    agentId: undefined,
    intervals: { retryFirstSeconds: 0 },
    extra: 1,
  };
  await writeFile(path, JSON.stringify({ ...bad, source: { ...good.source, url: "ldap://dc1" } }));
  const error = await loadAgentConfig(path).catch((caught: Error) => caught);
  expect(error).toMatchObject({ code: "config-invalid" });
  for (const name of [
    "url: must be https",
    "name:",
    "agentId:",
    "intervals.retryFirstSeconds:",
    "extra",
    "source.url: must be ldaps",
    path,
  ]) {
    expect(String(error)).toContain(name);
  }
});

it.each<[string, string, RegExp]>([
  ["isn't there", "", /No agent is enrolled here/],
  ["is no JSON", "{", /not JSON/],
  ["is something else", "[]", /wrong/],
])("refuses a file that %s", async (_name, content, message) => {
  const path = join(folder, "agent.json");
  if (content !== "") await writeFile(path, content);
  await expect(loadAgentConfig(path)).rejects.toMatchObject({
    code: "config-invalid",
    message: expect.stringMatching(message),
  });
});

it.each(["http://localhost:7071", "http://127.0.0.1:7071/api"])("takes plain HTTP on this machine only (%s)", (url) => {
  expect(parseAgentConfig({ ...good, url }, "agent.json").url).toBe(url);
});

it("names what a source lacks", () => {
  expect(() => parseSourceSettings({ kind: "ldif" })).toThrow(/file:/);
  expect(() => parseSourceSettings({ kind: "csv" })).toThrow(/kind/);
});
