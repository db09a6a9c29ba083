/** `callHttp`: requests of an orchestration, asked again after a 202, as the extension and the library do it together. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect } from "vitest";
import { type DurableHost, startDurableHost } from "./durable-host.ts";
import { extension, extensionIssue, mirrors, sdk, sdkIssue } from "./mirrors.ts";

type Answer = { statusCode: number; content: string; headers: Record<string, unknown>; error?: string };
type Asked = { method: string; url: string; headers: Record<string, unknown>; body: string };

let host: DurableHost;
let server: Server;
let base: string;
let asked: Asked[] = [];
let handle: (request: Asked, response: ServerResponse) => void;

const ask = async (input: object): Promise<Answer> => (await host.run("asks", input)).output as Answer;

beforeAll(async () => {
  host = await startDurableHost();
  server = createServer((request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const one = { method, url, headers, body: Buffer.concat(parts).toString("utf8") };
      asked.push(one);
      handle(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await host.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  asked = [];
});

/** Says 202 so many times, then `done`; the status is asked for under `/status/…`. */
function slowly(times: number, retryAfter: string): void {
  const left = new Map<string, number>();
  handle = ({ url }, response) => {
    const name = url.replace(/^\/(start|status)\//, "");
    const remaining = left.get(name) ?? times;
    left.set(name, remaining - 1);
    if (remaining === 0) return response.end(`done ${name}`);
    return response.writeHead(202, { Location: `${base}/status/${name}`, "Retry-After": retryAfter }).end("wait");
  };
}

describe("callHttp", () => {
  mirrors(
    "gives status, text and headers in their spelling, without the content's; text is text/plain unless said otherwise",
    [
      extension("Listener/TaskHttpActivityShim.cs", "ReconstructHttpRequestMessage"),
      extension("DurableHttpResponse.cs", "CreateDurableHttpResponseWithHttpResponseMessage"),
      sdkIssue(284),
    ],
    async () => {
      handle = (_request, response) =>
        response.writeHead(404, { "X-Mixed-Case": "yes", "Content-Type": "application/json" }).end('{"a":"ä"}');
      const answer = await ask({ method: "post", url: `${base}/x?q=1`, body: "hello", headers: { "X-Own": "1" } });
      expect(answer).toMatchObject({ statusCode: 404, content: '{"a":"ä"}' });
      expect(answer.headers).toMatchObject({ "X-Mixed-Case": "yes" });
      expect(Object.keys(answer.headers).map((name) => name.toLowerCase())).not.toContain("content-type");
      expect(asked).toMatchObject([
        { method: "POST", url: "/x?q=1", body: "hello", headers: { "x-own": "1", "content-type": "text/plain" } },
      ]);
    },
  );

  mirrors(
    "asks again with GET, without body and function key, until the answer is no 202",
    [
      sdk("task/CallHttpWithPollingTask.js", 23, 'result.statusCode === 202 && result.getHeader("Location")'),
      extension("ContextImplementations/DurableOrchestrationContext.cs", "CallHttpAsync, CreateLocationPollRequest"),
      extensionIssue(1141),
    ],
    async () => {
      slowly(3, "0");
      const headers = { "X-Functions-Key": "secret", "X-Own": "1" };
      const answer = await ask({ method: "POST", url: `${base}/start/one`, body: { job: 1 }, headers });
      expect(answer).toMatchObject({ statusCode: 200, content: "done one" });
      expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
        "POST /start/one",
        "GET /status/one",
        "GET /status/one",
        "GET /status/one",
      ]);
      expect(asked[0]).toMatchObject({ body: '{"job":1}', headers: { "x-functions-key": "secret" } });
      expect(asked[1]).toMatchObject({ body: "", headers: { "x-own": "1" } });
      expect(asked[1]!.headers).not.toHaveProperty("x-functions-key");
    },
  );

  mirrors(
    "waits as long as Retry-After says, by a durable timer; half a minute when it doesn't say",
    [
      sdk("task/CallHttpWithPollingTask.js", 24, 'getHeader("Retry-After")'),
      extension("Options/HttpOptions.cs", "DefaultAsyncRequestSleepTimeMilliseconds"),
    ],
    async () => {
      slowly(1, "1");
      const begun = Date.now();
      expect(await ask({ method: "GET", url: `${base}/start/later` })).toMatchObject({ content: "done later" });
      expect(Date.now() - begun).toBeGreaterThanOrEqual(990);
      handle = (_request, response) => response.writeHead(202, { Location: `${base}/never` }).end();
      const id = await host.begin("asks", { method: "GET", url: `${base}/silent` });
      await host.reached(id, () => asked.at(-1)?.url === "/silent");
      await host.durable.idle();
      const timer = (await host.durable.history(id)).find(({ FireAt }) => FireAt !== undefined);
      expect(Date.parse(timer!.FireAt!) - Date.parse(timer!.Timestamp)).toBe(30_000);
      await host.client("terminate", id, "enough");
    },
  );

  mirrors(
    "takes a 202 as the answer when polling is switched off",
    [sdk("orchestrations/DurableOrchestrationContext.js", 146, "enablePolling = options.enablePolling")],
    async () => {
      slowly(1, "0");
      expect(await ask({ method: "GET", url: `${base}/start/once`, enablePolling: false })).toMatchObject({
        statusCode: 202,
        content: "wait",
      });
      expect(asked).toHaveLength(1);
    },
  );

  mirrors(
    "fails the task with the network's words when nobody answers, and refuses multipart and tokens it can't have",
    [
      extension("Listener/TaskHttpActivityShim.cs", "RunAsync"),
      sdk("orchestrations/TaskOrchestrationExecutor.js", 225, "new Error(`"),
    ],
    async () => {
      const closed = createServer();
      await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
      const { port } = closed.address() as AddressInfo;
      await new Promise((resolve) => closed.close(resolve));
      const url = `http://127.0.0.1:${port}/`;
      expect((await ask({ method: "GET", url })).error).toMatch(/^connect ECONNREFUSED 127\.0\.0\.1:\d+ \n \{/);
      const multipart = { method: "POST", url, body: "x", headers: { "content-type": "multipart/form-data" } };
      expect((await ask(multipart)).error).toContain("Multipart content is not supported");
      const tokenSource = { kind: "AzureManagedIdentity", resource: "https://management.core.windows.net" };
      expect((await ask({ method: "GET", url, tokenSource })).error).toContain("the local engine has none");
    },
  );

  mirrors(
    "follows redirects",
    [
      extension(
        "DurableHttpMessageHandlerFactory.cs",
        "CreateHttpMessageHandler (HttpClientHandler redirects by default)",
      ),
    ],
    async () => {
      handle = ({ url, method }, response) =>
        url === "/end" ? response.end(`${method} arrived`) : response.writeHead(302, { Location: "/end" }).end();
      expect(await ask({ method: "POST", url: `${base}/begin`, body: "x" })).toMatchObject({ content: "GET arrived" });
    },
  );

  mirrors(
    "breaks when two that are asked again run side by side: the library numbers the next request when the extension numbers a timer",
    [
      sdk("task/CallHttpWithPollingTask.js", 32, "this.addNewChildren([timerTask, callHttpTask])"),
      sdk("orchestrations/TaskOrchestrationExecutor.js", 312, "task.id = this.sequenceNumber++"),
      extension(
        "ContextImplementations/DurableOrchestrationContext.cs",
        "CallHttpAsync: the timer is awaited before the next request",
      ),
    ],
    async () => {
      slowly(1, "0");
      const status = await host.run("asksTwice", [`${base}/start/a`, `${base}/start/b`]);
      expect(status.runtimeStatus).toBe("Failed");
    },
  );
});
