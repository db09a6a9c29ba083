/** A job in quarantine through the real use cases and orchestrators: what it doesn't do, when it tries, what ends it. */
import { describe, expect, it } from "vitest";
import type { RouteRequest } from "../../functions/http-route.ts";
import { jobRoutes } from "../../functions/jobs.http.ts";
import type { Admin } from "../../shared/application/admin/verify-admin-token.ts";
import type { QuarantineSettings } from "../../shared/domain/quarantine.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { aUser, type Cloud, type CloudOptions, createCloud } from "../support/cloud.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const refused = { code: "UnprocessableEntity" as const, message: "no", remedy: "Mend it.", retriable: false };
const noCredentials = new TargetUnavailable("target-credentials", "The secret expired.", "Give it another.", 300_000);
/** As documented, a thousand times smaller. */
const SMALL: Partial<QuarantineSettings> = { failures: 5, percent: 40, count: 40, total: 60 };

async function start(options: CloudOptions = {}) {
  const cloud = await createCloud({ quarantine: SMALL, ...options });
  const agent = await cloud.addDomain("corp.example");
  const pass = async (ms: number) => {
    cloud.clock.set(cloud.clock.now() + ms);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
  };
  const quarantine = async () => (await agent.status()).quarantine;
  const toNext = async () => Date.parse((await quarantine())?.nextAttempt ?? "") - cloud.clock.now();
  const events = () => cloud.logged.map((line) => line.event).filter((event) => /quarantine|job-disabled/.test(event));
  return { cloud, agent, pass, quarantine, toNext, events };
}

const people = (count: number, attributes = {}) =>
  Array.from({ length: count }, (_, at) => aUser(`user${at}`, attributes));
const createdIn = (cloud: Cloud) => cloud.target.objects().length;

