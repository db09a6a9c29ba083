/**
 * Each condition that an alert rule watches, brought about in the cloud in memory: the service tells of it by the very events and metrics
 * that the rule looks at, beyond its threshold, and of nothing where nothing is wrong; and the health answer says the same, where rows do.
 */
import { expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import type { OutcomeFile } from "../../shared/application/lanes/chunk-files.ts";
import { type AgentRow, agentTable } from "../../shared/application/state/agent-rows.ts";
import { pack, readRow } from "../../shared/application/state/job-rows.ts";
import { gunzipJson, gzipJson } from "../../shared/application/state/packing.ts";
import { NEEDS } from "../../shared/needs.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";

import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, guidOf, START } from "../support/cloud.ts";
import { DAY, gone, HOUR, MINUTE, people, startWatched as start, type World } from "./alert-world.ts";

const refused = { code: "UnprocessableEntity" as const, message: "no", remedy: "Mend it.", retriable: false };
const UNGUARDED = { floor: 1_000, count: 10_000, percent: 100 };
const dropOutcomes = async ({ cloud }: World) => {
  for await (const path of cloud.blobs.list("plans/")) {
    const content = path.includes("/outcome-") ? await cloud.blobs.get(path) : undefined;
    const file = content && gunzipJson<OutcomeFile>(content);
    if (file && file.entries.length > 1)
      await cloud.blobs.put(path, gzipJson({ ...file, entries: file.entries.slice(1) }));
  }
};

/** A backup, made or failed a day after the job, and so long ago. */
const backedUp = async (ago: number, fails = false) => {
  const world = await start({
    aroundActivity: async (name, _input, run) => {
      if (fails && name === ACTIVITY.finishBackup) throw new Error("The storage is away.");
      return run();
    },
  });
  const { cloud, agent } = world;
  await agent.read("full", people(3));
  if (!fails) cloud.clock.set(START + DAY);
  await cloud.cloud.beginBackupWith(cloud.driver)();
  await cloud.driver.settled();
  cloud.clock.set(cloud.clock.now() + ago);
  await agent.read("delta", []);
  expect(world.told().has("backup-done")).toBe(!fails);
  return world;
};

/** Time goes by: all agents live, one of them reads. */
const passHours = async ({ cloud, agent, pass }: World, reader: World["agent"], hours: number) => {
  for (let hour = 0; hour < hours; hour++) {
    cloud.clock.set(cloud.clock.now() + HOUR);
    await agent.heartbeat({ want: "none" });
    await reader.read("delta", []);
    await pass(MINUTE);
  }
};

const changeAgent = async ({ cloud, agent }: World, change: Partial<AgentRow>) => {
  const { agentId, configurationId } = agent.proven.agent;
  const stored = await readRow<AgentRow>(agentTable(cloud.rows), configurationId, `agent:${agentId}`);
  if (!stored) throw new Error("The agent has a row.");
  const values = pack({ ...stored.value, ...change });
  await agentTable(cloud.rows).transact(configurationId, [{ op: "upsert", row: stored.row, values }]);
};

interface Situation {
  readonly name: string;
  readonly play: () => Promise<World>;
  readonly alerts: readonly string[];
  readonly findings: readonly string[];
}

