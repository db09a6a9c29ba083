/** Answers that a well-behaved directory doesn't give: broken JSON, missing items, cut connections, odd headers. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createGraphTargetDirectory } from "../../../shared/adapters/graph/graph-target-directory.ts";
import type { TargetAction, TargetDirectory, TargetQuery } from "../../../shared/ports/target-directory.ts";
import { random, recordingLog } from "./support.ts";

type Item = { id: string; method: string; url: string; headers: Record<string, string>; body?: unknown };
type Handler = (request: IncomingMessage, response: ServerResponse, items: Item[], count: number) => void;

const now = Date.parse("2026-11-22T10:00:00Z");
let handler: Handler;
let server: Server;
let target: TargetDirectory;
let slept: number;

// The first call of all loads what fetch needs, which takes longer than the time-out here on a busy machine.
beforeAll(async () => {
  const first = createServer((_, response) => response.end("{}"));
  await new Promise<void>((resolve) => first.listen(0, "127.0.0.1", resolve));
  await (await fetch(`http://127.0.0.1:${(first.address() as AddressInfo).port}`)).text();
  first.closeAllConnections();
  first.close();
});
beforeEach(async () => {
  let count = 0;
  slept = 0;
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      const { requests = [] } = body === "" ? {} : (JSON.parse(body) as { requests?: Item[] });
      handler(request, response, requests, ++count);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  target = createGraphTargetDirectory({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1.0/`,
    credential: { getToken: async () => ({ token: "t", expiresOnTimestamp: now + 3_000_000 }) },
    scope: "s",
    log: recordingLog([]),
    random,
    clock: { now: () => now },
    maxParallelBatches: 2,
    timeoutMs: 300,
    sleep: async (ms) => {
      slept += ms;
    },
  });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const updates = (count: number): TargetAction[] =>
  Array.from({ length: count }, (_, n) => ({
    kind: "update",
    key: `key-${n}`,
    type: "user",
    id: `id-${n}`,
    values: { city: "Bern" },
  }));
const apply = (count = 1) => target.apply(updates(count), { priority: "normal" });
const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
const done = (item: Item) => ({ id: item.id, status: 204 });
const unknown = (code: string) => ({ outcome: "failed", failure: { code, retriable: true } });

describe("an answer that says nothing about a write", () => {
  it.each<[string, string, Handler]>([
    ["broken JSON", "WebExceptionProtocolError", (_, response) => response.writeHead(200).end('{"responses":[')],
    ["no JSON object", "WebExceptionProtocolError", (_, response) => json(response, 200, null)],
    ["a page of HTML with 502", "InternalServerError", (_, response) => response.writeHead(502).end("<html>")],
    ["504", "Timeout", (_, response) => response.writeHead(504).end()],
    ["a connection that is cut", "Timeout", (request) => request.socket.destroy()],
    ["silence", "Timeout", () => undefined],
    [
      "an answer that is cut",
      "Timeout",
      (request, response) => {
        response.writeHead(200, { "content-length": "1000" });
        response.write('{"responses":');
        setTimeout(() => request.socket.destroy(), 20);
      },
    ],
  ])("%s is %s, worth another try, and never sent again here", async (_, code, answer) => {
    let count = 0;
    handler = (request, response, items, at) => {
      count = at;
      answer(request, response, items, at);
    };
    expect(await apply()).toMatchObject([unknown(code)]);
    expect(count).toBe(1);
    expect(slept).toBe(0);
  });

  it("names what was answered by the item's request-id, by the batch's where items have none, and by nothing but an id", async () => {
    const ours: (string | string[] | undefined)[] = [];
    handler = (request, response, items) => {
      ours.push(request.headers["client-request-id"]);
      const headers = [{ "Request-Id": "of-the-item" }, {}, { "request-id": "CN=Ada, Staff" }];
      const responses = items.map((item, at) => ({ ...done(item), headers: headers[at] }));
      response.setHeader("request-id", "of-the-batch");
      json(response, 200, { responses });
    };
    const answers = (await apply(3)).map(({ answer }) => answer);
    expect(answers.map((answer) => answer?.requestId)).toEqual(["of-the-item", "of-the-batch", "of-the-batch"]);
    expect(answers.map((answer) => answer?.clientRequestId)).toEqual([ours[0], ours[0], ours[0]]);
    expect(answers.map((answer) => answer?.status)).toEqual([204, 204, 204]);
  });

  it("counts for the items that are missing only", async () => {
    handler = (_, response, items) =>
      json(response, 200, { responses: items.filter((item) => item.id !== "1").map(done) });
    expect(await apply(3)).toMatchObject([
      { outcome: "done" },
      unknown("WebExceptionProtocolError"),
      { outcome: "done" },
    ]);
  });

  it("and an id that is missing after a create, too", async () => {
    handler = (_, response, items) =>
      json(response, 200, { responses: items.map((item) => ({ id: item.id, status: 201, body: {} })) });
    const values = { userPrincipalName: "a@contoso.example" };
    const results = await target.apply([{ kind: "create", key: "k", type: "user", values }], { priority: "normal" });
    expect(results).toMatchObject([unknown("WebExceptionProtocolError")]);
  });
});

describe("what is sent", () => {
  it("has an id of its own in every request, and in the one that is repeated with another token", async () => {
    const ids: unknown[] = [];
    handler = (request, response, items, at) => {
      ids.push(request.headers["client-request-id"]);
      expect(request.headers["traceparent"]).toBeUndefined();
      if (at === 1) response.writeHead(401).end();
      else json(response, 200, { responses: items.map(done) });
    };
    expect(await apply()).toMatchObject([{ outcome: "done" }]);
    await apply();
    expect(ids.length).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(3);
  });
});

describe("headers", () => {
  it("take Retry-After as a date, of an item in whatever spelling", async () => {
    const date = new Date(now + 90_000).toUTCString();
    handler = (_, response, items) =>
      json(response, 200, {
        responses: items.map((item) => ({ id: item.id, status: 429, headers: { "RETRY-AFTER": date } })),
      });
    expect(await apply()).toMatchObject([{ outcome: "unsent", failure: { retryAfterMs: 90_000 } }]);
  });

  it("that say at once, again and again, end all the same", async () => {
    let count = 0;
    handler = (_, response, items) => {
      count++;
      const headers = { "retry-after": "0" };
      json(response, 200, { responses: items.map((item) => ({ id: item.id, status: 429, headers })) });
    };
    expect(await apply()).toMatchObject([{ outcome: "unsent" }]);
    const [result] = await target.changeMembers([{ key: "g", groupId: "g", op: "add", memberIds: ["m"] }], {
      priority: "low",
    });
    expect(result).toMatchObject({ done: [], unsent: ["m"], failed: [] });
    expect(count).toBeLessThanOrEqual(20);
  });

  it("take the batch's own Retry-After for all of it", async () => {
    handler = (_, response) => response.writeHead(429, { "retry-after": "7" }).end();
    expect(await apply(2)).toMatchObject([
      { outcome: "unsent", failure: { code: "TooManyRequests", retryAfterMs: 7_000 } },
      { outcome: "unsent", failure: { code: "TooManyRequests", retryAfterMs: 7_000 } },
    ]);
    expect(target.writes()).toBe(0);
  });

  it("tell how much of the writes is used, of no other limit, and nothing where the answer doesn't", async () => {
    const heard: (number | undefined)[] = [];
    const scopes = ["Tenant_Application/Write/a/t", "Tenant_Application/ReadWrite/a/t", "Tenant/Write/t", undefined];
    handler = (_, response, items) => {
      const responses = items.map((item, index) => ({
        ...done(item),
        headers: scopes[index]
          ? { "x-ms-throttle-limit-percentage": "0.93", "X-MS-Throttle-Scope": scopes[index] }
          : {},
      }));
      json(response, 200, { responses });
    };
    await target.apply(updates(4), { priority: "low", onCount: (part) => heard.push(part) });
    expect(heard).toEqual([0.93, undefined, undefined, undefined]);
    const groups = { key: "g", groupId: "g", op: "add" as const, memberIds: ["m"] };
    await target.changeMembers([groups], { priority: "low", onCount: (part) => heard.push(part) });
    expect(heard.slice(4)).toEqual([0.93]);
  });

  it("ask for low priority when told to", async () => {
    const seen: unknown[] = [];
    handler = (request, response, items) => {
      seen.push(request.headers["x-ms-throttle-priority"], items[0]?.headers["x-ms-throttle-priority"]);
      json(response, 200, { responses: items.map(done) });
    };
    await target.apply(updates(1), { priority: "low" });
    await target.apply(updates(1), { priority: "normal" });
    expect(seen).toEqual(["low", "low", undefined, undefined]);
  });
});

describe("a batch", () => {
  it("is read by ids, in whatever order the items come back", async () => {
    handler = (_, response, items) => {
      const responses = items.map((item) =>
        item.url.endsWith("id-1")
          ? { id: item.id, status: 404, body: { error: { code: "x", message: "" } } }
          : done(item),
      );
      json(response, 200, { responses: responses.reverse() });
    };
    expect(await apply(3)).toMatchObject([
      { outcome: "done", id: "id-0" },
      { outcome: "failed", failure: { code: "InvalidAnchor" } },
      { outcome: "done", id: "id-2" },
    ]);
  });

  it("that is refused as a whole is target-refused when nothing was written", async () => {
    handler = (_, response) => json(response, 403, { error: { code: "Forbidden", message: "Not here." } });
    await expect(apply()).rejects.toMatchObject({
      code: "target-refused",
      message: expect.stringContaining("Not here"),
    });
  });

  it("keeps its results when another one can't be sent", async () => {
    handler = (_, response, items) =>
      items.some((item) => item.url.endsWith("/id-0"))
        ? json(response, 200, { responses: items.map(done) })
        : json(response, 403, { error: {} });
    const results = await apply(25);
    expect(results.slice(0, 20).every((result) => result.outcome === "done")).toBe(true);
    expect(results.slice(20)).toMatchObject(
      Array.from({ length: 5 }, () => ({
        outcome: "unsent",
        failure: { code: "UnprocessableEntity", retriable: true },
      })),
    );
  });
});

describe("a list", () => {
  it("isn't followed to another host: the token would go there", async () => {
    handler = (_, response) =>
      json(response, 200, { value: [{ id: "a" }], "@odata.nextLink": "https://elsewhere.example/v1.0/users?x" });
    const pages = target.users()[Symbol.asyncIterator]();
    expect((await pages.next()).value).toMatchObject([{ id: "a" }]);
    await expect(pages.next()).rejects.toMatchObject({ code: "target-refused" });
  });

  it("is asked again after a broken answer, and not for ever", async () => {
    handler = (_, response, __, count) =>
      count === 1 ? response.writeHead(200).end("{") : json(response, 200, { value: [{ id: "a" }] });
    expect((await target.users()[Symbol.asyncIterator]().next()).value).toMatchObject([{ id: "a" }]);
    let calls = 0;
    handler = (_, response) => {
      calls++;
      response.writeHead(200).end("{");
    };
    await expect(target.users()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "target-unreachable" });
    expect(calls).toBeLessThanOrEqual(4);
    expect(slept).toBeLessThanOrEqual(4_000);
  });
});

describe("a read that is refused", () => {
  const byUpn = (names: readonly string[]) =>
    names.map((name) => ({ by: "userPrincipalName" as const, value: `${name}@corp.example` }));
  const user = (name: string) => ({ id: name, userPrincipalName: `${name}@corp.example` });
  /** Answers each read of a batch by what it asks; a number is a refusal. */
  const answering = (answer: (url: string) => number | readonly string[]) => {
    const asked: string[] = [];
    handler = (_, response, items) => {
      asked.push(...items.map((item) => decodeURIComponent(item.url)));
      const responses = items.map((item) => {
        const said = answer(decodeURIComponent(item.url));
        if (typeof said !== "number") return { id: item.id, status: 200, body: { value: said.map(user) } };
        return {
          id: item.id,
          status: said,
          body: { error: { code: "Request_BadRequest", message: "Invalid value." } },
        };
      });
      json(response, 200, { responses });
    };
    return asked;
  };
  const findTelling = async (queries: readonly TargetQuery[]) => {
    const refused: [number, string][] = [];
    const found = await target.find(queries, { onRefused: (at, { code }) => refused.push([at, code]) });
    return { found: found.map((objects) => objects.map(({ id }) => id)), refused };
  };

  it("for one value is the matter of who has it, and the others of the same read are found", async () => {
    answering((url) => (url.includes("odd@") ? 400 : ["ann", "bob"]));
    const odd = await findTelling(byUpn(["ann", "odd", "bob"]));
    expect(odd).toEqual({ found: [["ann"], [], ["bob"]], refused: [[1, "IdentityDataValidationFailed"]] });
  });

  it("for the one value that is asked is that one's matter, where something else of the object is answered", async () => {
    answering((url) => (url.includes("odd@") ? 400 : []));
    const { refused } = await findTelling([{ by: "immutableId", value: "AAA" }, ...byUpn(["odd"])]);
    expect(refused).toEqual([[1, "IdentityDataValidationFailed"]]);
  });

  it.each<[string, (url: string) => number | readonly string[], string]>([
    ["for everything that is asked", () => 400, "target-refused"],
    ["as forbidden for all of one kind", (url) => (url.includes("deletedItems") ? 403 : ["ann"]), "target-refused"],
    ["for its token, one value or not", (url) => (url.includes("bob@") ? 401 : ["ann"]), "target-credentials"],
  ])("%s is a fault of the whole", async (_, answer, code) => {
    answering(answer);
    const queries: TargetQuery[] = [...byUpn(["ann", "bob"]), { by: "deletedImmutableId", value: "AAA" }];
    await expect(findTelling(queries)).rejects.toMatchObject({ code });
  });

  /** Single objects and members, each by an address of its own. */
  const each = (answer: (url: string) => number | object) => {
    handler = (_, response, items) => {
      const responses = items.map(({ id, url }) => {
        const said = answer(decodeURIComponent(url));
        if (typeof said !== "number") return { id, status: 200, body: said };
        return { id, status: said, body: { error: { code: "Request_BadRequest", message: "Invalid value." } } };
      });
      json(response, 200, { responses });
    };
  };
  const IDS = ["ann", "odd", "bob"];
  const READS: readonly [string, (told: (at: number, code: string) => void) => Promise<readonly unknown[]>][] = [
    [
      "one object by its id",
      (told) => target.states("user", IDS, ["department"], { onRefused: (at, { code }) => told(at, code) }),
    ],
    [
      "the members of one group",
      (told) =>
        target.memberPages(
          IDS.map((groupId) => ({ groupId })),
          { onRefused: (at, { code }) => told(at, code) },
        ),
    ],
  ];
  const bodyOf = (url: string) =>
    url.includes("/members") ? { value: [] } : user(url.includes("ann") ? "ann" : "bob");

  describe.each(READS)("about %s", (_, read) => {
    it.each([400, 403])("is that one's matter (%i), and the others are answered", async (status) => {
      each((url) => (url.includes("odd") ? status : bodyOf(url)));
      const refused: [number, string][] = [];
      const found = await read((at, code) => void refused.push([at, code]));
      expect(refused).toEqual([[1, expect.any(String)]]);
      expect(found.map((own) => own !== undefined)).toEqual([true, false, true]);
    });

    it.each([
      ["for everything", 400, "target-refused"],
      ["as forbidden for everything", 403, "target-refused"],
      ["for its token", 401, "target-credentials"],
    ])("%s is a fault of the whole", async (_, status, code) => {
      each((url) => (status !== 401 || url.includes("odd") ? status : bodyOf(url)));
      await expect(read(() => undefined)).rejects.toMatchObject({ code });
    });
  });

  it("is one of the whole where nobody is told of single ones, and nothing is asked again", async () => {
    const asked = answering((url) => (url.includes("odd@") ? 400 : ["ann"]));
    await expect(target.find(byUpn(["ann", "odd"]))).rejects.toMatchObject({ code: "target-refused" });
    expect(asked).toHaveLength(1);
  });
});

