/** The Graph adapter against the directory stand-in, in the stand-in's time: sleeping moves its clock. */

import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import type { TokenCredential } from "@azure/identity";
import {
  createGraphTargetDirectory,
  type GraphTargetDeps,
} from "../../../shared/adapters/graph/graph-target-directory.ts";
import type { TargetValues } from "../../../shared/domain/target-value.ts";
import type { Random } from "../../../shared/ports/clock.ts";
import type { Log, LogFields } from "../../../shared/ports/log.ts";
import type { TargetAction, TargetDirectory } from "../../../shared/ports/target-directory.ts";
import { certificateDir, type TestDirectory } from "../../local/directory/support.ts";

export const random: Random = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };

export interface Rig {
  readonly target: TargetDirectory;
  /** Milliseconds slept by the adapter. */
  slept(): number;
  /** Texts of all requests sent. */
  readonly sent: string[];
  readonly logged: string[];
  close(): void;
}

/** An adapter on the stand-in; `as` names one of its applications. */
export function connect(directory: TestDirectory, overrides: Partial<GraphTargetDeps> = {}): Rig {
  const agent = new Agent({ ca: readFileSync(join(certificateDir, "ca.pem")), keepAlive: true });
  const sent: string[] = [];
  const logged: string[] = [];
  let slept = 0;
  const credential: TokenCredential = {
    getToken: async () => ({
      token: await directory.token("exporter"),
      expiresOnTimestamp: directory.clock.ms + 3_000_000,
    }),
  };
  const target = createGraphTargetDirectory({
    baseUrl: directory.graphUrl,
    credential,
    scope: "https://graph.microsoft.com/.default",
    log: recordingLog(logged),
    random,
    clock: { now: () => directory.clock.ms },
    maxParallelBatches: 4,
    fetch: fetchThrough(agent, sent),
    sleep: async (ms) => {
      slept += ms;
      directory.clock.ms += ms;
    },
    ...overrides,
  });
  return { target, sent, logged, slept: () => slept, close: () => agent.destroy() };
}

/** `fetch` with a certificate authority of its own, which Node's has no way to be given after its start. */
export function fetchThrough(agent: Agent, sent: string[] = []): typeof fetch {
  return (url, init) =>
    new Promise((resolve, reject) => {
      const body = typeof init?.body === "string" ? init.body : undefined;
      sent.push(`${init?.method} ${String(url)} ${body ?? ""}`);
      const headers = Object.fromEntries(new Headers(init?.headers).entries());
      const outgoing = request(String(url), { agent, method: init?.method ?? "GET", headers }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on("data", (chunk: Buffer) => chunks.push(chunk));
        reply.on("error", reject);
        reply.on("end", () => {
          const status = reply.statusCode ?? 0;
          const text = Buffer.concat(chunks);
          const received = reply.headers as Record<string, string>;
          resolve(new Response(status === 204 ? null : text, { status, headers: received }));
        });
      });
      outgoing.on("error", (error) => reject(new TypeError("fetch failed", { cause: error })));
      outgoing.end(body);
    });
}

export function recordingLog(lines: string[]): Log {
  const write =
    (level: string) =>
    (event: string, fields: LogFields = {}) => {
      lines.push(JSON.stringify({ level, event, ...fields }));
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

let counter = 0;

/** Values of a new user, each time another one. */
function buildValues(overrides: TargetValues = {}): TargetValues {
  counter++;
  return {
    accountEnabled: true,
    displayName: `Person ${counter}`,
    mailNickname: `someone${counter}`,
    userPrincipalName: `someone${counter}@contoso.example`,
    onPremisesImmutableId: Buffer.from(`anchor-${String(counter).padStart(9, "0")}`).toString("base64"),
    ...overrides,
  };
}

export function buildCreate(overrides: TargetValues = {}): Extract<TargetAction, { kind: "create" }> {
  const values = buildValues(overrides);
  return { kind: "create", key: `guid-${String(values["mailNickname"])}`, type: "user", values };
}
