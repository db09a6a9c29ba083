/** The OpenAPI document names the service as its caller reached it. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { RouteRequest } from "../../functions/http-route.ts";
import { openApiRoute } from "../../functions/openapi.http.ts";

const route = openApiRoute(() => []);

async function answered(origin: string) {
  const asked = { method: "GET", params: {}, query: new URLSearchParams(), body: Buffer.alloc(0), isGzip: false };
  const signed = { method: "GET", path: "/", proof: null, body: Buffer.alloc(0) };
  const request: RouteRequest = { ...asked, ifMatch: null, origin, signed };
  const result = await route.handle(request, undefined as never);
  if (!result.ok) throw new Error(result.failure.message);
  return { body: result.value.body as { info: unknown; servers: unknown } };
}

test("has the program's own version", async () => {
  const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  const { body } = await answered("https://one.example");
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(body.info).toMatchObject({ title: "Directory Uplink", version });
});

test("names as its server the address that each caller came by, and not the first one's", async () => {
  const serversFor = async (origin: string) => (await answered(origin)).body.servers;
  expect(await serversFor("https://one.example")).toEqual([{ url: "https://one.example/api" }]);
  expect(await serversFor("https://two.example")).toEqual([{ url: "https://two.example/api" }]);
});
