/** The OpenAPI document names the service as its caller reached it. */
import { expect, test } from "vitest";
import type { RouteRequest } from "../../functions/http-route.ts";
import { openApiRoute } from "../../functions/openapi.http.ts";

test("names as its server the address that each caller came by, and not the first one's", async () => {
  const route = openApiRoute(() => []);
  const serversFor = async (origin: string) => {
    const asked = { method: "GET", params: {}, query: new URLSearchParams(), body: Buffer.alloc(0), isGzip: false };
    const signed = { method: "GET", path: "/", proof: null, body: Buffer.alloc(0) };
    const request: RouteRequest = { ...asked, ifMatch: null, origin, signed };
    const result = await route.handle(request, undefined as never);
    return result.ok && (result.value.body as { servers: unknown }).servers;
  };
  expect(await serversFor("https://one.example")).toEqual([{ url: "https://one.example/api" }]);
  expect(await serversFor("https://two.example")).toEqual([{ url: "https://two.example/api" }]);
});
