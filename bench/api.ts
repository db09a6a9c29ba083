/**
 * What the API costs: `npx tsx bench/api.ts [--batches N] [--jobs N] [--entries N] [--json FILE]`. Batches of 200 people come in
 * through the service's own wrapper (proof, inflating, contract, blob and transaction), and pages of the provisioning log are
 * asked for, over Azurite in memory, a process of its own. HTTP itself is the Functions host's and isn't in it.
 *
 * Bodies and proofs are made before the clock starts. On a machine that does other things the numbers say little: the load
 * average stands beside them.
 */
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import type { HttpRequest } from "@azure/functions";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import { acceptBatchRoute } from "../functions/accept-batch.http.ts";
import { enrolRoute } from "../functions/enrol.http.ts";
import { heartbeatRoute } from "../functions/heartbeat.http.ts";
import { answer } from "../functions/http-answer.ts";
import type { Route } from "../functions/http-route.ts";
import { createBlobStore } from "../shared/adapters/blobs/blob-store.ts";
import { createTableRowStore } from "../shared/adapters/tables/row-store.ts";
import type { LogAsked } from "../shared/application/log/log-queries.ts";
import { createProvisioningLog } from "../shared/application/state/provisioning-log.ts";
import type { ReadOrder } from "../shared/contracts/agent-api.ts";
import { PROOF_HEADER, PROOF_TYPE } from "../shared/contracts/proof.ts";
import { startAzurite } from "../test/support/azurite.ts";
import { type Cloud, createCloud, START } from "../test/support/cloud.ts";
import { type AcceptMeasured, type ApiResult, apiReport, missedByApi, type PagesMeasured } from "./api-measured.ts";
import { conditionsHere } from "./conditions.ts";
import { logEntryOf } from "./log-population.ts";
import { personOf } from "./population.ts";

const ORIGIN = "https://uplink.example";
const CHANGES = 200;
const WARM_UP = 10;
const PAGE = 50;
const PAGES = 40;
/** Entries that are written at a time: no more than Azurite answers in time. */
const FILL = 200;
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

interface Sized {
  readonly batches: number;
  readonly jobs: number;
  readonly entries: number;
}

type Send = () => Promise<void>;

async function openCloud(connectionString: string): Promise<Cloud> {
  return createCloud({
    log: silent,
    wrapRows: () => createTableRowStore({ connectionString }),
    wrapBlobs: () => createBlobStore({ connectionString, container: "api" }),
  });
}

/** One agent with an open read, and what sends its batches, made up to the proof. */
async function openAgent(cloud: Cloud, fqdn: string, batches: number): Promise<{ sends: Send[]; bytes: number }> {
  const { routes } = cloud.cloud;
  const domain = await cloud.addDomain(fqdn);
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const { x = "", y = "" } = await exportJWK(publicKey);
  const jwk = { kty: "EC" as const, crv: "P-256" as const, x, y };
  const kid = await calculateJwkThumbprint(jwk);
  const boot = randomBytes(16).toString("base64url");
  let seq = 0;
  const prove = async (path: string, body: Uint8Array) => {
    const iat = Math.floor(cloud.clock.now() / 1000);
    const claims = {
      ...{ htm: "POST", htu: `${ORIGIN}${path}`, aud: ORIGIN, iat, exp: iat + 60, seq: ++seq, boot },
      jti: randomBytes(16).toString("base64url"),
      bsha: createHash("sha256").update(body).digest("base64url"),
    };
    return new SignJWT(claims).setProtectedHeader({ alg: "ES256", typ: PROOF_TYPE, kid }).sign(privateKey);
  };
  const post = async (route: Route, path: string, content: unknown): Promise<Record<string, unknown>> => {
    const body = Buffer.from(JSON.stringify(content));
    const reply = await call(cloud, route, path, {}, body, { [PROOF_HEADER]: await prove(path, body) });
    return reply.jsonBody as Record<string, unknown>;
  };
  const policy = { minutes: 60, policy: "active" as const };
  const token = await routes.configurations.createToken(domain.configurationId, policy, "bench");
  const identity = { ...domain.domain };
  await post(enrolRoute(routes), "/api/agent/v1/enrol", {
    ...{ token: token.ok ? token.value.token : "", publicKey: jwk, name: "bench", version: "1", platform: "bench" },
    domain: identity,
  });
  const beat = { version: "1", domain: identity, want: "full" };
  const reply = await post(heartbeatRoute(routes.heartbeat), "/api/agent/v1/heartbeat", beat);
  const order = reply["order"] as ReadOrder;
  const route = acceptBatchRoute(routes.acceptBatch);
  const path = `/api/agent/v1/jobs/${domain.jobId}/batches`;
  const population = { domain: fqdn, people: batches * CHANGES, groups: 0, isEven: true as const };
  const sends: Send[] = [];
  let bytes = 0;
  for (let batch = 0; batch < batches; batch++) {
    const people = Array.from({ length: CHANGES }, (_, at) => personOf(population, batch * CHANGES + at, "Clerk"));
    const body = gzipSync(JSON.stringify(domain.batch(order, batch + 1, people, {})), { level: 1 });
    bytes += body.length;
    const headers = { [PROOF_HEADER]: await prove(path, body), "content-encoding": "gzip" };
    sends.push(async () => void (await call(cloud, route, path, { jobId: domain.jobId }, body, headers)));
  }
  return { sends, bytes };
}

