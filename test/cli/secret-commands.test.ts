/** `uplink secret` and `uplink job validate-credentials` over the service's own routes: values come by reference, and are shown nowhere. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerSecretCommands } from "../../cli/secret-commands.ts";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { createMemorySecretStore } from "../../shared/adapters/memory/secret-store.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { type AdminService, answerByRoutes, startAdminService } from "../support/admin-service.ts";
import { createCloud } from "../support/cloud.ts";
import { runCommand, type Told } from "../support/command-line.ts";

const APP_KEY = "sup3r-Secret~value";
const secrets = createMemorySecretStore();
let service: AdminService;
let folder: string;
let saved: () => Promise<string | undefined>;
const told: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-secrets-"));
  const probeTarget = async (appKey: string | undefined) => {
    if (appKey !== APP_KEY) throw new TargetUnavailable("target-credentials", "No token.", "Check the secret.", 0);
  };
  const cloud = await createCloud({ secrets, probeTarget });
  const { configurationId } = await cloud.addDomain("corp.example");
  saved = () => secrets.get(`uplink-${configurationId}`);
  const routes = adminRoutes(cloud.cloud.routes);
  service = await startAdminService(answerByRoutes(() => routes));
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

async function uplink(args: readonly string[], environment = {}, input = ""): Promise<Told> {
  const own = await runCommand(args, [registerAdminCommands, registerSecretCommands], {
    environment: { UPLINK_URL: service.url, UPLINK_ADMIN_TOKEN: "t", ...environment },
    input: [input] as never,
  });
  told.push(own.out, own.err);
  return own;
}

test("secrets are set from a variable, a file or standard input, listed by key, and shown nowhere", async () => {
  expect((await uplink(["secret", "list"])).out).toBe("No secret is kept.\n");
  const set = await uplink(["secret", "set", "corp.example", "--env", "AppKey=CORP_KEY"], { CORP_KEY: APP_KEY });
  expect(set).toEqual({ code: 0, out: "corp.example has AppKey now, and no other secret.\n", err: "" });
  expect(await saved()).toContain(APP_KEY);
  expect((await uplink(["secret", "list", "--csv"])).out).toBe("job,secret\r\ncorp.example,AppKey\r\n");
  await writeFile(join(folder, "domain.json"), '{"domain":"corp.example"}\n');
  const both = [
    "secret",
    "set",
    "corp.example",
    "--file",
    `Domain=${join(folder, "domain.json")}`,
    "--stdin",
    "appkey",
  ];
  expect(JSON.parse((await uplink([...both, "--json"], {}, `${APP_KEY}\n`)).out).keys).toEqual(["Domain", "AppKey"]);
  expect(JSON.parse((await saved()) ?? "")).toEqual({ Domain: '{"domain":"corp.example"}', AppKey: APP_KEY });
  expect(told.join("")).not.toContain(APP_KEY);
});

test("one that would be lost has to be let go by name", async () => {
  const args = ["secret", "set", "corp.example", "--env", "AppKey=K"];
  const lost = await uplink(args, { K: APP_KEY });
  expect(lost.code).toBe(9);
  expect(lost.err).toContain("--drop Domain");
  expect(await saved()).toContain("corp.example");
  expect((await uplink([...args, "--drop", "Domain"], { K: APP_KEY })).code).toBe(0);
  expect(JSON.parse((await saved()) ?? "")).toEqual({ AppKey: APP_KEY });
});

test("credentials are tried as given or as saved, and what is wrong is told", async () => {
  const validate = (...args: string[]) =>
    uplink(["job", "validate-credentials", "corp.example", ...args], { K: "other" });
  expect((await validate("--saved")).out).toContain("takes the credentials (those that are saved)");
  const refused = await validate("--env", "AppKey=K");
  expect(refused).toMatchObject({ code: 5, out: "" });
  expect(refused.err).toContain("Check the secret.");
  expect((await validate("--saved", "--env", "AppKey=K")).code).toBe(2);
});

test.each([
  [["--env", "AppKey=NOT_SET"], "the variable NOT_SET is not set"],
  [["--env", "AppKey=EMPTY"], "the variable EMPTY is empty"],
  [["--file", "AppKey=none/such"], "the file none/such can't be read (ENOENT)"],
  [["--env", "Password=K"], "There are: Domain, AppKey, SyncNotificationSettings."],
  [["--env", "AppKey"], "is no KEY="],
  [[], "No secret is given."],
])("a reference that leads nowhere is told, and nothing is written: %s", async (args, words) => {
  const before = service.asked.length;
  const own = await uplink(["secret", "set", "corp.example", ...args], { EMPTY: "\n" });
  expect(own.code).toBe(2);
  expect(own.err).toContain(words);
  expect(service.asked).toHaveLength(before);
});

test("all of them are let go at once", async () => {
  expect((await uplink(["secret", "clear", "corp.example"])).out).toBe("corp.example has no secret any more.\n");
  expect(JSON.parse((await saved()) ?? "{}")).toEqual({});
});
