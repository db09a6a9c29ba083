/** `uplink agent …` as an operator uses it: command lines in, words and exit codes out, against a cloud on the loopback. */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { registerAgentCommands } from "../../cli/agent-commands.ts";
import { EnrolRequest } from "../../shared/contracts/agent-api.ts";
import { until } from "../agent/builders.ts";
import { runCommand } from "../support/command-line.ts";
import { type FakeUplink, startFakeUplink } from "../support/fake-uplink/fake-uplink.ts";

/** What only programmers read. */
const RAW = /ENOENT|EISDIR|Error:|Invalid input|undefined|\bat .*\.ts:/;
const TOKEN = "good-token-0123456789";
let folder: string;
let cloud: FakeUplink;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-cli-"));
  cloud = await startFakeUplink();
  await writeFile(join(folder, "corp.ldif"), LDIF);
});
afterEach(async () => {
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
});

const LDIF = `version: 1

dn: DC=corp,DC=example,DC=com
objectClass: domainDNS
objectGUID: 11111111-1111-4111-8111-111111111111
objectSid: S-1-5-21-1-2-3

dn: CN=Anna,DC=corp,DC=example,DC=com
objectClass: user
objectGUID: 00000000-0000-4000-8000-000000000001
sAMAccountName: anna

`;

const uplink = (
  args: readonly string[],
  { environment, ...options }: { stop?: AbortSignal; environment?: Record<string, string> } = {},
) =>
  runCommand(args, [registerAgentCommands], {
    environment: { UPLINK_AGENT_STATE: join(folder, "state"), ...environment },
    ...options,
  });
const enrol = (...more: string[]) =>
  uplink([
    "agent",
    "enrol",
    "--url",
    cloud.url,
    "--token",
    TOKEN,
    "--name",
    "test",
    "--source",
    "ldif",
    "--file",
    join(folder, "corp.ldif"),
    ...more,
  ]);

describe("enrol", () => {
  it("writes key and configuration, for the owner only, and no secret into the configuration", async () => {
    const { code, out } = await enrol();
    expect(code).toBe(0);
    expect(out).toContain("agent-1 (active)");
    const config = join(folder, "state", "agent.json");
    expect(JSON.parse(await readFile(config, "utf8"))).toMatchObject({
      agentId: "agent-1",
      jobId: "job-1",
      source: { kind: "ldif" },
    });
    expect(await readFile(config, "utf8")).not.toContain(TOKEN);
    expect((await stat(join(folder, "state", "agent.key.json"))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "state"))).mode & 0o777).toBe(0o700);
  });

  it("takes the token from the environment", async () => {
    const args = ["agent", "enrol", "--url", cloud.url, "--source", "ldif", "--file", join(folder, "corp.ldif")];
    expect((await uplink(args, { environment: { UPLINK_ENROLMENT_TOKEN: TOKEN } })).code).toBe(0);
    expect(await uplink(args)).toMatchObject({ code: 2, err: expect.stringContaining("no enrolment token") });
  });

  it("says what is wrong with an expired token, and uses the same key for the next", async () => {
    const args = [
      "agent",
      "enrol",
      "--url",
      cloud.url,
      "--source",
      "ldif",
      "--file",
      join(folder, "corp.ldif"),
      "--token",
    ];
    const failed = await uplink([...args, "expired-token-0123456789"]);
    expect(failed).toMatchObject({ code: 5, err: expect.stringContaining("The token has expired.\nMake a new one.") });
    const before = await readFile(join(folder, "state", "agent.key.json"), "utf8");
    expect((await uplink([...args, TOKEN])).code).toBe(0);
    expect(await readFile(join(folder, "state", "agent.key.json"), "utf8")).toBe(before);
  });

  it("doesn't enrol twice, unless told to: then with a new key", async () => {
    await enrol();
    const before = await readFile(join(folder, "state", "agent.key.json"), "utf8");
    expect(await enrol()).toMatchObject({ code: 2, err: expect.stringContaining("enrolled") });
    expect((await enrol("--replace")).code).toBe(0);
    expect(await readFile(join(folder, "state", "agent.key.json"), "utf8")).not.toBe(before);
  });

  it.each([
    [["ldif"], "'--source ldif' needs --file.", "--file <path>: the export to read"],
    [["ldap", "--bind-dn", "sync@corp.example"], "'--source ldap' needs --ldap-url.", "--ldap-url <url>: ldaps://host"],
    [["ldap"], "'--source ldap' needs --ldap-url and --bind-dn.", "--bind-dn <name>: DN, UPN or DOMAIN\\user"],
  ])("names the options that a source needs: %j", async (source, what, remedy) => {
    const { code, err } = await uplink(["agent", "enrol", "--url", cloud.url, "--token", TOKEN, "--source", ...source]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`${what}\n`) });
    expect(err).toContain(remedy);
    expect(err).not.toMatch(RAW);
    expect(cloud.seen).toEqual([]);
  });

  it("says plainly that the export isn't there, or can't be read", async () => {
    const path = join(folder, "corp.ldif");
    await rm(path);
    const missing = await enrol();
    expect(missing).toMatchObject({ code: 3, err: expect.stringContaining(`Cannot read ${path}: it isn't there.\n`) });
    await mkdir(path);
    const isFolder = await enrol();
    expect(isFolder).toMatchObject({ code: 3, err: expect.stringContaining(`Cannot read ${path}: it is a folder.\n`) });
    for (const { err } of [missing, isFolder]) expect(err).not.toMatch(RAW);
  });

  it.each([["check"], ["status"], ["once"], ["run"]])(
    "%s says that nobody is enrolled in that folder",
    async (command) => {
      const { code, err } = await uplink(["agent", command]);
      const path = join(folder, "state", "agent.json");
      expect({ code, err }).toEqual({
        code: 2,
        err: expect.stringContaining(`No agent is enrolled here: ${path} isn't there.\n`),
      });
      expect(err).toContain("uplink agent enrol");
      expect(err).toContain("--state");
      expect(err).not.toMatch(RAW);
    },
  );

  it("says of a configuration which setting is missing, in plain words", async () => {
    await enrol();
    const path = join(folder, "state", "agent.json");
    const { url: _, ...config } = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify(config));
    const { code, err } = await uplink(["agent", "check"]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("  url: is missing\n") });
    await writeFile(path, "{");
    const broken = await uplink(["agent", "check"]);
    expect(broken).toMatchObject({ code: 2, err: expect.stringContaining(`${path} is not JSON`) });
    for (const own of [err, broken.err]) expect(own).not.toMatch(RAW);
  });

  it.each(["wrong", "x".repeat(300), "not a token at all"])("says of what is no token how to get one: %s", (token) => {
    const fault = EnrolRequest.shape.token.safeParse(token).error?.issues[0]?.message;
    expect(fault).toBe("must be a token as an admin was shown it: uplink agent token");
  });

  it("spends no token on a source that can't be read", async () => {
    await rm(join(folder, "corp.ldif"));
    expect(await enrol()).toMatchObject({ code: 3, err: expect.stringContaining("corp.ldif") });
    expect(cloud.seen).toEqual([]);
  });

  it.each([
    [["--source", "csv"], "csv"],
    [["--poll-seconds", "0"], "above 0"],
  ])("refuses %j", async (more, word) => {
    expect(await enrol(...more)).toMatchObject({ code: 2, err: expect.stringContaining(word) });
  });
});

