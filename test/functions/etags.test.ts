/**
 * Two admins at once: who changes what somebody else changed meanwhile, naming the ETag that came with what was seen, gets 412, and nothing
 * changes; who names none has the last word, as in Graph. Schemas and a job's settings have tests of their own.
 */
import { describe, expect, it } from "vitest";
import { actOnAgent, getAgent } from "../../shared/contracts/admin/agents.ts";
import { createConfiguration, listConfigurations } from "../../shared/contracts/admin/configurations.ts";
import {
  addExclusion,
  getExclusion,
  listExclusions,
  removeExclusion,
} from "../../shared/contracts/admin/exclusions.ts";
import { getLifecycle, getScope, setLifecycle, setScope } from "../../shared/contracts/admin/jobs.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { createCloud, guidOf } from "../support/cloud.ts";

const UNITS = ["a", "b", "c"].map((name) => guidOf(name));
const scopeOf = (unit: number) => ({ organizationalUnits: [UNITS[unit] ?? ""], groups: [] });

async function start(wrapRows?: (rows: RowStore) => RowStore) {
  const { cloud, addDomain } = await createCloud(wrapRows ? { wrapRows } : {});
  const corp = await addDomain("corp.example");
  const { configurationId, jobId } = corp;
  return { ask: createAdminApi(cloud), jobId, configurationId, agentId: corp.proven.agent.agentId };
}