describe("credentials that are refused", () => {
  it("quarantine the job at once; accepted batches wait, and an attempt after 6 hours brings them all", async () => {
    const { cloud, agent, pass, quarantine, toNext, events } = await start();
    cloud.target.setUnavailable(noCredentials);
    await agent.read("full", people(3));
    const began = new Date(cloud.clock.now()).toISOString();
    expect(await quarantine()).toEqual({
      reason: "EncounteredQuarantineException",
      currentBegan: began,
      nextAttempt: new Date(cloud.clock.now() + 6 * HOUR).toISOString(),
      seriesBegan: began,
      seriesCount: 0,
      error: {
        code: "target-credentials",
        message: "The secret expired.",
        remedy: "Give it another. Then uplink quarantine clear.",
      },
    });
    expect(cloud.logged).toContainEqual(
      expect.objectContaining({ level: "error", event: "job-quarantined", fields: expect.anything() }),
    );
    // Mended, and still nothing is tried: no work is handed out, no read is ordered.
    cloud.target.setUnavailable(undefined);
    const reply = await agent.heartbeat({ want: "delta" });
    expect(reply).toMatchObject({ ok: true, value: { order: null, message: "The job is in quarantine." } });
    await cloud.wakeJob(agent.jobId, "bulk");
    await cloud.driver.settled();
    await pass((await toNext()) - 1);
    expect(createdIn(cloud)).toBe(0);
    expect((await agent.status()).waiting).toMatchObject({ batches: 1, changes: 3 });
    await pass(1);
    expect(createdIn(cloud)).toBe(3);
    await pass(MINUTE);
    expect(await quarantine()).toBeNull();
    expect((await agent.status()).lastCycle).toMatchObject({ received: 3, outcomes: { exported: 3, escrowed: 0 } });
    expect(events()).toEqual(["job-quarantined", "quarantine-over"]);
  });

  it("that stay refused are tried after 6, 12 and 24 hours, then daily; after 28 days the job is disabled", async () => {
    const { cloud, agent, pass, quarantine, events } = await start();
    cloud.target.setUnavailable(noCredentials);
    await agent.read("full", people(3));
    const began = cloud.clock.now();
    const tries = [began];
    while ((await quarantine())?.nextAttempt !== null) {
      const { seriesBegan, seriesCount, currentBegan } = (await quarantine()) ?? {};
      if (Date.parse(currentBegan ?? "") !== tries.at(-1)) tries.push(Date.parse(currentBegan ?? ""));
      expect([seriesBegan, seriesCount]).toEqual([new Date(began).toISOString(), tries.length - 1]);
      await pass(6 * HOUR);
    }
    const gaps = tries.slice(1).map((at, index) => (at - (tries[index] ?? 0)) / HOUR);
    expect(gaps).toEqual([6, 12, ...Array.from({ length: 27 }, () => 24)].slice(0, gaps.length));
    expect(gaps.length).toBeGreaterThan(25);
    expect((cloud.clock.now() - began) / DAY).toBe(28);
    expect(events().at(-1)).toBe("job-disabled");
    cloud.target.setUnavailable(undefined);
    await pass(3 * DAY);
    expect(createdIn(cloud)).toBe(0);
    expect((await agent.status()).waiting).toMatchObject({ batches: 1, changes: 3 });
    await cloud.cloud.routes.quarantines.clear(agent.jobId);
    await cloud.cloud.routes.wakeJob(agent.jobId);
    await cloud.run();
    expect(createdIn(cloud)).toBe(3);
    expect(await quarantine()).toBeNull();
  });

  it("met in the middle of a batch lose nothing and repeat nothing; cleared by hand the job goes on at once", async () => {
    let exports = 0;
    const { cloud, agent, quarantine } = await start({
      chunkObjects: 2,
      beforeActivity: (name) => {
        if (name === "ExportChunk" && ++exports === 2) cloud.target.setUnavailable(noCredentials);
      },
    });
    await agent.read("full", people(8));
    expect(await quarantine()).not.toBeNull();
    const before = createdIn(cloud);
    expect(before).toBeLessThan(8);
    cloud.target.setUnavailable(undefined);
    expect(await cloud.cloud.routes.quarantines.clear(agent.jobId)).toMatchObject({ value: { cleared: true } });
    await cloud.cloud.routes.wakeJob(agent.jobId);
    await cloud.run();
    expect(createdIn(cloud)).toBe(8);
    expect(cloud.target.received.filter((action) => action.kind === "create")).toHaveLength(8);
    expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { exported: 8, escrowed: 0 } });
    expect(await cloud.cloud.routes.quarantines.clear(agent.jobId)).toMatchObject({ value: { cleared: false } });
    expect(await cloud.cloud.routes.quarantines.clear("nobody")).toMatchObject({ ok: false });
  });

  it("stop a job once, though two lanes meet them and every chunk of a wave", async () => {
    const { cloud, agent, pass, quarantine, toNext, events } = await start({ chunkObjects: 1 });
    await agent.read("full", people(6));
    cloud.target.setUnavailable(noCredentials);
    await agent.read("delta", people(6, { title: "x" }));
    expect(events()).toEqual(["job-quarantined"]);
    await pass(await toNext());
    expect(await quarantine()).toMatchObject({ seriesCount: 1 });
    expect(events()).toEqual(["job-quarantined", "job-quarantined"]);
  });

  it("that are merely out of reach quarantine nobody", async () => {
    const { cloud, agent, quarantine } = await start({
      beforeActivity: () => {
        if (calls-- === 0) cloud.target.setUnavailable(undefined);
      },
    });
    let calls = 12;
    cloud.target.setUnavailable(new TargetUnavailable("target-unreachable", "away", "Wait.", 5_000));
    await agent.read("full", people(1));
    expect(await quarantine()).toBeNull();
    expect(createdIn(cloud)).toBe(1);
  });
});

