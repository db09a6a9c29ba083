import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SampleHost, startSampleHost, until } from "../sample-host.ts";

let host: SampleHost;
const bodyLimit = 300_000;
const call = (path: string, init?: RequestInit): Promise<Response> => fetch(`${host.url}/api/${path}`, init);

beforeAll(async () => {
  host = await startSampleHost({ env: { FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: String(bodyLimit) } });
});
afterAll(() => host.close());

describe("an HTTP trigger", () => {
  it("gets method, URL, route parameters, query and headers; repeated ones joined by a comma", async () => {
    const response = await call("echo/7/x%20y?a=1&b=%C3%A4&a=2", { method: "PUT", headers: { "X-Sample": "v" } });
    expect(response.status).toBe(201);
    expect(response.headers.get("x-echo")).toBe("yes");
    expect(await response.json()).toMatchObject({
      method: "PUT",
      url: `${host.url}/api/echo/7/x%20y?a=1&b=%C3%A4&a=2`,
      params: { id: "7", part: "x y" },
      query: { a: "1,2", b: "ä" },
      header: "v",
      length: 0,
      functionName: "echo",
    });
  });

  it("gets binary and gzip bodies byte by byte, inflated by nobody", async () => {
    const body = gzipSync(Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 7919) % 256)));
    const response = await call("echo/7", { method: "POST", body, headers: { "content-encoding": "gzip" } });
    expect(await response.json()).toMatchObject({
      encoding: "gzip",
      length: body.length,
      sha256: createHash("sha256").update(body).digest("hex"),
    });
  });

  it("gets a body that comes in pieces without a length", async () => {
    const pieces = [Buffer.from([0, 255, 128]), Buffer.from("more")];
    const body = new ReadableStream({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
    });
    const response = await call("bytes", { method: "POST", body, duplex: "half" } as RequestInit);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(
      Buffer.concat([Buffer.from([0, 255, 128]), Buffer.from("more")]),
    );
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
  });

  it("returns its own response objects, cookies, and 204 for nothing", async () => {
    const teapot = await call("response");
    expect([teapot.status, await teapot.text()]).toEqual([418, "teapot"]);
    const cookies = (await call("cookies")).headers.getSetCookie();
    expect(cookies).toEqual([
      "a=1; max-age=60; path=/p; secure; samesite=strict; httponly",
      "b=two%20words; expires=Tue, 01 Jan 2030 00:00:00 GMT; path=/",
    ]);
    const nothing = await call("nothing");
    expect([nothing.status, await nothing.text()]).toEqual([204, ""]);
  });

  it("answers 500 with an empty body when it throws, and the log says why", async () => {
    const response = await call("throws");
    expect([response.status, await response.text()]).toEqual([500, ""]);
    expect(host.logs.some((line) => line.startsWith("error Function.throws") && line.includes("secret inside"))).toBe(
      true,
    );
  });

  it("is chosen by the more specific route", async () => {
    const text = async (path: string): Promise<string> => (await call(path)).text();
    expect(await text("pick/fixed")).toBe("fixed");
    expect(await text("pick/12")).toBe("number");
    expect(await text("pick/twelve")).toBe("word");
    expect(await text("files/a/b/c.txt")).toBe("a/b/c.txt");
  });

  it.each([
    ["an unknown path", "nowhere", "GET"],
    ["a method that isn't listed", "echo/7", "DELETE"],
    ["HEAD where only GET is listed", "echo/7", "HEAD"],
    ["a function that is switched off", "switchedOff", "GET"],
    ["another route prefix", "../echo/7", "GET"],
  ])("is 404 for %s", async (_what, path, method) => {
    expect((await call(path, { method })).status).toBe(404);
  });

  it("of level function or admin wants a key, in the header or the query", async () => {
    const keys = JSON.parse(await readFile(join(host.stateDir, "keys.json"), "utf8")) as Record<string, string>;
    const { functionKey = "", masterKey = "" } = keys;
    const status = async (path: string, key?: string): Promise<number> =>
      (await call(path, key === undefined ? {} : { headers: { "x-functions-key": key } })).status;
    expect(await status("guarded")).toBe(401);
    expect(await status("guarded", "wrong")).toBe(401);
    expect(await status("guarded", functionKey)).toBe(200);
    expect(await status(`guarded?code=${functionKey}`)).toBe(200);
    expect(await status("guarded", masterKey)).toBe(200);
    expect(await status("adminOnly", functionKey)).toBe(401);
    expect(await status("adminOnly", masterKey)).toBe(200);
    if (process.platform !== "win32") expect((await stat(join(host.stateDir, "keys.json"))).mode & 0o777).toBe(0o600);
  });
});

