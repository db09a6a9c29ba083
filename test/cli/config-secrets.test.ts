/** Secrets in files of configuration: by reference only, set once, and nowhere told. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { registerConfigCommands } from "../../cli/config-commands.ts";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { createMemorySecretStore } from "../../shared/adapters/memory/secret-store.ts";
import { fileSchemas } from "../../shared/contracts/configuration-file.ts";
import { type AdminService, answerByRoutes, startAdminService } from "../support/admin-service.ts";
import { type Cloud, createCloud } from "../support/cloud.ts";
import { runCommand } from "../support/command-line.ts";

const APP_KEY = "sup3r-Secret~value";
const DOMAIN = '{"domain":"corp.example"}';
const CORP = "corp.example.configuration.yaml";

let cloud: Cloud;
let secrets: ReturnType<typeof createMemorySecretStore>;
let service: AdminService;
let root: string;
let folder: string;
let environment: Record<string, string>;
/** Everything that was said to anybody. */
let said: string;
/** Before the next write of secrets somebody does this. */
let meanwhile: (() => Promise<unknown>) | undefined;
beforeAll(async () => {
  const answer = answerByRoutes(() => adminRoutes(cloud.cloud.routes));
  service = await startAdminService(async (asked) => {
    if (asked.method === "GET" && asked.url.endsWith("/secrets")) await meanwhile?.();
    return answer(asked);
  });
});
afterAll(() => service.close());
beforeEach(async () => {
  secrets = createMemorySecretStore();
  cloud = await createCloud({ secrets });
  root = await mkdtemp(join(tmpdir(), "uplink-config-"));
  folder = join(root, "config");
  await mkdir(folder);
  environment = { APP_KEY };
  said = "";
  meanwhile = undefined;
  service.asked.length = 0;
});
afterEach(() => rm(root, { recursive: true, force: true }));

const uplink = async (...args: string[]) => {
  const told = await runCommand(["config", ...args], [registerConfigCommands], {
    environment: { UPLINK_URL: service.url, UPLINK_ADMIN_TOKEN: "t", ...environment },
  });
  said += told.out + told.err;
  return told;
};
const refer = async (references: unknown) => {
  const own = parse(await readFile(join(folder, CORP), "utf8"));
  await writeFile(join(folder, CORP), stringify({ ...own, secrets: references }));
};
const digestOf = (text: string) => /--digest (\S+)/.exec(text)?.[1] ?? "";
const applied = async (...more: string[]) =>
  uplink("apply", folder, "--digest", digestOf((await uplink("plan", folder, ...more)).out), ...more);
const writes = () => service.asked.filter(({ method }) => method !== "GET");
const saved = async (id: string) => JSON.parse((await secrets.get(`uplink-${id}`)) ?? "{}") as object;

test("are told by name, set once, and have nothing to do after that", async () => {
  const { configurationId } = await cloud.addDomain("corp.example");
  await uplink("export", folder);
  await writeFile(join(root, "domain.txt"), `${DOMAIN}\n`);
  await refer({ AppKey: { env: "APP_KEY" }, Domain: { file: "../domain.txt" } });
  const plan = await uplink("plan", folder, "--check");
  expect(plan).toMatchObject({ code: 1, err: "" });
  expect(plan.out).toContain(
    "+ corp.example: secrets Domain, AppKey\n    Domain: from the file ../domain.txt\n    AppKey: from the variable APP_KEY\n",
  );
  expect(await applied()).toMatchObject({ code: 0, out: expect.stringContaining("All done.") });
  expect(await saved(configurationId)).toEqual({ AppKey: APP_KEY, Domain: DOMAIN });
  expect(writes().map(({ method, url }) => `${method} ${url}`)).toEqual([
    `PUT /api/v1.0/servicePrincipals/${configurationId}/synchronization/secrets`,
  ]);
  const again = await uplink("plan", folder, "--check");
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining("Nothing to do") });
  expect(again.out).toContain("--set-secrets sets them anew");
  expect(said).not.toContain(APP_KEY);
});

test("are all set anew where that is asked for, by a digest of its own", async () => {
  const { configurationId } = await cloud.addDomain("corp.example");
  await uplink("export", folder);
  await refer({ AppKey: { env: "APP_KEY" } });
  await applied();
  environment["APP_KEY"] = "an0ther";
  const { out } = await uplink("plan", folder, "--set-secrets");
  expect(out).toContain("~ corp.example: secrets AppKey\n");
  expect(out).toContain("; in place of the one that is set");
  expect(out).toContain(`uplink config apply ${folder} --set-secrets --digest`);
  expect(await uplink("apply", folder, "--digest", digestOf(out))).toMatchObject({ code: 9 });
  expect(await saved(configurationId)).toEqual({ AppKey: APP_KEY });
  expect(await applied("--set-secrets")).toMatchObject({ code: 0 });
  expect(await saved(configurationId)).toEqual({ AppKey: "an0ther" });
});

test("of a new domain are set when it is made; what lets a job go comes after them", async () => {
  await cloud.addDomain("corp.example", { mode: "staging" });
  await uplink("export", folder);
  const own = parse(await readFile(join(folder, CORP), "utf8"));
  own.settings.mode = "normal";
  await writeFile(join(folder, CORP), stringify({ ...own, secrets: { AppKey: { env: "APP_KEY" } } }));
  const fresh = { domainFqdn: "new.example", domainNetBios: "NEW", displayName: "New" };
  const settings = { signIn: "federated" };
  await writeFile(
    join(folder, "new.configuration.json"),
    JSON.stringify({ ...fresh, settings, secrets: { AppKey: { env: "APP_KEY" } } }),
  );
  expect((await applied()).out.split("\n").map((line) => line.slice(0, 30))).toEqual([
    "+ corp.example: secrets AppKey",
    "~ corp.example: mode staging →",
    "+ new.example: a configuration",
    "+ new.example: secrets AppKey",
    "All done.",
    "",
  ]);
  expect((await uplink("plan", folder)).out).toContain("Nothing to do");
});

