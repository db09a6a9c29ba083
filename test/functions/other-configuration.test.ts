/**
 * A job has one configuration: below another one it isn't found, by no route. The routes are walked by their declarations, so that one
 * that comes later is asked, too.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMemorySecretStore } from "../../shared/adapters/memory/secret-store.ts";
import { jobTable, ROW } from "../../shared/application/state/job-rows.ts";
import { type Operation, paramsOf } from "../../shared/contracts/operation.ts";
import { type Sample, samplesOf } from "../support/samples.ts";
import { createService, type Service } from "../support/service.ts";
import { createWatch } from "../support/watched-stores.ts";

const watch = createWatch();
let service: Service;
let samples: Readonly<Record<string, Sample>>;
let other: { readonly configurationId: string; readonly jobId: string };

beforeAll(async () => {
  service = await createService({ secrets: createMemorySecretStore(), wrapRows: watch.wrapRows });
  samples = await samplesOf(service);
  other = await service.cloud.addDomain("other.example");
});
afterAll(() => service?.close());

/** Whose path names a configuration and a job of it. */
const ofBoth = () =>
  service.operations.filter(({ path }) => {
    const names = paramsOf(path).map(({ name }) => name);
    return names.includes("configurationId") && names.includes("jobId");
  });

/** Each action of a path that has several. */
const actionsOf = ({ path }: Operation) => {
  const words = paramsOf(path).find(({ name }) => name === "action")?.pattern;
  return words === undefined ? [undefined] : (/\(([\w|]+)\)/.exec(words)?.[1] ?? "").split("|");
};

test("a job of another configuration is found by no route, and none of them changes it", async () => {
  const table = jobTable(service.cloud.rows);
  const before = [await table.get(other.jobId, ROW.job), await table.get(service.corp.jobId, ROW.job)];
  expect(ofBoth().map(({ id }) => id)).toEqual(expect.arrayContaining(["GetSchema", "PutSchema", "JobAction"]));
  expect(ofBoth().length).toBeGreaterThan(7);
  for (const operation of ofBoth())
    for (const action of actionsOf(operation)) {
      const params = {
        configurationId: service.corp.configurationId,
        jobId: other.jobId,
        ...(action === undefined ? {} : { action }),
      };
      const written = watch.writes();
      const reply = await service.ask(operation, { ...samples[operation.id], params });
      const what = `${operation.id} ${action ?? ""}`;
      expect([reply.status, reply.code], what).toEqual([404, "job-not-found"]);
      expect(watch.writes(), what).toBe(written);
      // Below its own it is: what was refused was the configuration.
      if (operation.method === "GET") expect((await service.ask(operation, { params: other })).status, what).toBe(200);
    }
  expect([await table.get(other.jobId, ROW.job), await table.get(service.corp.jobId, ROW.job)]).toEqual(before);
});
