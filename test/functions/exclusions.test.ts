/** The routes of the exclusion list: who asked is who made the entry. */
import { expect, test } from "vitest";
import { exclusionRoutes } from "../../functions/exclusions.http.ts";
import type { Route, RouteRequest } from "../../functions/http-route.ts";
import { createCloud, guidOf } from "../support/cloud.ts";

type AdminRoute = Extract<Route, { guard: "admin-read" | "admin-write" }>;

async function routes() {
  const { cloud } = await createCloud();
  const all = exclusionRoutes(cloud.routes.exclusions);
  return async (name: string, guid = "", body: unknown = {}) => {
    const route = all.find((own) => own.name === name) as AdminRoute;
    const request: Partial<RouteRequest> = {
      ...{ params: { guid }, query: new URLSearchParams(), ifMatch: null },
      body: Buffer.from(JSON.stringify(body)),
    };
    return route.handle(request as RouteRequest, { id: "admin-1" } as Parameters<AdminRoute["handle"]>[1]);
  };
}

test("an entry names the admin whose token it came with, and its GUID in lower case", async () => {
  const call = await routes();
  const guid = guidOf("ann");
  const body = { guid, by: "admin-1", reason: "break-glass" };
  expect(await call("AddExclusion", guid.toUpperCase(), { reason: " break-glass " })).toMatchObject({
    value: { status: 200, body },
  });
  expect(await call("ListExclusions")).toMatchObject({ value: { body: { value: [body] } } });
  expect(await call("RemoveExclusion", guid)).toMatchObject({ value: { status: 200, body } });
  expect(await call("RemoveExclusion", guid)).toMatchObject({ failure: { status: 404 } });
});

test("what is no GUID, or has no reason, is refused", async () => {
  const call = await routes();
  expect(await call("AddExclusion", "ann", { reason: "x" })).toMatchObject({ failure: { code: "invalid-path" } });
  expect(await call("RemoveExclusion", "ann")).toMatchObject({ failure: { code: "invalid-path" } });
  expect(await call("AddExclusion", guidOf("ann"), { reason: "  " })).toMatchObject({ failure: { status: 422 } });
});
