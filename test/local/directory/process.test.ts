import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type CertificateFiles, ensureCertificates } from "../../../local/certificates.ts";
import { applications, certificateDir } from "./support.ts";

let dir: string;
let files: CertificateFiles;
const children: ChildProcess[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "uplink-directory-"));
  files = await ensureCertificates(certificateDir);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});

function launch(overrides: Record<string, string> = {}) {
  writeFileSync(join(dir, "applications.json"), JSON.stringify(Object.values(applications)));
  const child = spawn(process.execPath, ["--import", "tsx", "local/directory-process.ts"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      UPLINK_DIRECTORY_PORT: "0",
      UPLINK_STATE_DIR: join(dir, "state"),
      UPLINK_TLS_CERT_FILE: files.certFile,
      UPLINK_TLS_KEY_FILE: files.keyFile,
      UPLINK_DIRECTORY_APPLICATIONS_FILE: join(dir, "applications.json"),
      UPLINK_DIRECTORY_QUOTA: "off",
      ...overrides,
    },
  });
  children.push(child);
  let stdout = "";
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; stderr: string; stdout: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, stderr, stdout })),
  );
  const ready = new Promise<{ url: string; port: number }>((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      stdout += chunk;
      if (stdout.includes("\n")) resolve(JSON.parse(stdout));
    });
    child.on("close", () => reject(new Error(stderr)));
  });
  ready.catch(() => {});
  return { child, ready, ended };
}

function control(
  url: string,
  method: string,
  path: string,
  body?: object,
): Promise<{ value?: unknown[]; ids?: string[] }> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ca: readFileSync(files.caFile) });
    request(`${url}/control/${path}`, { method, agent }, (reply) => {
      let text = "";
      reply.on("data", (chunk) => {
        text += chunk;
      });
      reply.on("end", () => resolve(JSON.parse(text)));
    })
      .on("error", reject)
      .end(body && JSON.stringify(body));
  });
}

it("says one ready line, keeps what it holds when it is killed, and ends with 0 on SIGTERM", async () => {
  const first = launch();
  const { url } = await first.ready;
  const seeds = [{ properties: { userPrincipalName: "kept@uplinkdemo.onmicrosoft.com", displayName: "Kept" } }];
  const { ids } = await control(url, "POST", "seed", { objects: seeds });
  first.child.kill("SIGKILL");
  await first.ended;

  const second = launch();
  const again = await second.ready;
  const { value } = await control(again.url, "GET", "objects");
  expect(value).toMatchObject([{ id: ids?.[0], properties: { displayName: "Kept" } }]);
  second.child.kill("SIGTERM");
  const { code, stdout } = await second.ended;
  expect(code).toBe(0);
  expect(stdout.trim().split("\n")).toHaveLength(1);
});

it("lists every wrong setting with its remedy and exits 1", async () => {
  const { ended } = launch({
    UPLINK_DIRECTORY_PORT: "seventy",
    UPLINK_TLS_KEY_FILE: "",
    UPLINK_DIRECTORY_QUOTA: "maybe",
    UPLINK_DIRECTORY_APPLICATIONS_FILE: join(dir, "absent.json"),
  });
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/UPLINK_DIRECTORY_PORT: 'seventy'/);
  expect(stderr).toMatch(/UPLINK_TLS_KEY_FILE: not set/);
  expect(stderr).toMatch(/UPLINK_DIRECTORY_QUOTA: 'maybe'/);
  expect(stderr).toMatch(/UPLINK_DIRECTORY_APPLICATIONS_FILE: .*absent\.json/);
});

it("names a taken port and its setting, and exits 1", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  const { code, stderr } = await launch({ UPLINK_DIRECTORY_PORT: String(port) }).ended;
  other.close();
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`port ${port} is taken. Set UPLINK_DIRECTORY_PORT`));
});