describe("after enrolment", () => {
  beforeEach(async () => {
    expect((await enrol()).code).toBe(0);
  });

  it("once sends, and once more has nothing to read", async () => {
    expect(await uplink(["agent", "once"])).toMatchObject({ code: 0, out: "Sent 1 objects in 1 batches.\n" });
    expect(cloud.batches).toHaveLength(1);
    expect(await uplink(["agent", "once", "--json"])).toMatchObject({
      code: 0,
      out: '{"read":false,"objects":0,"batches":0}\n',
    });
    expect(cloud.batches).toHaveLength(1);
  });

  it("once without a lease exits with 7", async () => {
    cloud.leaseHeld = false;
    expect(await uplink(["agent", "once", "--wait", "0.2"])).toMatchObject({ code: 7 });
  });

  it("once with a faulty record exits with 3 and names it", async () => {
    await writeFile(join(folder, "corp.ldif"), LDIF.replace(/objectGUID: 0000.*\n/, ""));
    expect(await uplink(["agent", "once"])).toMatchObject({ code: 3, err: expect.stringContaining("CN=Anna") });
  });

  it("once without the service exits with 4 and names it", async () => {
    const { url } = cloud;
    await cloud.close();
    expect(await uplink(["agent", "once"])).toMatchObject({ code: 4, err: expect.stringContaining(url) });
    cloud = await startFakeUplink();
  });

  it("run goes on until stopped, logs in lines of JSON, and no value of an attribute is in them", async () => {
    const stop = new AbortController();
    const running = uplink(["agent", "run", "--json", "--verbose"], { stop: stop.signal });
    await until(() => cloud.ended.length === 1, "the read");
    stop.abort();
    const { code, err } = await running;
    expect(code).toBe(0);
    const events = err
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    expect(events).toEqual(expect.arrayContaining(["agent-started", "read-started", "agent-stopped"]));
    expect(err).not.toContain("anna");
  });

  it("check tries everything and takes no lease", async () => {
    const { code, out } = await uplink(["agent", "check"]);
    expect(code).toBe(0);
    expect(out).toMatch(/ok {3}key:.*\nok {3}outbox:.*\nok {3}source: corp.example.com.*\nok {3}service:/);
    expect(cloud.heartbeats).toEqual([]);
  });

  it("check says what fails, with the remedy", async () => {
    await rm(join(folder, "corp.ldif"));
    await cloud.close();
    const { code, out } = await uplink(["agent", "check"]);
    expect(code).toBe(3);
    expect(out).toMatch(/FAIL source:.*corp.ldif/);
    expect(out).toMatch(/FAIL service:/);
    cloud = await startFakeUplink();
  });

  it("status shows what this machine knows", async () => {
    const { out } = await uplink(["agent", "status", "--json"]);
    expect(JSON.parse(out)).toMatchObject({
      name: "test",
      agentId: "agent-1",
      jobId: "job-1",
      outbox: 0,
      url: cloud.url,
    });
  });
});

it("explains its exit codes", async () => {
  const { code, out } = await uplink(["agent", "--help"]);
  expect(code).toBe(0);
  expect(out).toMatch(/Exit codes:\n +0 +done\n/);
});