describe("an ETag", () => {
  it("of a scope is its version", async () => {
    const { ask, jobId } = await start();
    const params = { jobId };
    const seen = await ask(getScope, { params });
    expect([seen.etag, seen.body]).toEqual(['W/"1"', { jobId, scopeVersion: 1, organizationalUnits: [], groups: [] }]);
    const first = await ask(setScope, { params, body: scopeOf(0), ifMatch: seen.etag ?? "" });
    expect([first.status, first.etag, first.body]).toEqual([
      ...[200, 'W/"2"'],
      { jobId, scopeVersion: 2, changed: true },
    ]);
    for (const ifMatch of ['W/"1"', "1", '"nonsense"']) {
      const late = await ask(setScope, { params, body: scopeOf(1), ifMatch });
      expect(late.failure).toMatchObject({ status: 412, code: "etag-mismatch", remedy: expect.any(String) });
    }
    expect((await ask(getScope, { params })).body).toMatchObject({ scopeVersion: 2, ...scopeOf(0) });
    expect((await ask(setScope, { params, body: scopeOf(1) })).etag).toBe('W/"3"');
    expect((await ask(setScope, { params, body: scopeOf(2), ifMatch: "*" })).etag).toBe('W/"4"');
  });

  it("of a lifecycle is of all that it says", async () => {
    const { ask, jobId } = await start();
    const params = { jobId };
    const { etag: seen = "" } = await ask(getLifecycle, { params });
    const first = await ask(setLifecycle, { params, body: { groupDeleteDelayDays: 3 }, ifMatch: seen });
    expect(first.etag).not.toBe(seen);
    // Another part of it: what the second admin decided was decided with the whole before his eyes.
    const late = await ask(setLifecycle, { params, body: { outOfScope: "disable" }, ifMatch: seen });
    expect(late.failure).toMatchObject({ status: 412, code: "etag-mismatch" });
    const now = await ask(getLifecycle, { params });
    expect([now.etag, now.body]).toMatchObject([first.etag, { outOfScope: "delete", groupDeleteDelayDays: 3 }]);
    for (const body of [{ outOfScope: "keep" }, { expiredAccounts: "disable" }] as const) {
      const { etag: before } = await ask(getLifecycle, { params });
      expect((await ask(setLifecycle, { params, body })).etag).not.toBe(before);
    }
  });

  it("of an exclusion changes with its reason, and is named by the list", async () => {
    const { ask } = await start();
    const params = { guid: guidOf("ann") };
    const put = (reason: string, ifMatch?: string) =>
      ask(addExclusion, { params, body: { reason }, ...(ifMatch === undefined ? {} : { ifMatch }) });
    // Nothing is there that could be the one that is meant.
    for (const ifMatch of ['W/"other"', "*"])
      expect((await put("first", ifMatch)).failure).toMatchObject({
        status: 412,
        message: expect.stringContaining("isn't there"),
      });
    expect((await ask(getExclusion, { params })).failure?.code).toBe("exclusion-not-found");
    const { etag: first = "" } = await put("first");
    const listed = (await ask(listExclusions, {})).body.value;
    expect(listed.map((own) => own["@odata.etag"])).toEqual([first]);
    expect((await ask(getExclusion, { params })).etag).toBe(first);
    const { etag: second = "" } = await put("second", first);
    expect(second).not.toBe(first);
    expect((await put("third", first)).failure).toMatchObject({ status: 412, code: "etag-mismatch" });
    expect((await ask(removeExclusion, { params, ifMatch: first })).failure?.code).toBe("etag-mismatch");
    expect((await ask(getExclusion, { params })).body).toMatchObject({ reason: "second", "@odata.etag": second });
    expect((await put("fourth")).status).toBe(200);
    const { etag: fourth = "" } = await ask(getExclusion, { params });
    expect((await ask(removeExclusion, { params, ifMatch: fourth })).body).toMatchObject({ reason: "fourth" });
  });

  it("of an exclusion is held against the row that is written, whoever comes in between", async () => {
    let inBetween: (() => Promise<unknown>) | undefined;
    const { ask } = await start((rows) => ({
      ...rows,
      table(name) {
        const table = rows.table(name);
        if (name !== "exclusions") return table;
        return {
          ...table,
          async transact(...args) {
            const other = inBetween;
            inBetween = undefined;
            await other?.();
            return table.transact(...args);
          },
        };
      },
    }));
    const params = { guid: guidOf("ann") };
    const put = (reason: string, ifMatch?: string) =>
      ask(addExclusion, { params, body: { reason }, ...(ifMatch === undefined ? {} : { ifMatch }) });
    const { etag: seen = "" } = await put("seen");
    inBetween = () => put("theirs");
    expect((await put("mine", seen)).failure?.code).toBe("etag-mismatch");
    const { etag: theirs = "" } = await ask(getExclusion, { params });
    inBetween = () => put("theirs again");
    expect((await ask(removeExclusion, { params, ifMatch: theirs })).failure?.code).toBe("etag-mismatch");
    expect((await ask(getExclusion, { params })).body.reason).toBe("theirs again");
    // Who names none comes after the other, whatever that did.
    inBetween = () => ask(removeExclusion, { params });
    expect((await put("mine")).body.reason).toBe("mine");
  });

  it.each(["before", "in between"])(
    "isn't wanted of who makes something new: what somebody else made %s stays",
    async (when) => {
      let inBetween: (() => Promise<unknown>) | undefined;
      const { ask } = await start((rows) => ({
        ...rows,
        table(name) {
          const table = rows.table(name);
          return {
            ...table,
            async transact(partition, operations) {
              const isHit = name === "exclusions" || operations.some(({ row }) => row.startsWith("domain:"));
              const other = isHit ? inBetween : undefined;
              if (other) inBetween = undefined;
              await other?.();
              return table.transact(partition, operations);
            },
          };
        },
      }));
      const params = { guid: guidOf("ann") };
      const put = (reason: string, more: object = {}) => ask(addExclusion, { params, body: { reason }, ...more });
      const settings = { signIn: "ownProcess" } as const;
      const of = (displayName: string) => ({ displayName, domainFqdn: "new.example", domainNetBios: "NEW", settings });
      const make = (displayName: string, more: object = {}) =>
        ask(createConfiguration, { body: of(displayName), ...more });
      const onlyNew = { ifNoneMatch: "*" };
      const whileOthers = async (other: () => Promise<unknown>) => {
        if (when === "before") await other();
        else inBetween = other;
      };
      await whileOthers(() => put("theirs"));
      expect((await put("mine", onlyNew)).failure).toMatchObject({ status: 412, code: "exists-already" });
      expect((await ask(getExclusion, { params })).body.reason).toBe("theirs");
      await whileOthers(() => make("theirs"));
      expect((await make("mine", onlyNew)).failure).toMatchObject({
        ...{ status: 412, code: "exists-already" },
        message: expect.stringContaining("new.example"),
      });
      const named = (await ask(listConfigurations, {})).body.value.filter((own) => own.domainFqdn === "new.example");
      expect(named).toMatchObject([{ displayName: "theirs" }]);
      // Who doesn't mind gets what is there, as before.
      expect((await make("mine")).status).toBe(200);
      await ask(removeExclusion, { params });
      expect((await put("mine", onlyNew)).status).toBe(200);
    },
  );

  it.each(['"1"', 'W/"1"', '"*"', "*, *", ""])(
    "isn't held against %j where something new is made: that is refused",
    async (tag) => {
      const { ask } = await start();
      const settings = { signIn: "ownProcess" } as const;
      const body = { displayName: "New", domainFqdn: "new.example", domainNetBios: "NEW", settings };
      const refused = {
        ...{ status: 400, code: "invalid-header", message: expect.stringContaining("If-None-Match") },
        remedy: expect.stringContaining("If-None-Match: *"),
        details: [{ target: "If-None-Match", message: expect.any(String) }],
      };
      const params = { guid: guidOf("ann") };
      const put = (ifNoneMatch: string) => ask(addExclusion, { params, body: { reason: "mine" }, ifNoneMatch });
      expect((await put(tag)).failure).toMatchObject(refused);
      expect((await ask(getExclusion, { params })).status).toBe(404);
      expect((await ask(createConfiguration, { body, ifNoneMatch: tag })).failure).toMatchObject(refused);
      expect((await ask(listConfigurations, {})).body.value.map((own) => own.domainFqdn)).not.toContain("new.example");
      // Reads don't mind it.
      expect((await ask(listConfigurations, { ifNoneMatch: tag })).status).toBe(200);
      expect((await put(" * ")).status).toBe(200);
    },
  );

  it("of an agent is of what admins decide about, and not of when it was heard last", async () => {
    const { ask, configurationId, agentId } = await start();
    const params = { configurationId, agentId };
    const act = (action: string, ifMatch: string) => ask(actOnAgent, { params: { ...params, action }, ifMatch });
    const { etag: seen = "" } = await ask(getAgent, { params });
    const same = await act("approve", seen);
    expect([same.status, same.etag, same.body.changed]).toEqual([200, seen, false]);
    expect((await act("revoke", 'W/"other"')).failure).toMatchObject({ status: 412, code: "etag-mismatch" });
    expect((await ask(getAgent, { params })).body.status).toBe("active");
    const revoked = await act("revoke", seen);
    expect(revoked.etag).not.toBe(seen);
    expect((await act("revoke", seen)).failure?.code).toBe("etag-mismatch");
  });
});