describe("an answer to a write of members", () => {
  const group = "11111111-0000-4000-8000-000000000001";
  const ids = (count: number) => Array.from({ length: count }, (_, at) => `member-${at}`);
  const change = async (op: "add" | "remove", memberIds: readonly string[]) =>
    (await target.changeMembers([{ key: "g", groupId: group, op, memberIds }], { priority: "low" }))[0]!;
  const refused = (item: Item, status: number, message: string) => ({
    ...{ id: item.id, status },
    body: { error: { code: "Request_ResourceNotFound", message } },
  });
  const missing = (id: string) => `Resource '${id}' does not exist or one of its queried reference-property objects…`;

  it("that names the member means the member: gone from the group, or not there to be added", async () => {
    const asked: string[] = [];
    handler = (_, response, items) => {
      asked.push(...items.map((item) => item.method));
      const responses = items.map((item) => {
        const text = `${item.url} ${JSON.stringify(item.body)}`;
        return text.includes("member-2") ? refused(item, 404, missing("member-2")) : done(item);
      });
      json(response, 200, { responses });
    };
    expect(await change("remove", ids(4))).toMatchObject({ done: expect.arrayContaining(ids(4)), failed: [] });
    const added = await change("add", ids(4));
    expect(added.done).toHaveLength(3);
    expect(added.failed).toMatchObject([
      { memberId: "member-2", failure: { code: "UnableToResolveReferenceAttributeValue", retriable: true } },
    ]);
    expect(asked).not.toContain("GET");
  });

  it("that is missing for one item leaves that one unknown", async () => {
    handler = (_, response, items) => json(response, 200, { responses: items.slice(1).map(done) });
    const { done: known, failed, unsent } = await change("remove", ids(3));
    expect([known.length, failed.length, unsent]).toEqual([2, 1, []]);
    expect(failed[0]).toMatchObject({ failure: { code: "WebExceptionProtocolError", retriable: true } });
  });

  it("that refuses one item's token puts off what is left", async () => {
    handler = (_, response, items, count) =>
      json(response, 200, {
        responses: items.map((item, at) => (count === 1 && at === 0 ? refused(item, 401, "expired") : done(item))),
      });
    const result = await change("remove", ids(9));
    expect([result.done.length, result.unsent.length, result.failed]).toEqual([4, 5, []]);
    expect(result.retryAfterMs).toBeGreaterThan(0);
  });

  it("that refuses everything after some went in keeps what went in", async () => {
    handler = (_, response, items, count) =>
      count === 1 ? json(response, 200, { responses: items.map(done) }) : json(response, 403, { error: {} });
    const result = await change("add", ids(200));
    expect([result.done.length, result.unsent.length, result.failed]).toEqual([100, 100, []]);
    await expect(change("add", ids(1))).rejects.toMatchObject({ code: "target-refused" });
  });

  it("that is odd throughout ends all the same", async () => {
    handler = (_, response, items) =>
      json(response, 200, { responses: items.map((item) => refused(item, 418, "Only tea.")) });
    const { failed } = await change("add", ids(25));
    expect(failed).toHaveLength(25);
    expect(failed[0]).toMatchObject({ failure: { code: "UnprocessableEntity", retriable: false, status: 418 } });
    handler = (_, response, items) =>
      json(response, 200, { responses: items.map((item) => refused(item, 404, "Nothing here.")) });
    expect((await change("add", ids(25))).failed).toHaveLength(25);
    expect(slept).toBeLessThanOrEqual(2_000);
  });
});
