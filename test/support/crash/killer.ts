/**
 * Kills by chance, each at a moment when its victim has something to do, and starts the killed again.
 *
 * Before a kill it looks who is at work, and waits when nobody is. Whether something was hit is looked up after it, in what
 * the dead left: a dead host's storage and journal stand still, and so does a dead agent's outbox. A kill that hit nothing
 * all the same is told, and doesn't count.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../until.ts";
import type { UnderWay } from "./books.ts";
import type { Random } from "./random.ts";
import type { Rig, RunningAgent } from "./rig.ts";

type Victim = "host" | "agent" | "both";

export type Kill = {
  readonly victim: Victim;
  /** What it interrupted, in words; empty: nothing, and the kill doesn't count. */
  readonly hit: readonly string[];
  /** Activities that were running. */
  readonly activities: readonly string[];
  /** Until the killed were there again, milliseconds. */
  readonly tookMs: number;
};

export type Strike = {
  /** How long after the work has begun, at most. */
  readonly withinMs: number;
  readonly among: readonly Victim[];
  /** Whose work is awaited when both are to die; absent: either's, by chance. */
  readonly at?: "host" | "agent";
  /** Whether no more work will come: then nobody is killed. */
  readonly isOver?: () => Promise<boolean>;
};

export type Killer = {
  /** One kill of one of these, and the restart; undefined: there was no work left to interrupt. */
  strike(how: Strike): Promise<Kill | undefined>;
  readonly kills: readonly Kill[];
  /** Those that count. */
  hits(): number;
};

/** An agent that stays dead for longer than its lease loses it to the other one. */
const longAbsenceMs = 6000;
const longAbsenceOf = 5;
/** Sooner or later there is work for everybody. */
const workWithinMs = 120_000;

export function createKiller(deps: {
  readonly rig: Rig;
  readonly random: Random;
  /** When the directory was changed last in a way that concerns the service: milliseconds since 1970. */
  readonly lastNewsAt: () => number;
}): Killer {
  const { rig, random } = deps;
  const { agents, books, witness } = rig;
  const { host } = rig.stage.main.runtime;
  const kills: Kill[] = [];

  const workOfHost = ({ batches, readsEnding, work }: UnderWay): string[] => [
    ...(batches > 0 ? [`${batches} open batches`] : []),
    ...(readsEnding > 0 ? [`${readsEnding} ends of reads`] : []),
    ...(work > 0 ? [`${work} pieces of work`] : []),
  ];
  const workOfAgent = async (now: UnderWay, agent: RunningAgent): Promise<string[]> => {
    const outbox = await agent.outbox();
    return [
      ...(now.readUpTo === undefined ? ["the first read"] : []),
      ...((now.openRead ?? 0) > 0 ? ["a read half accepted"] : []),
      ...(outbox > 0 ? [`${outbox} batches in the outbox`] : []),
      ...(deps.lastNewsAt() > (now.readUpTo ?? 0) ? ["changes to be read"] : []),
    ];
  };

  /** Waits until the victim has something to do; returns the agent that reads, or "over". */
  async function whenAtWork(victim: Victim, { at, isOver }: Strike): Promise<RunningAgent | "over"> {
    const other = random.pick(agents);
    const byChance = random.pick<"host" | "agent">(["host", "agent"]);
    const awaited = victim === "both" ? (at ?? byChance) : victim;
    return until(
      `work of ${awaited}`,
      async () => {
        const now = await books.underWay();
        const agent = agents.find(({ agentId }) => agentId === now.holder) ?? other;
        const work = awaited === "host" ? workOfHost(now) : await workOfAgent(now, agent);
        if (work.length > 0) return agent;
        return (await isOver?.()) === true ? "over" : undefined;
      },
      workWithinMs,
    );
  }

  async function interrupted(victim: Victim, agent: RunningAgent): Promise<Pick<Kill, "hit" | "activities">> {
    const now = await books.underWay();
    const ofAgent = victim === "host" ? [] : await workOfAgent(now, agent);
    if (victim === "agent") return { hit: ofAgent, activities: [] };
    const activities = (await witness.keep()).map(({ name }) => name).sort();
    return { hit: [...workOfHost(now), ...ofAgent], activities };
  }

  return {
    kills,
    hits: () => kills.filter((kill) => kill.hit.length > 0).length,
    async strike(how) {
      const victim = random.pick(how.among);
      const hostPause = random.between(0, 400);
      const agentPause = random.below(longAbsenceOf) === 0 ? longAbsenceMs : random.between(0, 400);
      const delay = random.between(0, how.withinMs);
      const agent = await whenAtWork(victim, how);
      if (agent === "over") return undefined;
      await sleep(delay);
      const began = performance.now();
      await Promise.all([
        victim === "agent" ? undefined : host.end("SIGKILL"),
        victim === "host" ? undefined : agent.kill(),
      ]);
      const found = await interrupted(victim, agent);
      await Promise.all([
        victim === "agent" ? undefined : sleep(hostPause).then(() => host.start()),
        victim === "host" ? undefined : sleep(agentPause).then(() => agent.start()),
      ]);
      const kill: Kill = { victim, ...found, tookMs: Math.round(performance.now() - began) };
      kills.push(kill);
      return kill;
    },
  };
}
