/** The routes of the exclusion list: who asked is who made the entry. */
import { expect, test } from "vitest";
import { exclusionRoutes } from "../../functions/exclusions.http.ts";
import type { Route, RouteRequest } from "../../functions/http-route.ts";
import { createCloud, guidOf } from "../support/cloud.ts";

type AdminRoute = Extract<Route, { guard: "admin-read" | "admin-write" }>;

async function routes() {
  const { cloud } = await createCloud();
  const all = exclusionRoutes(cloud.routes.exclusions);
  return async (name: string, guid = "", body: unknown = {}, query = "") => {
    const route = all.find((own) => own.name === name) as AdminRoute;
    const request: Partial<RouteRequest> = {
      ...{ params: { guid }, query: new URLSearchParams(query), ifMatch: null },
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

test("a query that names a parameter twice is refused: nobody could say which one counts", async () => {
  const call = await routes();
  expect(await call("ListExclusions", "", {}, "$top=1")).toMatchObject({ ok: true });
  expect(await call("ListExclusions", "", {}, "$top=1&$top=2")).toMatchObject({
    failure: { status: 400, code: "invalid-query", message: expect.stringContaining("$top: is given twice") },
  });
});
