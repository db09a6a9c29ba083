import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NEEDS } from "../../shared/needs.ts";

const ROOT = join(import.meta.dirname, "..", "..");

describe("host.json of a deployment", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "uplink-host-json-"));
    cpSync(join(ROOT, "host.json"), join(folder, "host.json"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const made = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    execFileSync(process.execPath, [join(ROOT, "scripts", "host-json.mjs"), folder, ...args], {
      env: { ...process.env, ...env },
      stdio: "pipe",
    });
    return parsed(join(folder, "host.json"));
  };
  const parsed = (file: string) =>
    JSON.parse(readFileSync(file, "utf8")) as {
      extensions: { durableTask: { hubName: string; storageProvider: Record<string, string> } };
    };
  const settingsOf = (backend: string) =>
    NEEDS.hostSettings.filter((own) => own.backend === backend).map((own) => own.name);

  it("names Durable's backend in the file, by settings that the infrastructure sets for it", () => {
    const { connectionStringName, ...scheduler } = made(["scheduler"]).extensions.durableTask.storageProvider;
    expect(scheduler).toEqual({ type: "azureManaged" });
    expect(settingsOf("scheduler")).toEqual([connectionStringName]);
    const { connectionName, type } = made(["storage"]).extensions.durableTask.storageProvider;
    expect(type).toBe("AzureStorage");
    expect(settingsOf("storage").length).toBe(5);
    for (const name of settingsOf("storage")) expect(name.split("__")[0]).toBe(connectionName);
  });

  it("changes nothing else, and keeps the pace of the storage backend", () => {
    const usual = parsed(join(ROOT, "host.json"));
    const stored = made(["storage"]);
    expect(stored.extensions.durableTask.storageProvider).toMatchObject(usual.extensions.durableTask.storageProvider);
    const without = (all: ReturnType<typeof parsed>) => {
      const { storageProvider: _, ...durableTask } = all.extensions.durableTask;
      return { ...all, extensions: { ...all.extensions, durableTask } };
    };
    expect(without(stored)).toEqual(without(usual));
  });

  it("is the scheduler's when nobody says anything, and refuses what is no backend", () => {
    expect(made([], { UPLINK_DURABLE_BACKEND: "" }).extensions.durableTask.storageProvider["type"]).toBe(
      "azureManaged",
    );
    // As the infrastructure chooses where nobody does: azd makes the package before it provisions.
    const usual = (env: Record<string, string>) => made([], env).extensions.durableTask.storageProvider["type"];
    expect(usual({ UPLINK_DURABLE_BACKEND: "", UPLINK_NETWORK: "private" })).toBe("AzureStorage");
    expect(usual({ UPLINK_DURABLE_BACKEND: "scheduler", UPLINK_NETWORK: "private" })).toBe("azureManaged");
    expect(() => made(["netherite"])).toThrow(/'netherite' is no backend of Durable: scheduler or storage/);
  });

  it("has the chunks of the service's own setting in its reason for so many activities at once", () => {
    const record = readFileSync(join(ROOT, "docs", "adr", "0008-host-json.md"), "utf8");
    const chunk = NEEDS.settings.find(({ name }) => name === "UPLINK_CHUNK_OBJECTS");
    expect(record).toContain(`8 chunks of ${chunk?.default} objects (\`UPLINK_CHUNK_OBJECTS\`)`);
  });

  it("has every number in the record of their reasons, with the value that it has", () => {
    const leavesOf = (value: unknown, path: string): [string, string][] =>
      typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, one]) => leavesOf(one, path === "" ? key : `${path}.${key}`))
        : [[path, String(value)]];
    const leaves = leavesOf(parsed(join(ROOT, "host.json")), "");
    const record = readFileSync(join(ROOT, "docs", "adr", "0008-host-json.md"), "utf8");
    const rows = [...record.matchAll(/^\| `([^`]+)` \| `([^`]+)` \| (.+) \|$/gm)];
    expect(rows.map(([, path, value]) => [path, value])).toEqual(leaves);
    for (const [, path, , why] of rows) expect([path, (why ?? "").length > 10]).toEqual([path, true]);
    const limit = NEEDS.hostSettings.find(({ name }) => name === "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT")?.azure;
    const bytes = limit !== undefined && "value" in limit ? limit.value : "missing";
    expect(record).toContain(`\`FUNCTIONS_REQUEST_BODY_SIZE_LIMIT\` is \`${bytes}\``);
  });
});
