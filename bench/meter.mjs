/**
 * Loaded into the measured processes before their own program (`NODE_OPTIONS=--import`): counts what a process asks of
 * storage and knows its peak memory, so that the program itself carries no counting.
 *
 * Rows and transactions are counted in the requests as they go out to Azurite: an entity group transaction has a part
 * for each row. With METER_PORT_FILE it answers on a loopback port (`GET /`, `POST /reset`, `POST /profile/start`,
 * `POST /profile/stop?file=…`); with METER_END_FILE it writes its last word there when the process ends.
 */
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { Session } from "node:inspector/promises";

const { METER_PORT_FILE, METER_END_FILE, METER_TABLE_PORT, METER_BLOB_PORT } = process.env;
// Not for processes that this one may start.
delete process.env.NODE_OPTIONS;

const PART = "Content-Type: application/http";
const TABLE = /devstoreaccount1\/([A-Za-z0-9]+)/;
let storage = nothing();
let firstRequestAt;

function nothing() {
  return { transactions: 0, rows: 0, byTable: {}, rowReads: 0, rangeReads: 0, blobReads: 0, blobWrites: 0 };
}

/** `body`: text or bytes. */
function partsIn(body) {
  let parts = 0;
  for (let at = body.indexOf(PART); at !== -1; at = body.indexOf(PART, at + PART.length)) parts++;
  return parts;
}

function countTableRequest({ method, path }, body) {
  const isBatch = path.includes("$batch");
  // The first part names the table, and stands near the beginning.
  const name = TABLE.exec(isBatch ? body.slice(0, 2_000).toString() : path)?.[1] ?? "other";
  storage.byTable[name] ??= { transactions: 0, rows: 0, rowReads: 0, rangeReads: 0 };
  const count = (what, by = 1) => {
    storage[what] += by;
    storage.byTable[name][what] += by;
  };
  if (method === "GET") {
    count(path.includes("PartitionKey=") ? "rowReads" : "rangeReads");
    return;
  }
  count("transactions");
  count("rows", isBatch ? partsIn(body) : 1);
}

const { end } = http.ClientRequest.prototype;
http.ClientRequest.prototype.end = function (chunk, ...rest) {
  const port = String(this.getHeader("host") ?? "").split(":")[1];
  if (port === METER_TABLE_PORT) countTableRequest(this, chunk ?? "");
  if (port === METER_BLOB_PORT) storage[this.method === "GET" || this.method === "HEAD" ? "blobReads" : "blobWrites"]++;
  return end.call(this, chunk, ...rest);
};

const { fetch } = globalThis;
globalThis.fetch = (...request) => {
  firstRequestAt ??= Date.now();
  return fetch(...request);
};

/** Linux knows the peak of this program alone; elsewhere it is the operating system's for the process. */
function peakBytes() {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

function reading() {
  const { user, system } = process.cpuUsage();
  return { storage, peakBytes: peakBytes(), cpuSeconds: (user + system) / 1e6, firstRequestAt: firstRequestAt ?? null };
}

if (METER_END_FILE) process.on("exit", () => writeFileSync(METER_END_FILE, JSON.stringify(reading())));

if (METER_PORT_FILE) {
  const inspector = new Session();
  const actions = {
    "GET /": () => reading(),
    "POST /reset": async () => {
      storage = nothing();
      // What earlier work left to the collector is no use of memory by this run.
      inspector.connect();
      await inspector.post("HeapProfiler.collectGarbage");
      inspector.disconnect();
      try {
        // 5: the kernel's peak starts again from what is resident now.
        writeFileSync("/proc/self/clear_refs", "5");
      } catch {
        // Elsewhere the peak is that of the whole run.
      }
      return {};
    },
    "POST /profile/start": async () => {
      inspector.connect();
      await inspector.post("Profiler.enable");
      await inspector.post("Profiler.start");
      return {};
    },
    "POST /profile/stop": async (url) => {
      const { profile } = await inspector.post("Profiler.stop");
      inspector.disconnect();
      writeFileSync(url.searchParams.get("file"), JSON.stringify(profile));
      return {};
    },
  };
  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    const action = actions[`${request.method} ${url.pathname}`];
    try {
      if (!action) throw new Error(`The meter knows no ${request.method} ${url.pathname}.`);
      response.end(JSON.stringify(await action(url)));
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  });
  server.unref();
  server.listen(0, "127.0.0.1", () => writeFileSync(METER_PORT_FILE, String(server.address().port)));
}
