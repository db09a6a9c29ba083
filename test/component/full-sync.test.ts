import { describe, expect, it } from "vitest";
import { aUser, createCloud } from "../support/cloud.ts";

const MINUTE = 60_000;

/** The local moments at which a job was asked for a full read, looking every minute. */
async function askedBetween(schedule: string, timeZone: string, from: string, to: string): Promise<string[]> {
  const cloud = await createCloud();
  cloud.clock.set(Date.parse(from));
  await cloud.addDomain("corp.example", { fullSync: { schedule, timeZone } });
  const asked: string[] = [];
  for (let now = Date.parse(from); now <= Date.parse(to); now += MINUTE) {
    cloud.clock.set(now);
    if ((await cloud.cloud.fullSync()).asked.length > 0) asked.push(new Date(now).toISOString().slice(0, 16));
  }
  return asked;
}

describe("the full-sync timer", () => {
  it.each<[string, string, string, string, string, readonly string[]]>([
    ["in UTC", "0 2 * * *", "UTC", "2026-06-01T00:00Z", "2026-06-03T00:00Z", ["2026-06-01T02:00", "2026-06-02T02:00"]],
    [
      "in the job's zone",
      "30 23 * * *",
      "America/New_York",
      "2026-01-01T00:00Z",
      "2026-01-02T12:00Z",
      ["2026-01-01T04:30", "2026-01-02T04:30"],
    ],
    [
      "over the end of summer time, once a night",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-24T12:00Z",
      "2026-10-26T12:00Z",
      ["2026-10-25T00:30", "2026-10-26T01:30"],
    ],
  ])("asks %s", async (_, schedule, zone, from, to, moments) => {
    expect(await askedBetween(schedule, zone, from, to)).toEqual(moments);
  });

  it("asks in the night in which 02:30 does not exist, too, and once", async () => {
    const asked = await askedBetween("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T12:00Z");
    expect(asked).toHaveLength(2);
    expect(asked[0]).toMatch(/^2026-03-29T0[01]:/);
    expect(asked[1]).toBe("2026-03-30T00:30");
  });

  it("makes up for what came round while nothing ran, once, and not for a paused job", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    cloud.clock.set(cloud.clock.now() + 3 * 24 * 60 * MINUTE);
    await cloud.cloud.routes.configurations.setPaused(agent.jobId, true);
    expect((await cloud.cloud.fullSync()).asked).toEqual([]);
    await cloud.cloud.routes.configurations.setPaused(agent.jobId, false);
    expect((await cloud.cloud.fullSync()).asked).toEqual([agent.jobId]);
    expect((await cloud.cloud.fullSync()).asked).toEqual([]);
    expect(await agent.read("delta", [aUser("ann")])).toMatchObject({ kind: "full", reason: "scheduled" });
    expect((await agent.status()).fullReadWanted).toBeNull();
  });

  it("leaves the time of a wish that is open: the read that began after it fulfils both", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    await cloud.cloud.routes.configurations.requestFullRead(agent.jobId, "asked");
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await agent.order("full");
    cloud.clock.set(cloud.clock.now() + 24 * 60 * MINUTE);
    expect((await cloud.cloud.fullSync()).asked).toEqual([agent.jobId]);
    await agent.read("full", [aUser("ann")]);
    expect((await agent.status()).fullReadWanted).toBeNull();
  });

  it.each([
    { schedule: "every night", timeZone: "UTC" },
    { schedule: "0 2 * * *", timeZone: "Europe/Atlantis" },
    { schedule: "0 0 2 * * *", timeZone: "UTC" },
    { schedule: "0 2 30 2 *", timeZone: "UTC" },
  ])("no configuration is made with $schedule in $timeZone", async (fullSync) => {
    const cloud = await createCloud();
    const settings = {
      scope: { organizationalUnits: [], groups: [] },
      signIn: "federated" as const,
      firstExport: "automatic" as const,
      trustVisibility: null,
      guard: { floor: 1, count: 1, percent: 1 },
      suffixPolicy: "replace" as const,
      fullSync,
    };
    const made = await cloud.cloud.routes.configurations.create({
      displayName: "x",
      domainFqdn: "x.example",
      domainNetBios: "X",
      settings,
    });
    expect(made).toMatchObject({ ok: false, failure: { status: 422, details: [{ target: "settings.fullSync" }] } });
  });
});
