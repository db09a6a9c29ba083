/** A job's settings, changed while it runs: all or none of a request, under their ETag, and what follows each. */
import { describe, expect, it } from "vitest";
import { jobSettingsRoutes } from "../../functions/job-settings.http.ts";
import {
  changeJobSettings,
  type JobSettingsChange,
  JobSettingsReply,
} from "../../shared/contracts/admin/job-settings.ts";
import { type Asked, answerByRoutes } from "../support/admin-service.ts";
import { aUser, createCloud, START } from "../support/cloud.ts";

const UNIT = "0a0a0a0a-0000-4000-8000-00000000000a";
const HOUR = 3_600_000;

async function start(settings: Parameters<typeof createCloud>[0] = {}) {
  const cloud = await createCloud(settings);
  const agent = await cloud.addDomain("corp.example");
  const { jobSettings, configurations } = cloud.cloud.routes;
  const { jobId } = agent;
  const answer = answerByRoutes(() => jobSettingsRoutes(jobSettings));
  const ask = async (method: "GET" | "PATCH", body?: unknown, ifMatch: string | null = null) => {
    const asked: Asked = {
      ...{ method, url: `/api/v1.0/uplink/jobs/${jobId}/settings`, ifMatch, authorization: undefined },
      body: body === undefined ? "" : JSON.stringify(body),
    };
    const response = (await answer(asked)) as Response;
    return { status: response.status, body: (await response.json()) as Record<string, never> };
  };
  const set = async (asked: JobSettingsChange) => {
    const done = await jobSettings.change(jobId, asked, "ann");
    if (!done.ok) throw new Error(done.failure.message);
    return done.value;
  };
  const get = async () => {
    const shown = await jobSettings.get(jobId);
    if (!shown.ok) throw new Error(shown.failure.message);
    return JobSettingsReply.parse(shown.value);
  };
  return { cloud, agent, jobId, jobSettings, configurations, ask, set, get };
}