const SITUATIONS: readonly Situation[] = [
  {
    name: "all is well",
    play: async () => {
      const world = await start({ quota: 3_000, credentialEndsAt: START + 31 * DAY });
      await world.agent.read("full", people(20));
      await world.pass(MINUTE);
      return world;
    },
    alerts: [],
    findings: [],
  },
  {
    name: "many objects fail",
    play: async () => {
      const world = await start();
      world.cloud.target.order({ kind: "fail", count: 201, failure: refused });
      await world.agent.read("full", people(201));
      return world;
    },
    alerts: ["failure-spike"],
    findings: ["objects-failing"],
  },
  {
    name: "a few objects fail",
    play: async () => {
      const world = await start();
      world.cloud.target.order({ kind: "fail", count: 3, failure: refused });
      await world.agent.read("full", people(20));
      return world;
    },
    alerts: [],
    findings: ["objects-failing"],
  },
  {
    name: "many accounts are deleted within the bounds",
    play: async () => {
      const world = await start({ settings: { guard: UNGUARDED } });
      await world.agent.read("full", people(101));
      await world.agent.read("delta", gone(101));
      return world;
    },
    alerts: ["delete-spike"],
    findings: [],
  },
  {
    name: "many accounts expire, without a read",
    play: async () => {
      const world = await start({ settings: { guard: UNGUARDED, lifecycle: { expiredAccounts: "disable" } } });
      const at = BigInt(START + DAY / 48);
      const accountExpires = String((at + 11_644_473_600_000n) * 10_000n);
      await world.agent.read(
        "full",
        Array.from({ length: 101 }, (_, no) => aUser(`user${no}`, { accountExpires })),
      );
      world.cloud.clock.set(START + DAY / 24);
      await world.agent.heartbeat({ want: "none" });
      await world.pass(0);
      return world;
    },
    alerts: ["delete-spike"],
    findings: [],
  },
  {
    name: "more would be removed than the guard lets pass",
    play: async () => {
      const world = await start();
      await world.agent.read("full", people(60));
      await world.agent.read("delta", gone(50));
      return world;
    },
    alerts: ["staged-sets-waiting"],
    findings: ["removals-staged"],
  },
  {
    name: "nothing was read",
    play: () => start(),
    alerts: ["no-events"],
    findings: [],
  },
  {
    name: "a batch was accepted and nobody works on it",
    play: async () => {
      const world = await start({
        aroundActivity: (name, _input, run) =>
          name === ACTIVITY.nextBatch && stuck ? new Promise(() => undefined) : run(),
      });
      let stuck = false;
      await world.agent.read("full", people(3));
      stuck = true;
      await world.agent.sendRead("delta", [[aUser("new")]], 1);
      world.cloud.clock.set(world.cloud.clock.now() + 11 * MINUTE);
      await world.agent.heartbeat({ want: "none" });
      await world.cloud.cloud.reportState();
      return world;
    },
    alerts: ["oldest-batch"],
    findings: ["batch-waiting"],
  },
  {
    name: "one job gets no reads through while another does",
    play: async () => {
      const world = await start();
      const other = await world.cloud.addDomain("other.example");
      await world.agent.read("full", people(3));
      await other.read("full", [aUser("elsewhere")]);
      // It lives, and listens to a directory in which nothing happens.
      await world.agent.order("delta");
      await passHours(world, other, 2);
      return world;
    },
    alerts: ["job-behind"],
    findings: ["job-behind"],
  },
  {
    name: "a directory is quiet, and its agent says so every hour",
    play: async () => {
      const world = await start();
      await world.agent.read("full", people(3));
      await passHours(world, world.agent, 20);
      await world.agent.order("delta");
      await world.pass(MINUTE);
      return world;
    },
    alerts: [],
    findings: [],
  },
  {
    name: "an agent is silent",
    play: async () => {
      const world = await start();
      await world.agent.read("full", people(3));
      await world.pass(4 * MINUTE);
      return world;
    },
    alerts: ["agent-silent"],
    findings: ["agent-silent"],
  },
  {
    name: "two processes use one agent's key",
    play: async () => {
      const world = await start();
      await world.agent.read("full", people(3));
      const { agent, cloud } = world;
      for (const boot of ["boot-1", "boot-2", "boot-1", "boot-2"]) {
        await cloud.cloud.routes.heartbeat(
          { ...agent.proven, boot },
          { version: "1", domain: agent.domain, want: "none" },
        );
        cloud.clock.set(cloud.clock.now() + MINUTE / 2);
      }
      return world;
    },
    alerts: ["agent-cloned"],
    findings: ["agent-cloned"],
  },
  {
    name: "an agent waits to be let in",
    play: async () => {
      const world = await start();
      await world.agent.read("full", people(3));
      await changeAgent(world, { status: "pending" });
      return world;
    },
    alerts: [],
    findings: ["agent-waits"],
  },
  {
    name: "nobody reads the job's domain any more",
    play: async () => {
      const world = await start();
      await world.agent.read("full", people(3));
      await changeAgent(world, { status: "revoked", clonedBoot: "boot-2" });
      return world;
    },
    alerts: [],
    findings: ["no-agent"],
  },
  {
    name: "the job holds its exports",
    play: async () => {
      const world = await start({ settings: { mode: "staging" } });
      await world.agent.read("full", people(3));
      return world;
    },
    alerts: [],
    findings: ["exports-held"],
  },
  {
    name: "the target refuses the application",
    play: async () => {
      const world = await start();
      await world.agent.read("full", people(3));
      world.cloud.target.setUnavailable(
        new TargetUnavailable("target-credentials", "It expired.", "Renew it.", MINUTE),
      );
      await world.agent.read("delta", [aUser("new")]);
      return world;
    },
    alerts: ["quarantine"],
    findings: ["job-quarantined"],
  },
  {
    name: "a batch fails for ever",
    play: async () => {
      let isBroken = false;
      const world = await start({
        aroundActivity: (name, _input, run) => {
          if (isBroken && name === ACTIVITY.mapChunk) throw new Error("a defect");
          return run();
        },
      });
      await world.agent.read("full", people(3));
      isBroken = true;
      await world.agent.read("delta", [aUser("new")]);
      return world;
    },
    alerts: ["parked-batch"],
    findings: ["work-set-aside"],
  },
  {
    name: "what was received isn't all accounted for",
    play: async () => {
      let isBroken = false;
      const world: World = await start({
        aroundActivity: async (name, _input, run) => {
          if (isBroken && name === ACTIVITY.commitBatch) await dropOutcomes(world);
          return run();
        },
      });
      await world.agent.read("full", people(3));
      isBroken = true;
      await world.agent.read("delta", [aUser("new"), aUser("newer")]);
      return world;
    },
    alerts: ["parked-batch", "accounting-mismatch"],
    findings: ["work-set-aside"],
  },
  {
    name: "the quota is used up",
    play: async () => {
      const world = await start({ quota: 100 });
      await world.agent.read("full", people(2));
      await world.agent.read("delta", people(98));
      await world.cloud.cloud.reportState();
      return world;
    },
    alerts: ["quota"],
    findings: ["quota-used"],
  },
  {
    name: "the certificate ends soon",
    play: async () => {
      const world = await start({ credentialEndsAt: START + 29 * DAY });
      await world.agent.read("full", people(3));
      await world.pass(MINUTE);
      return world;
    },
    alerts: ["credential-expiring"],
    findings: ["credential-expiring"],
  },
  {
    name: "the nightly backup is made, and an hour is missing to the next",
    play: () => backedUp(23 * HOUR),
    alerts: [],
    findings: [],
  },
  {
    name: "a night goes by without a whole backup",
    play: () => backedUp(26 * HOUR + MINUTE),
    alerts: ["backup-missing"],
    findings: ["backup-missing"],
  },
  {
    name: "no backup ever became whole",
    play: () => backedUp(26 * HOUR + MINUTE, true),
    alerts: ["backup-missing"],
    findings: ["backup-missing"],
  },
  {
    name: "what the scope names is gone",
    play: async () => {
      const objectGuids = [guidOf("unit")];
      const world = await start({ settings: { scope: { organizationalUnits: objectGuids, groups: [] } } });
      await world.agent.read("full", people(3));
      const { readNo } = await world.agent.order("delta");
      await world.agent.heartbeat({
        want: "none",
        abortReadNo: readNo,
        trouble: { code: "ScopeObjectMissing", objectGuids, message: "The scope names what is gone." },
      });
      return world;
    },
    alerts: [],
    findings: ["job-trouble"],
  },
];