test("one that the files don't name isn't lost: neither by the plan nor since", async () => {
  const { configurationId } = await cloud.addDomain("corp.example");
  await uplink("export", folder);
  await secrets.set(`uplink-${configurationId}`, JSON.stringify({ Domain: DOMAIN }));
  await refer({ AppKey: { env: "APP_KEY" } });
  expect(await uplink("plan", folder)).toMatchObject({
    code: 2,
    err: expect.stringMatching(/has the secret Domain, which the file doesn't name[\s\S]*Mend the files/),
  });
  await secrets.set(`uplink-${configurationId}`, "{}");
  const { out } = await uplink("plan", folder);
  let asked = 0;
  meanwhile = async () => {
    if (++asked === 2) await secrets.set(`uplink-${configurationId}`, JSON.stringify({ Domain: DOMAIN }));
  };
  expect(await uplink("apply", folder, "--digest", digestOf(out))).toMatchObject({ code: 9 });
  expect(await saved(configurationId)).toEqual({ Domain: DOMAIN });
});

test("are asked for only where a file names some, and an export has none but the references of its place", async () => {
  // A service that keeps no secrets refuses to list them.
  cloud = await createCloud();
  await cloud.addDomain("corp.example");
  await uplink("export", folder);
  expect(await uplink("plan", folder, "--check")).toMatchObject({ code: 0 });
  expect(service.asked.some(({ url }) => url.endsWith("/secrets"))).toBe(false);
  expect(await readFile(join(folder, CORP), "utf8")).not.toContain("secret");
  await refer({ AppKey: { env: "APP_KEY" } });
  expect(await uplink("plan", folder)).toMatchObject({ err: expect.stringContaining("no place for secrets") });
  await uplink("export", folder, "--overwrite");
  expect(parse(await readFile(join(folder, CORP), "utf8")).secrets).toEqual({ AppKey: { env: "APP_KEY" } });
  await uplink("export", join(root, "other"));
  expect(parse(await readFile(join(root, "other", CORP), "utf8")).secrets).toBeUndefined();
});

describe("what is no reference", () => {
  beforeEach(async () => {
    await cloud.addDomain("corp.example");
    await uplink("export", folder);
    service.asked.length = 0;
  });
  const takes = new Ajv({ strict: false }).compile(fileSchemas().configuration);

  test.each([
    [APP_KEY],
    [{ value: APP_KEY }],
    [{ env: APP_KEY }],
    [{ env: "APP_KEY", value: APP_KEY }],
    [[APP_KEY]],
    [null],
  ])("%j is refused with the way, and not said again", async (given) => {
    await refer({ AppKey: given });
    const { code, err } = await uplink("plan", folder);
    expect(code).toBe(2);
    expect(err).toMatch(
      /corp\.example\.configuration\.yaml:\d+: (?:secrets\.AppKey.*\{ env: NAME \} or \{ file: |'secrets\.AppKey\.value' is not known\. Known here: env, file)/,
    );
    expect(service.asked).toEqual([]);
    expect(said).not.toContain(APP_KEY);
    expect(takes(parse(await readFile(join(folder, CORP), "utf8")))).toBe(false);
  });

  test("a key that there isn't is refused", async () => {
    await refer({ AppKee: { env: "APP_KEY" } });
    expect((await uplink("plan", folder)).err).toContain("Did you mean 'AppKey'?");
    await refer({ AppKey: { env: "APP_KEY" }, Domain: { file: "../d" } });
    expect(takes(parse(await readFile(join(folder, CORP), "utf8"))), JSON.stringify(takes.errors)).toBe(true);
  });

  test.each(["key.txt", "./deep/key.txt", "../config/key.txt", ".schemas/key.txt", CORP])(
    "a file inside the folder isn't one: %s",
    async (file) => {
      await refer({ AppKey: { file } });
      expect(await uplink("plan", folder)).toMatchObject({
        code: 2,
        err: expect.stringContaining("inside the folder of these files"),
      });
    },
  );

  test("a link back into the folder isn't one, and one that is missing or empty is told before the first step", async () => {
    await writeFile(join(folder, "key.txt"), APP_KEY);
    await symlink(join(folder, "key.txt"), join(root, "key.txt"));
    const own = parse(await readFile(join(folder, CORP), "utf8"));
    const changed = (references: object) =>
      writeFile(join(folder, CORP), stringify({ ...own, displayName: "Headquarters", secrets: references }));
    await changed({ AppKey: { file: "../key.txt" } });
    expect((await applied()).err).toContain("inside the folder of these files");
    await changed({ AppKey: { file: "../none.txt" } });
    expect((await applied()).err).toContain("the file ../none.txt can't be read (ENOENT)");
    await changed({ AppKey: { env: "NOBODY" } });
    expect((await applied()).err).toContain("the variable NOBODY is not set");
    await writeFile(join(root, "empty.txt"), "\n");
    await changed({ AppKey: { file: "../empty.txt" } });
    expect(await applied()).toMatchObject({ code: 2, err: expect.stringContaining("is empty") });
    expect(writes()).toEqual([]);
    expect(said).not.toContain(APP_KEY);
  });
});