describe("failures of a cycle", () => {
  it.each<[string, number, number, string | undefined, Partial<QuarantineSettings>]>([
    ["too few to look at", 4, 4, undefined, {}],
    ["40 %", 6, 15, undefined, {}],
    ["more than 40 %", 7, 15, "EncounteredEscrowProportionThreshold", {}],
    ["more than the count", 41, 110, "EncounteredBaseEscrowThreshold", {}],
    ["more than the total", 9, 30, "EncounteredTotalEscrowThreshold", { total: 8 }],
  ])("%s", async (_, failing, count, reason, settings) => {
    const { cloud, agent, quarantine } = await start({ quarantine: { ...SMALL, ...settings } });
    cloud.target.order({ kind: "fail", count: failing, failure: refused });
    await agent.read("full", people(count));
    expect((await quarantine())?.reason).toBe(reason);
    // The cycle itself is whole: every change has its outcome.
    expect((await agent.status()).lastCycle).toMatchObject({
      received: count,
      outcomes: { exported: count - failing, escrowed: failing },
    });
  });

  it("by who became privileged in the target don't count", async () => {
    const { cloud, agent, quarantine } = await start();
    cloud.target.order({ kind: "fail", count: 10, failure: { ...refused, code: "InsufficientRights" } });
    await agent.read("full", people(10));
    expect(await agent.status()).toMatchObject({ escrowed: 10 });
    expect(await quarantine()).toBeNull();
  });

  it("aren't tried again while the job is stopped; the attempt that mends them and a clean cycle end it", async () => {
    const { cloud, agent, pass, quarantine, toNext } = await start();
    cloud.target.order({ kind: "fail", count: 10, failure: refused });
    await agent.read("full", people(10));
    const sent = cloud.target.received.length;
    await pass(3 * HOUR);
    expect(cloud.target.received).toHaveLength(sent);
    expect((await agent.status()).waiting).toMatchObject({ work: 0 });
    await pass(await toNext());
    expect(createdIn(cloud)).toBe(10);
    await pass(MINUTE);
    // Nothing fails any more, and yet no cycle has shown it.
    expect(await quarantine()).not.toBeNull();
    await agent.read("delta", []);
    await pass(MINUTE);
    expect(await quarantine()).toBeNull();
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });

  it("are judged when they were tried, not by a cycle that came before", async () => {
    const { cloud, agent, pass, quarantine, toNext } = await start();
    cloud.target.order({ kind: "fail", count: 10, failure: refused });
    await agent.read("full", people(10));
    cloud.clock.set(cloud.clock.now() + (await toNext()));
    await agent.read("delta", []);
    await pass(0);
    expect(await quarantine()).toMatchObject({ seriesCount: 0 });
    await pass(MINUTE);
    expect(await quarantine()).toBeNull();
  });

  it("that stand after the attempt are a share of the cycle that brought them", async () => {
    const { cloud, agent, pass, quarantine, toNext } = await start();
    cloud.target.order({ kind: "fail", count: 7, failure: refused });
    await agent.read("full", people(15));
    cloud.target.order({ kind: "fail", count: 6, failure: refused });
    await pass(await toNext());
    await agent.read("delta", []);
    await pass(0);
    expect(await agent.status()).toMatchObject({ escrowed: 6 });
    expect(await quarantine()).toBeNull();
  });

  it("that stand after the attempt stop the job for longer, however clean an empty cycle looks", async () => {
    const { cloud, agent, pass, quarantine, toNext } = await start();
    cloud.target.order({ kind: "fail", count: 20, failure: refused });
    await agent.read("full", people(10));
    await pass(await toNext());
    await agent.read("delta", []);
    await pass(MINUTE);
    expect(await quarantine()).toMatchObject({ reason: "EncounteredEscrowProportionThreshold", seriesCount: 1 });
    expect((await toNext()) / HOUR).toBe(12);
    await pass(await toNext());
    await agent.read("delta", []);
    await pass(MINUTE);
    expect(await quarantine()).toBeNull();
    expect(createdIn(cloud)).toBe(10);
  });
});

