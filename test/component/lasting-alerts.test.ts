/**
 * Alerts on what lasts: each goes on firing while it does, long after the moment in which it began was told, and stops when it is over.
 */
import { expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { aUser } from "../support/cloud.ts";
import { gone, HOUR, MINUTE, people, startWatched as start, type World } from "./alert-world.ts";

interface Trouble {
  readonly alert: string;
  readonly begin: () => Promise<World>;
  readonly end: (world: World) => Promise<void>;
}

const lives = ({ agent }: World) => agent.heartbeat({ want: "none" });

/** One boot's word, of a key that another boot uses too. */
const beat = async ({ agent, cloud }: World, boot: string) => {
  await cloud.cloud.routes.heartbeat({ ...agent.proven, boot }, { version: "1", domain: agent.domain, want: "none" });
  cloud.clock.set(cloud.clock.now() + MINUTE / 2);
};

const TROUBLES: readonly Trouble[] = [
  {
    alert: "staged-sets-waiting",
    begin: async () => {
      const world = await start();
      await world.agent.read("full", people(60));
      await world.agent.read("delta", gone(50));
      return world;
    },
    end: async ({ cloud, agent: { jobId } }) => {
      const sets = await cloud.cloud.routes.staged.list(jobId, { members: false });
      const [set] = sets.ok ? sets.value : [];
      if (!set) throw new Error("A set waits.");
      await cloud.cloud.routes.staged.drop(jobId, set.class, set.digest, "admin");
    },
  },
  {
    alert: "quarantine",
    begin: async () => {
      const world = await start();
      await world.agent.read("full", people(3));
      world.cloud.target.setUnavailable(
        new TargetUnavailable("target-credentials", "It expired.", "Renew it.", MINUTE),
      );
      await world.agent.read("delta", [aUser("new")]);
      return world;
    },
    end: async ({ cloud, agent: { jobId } }) => {
      cloud.target.setUnavailable(undefined);
      await cloud.cloud.routes.quarantines.clear(jobId);
    },
  },
  {
    alert: "job-behind",
    begin: async () => {
      const world = await start();
      await world.agent.read("full", people(3));
      world.cloud.clock.set(world.cloud.clock.now() + 2 * HOUR + MINUTE);
      await lives(world);
      return world;
    },
    end: async ({ agent }) => void (await agent.read("delta", [])),
  },
  {
    alert: "agent-silent",
    begin: async () => {
      const world = await start();
      await world.agent.read("full", people(3));
      await world.pass(4 * MINUTE);
      return world;
    },
    end: async (world) => void (await lives(world)),
  },
  {
    alert: "agent-cloned",
    begin: async () => {
      const world = await start();
      await world.agent.read("full", people(3));
      for (const boot of ["boot-1", "boot-2", "boot-1", "boot-2"]) await beat(world, boot);
      return world;
    },
    end: async ({ cloud, agent }) => {
      const { agentId, configurationId } = agent.proven.agent;
      await cloud.cloud.routes.agents.act(configurationId, agentId, "unlock", "admin");
    },
  },
  {
    alert: "parked-batch",
    begin: async () => {
      const world = await start({
        aroundActivity: (name, _input, run) => {
          if (isBroken && name === ACTIVITY.mapChunk) throw new Error("a defect");
          return run();
        },
      });
      let isBroken = false;
      await world.agent.read("full", people(3));
      isBroken = true;
      await world.agent.read("delta", [aUser("new")]);
      isBroken = false;
      return world;
    },
    end: async ({ agent }) => void (await agent.read("full", people(4))),
  },
];

it("doesn't ask for reads of a job that is paused", async () => {
  const world = await start();
  await world.agent.read("full", people(3));
  await world.cloud.cloud.routes.configurations.setPaused(world.agent.jobId, true);
  world.cloud.clock.set(world.cloud.clock.now() + 30 * HOUR);
  await world.pass(MINUTE);
  expect(world.fired()).not.toContain("job-behind");
  expect(await world.findings()).not.toContain("job-behind");
});

const STOPS: readonly {
  readonly how: string;
  readonly stop: (world: World) => Promise<unknown>;
  readonly resume: (world: World) => Promise<unknown>;
}[] = [
  {
    how: "a pause",
    stop: ({ cloud, agent }) => cloud.cloud.routes.configurations.setPaused(agent.jobId, true),
    resume: ({ cloud, agent }) => cloud.cloud.routes.jobActions.start(agent.jobId),
  },
  {
    how: "a quarantine that an admin cleared",
    stop: async ({ cloud, agent }) => {
      cloud.target.setUnavailable(new TargetUnavailable("target-credentials", "It expired.", "Renew it.", MINUTE));
      await agent.read("delta", [aUser("new")]);
    },
    resume: ({ cloud, agent }) => {
      cloud.target.setUnavailable(undefined);
      return cloud.cloud.routes.quarantines.clear(agent.jobId);
    },
  },
  {
    how: "a quarantine that ended by itself",
    stop: async ({ cloud, agent }) => {
      cloud.target.setUnavailable(new TargetUnavailable("target-credentials", "It expired.", "Renew it.", MINUTE));
      await agent.read("delta", [aUser("new")]);
    },
    resume: async (world) => {
      world.cloud.target.setUnavailable(undefined);
      // The attempt, and the look at what came of it.
      for (let pass = 0; pass < 3; pass++) await world.pass(MINUTE);
    },
  },
];

it.each(STOPS)("gives a job two hours to be read again after $how", async ({ stop, resume }) => {
  const world = await start();
  await world.agent.read("full", people(3));
  await stop(world);
  world.cloud.clock.set(world.cloud.clock.now() + 30 * HOUR);
  await world.cloud.cloud.reportState();
  expect(world.fired()).not.toContain("job-behind");
  await lives(world);
  await resume(world);
  const job = await world.cloud.cloud.routes.configurations.job(world.agent.jobId);
  expect([job?.state, job?.quarantine ?? null]).toEqual(["active", null]);
  const isBehind = async () => {
    world.forget();
    await world.cloud.cloud.reportState();
    return [world.fired().includes("job-behind"), (await world.findings()).includes("job-behind")];
  };
  expect(await isBehind()).toEqual([false, false]);
  world.cloud.clock.set(world.cloud.clock.now() + 2 * HOUR - 4 * MINUTE);
  // Started once more, it has no longer.
  await world.cloud.cloud.routes.jobActions.start(world.agent.jobId);
  expect(await isBehind()).toEqual([false, false]);
  world.cloud.clock.set(world.cloud.clock.now() + 5 * MINUTE);
  expect(await isBehind()).toEqual([true, true]);
});

it.each(TROUBLES)(
  "$alert: fires while it lasts, hours after it began, and no longer",
  async ({ alert, begin, end }) => {
    const world = await begin();
    await world.cloud.cloud.reportState();
    expect(world.fired()).toContain(alert);
    for (const hours of [1, 20]) {
      world.cloud.clock.set(world.cloud.clock.now() + hours * HOUR);
      if (alert !== "agent-silent") await lives(world);
      world.forget();
      await world.pass(MINUTE);
      expect(world.fired(), `after ${hours} h`).toContain(alert);
    }
    await end(world);
    world.forget();
    await world.pass(0);
    expect(world.fired()).not.toContain(alert);
  },
);
