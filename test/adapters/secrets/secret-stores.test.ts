/** The places for secrets: files that nobody else can read, and a key vault, which a server stands for that answers as documented. */
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createMemorySecretStore } from "../../../shared/adapters/memory/secret-store.ts";
import { createFileSecretStore } from "../../../shared/adapters/secrets/file-secret-store.ts";
import { createKeyVaultSecretStore } from "../../../shared/adapters/secrets/key-vault-secret-store.ts";
import { type SecretStore, SecretsUnavailable } from "../../../shared/ports/secret-store.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "uplink-secrets-"));
  folders.push(folder);
  return join(folder, "secrets");
}

/** As Azure documents its REST interface; `scopes`: what tokens were asked for. */
function vault(answer?: () => Response) {
  const values = new Map<string, string>();
  const asked: { url: string; authorization: string | null }[] = [];
  const scopes: (string | string[])[] = [];
  const fetch = (async (address: string, init: RequestInit) => {
    const url = new URL(address);
    asked.push({ url: address, authorization: new Headers(init.headers).get("authorization") });
    if (answer) return answer();
    if (url.searchParams.get("api-version") !== "7.4") return Response.json({}, { status: 400 });
    if (init.method === "PUT") {
      values.set(url.pathname, (JSON.parse(String(init.body)) as { value: string }).value);
      return Response.json({ id: address });
    }
    const value = values.get(url.pathname);
    return value === undefined
      ? Response.json({ error: { code: "SecretNotFound" } }, { status: 404 })
      : Response.json({ value });
  }) as typeof globalThis.fetch;
  const credential = {
    getToken: async (scope: string | string[]) => {
      scopes.push(scope);
      return { token: "t", expiresOnTimestamp: 0 };
    },
  };
  const store = createKeyVaultSecretStore({ vaultUrl: "https://own.vault.azure.net/", credential, fetch });
  return { store, asked, scopes };
}

const stores: readonly (readonly [string, () => Promise<SecretStore>])[] = [
  ["files", async () => createFileSecretStore({ folder: await newFolder() })],
  ["a key vault", async () => vault().store],
  ["memory", async () => createMemorySecretStore()],
];

describe.each(stores)("%s", (_name, open) => {
  test("keep a text under its name, whole, until it is replaced", async () => {
    const store = await open();
    expect(await store.get("uplink-a")).toBeUndefined();
    await store.set("uplink-a", '{"AppKey":"ü\n\\"}');
    await store.set("uplink-b", "other");
    expect(await store.get("uplink-a")).toBe('{"AppKey":"ü\n\\"}');
    await store.set("uplink-a", "new");
    expect([await store.get("uplink-a"), await store.get("uplink-b")]).toEqual(["new", "other"]);
  });
});

test("a secret's file and its folder are nobody else's to read, and nothing half-written stays", async () => {
  const folder = await newFolder();
  const store = createFileSecretStore({ folder });
  await store.set("uplink-a", "x");
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, "uplink-a"))).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["uplink-a"]);
});

test("no name leads out of the place", async () => {
  for (const store of [createFileSecretStore({ folder: await newFolder() }), vault().store])
    for (const name of ["../x", "a/b", "", "a".repeat(128)])
      await expect(store.set(name, "x")).rejects.toThrow(SecretsUnavailable);
});

test("a folder that can't be made is told without the secret", async () => {
  const folder = await newFolder();
  await writeFile(folder, "a file");
  const failure = await createFileSecretStore({ folder })
    .set("uplink-a", "SECRET")
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(SecretsUnavailable);
  expect(String(failure)).not.toContain("SECRET");
});

test("a vault is asked with a token for its own cloud, and its refusal is told without its words", async () => {
  const { store, asked, scopes } = vault();
  await store.set("uplink-a", "x");
  expect(asked).toEqual([
    { url: "https://own.vault.azure.net/secrets/uplink-a?api-version=7.4", authorization: "Bearer t" },
  ]);
  expect(scopes).toEqual(["https://vault.azure.net/.default"]);
  const refusing = vault(() => Response.json({ error: { message: "SECRET" } }, { status: 403 })).store;
  for (const call of [refusing.get("uplink-a"), refusing.set("uplink-a", "SECRET")])
    await expect(call).rejects.toThrow(/^The key vault own\.vault\.azure\.net answered with status 403\.$/);
});