describe("failures of work", () => {
  it.each<[string, number, number, string | undefined, Partial<QuarantineSettings>]>([
    ["too few to look at", 4, 4, undefined, {}],
    ["40 %", 6, 15, undefined, {}],
    ["more than 40 %", 7, 15, "EncounteredEscrowProportionThreshold", {}],
    ["more than the count", 41, 110, "EncounteredBaseEscrowThreshold", {}],
    ["more than the total", 9, 30, "EncounteredTotalEscrowThreshold", { total: 8 }],
  ])("over everybody, when exports are released: %s", async (_, failing, count, reason, settings) => {
    const { cloud, agent, quarantine, events } = await start({
      quarantine: { ...SMALL, ...settings },
      settings: { mode: "staging" },
    });
    await agent.read("full", people(count));
    cloud.target.order({ kind: "fail", count: failing, failure: refused });
    await cloud.cloud.routes.heldExports.setMode(agent.jobId, "normal", "admin");
    await cloud.run();
    expect(await agent.status()).toMatchObject({ escrowed: failing, waiting: { work: 0 } });
    expect((await quarantine())?.reason).toBe(reason);
    expect(events()).toEqual(reason === undefined ? [] : ["job-quarantined"]);
  });

  /** Thirty of a hundred fail in a cycle, and thirty of another hundred in the next. */
  const sixty = async () => {
    const world = await start();
    const { cloud, agent, quarantine } = world;
    const all = people(200);
    for (const some of [all.slice(0, 100), all.slice(100)]) {
      cloud.target.order({ kind: "fail", count: 30, failure: refused });
      await agent.read("delta", some);
    }
    expect(await agent.status()).toMatchObject({ escrowed: 60 });
    expect(await quarantine()).toBeNull();
    const retry = async (failing: number) => {
      cloud.target.order({ kind: "fail", count: failing, failure: refused });
      await cloud.cloud.routes.retryEscrows(agent.jobId, undefined, "admin");
      await cloud.run();
    };
    return { ...world, retry };
  };

  it("that come together over cycles are counted when they were tried again, all of them", async () => {
    const mended = await sixty();
    await mended.retry(40);
    expect(await mended.agent.status()).toMatchObject({ escrowed: 40 });
    expect(await mended.quarantine()).toBeNull();
    const { agent, pass, quarantine, toNext, retry } = await sixty();
    await retry(41);
    expect(await quarantine()).toMatchObject({ reason: "EncounteredBaseEscrowThreshold", seriesCount: 0 });
    expect((await toNext()) / HOUR).toBe(6);
    // Mended: the attempt brings them, and a clean cycle ends it.
    await pass(await toNext());
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
    await agent.read("delta", []);
    await pass(MINUTE);
    expect(await quarantine()).toBeNull();
  });

  it("that an admin let go on count again once they were tried since", async () => {
    const { agent, cloud, quarantine, retry } = await sixty();
    await retry(60);
    expect(await quarantine()).toMatchObject({ reason: "EncounteredBaseEscrowThreshold" });
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await cloud.cloud.routes.quarantines.clear(agent.jobId);
    cloud.target.order({ kind: "fail", count: 1, failure: refused });
    const found = await cloud.cloud.routes.queries.escrows(agent.jobId);
    await cloud.cloud.routes.retryEscrows(agent.jobId, found.ok ? found.value[0]?.objectGuid : "", "admin");
    await cloud.run();
    expect(await quarantine()).toBeNull();
    await retry(60);
    expect(await quarantine()).toMatchObject({ reason: "EncounteredBaseEscrowThreshold" });
  });

  it("of which each is tried again and again stop nobody, while most of the job goes through", async () => {
    const { cloud, agent, quarantine } = await start();
    cloud.target.order({ kind: "fail", count: 6, failure: refused });
    await agent.read("full", people(15));
    for (let round = 0; round < 3; round++) {
      cloud.target.order({ kind: "fail", count: 6, failure: refused });
      await cloud.cloud.routes.retryEscrows(agent.jobId, undefined, "admin");
      await cloud.run();
    }
    expect(await agent.status()).toMatchObject({ escrowed: 6 });
    expect(await quarantine()).toBeNull();
  });
});

it.each([
  ["start", true],
  ["restart", true],
  ["pause", false],
])("%s by an admin clears it: %s", async (action, clears) => {
  const { cloud, agent, quarantine } = await start();
  cloud.target.setUnavailable(noCredentials);
  await agent.read("full", people(3));
  cloud.target.setUnavailable(undefined);
  const route = jobRoutes(cloud.cloud.routes).find((one) => one.name === "JobAction");
  if (route?.guard !== "admin-write") throw new Error("There is no such route.");
  const body = new Uint8Array();
  const request: RouteRequest = {
    ...{ method: "POST", params: { configurationId: agent.configurationId, jobId: agent.jobId, action } },
    ...{ query: new URLSearchParams(), body, isGzip: false, ifMatch: null, origin: "https://uplink.example" },
    signed: { method: "POST", path: "", proof: null, body },
  };
  await route.handle(request, {} as Admin);
  await cloud.run();
  expect((await quarantine()) === null).toBe(clears);
  expect(createdIn(cloud)).toBe(clears ? 3 : 0);
});

it("is kept where a host that starts anew finds it, and its attempt comes all the same", async () => {
  const { cloud, agent, toNext } = await start();
  cloud.target.setUnavailable(noCredentials);
  await agent.read("full", people(3));
  const left = await toNext();
  const { rows, blobs } = cloud;
  const again = await createCloud({ quarantine: SMALL, wrapRows: () => rows, wrapBlobs: () => blobs });
  again.clock.set(cloud.clock.now() + left - 1);
  await again.tick();
  await again.driver.settled();
  expect(createdIn(again)).toBe(0);
  again.clock.set(again.clock.now() + 1);
  await again.tick();
  await again.driver.settled();
  await again.run();
  expect(createdIn(again)).toBe(3);
  again.clock.set(again.clock.now() + MINUTE);
  await again.tick();
  const status = await again.cloud.routes.queries.status(agent.jobId);
  expect(status).toMatchObject({ value: { quarantine: null, waiting: { batches: 0 } } });
});
