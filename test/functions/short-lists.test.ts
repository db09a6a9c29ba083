/** Lists that are short by nature: whole where nobody asks for pages, else each entry on one of them, in the order of the whole list. */
import { beforeAll, describe, expect, test } from "vitest";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { createMemorySecretStore } from "../../shared/adapters/memory/secret-store.ts";
import { listBackups } from "../../shared/contracts/admin/backups.ts";
import { listConfigurations } from "../../shared/contracts/admin/configurations.ts";
import { askReconcile, listReconciles } from "../../shared/contracts/admin/reconciles.ts";
import { getSchema, listSchemaVersions, putSchema } from "../../shared/contracts/admin/schemas.ts";
import { listSecrets, putSecrets } from "../../shared/contracts/admin/secrets.ts";
import { listStaged } from "../../shared/contracts/admin/staged.ts";
import {
  listFilterOperators,
  listJobs,
  listMappingFunctions,
  listServicePrincipals,
  listTemplates,
} from "../../shared/contracts/admin/synchronization.ts";
import { listTargetObjects } from "../../shared/contracts/admin/target-objects.ts";
import { listWhatIfs, runWhatIf } from "../../shared/contracts/admin/what-ifs.ts";
import type { Operation } from "../../shared/contracts/operation.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";

const MINUTE = 60_000;
const off = (name: string) => aUser(name, { userAccountControl: "514" }, ["userAccountControl"]);

async function start() {
  const cloud = await createCloud({ secrets: createMemorySecretStore() });
  const agent = await cloud.addDomain("corp.example");
  for (const other of ["north.example", "south.example"]) await cloud.addDomain(other);
  const { jobId, configurationId } = agent;
  const params = { jobId, configurationId };
  const ask = createAdminApi(cloud.cloud);
  async function done(operation: Operation, body: unknown) {
    const { failure } = await ask(operation, { params: params as never, body: body as never });
    if (failure) throw new Error(failure.message);
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await cloud.run();
  }
  const all = Array.from({ length: 60 }, (_, at) => `user${at}`);
  await agent.read(
    "full",
    all.map((name) => aUser(name)),
  );
  const schema = await ask(getSchema, { params });
  for (const name of ["first", "second"]) {
    const rules = (schema.body.synchronizationRules ?? []).map((rule) => ({ ...rule, name }));
    await done(putSchema, { ...schema.body, synchronizationRules: rules });
    await agent.read(
      "full",
      all.map((own) => aUser(own)),
    );
  }
  for (const kind of ["present", "present", "present"]) await done(runWhatIf, { kind });
  for (const policy of ["report", "report"]) await done(askReconcile, { policy });
  await done(putSecrets, {
    value: [
      { key: "AppKey", value: "s" },
      {
        key: "SyncNotificationSettings",
        value: '{"Enabled":false,"Recipients":"","DeleteThresholdEnabled":false,"DeleteThresholdValue":500}',
      },
    ],
  });
  await agent.read(
    "delta",
    all.slice(0, 30).map((name) => ({ op: "delete" as const, objectGuid: guidOf(name) })),
  );
  await agent.read("delta", all.slice(30).map(off));
  for (let backup = 0; backup < 3; backup++) {
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await cloud.cloud.beginBackupWith(cloud.driver)();
    await cloud.driver.settled();
  }
  return { ...cloud, ask, params };
}

let world: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  world = await start();
});

type Page = { readonly value: readonly Record<string, unknown>[]; readonly "@odata.nextLink"?: string };

async function page(operation: Operation, query: Readonly<Record<string, string>>): Promise<Page> {
  const { body, failure } = await world.ask(operation, { params: world.params as never, query });
  if (failure) throw new Error(failure.message);
  return body as unknown as Page;
}

/** By the addresses that the pages give, as a client goes. */
async function walk(operation: Operation, first: Readonly<Record<string, string>>): Promise<Page["value"][]> {
  const pages: Page["value"][] = [];
  for (let query: Readonly<Record<string, string>> | undefined = first; query; ) {
    const { value, "@odata.nextLink": next }: Page = await page(operation, query);
    pages.push(value);
    expect(pages.length).toBeLessThan(200);
    query = next === undefined ? undefined : Object.fromEntries(new URL(next).searchParams);
  }
  return pages;
}

describe("every page size gives the same list", () => {
  /** Of each: the fewest entries that this world has, and what else it is asked with. */
  const LISTS: readonly [Operation, number, Readonly<Record<string, string>>?][] = [
    [listConfigurations, 3],
    [listServicePrincipals, 3],
    [listJobs, 1],
    [listTemplates, 1],
    [listSchemaVersions, 3],
    [listWhatIfs, 3],
    [listReconciles, 2],
    [listBackups, 3],
    [listStaged, 2, { members: "true" }],
    [listSecrets, 2],
    [listTargetObjects, 1, { name: "user1@corp.example" }],
  ];

  test.each(LISTS.map(([operation, ...rest]) => [operation.id, operation, ...rest] as const))(
    "of %s",
    async (_, operation, least, more = {}) => {
      const whole = await page(operation, more);
      expect(whole["@odata.nextLink"]).toBeUndefined();
      expect(whole.value.length).toBeGreaterThanOrEqual(least);
      for (const top of [1, 2, 1000]) {
        const pages = await walk(operation, { ...more, $top: String(top) });
        expect(pages.flat()).toEqual(whole.value);
        expect(pages.slice(0, -1).every(({ length }) => length === top)).toBe(true);
        expect(pages).toHaveLength(Math.max(1, Math.ceil(whole.value.length / top)));
      }
    },
  );

  // As they are declared; in pages by their names.
  test.each([listFilterOperators, listMappingFunctions].map((operation) => [operation.id, operation] as const))(
    "of %s",
    async (_, operation) => {
      const { value } = await page(operation, {});
      const keyOf = ({ id }: Record<string, unknown>) => String(id).replaceAll(" ", "_");
      const byName = [...value].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
      expect(value.length).toBeGreaterThan(10);
      expect((await walk(operation, { $top: "7" })).flat()).toEqual(byName);
    },
  );
});

test("a page begins where the one before ended, whatever came or went in between", async () => {
  const first = await page(listWhatIfs, { $top: "1" });
  const rest = await page(listWhatIfs, {});
  const token = new URL(first["@odata.nextLink"] ?? "").searchParams.get("$skiptoken") ?? "";
  await world.ask(runWhatIf, { params: world.params as never, body: { kind: "present" } });
  await world.run();
  expect((await page(listWhatIfs, { $top: "10", $skiptoken: token })).value).toEqual(rest.value.slice(1));
});

test("every list of the management API takes $top and $skiptoken", () => {
  const lists = adminRoutes(world.cloud.routes).flatMap(({ operation }) => {
    const shape = (operation.reply as unknown as { shape?: Record<string, unknown> } | null)?.shape;
    return shape && "@odata.nextLink" in shape ? [operation] : [];
  });
  expect(lists.length).toBeGreaterThan(20);
  const without = lists.filter(({ query }) => !query || !("$top" in query.shape && "$skiptoken" in query.shape));
  expect(without.map(({ id }) => id)).toEqual([]);
});