it.each(SITUATIONS)(
  "$name: told by the alert and the finding for it, and by no other",
  async ({ play, alerts, findings }) => {
    const world = await play();
    await world.cloud.cloud.reportState();
    expect(world.fired()).toEqual(alerts);
    expect([...new Set(await world.findings())]).toEqual(findings);
  },
);

it("tells of links that fail, of an end that is given up and of a job that is disabled, by events and by what rules look at", async () => {
  const links = await start();
  await links.agent.read("full", [aUser("ann"), aGroup("team")]);
  links.cloud.target.orderMembers({ kind: "fail", count: 1 });
  await links.agent.read("delta", [withMembers(["ann"], aGroup("team"))]);
  expect(links.told()).toContain("links-failed");

  let isBroken = false;
  const end = await start({
    aroundActivity: (name, _input, run) => {
      if (isBroken && name === ACTIVITY.decideRemovals) throw new Error("a defect");
      return run();
    },
  });
  await end.agent.read("full", people(3));
  isBroken = true;
  await end.agent.read("full", people(3));
  expect(end.told()).toContain("cycle-abandoned");
  await end.cloud.cloud.reportState();
  expect(end.fired()).toContain("parked-batch");

  const disabled = await start();
  disabled.cloud.target.setUnavailable(new TargetUnavailable("target-credentials", "It expired.", "Renew it.", MINUTE));
  await disabled.agent.read("full", people(3));
  for (let day = 0; day < 30; day++) await disabled.pass(DAY);
  expect(disabled.told()).toContain("job-disabled");
  disabled.forget();
  await disabled.pass(DAY);
  expect(disabled.fired()).toContain("quarantine");
  expect(await disabled.findings()).toContain("job-quarantined");
});

it("brings about what every rule watches that the service itself can tell of", () => {
  const seen = new Set(SITUATIONS.flatMap((own) => own.alerts));
  expect(NEEDS.alerts.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual(["dead-letters"]);
});