describe("a job's settings", () => {
  it("are shown with every default told, and changed all at once", async () => {
    const { get, set, agent, configurations } = await start();
    const before = await get();
    expect(before).toMatchObject({
      lifecycle: { outOfScope: "delete", expiredAccounts: "ignore", groupDeleteDelayDays: 0 },
      ...{ defaultUsageLocation: null, redact: [], suffixPolicy: "replace", scopeVersion: 1 },
    });
    const guard = { floor: 1, count: 2, percent: 3 };
    const done = await set({ displayName: "Headquarters", guard, signIn: "federated", redact: ["mobile"] });
    expect(done).toMatchObject({ changed: ["displayName", "guard", "signIn", "redact"], followedBy: "nothing" });
    expect(await get()).toMatchObject({ displayName: "Headquarters", guard, signIn: "federated", redact: ["mobile"] });
    expect((await configurations.list()).map(({ displayName }) => displayName)).toEqual(["Headquarters"]);
    expect((await agent.status()).displayName).toBe("Headquarters");
    expect((await get())["@odata.etag"]).not.toBe(before["@odata.etag"]);
    expect(await set({ guard })).toMatchObject({ changed: [], followedBy: "nothing" });
  });

  it("have everything read again for another scope or lifecycle, and once only", async () => {
    const { set, agent, get } = await start();
    await agent.read("full", [aUser("ann")]);
    expect(await set({ scope: { organizationalUnits: [UNIT], groups: [] } })).toMatchObject({
      ...{ changed: ["scope"], followedBy: "full-read", scopeVersion: 2 },
    });
    expect(await set({ scope: { organizationalUnits: [UNIT, UNIT], groups: [] } })).toMatchObject({ changed: [] });
    expect((await get()).scopeVersion).toBe(2);
    expect(await set({ lifecycle: { outOfScope: "disable" } })).toMatchObject({ followedBy: "full-read" });
    expect((await agent.status()).fullReadWanted).toBe("lifecycle");
    expect((await get()).lifecycle).toEqual({
      ...{ outOfScope: "disable", expiredAccounts: "ignore", groupDeleteDelayDays: 0 },
    });
  });

  it.each(["parked-batch", "scope-nesting", "watermark-reset"])(
    "and a plain restart leave %s alone, for which everything is to be read again",
    async (reason) => {
      const { agent, jobId, configurations, cloud, set } = await start();
      await agent.read("full", [aUser("ann")]);
      await configurations.requestFullRead(jobId, reason);
      await set({ lifecycle: { outOfScope: "keep" } });
      await cloud.cloud.routes.lifecycles.set(jobId, { outOfScope: "disable" }, "ann");
      await configurations.requestFullRead(jobId, "asked");
      expect((await agent.status()).fullReadWanted).toBe(reason);
    },
  );

  it("have everybody mapped anew for another policy of suffixes", async () => {
    const { cloud, set, agent } = await start({ settings: { suffixPolicy: "escrow" } });
    await agent.read("full", [aUser("ann", { userPrincipalName: "ann@corp.local" }), aUser("bob")]);
    expect((await agent.status()).escrowed).toBe(1);
    expect(await set({ suffixPolicy: "replace", defaultUsageLocation: "FR" })).toMatchObject({
      ...{ changed: ["suffixPolicy", "defaultUsageLocation"], followedBy: "re-evaluation" },
    });
    await cloud.run();
    expect(await agent.status()).toMatchObject({ escrowed: 0, fullReadWanted: null });
    const [ann] = cloud.target.objects().filter(({ values }) => values["displayName"] === "ann");
    expect(ann?.values).toMatchObject({ usageLocation: "FR" });
  });

  it("ask for no full read because a new schedule would have come round in the past", async () => {
    const { cloud, set, agent } = await start({ settings: { fullSync: { schedule: "0 9 * * *", timeZone: "UTC" } } });
    await agent.read("full", [aUser("ann")]);
    cloud.clock.set(START + 30 * HOUR);
    await cloud.cloud.fullSync();
    await agent.read("full", [aUser("ann")]);
    cloud.clock.set(START + 31 * HOUR);
    await set({ fullSync: { schedule: "30 14 * * *", timeZone: "UTC" } });
    await cloud.cloud.fullSync();
    expect((await agent.status()).fullReadWanted).toBeNull();
    cloud.clock.set(START + 55 * HOUR);
    await cloud.cloud.fullSync();
    expect((await agent.status()).fullReadWanted).toBe("scheduled");
  });

  it("say who vouches for what the agent's account sees", async () => {
    const { set } = await start({ settings: { trustVisibility: null } });
    const vouched = { by: "ann", at: new Date(START).toISOString() };
    expect(await set({ trustVisibility: true })).toMatchObject({ trustVisibility: vouched });
    expect(await set({ trustVisibility: true })).toMatchObject({ changed: [] });
    expect(await set({ trustVisibility: false })).toMatchObject({ trustVisibility: null });
  });

  it("are refused with their ETag gone, and as they would be when a job is made", async () => {
    const { ask, get } = await start();
    const { "@odata.etag": etag } = await get();
    const done = await ask("PATCH", { guard: { floor: 5, count: 6, percent: 7 } }, etag);
    expect(done).toMatchObject({ status: 200, body: { guard: { floor: 5 } } });
    expect(changeJobSettings.reply.parse(done.body)["@odata.etag"]).toBe((await get())["@odata.etag"]);
    const late = await ask("PATCH", { signIn: "federated" }, etag);
    expect(late).toMatchObject({ status: 412, body: { error: { code: "etag-mismatch" } } });
    const schedule = await ask("PATCH", {
      guard: { floor: 1, count: 1, percent: 1 },
      fullSync: { schedule: "x", timeZone: "UTC" },
    });
    expect(schedule).toMatchObject({ status: 422, body: { error: { details: [{ target: "fullSync" }] } } });
    expect(await ask("PATCH", { guard: { floor: -1, count: 1, percent: 1 } })).toMatchObject({ status: 422 });
    expect(await ask("PATCH", { firstExport: "automatic" })).toMatchObject({ status: 422 });
    expect(await get()).toMatchObject({ guard: { floor: 5 }, signIn: "ownProcess" });
  });
});
