/** The routes of jobs: what a restart asks of the next full read. */
import { expect, test } from "vitest";
import type { Route, RouteRequest } from "../../functions/http-route.ts";
import { jobRoutes } from "../../functions/jobs.http.ts";
import { createCloud } from "../support/cloud.ts";

type AdminRoute = Extract<Route, { guard: "admin-read" | "admin-write" }>;

async function restarter() {
  const { cloud, addDomain } = await createCloud();
  const agent = await addDomain("corp.example");
  const { configurations, queries } = cloud.routes;
  const quarantines = { clear: async () => ({ ok: true as const, value: { jobId: agent.jobId, cleared: false } }) };
  const all = jobRoutes({ configurations, queries, quarantines, wakeJob: async () => undefined } as Parameters<
    typeof jobRoutes
  >[0]);
  const route = all.find((own) => own.name === "JobAction") as AdminRoute;
  const restart = (body: string) =>
    route.handle(
      {
        params: { configurationId: agent.configurationId, jobId: agent.jobId, action: "restart" },
        query: new URLSearchParams(),
        ifMatch: null,
        body: Buffer.from(body),
      } as Partial<RouteRequest> as RouteRequest,
      { id: "admin-1" } as Parameters<AdminRoute["handle"]>[1],
    );
  const wanted = async () => (await agent.status()).fullReadWanted;
  return { restart, wanted };
}

test("a restart reads everything again, and forgets what was known of the directory only when it is told to", async () => {
  const { restart, wanted } = await restarter();
  expect(await restart("")).toMatchObject({ value: { status: 204 } });
  expect(await wanted()).toBe("asked");
  await restart(JSON.stringify({ criteria: { resetScope: "Escrows, QuarantineState" } }));
  expect(await wanted()).toBe("asked");
  await restart(JSON.stringify({ criteria: { resetScope: "Escrows, Watermark" } }));
  expect(await wanted()).toBe("watermark-reset");
  expect(await restart(JSON.stringify({ criteria: { resetScope: "Everything" } }))).toMatchObject({
    failure: { status: 422 },
  });
});