describe("a caller that hangs up in the middle of its body", () => {
  it("reaches no handler and is no error of the host", async () => {
    const { port } = new URL(host.url);
    const before = host.logs.length;
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), "127.0.0.1", () => {
        socket.write(`POST /api/bytes HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 1000\r\n\r\nhalf`, () =>
          setImmediate(() => socket.destroy()),
        );
      });
      socket.once("close", () => resolve());
    });
    await until("its note in the log", () => host.logs.slice(before).some((line) => line.includes("aborted")));
    expect(host.logs.slice(before).filter((line) => line.startsWith("error"))).toEqual([]);
  });
});

describe("the body limit", () => {
  it("lets the limit itself pass", async () => {
    expect((await call("bytes", { method: "POST", body: Buffer.alloc(bodyLimit) })).status).toBe(200);
  });

  it("answers 413 to an announced body before any of it is read", async () => {
    const { port } = new URL(host.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), "127.0.0.1", () => {
        socket.write(`POST /api/bytes HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: ${bodyLimit + 1}\r\n\r\n`);
      });
      socket.once("data", (data) => {
        socket.destroy();
        resolve(data.toString());
      });
      socket.once("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it("answers 413 to a body without a length as soon as it is too large, and reads no further", async () => {
    const { port } = new URL(host.url);
    let sent = 0;
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest({ port: Number(port), host: "127.0.0.1", path: "/api/bytes", method: "POST" });
      request.on("response", (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on("error", reject);
      const piece = Buffer.alloc(64 * 1024);
      const more = (): void => {
        if (request.destroyed) return;
        sent += piece.length;
        request.write(piece, () => setImmediate(more));
      };
      more();
    });
    expect(status).toBe(413);
    // What sockets buffer on both sides, not the endless body.
    expect(sent).toBeLessThan(20 * 1024 * 1024);
  });
});

describe("the administration API", () => {
  it("tells that the host runs, and its functions", async () => {
    const status = await (await fetch(`${host.url}/admin/host/status`)).json();
    expect(status).toMatchObject({ state: "Running" });
    const functions = (await (await fetch(`${host.url}/admin/functions`)).json()) as Record<string, unknown>[];
    expect(functions.find(({ name }) => name === "echo")).toMatchObject({
      invoke_url_template: `${host.url}/api/echo/{id}/{part?}`,
      isDisabled: false,
      language: "node",
    });
    expect(functions.find(({ name }) => name === "switchedOff")).toMatchObject({ isDisabled: true });
  });

  it("is closed to other host names and to posts that a web page could make", async () => {
    const { port } = new URL(host.url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      httpRequest({
        port: Number(port),
        host: "127.0.0.1",
        path: "/admin/host/status",
        headers: { host: "evil.example" },
      })
        .on("response", (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(401);
    const post = await fetch(`${host.url}/admin/functions/nightly`, { method: "POST", body: '{"input":""}' });
    expect(post.status).toBe(415);
  });

  it("refuses to run by hand what can't be", async () => {
    const init = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
    expect((await fetch(`${host.url}/admin/functions/echo`, init)).status).toBe(400);
    expect((await fetch(`${host.url}/admin/functions/nobody`, init)).status).toBe(404);
  });

  it("counts what orchestrations did", async () => {
    await host.ended(await host.begin("sum", 2));
    const counters = await (await fetch(`${host.url}/admin/durable/counters`)).json();
    expect(counters).toMatchObject({ sum: { started: 1, completed: 1, activities: 2 } });
  });
});
