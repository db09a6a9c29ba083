/** What the row and blob stores make of a service that fails, throttles, refuses or doesn't answer. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createBlobStore } from "../../../shared/adapters/blobs/blob-store.ts";
import { createTableRowStore } from "../../../shared/adapters/tables/row-store.ts";
import type { RowOperation } from "../../../shared/ports/row-store.ts";
import { StorageError } from "../../../shared/ports/row-store.ts";

const insert: RowOperation = { op: "insert", row: "a", values: { n: 1 } };
let server: Server | undefined;
let requests: { method: string; url: string; body: string }[] = [];

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** A service that answers as told; gives back its connection string. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse, count: number) => void) {
  requests = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      requests.push({ method: request.method ?? "", url: request.url ?? "", body });
      answer(request, response, requests.length);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return connectionString((server.address() as AddressInfo).port);
}

function connectionString(port: number): string {
  const base = `http://127.0.0.1:${port}/account`;
  return `DefaultEndpointsProtocol=http;AccountName=account;AccountKey=a2V5;TableEndpoint=${base};BlobEndpoint=${base};`;
}

const odataError = (code: string) => JSON.stringify({ "odata.error": { code, message: { value: `It is ${code}.` } } });

describe("an unreachable account", () => {
  it("is a retriable StorageError for rows and blobs, soon", async () => {
    const started = performance.now();
    const rows = createTableRowStore({ connectionString: connectionString(1) }).table("things");
    const blobs = createBlobStore({ connectionString: connectionString(1), container: "c" });
    const unreachable = { code: "storage-unreachable", retriable: true };
    const failures = await Promise.allSettled([
      rows.get("p", "a"),
      rows.getMany("p", ["a", "b"]),
      rows.transact("p", [insert]),
      rows.range("p")[Symbol.asyncIterator]().next(),
      blobs.put("a", Uint8Array.of(1)),
      blobs.get("a"),
      blobs.list("a")[Symbol.asyncIterator]().next(),
    ]);
    for (const failure of failures) {
      expect(failure).toMatchObject({ status: "rejected", reason: unreachable });
      expect((failure as PromiseRejectedResult).reason).toBeInstanceOf(StorageError);
    }
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});

describe("an account that answers badly", () => {
  it("is tried again when busy, and the second answer counts", async () => {
    const account = await serve((_request, response, count) => {
      if (count === 1) response.writeHead(503, { "retry-after": "0" }).end(odataError("ServerBusy"));
      else response.writeHead(200, { "content-type": "application/json" }).end(entity());
    });
    const row = await createTableRowStore({ connectionString: account }).table("things").get("p", "a");
    expect(row?.values).toEqual({ n: 1 });
    expect(requests).toHaveLength(2);
  });

  it("gives up on one that stays busy: retriable", async () => {
    const account = await serve((_request, response) => response.writeHead(503).end(odataError("ServerBusy")));
    const table = createTableRowStore({ connectionString: account }).table("things");
    await expect(table.transact("p", [insert])).rejects.toMatchObject({ code: "storage-unreachable", retriable: true });
    expect(requests.length).toBeLessThanOrEqual(3);
  });

  it("ends an attempt that gets no answer", async () => {
    const account = await serve(() => undefined);
    const table = createTableRowStore({ connectionString: account, timeoutMs: 100 }).table("things");
    await expect(table.get("p", "a")).rejects.toMatchObject({ code: "storage-unreachable", retriable: true });
    await expect(table.transact("p", [insert])).rejects.toMatchObject({ code: "storage-unreachable" });
  });

  it("says what to do when rights are missing, and isn't asked again", async () => {
    const account = await serve((_request, response) =>
      response
        .writeHead(403, { "content-type": "application/json" })
        .end(odataError("AuthorizationPermissionMismatch")),
    );
    const table = createTableRowStore({ connectionString: account }).table("things");
    const refusal = table.get("p", "a");
    await expect(refusal).rejects.toMatchObject({ code: "storage-refused", retriable: false });
    await expect(refusal).rejects.toThrow(/data contributor role/);
    expect(requests).toHaveLength(1);
  });

  it("is worth another try while it deletes the table of that name", async () => {
    const account = await serve((_request, response) =>
      response.writeHead(409, { "content-type": "application/json" }).end(odataError("TableBeingDeleted")),
    );
    const table = createTableRowStore({ connectionString: account }).table("things");
    await expect(table.transact("p", [insert])).rejects.toMatchObject({ code: "storage-unreachable", retriable: true });
  });

  it("is not believed when it answers fewer operations than were sent", async () => {
    const part = 'Content-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\nETag: W/"1"\r\n\r\n';
    const account = await serve((_request, response) =>
      response
        .writeHead(202, { "content-type": "multipart/mixed; boundary=batchresponse_1" })
        .end(
          `--batchresponse_1\r\n\r\n--changesetresponse_1\r\n${part}\r\n--changesetresponse_1--\r\n--batchresponse_1--`,
        ),
    );
    const table = createTableRowStore({ connectionString: account }).table("things");
    const both: RowOperation[] = [insert, { op: "delete", row: "b" }];
    await expect(table.transact("p", both)).rejects.toMatchObject({ code: "storage-unreachable" });
  });

  it("reads past empty pages", async () => {
    const account = await serve((request, response) => {
      const first = !request.url?.includes("NextRowKey");
      const more = { "x-ms-continuation-nextpartitionkey": "p", "x-ms-continuation-nextrowkey": "k" };
      response.writeHead(200, { "content-type": "application/json", ...(first ? more : {}) });
      response.end(JSON.stringify({ value: first ? [] : [JSON.parse(entity())] }));
    });
    const table = createTableRowStore({ connectionString: account }).table("things");
    const pages: number[] = [];
    for await (const page of table.range("p")) pages.push(page.length);
    expect(pages).toEqual([1]);
  });
});

it("asks for everything without a filter, which the service would refuse if it were empty", async () => {
  const account = await serve((_request, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end('{"value":[]}'),
  );
  for await (const _ of createTableRowStore({ connectionString: account }).table("things").scan()) expect.fail();
  expect(requests[0]?.url).toContain("/things()");
  expect(requests[0]?.url).not.toContain("filter");
});

it("sends the etag of a delete and only the bytes of a view", async () => {
  const account = await serve((_request, response) => response.writeHead(503).end(odataError("ServerBusy")));
  const table = createTableRowStore({ connectionString: account }).table("things");
  const view = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
  const operations: RowOperation[] = [
    { op: "delete", row: "a", etag: 'W/"7"' },
    { op: "insert", row: "b", values: { view } },
  ];
  await table.transact("p", operations).catch(() => undefined);
  expect(requests[0]?.body).toContain('If-Match: W/"7"');
  expect(requests[0]?.body).toContain('"view":"AgM="');
});

function entity(): string {
  return JSON.stringify({ "odata.etag": 'W/"1"', PartitionKey: "p", RowKey: "a", n: 1 });
}