/** As the host hands a request to its function. */
async function call(
  cloud: Cloud,
  route: Route,
  path: string,
  params: Readonly<Record<string, string>>,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
) {
  const request = {
    ...{ method: "POST", url: `${ORIGIN}${path}`, params, query: new URLSearchParams() },
    headers: new Headers({ ...headers, "content-length": String(body.length) }),
    arrayBuffer: async () => body,
  };
  // The wrapper takes no more of it than this.
  const reply = await answer(cloud.cloud.routes, route, request as unknown as HttpRequest);
  if (Number(reply.status) >= 300)
    throw new Error(`${path} was answered ${reply.status}: ${JSON.stringify(reply.jsonBody)}`);
  return reply;
}

async function measureAccept(cloud: Cloud, { batches, jobs }: Sized): Promise<AcceptMeasured> {
  const each = Math.ceil(batches / jobs);
  const agents = await Promise.all(
    Array.from({ length: jobs }, (_, at) => openAgent(cloud, `d${at}.example`, WARM_UP + each)),
  );
  await Promise.all(agents.map(async ({ sends }) => sendAll(sends.slice(0, WARM_UP))));
  const cpu = process.cpuUsage();
  const began = performance.now();
  const took = (await Promise.all(agents.map(({ sends }) => sendAll(sends.slice(WARM_UP))))).flat();
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const bytes = agents.reduce((sum, own) => sum + own.bytes, 0);
  return {
    ...{ batches: took.length, changes: CHANGES, jobs },
    kilobytes: bytes / jobs / (WARM_UP + each) / 1000,
    perSecond: took.length / seconds,
    ...percentiles(took),
    cpuMs: (user + system) / 1000 / took.length,
  };
}

/** One after the other, as an agent does; milliseconds of each. */
async function sendAll(sends: readonly Send[]): Promise<number[]> {
  const took: number[] = [];
  for (const send of sends) {
    const began = performance.now();
    await send();
    took.push(performance.now() - began);
  }
  return took;
}

async function measurePages(cloud: Cloud, connectionString: string, entries: number): Promise<PagesMeasured[]> {
  const [job] = (await cloud.cloud.routes.configurations.list()).map(({ jobId }) => jobId);
  const jobId = job ?? "";
  const log = createProvisioningLog({ rows: createTableRowStore({ connectionString }) });
  for (let at = 0; at < entries; at += FILL) {
    const own = Array.from({ length: Math.min(FILL, entries - at) }, (_, n) => logEntryOf(jobId, START, at + n));
    await log.write(own);
    if (at % 10_000 === 0) process.stderr.write(`${at} entries written …\n`);
  }
  const ofJob = `jobId eq '${jobId}'`;
  const object = logEntryOf(jobId, START, 7).source.objectGuid;
  const before = `activityDateTime lt ${new Date(START - 7_200_000).toISOString()}`;
  const failed = "provisioningStatusInfo/status eq 'failure'";
  const questions: readonly [string, Omit<LogAsked, "top">][] = [
    ["newest first, all jobs", {}],
    ["a time range", { filter: before }],
    ["one job", { filter: ofJob }],
    ["a time range of a job", { filter: `${ofJob} and ${before}` }],
    ["one object", { filter: `${ofJob} and sourceIdentity/id eq '${object}'` }],
    ["failures", { filter: failed }],
    ["failures of a job", { filter: `${ofJob} and ${failed}` }],
    ["failures in a time range", { filter: `${before} and ${failed}` }],
  ];
  const measured: PagesMeasured[] = [];
  for (const [question, asked] of questions) {
    const took: number[] = [];
    const cpu = process.cpuUsage();
    let skipToken: string | undefined;
    for (let page = 0; page < PAGES; page++) {
      const began = performance.now();
      const found = await cloud.cloud.routes.queries.log({ ...asked, top: PAGE, skipToken });
      took.push(performance.now() - began);
      if (!found.ok) throw new Error(found.failure.message);
      skipToken = found.value.next;
    }
    const { user, system } = process.cpuUsage(cpu);
    measured.push({ question, entries, pages: PAGES, ...percentiles(took), cpuMs: (user + system) / 1000 / PAGES });
  }
  return measured;
}

function percentiles(took: readonly number[]) {
  const sorted = [...took].sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: at(0.5), p95Ms: at(0.95) };
}

/** Rejects when anything is refused: a quick wrong one is no result. */
export async function measureApi(sized: Sized): Promise<Pick<ApiResult, "accept" | "pages">> {
  const azurite = await startAzurite();
  try {
    const cloud = await openCloud(azurite.connectionString);
    const accept = await measureAccept(cloud, sized);
    process.stderr.write(
      `${accept.perSecond.toFixed(0)} batches/s, p95 ${accept.p95Ms.toFixed(0)} ms, ${accept.cpuMs.toFixed(1)} ms CPU\n`,
    );
    return { accept, pages: await measurePages(cloud, azurite.connectionString, sized.entries) };
  } finally {
    await azurite.stop();
  }
}

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      batches: { type: "string", default: "1000" },
      jobs: { type: "string", default: "4" },
      entries: { type: "string", default: "100000" },
      json: { type: "string" },
    },
  });
  const [batches = 0, jobs = 0, entries = 0] = [values.batches, values.jobs, values.entries].map(Number);
  if (![batches, jobs, entries].every((size) => Number.isInteger(size) && size >= 1 && size <= 1_000_000))
    throw new Error("--batches, --jobs and --entries take whole numbers from 1 on.");
  const before = loadavg()[0] ?? 0;
  const measured = await measureApi({ batches, jobs, entries });
  const conditions = {
    command: ["npx tsx bench/api.ts", ...args].join(" "),
    date: new Date().toISOString().slice(0, 10),
    storage: "Azurite in memory, a process of its own",
    load: `${before.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after`,
    ...conditionsHere(),
  };
  const result: ApiResult = { conditions, ...measured, missed: missedByApi(measured.accept) };
  process.stdout.write(`${apiReport(result)}\n`);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
