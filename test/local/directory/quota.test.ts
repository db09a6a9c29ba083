import { afterEach, expect, it } from "vitest";
import type { DirectoryOptions } from "../../../local/directory/server.ts";
import { behaviour, buildUser, refusalOf, refusedBy, rule, startTestDirectory, type TestDirectory } from "./support.ts";

let directory: TestDirectory;
afterEach(() => directory.close());
const start = async (quota: DirectoryOptions["quota"]) => {
  directory = await startTestDirectory(quota === undefined ? {} : { quota });
};
const create = (as: "exporter" | "administrator" = "exporter") =>
  directory.call("POST", "users", { as, body: buildUser() });
const createMany = async (count: number, as: "exporter" | "administrator" = "exporter") => {
  const statuses: number[] = [];
  for (let done = 0; done < count; done += 20) {
    const requests = Array.from({ length: Math.min(20, count - done) }, (_, at) => ({
      ...{ id: String(at), method: "POST", url: "/users", body: buildUser() },
      headers: { "Content-Type": "application/json" },
    }));
    const { body } = await directory.call("POST", "$batch", { as, body: { requests } });
    statuses.push(...body.responses.map((result: { status: number }) => result.status));
  }
  return {
    created: statuses.filter((one) => one === 201).length,
    throttled: statuses.filter((one) => one === 429).length,
  };
};

it(rule("quota-app-writes"), async () => {
  await start({ writesPerWindow: 30, windowSeconds: 150 });
  expect(await createMany(40)).toEqual({ created: 30, throttled: 10 });
  const refused = await create();
  expect(refusalOf(refused)).toBe(refusedBy("quota-app-writes"));
  expect(refused.headers).toMatchObject({
    "x-ms-throttle-information": "WriteLimitExceeded",
    "x-ms-throttle-limit-percentage": "1.03",
  });
  expect((await directory.call("GET", "users")).status).toBe(200);
  expect((await create("administrator")).status).toBe(201);
  const wait = Number(refused.headers["retry-after"]);
  expect(wait).toBeGreaterThanOrEqual(150);
  directory.clock.ms += (wait - 10) * 1000;
  expect((await create()).status).toBe(429);
  directory.clock.ms += 10_000;
  expect((await create()).status).toBe(201);
});

it("slides: what was written early in the window is free again before what was written late", async () => {
  await start({ writesPerWindow: 20, windowSeconds: 150 });
  await createMany(10);
  directory.clock.ms += 100_000;
  await createMany(10);
  expect((await create()).status).toBe(429);
  directory.clock.ms += 60_000;
  expect(await createMany(20)).toEqual({ created: 10, throttled: 10 });
});

it("has 3,000 writes per 150 s when nothing else is said, one burst included", async () => {
  const { defaultQuota } = await import("../../../local/directory/quota.ts");
  expect(defaultQuota).toEqual({ writesPerWindow: 3000, windowSeconds: 150 });
  await start(defaultQuota);
  directory.control.seed(
    Array.from({ length: 600 }, (_, at) => ({ properties: { userPrincipalName: `s${at}@contoso.example` } })),
  );
  expect(await createMany(3020)).toEqual({ created: 3000, throttled: 20 });
});

it(rule("quota-tenant-writes"), async () => {
  await start({ writesPerWindow: 100_000, windowSeconds: 1 });
  directory.control.seed(
    Array.from({ length: 600 }, (_, at) => ({ properties: { userPrincipalName: `s${at}@contoso.example` } })),
  );
  let created = 0;
  for (let round = 0; round < 6; round++) {
    created += (await createMany(3000, round % 2 === 0 ? "exporter" : "administrator")).created;
    directory.clock.ms += 11_000;
  }
  expect(created).toBe(18_000);
  const refused = await create();
  expect(refusalOf(refused)).toBe(refusedBy("quota-tenant-writes"));
  expect(refused.headers["x-ms-throttle-scope"]).toMatch(/^Tenant\/Write\//);
  directory.clock.ms += 300_000;
  expect((await create()).status).toBe(201);
});

it(rule("quota-resource-units"), async () => {
  await start({ writesPerWindow: 100_000, windowSeconds: 150 });
  // A small tenant: 3,500 units per 10 s, and a list costs 2.
  const list = { id: "", method: "GET", url: "/users" };
  let refused = 0;
  for (let batch = 0; batch < 88; batch++) {
    const requests = Array.from({ length: 20 }, (_, at) => ({ ...list, id: String(at) }));
    const { body } = await directory.call("POST", "$batch", { body: { requests } });
    refused += body.responses.filter((result: { status: number }) => result.status === 429).length;
  }
  expect(refused).toBe(88 * 20 - 1750);
  const answer = await directory.call("GET", "users");
  expect(refusalOf(answer)).toBe(refusedBy("quota-resource-units"));
  expect(answer.headers["x-ms-throttle-information"]).toBe("ResourceUnitLimitExceeded");
  directory.clock.ms += 11_000;
  expect((await directory.call("GET", "users")).headers["x-ms-resource-unit"]).toBe("2");
});

it(behaviour("throttle-headers"), async () => {
  await start({ writesPerWindow: 10, windowSeconds: 150 });
  const percentages: (string | undefined)[] = [];
  for (let at = 0; at < 10; at++) percentages.push((await create()).headers["x-ms-throttle-limit-percentage"]);
  expect(percentages).toEqual([...Array(8).fill(undefined), "0.90", "1.00"]);
});

it("doesn't limit anything when it is off, and can be set while it runs", async () => {
  await start("off");
  expect((await create()).headers["x-ms-resource-unit"]).toBeUndefined();
  directory.control.set({ quota: { writesPerWindow: 1, windowSeconds: 150 } });
  expect([(await create()).status, (await create()).status]).toEqual([201, 429]);
});
