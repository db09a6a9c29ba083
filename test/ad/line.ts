/**
 * A runtime with one target and, for each forest that it serves, a job and an agent that is enrolled for it; and what the
 * target must hold, which is the same question for one forest and for two.
 */
import { expect } from "vitest";
import type { CycleReply } from "../../shared/contracts/admin/cycles.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import {
  type AdRuntime,
  type AdRuntimeOptions,
  type Job,
  startAdRuntime,
  type TargetObject,
} from "../support/ad-runtime.ts";
import { createHistory, differences } from "../support/compare-target.ts";
import { createAgent, type SourceOptions, type TestAgent } from "../support/runtime/agent.ts";
import { tenant } from "../support/runtime/services.ts";
import { type Projection, projectForests } from "../support/samba/projection.ts";
import type { Scene } from "../support/samba/scene.ts";
import { until } from "../support/until.ts";

export type JobOptions = Partial<Pick<JobSettings, "scope" | "trustVisibility" | "guard">>;

/** One forest's way into the target. */
export type Side = {
  readonly scene: Scene;
  readonly job: Job;
  readonly agent: TestAgent;
  /** One read, to its end. */
  sync(): Promise<CycleReply>;
};

export type Line = {
  readonly runtime: AdRuntime;
  readonly sides: readonly Side[];
  /** Of the first forest. */
  readonly job: Job;
  readonly agent: TestAgent;
  sync(): Promise<CycleReply>;
  /** Target objects that stay though nobody sees their source any more. */
  readonly leftBehind: Set<string>;
  /** Source objects that wait, which an escrow must say: the target needn't have them, or not as they are. */
  readonly waiting: Set<string>;
  project(): Promise<Projection>;
  /** The target object of a source object, deleted ones too, by what the service says it did for it. */
  targetOf(guid: string): Promise<TargetObject | undefined>;
  /** The target is what the directories say. */
  expectConverged(): Promise<void>;
  destroy(): Promise<void>;
};

export type LineOptions = {
  readonly runtime?: Omit<AdRuntimeOptions, "verifiedDomains">;
  /** Of every job of the line. */
  readonly settings?: JobOptions;
  /** What the first forest's agent reads, in place of its controller. */
  readonly source?: SourceOptions;
};

export async function startLine(scenes: readonly Scene[], options: LineOptions = {}): Promise<Line> {
  const verifiedSuffixes = [...new Set(scenes.map(({ verifiedSuffix }) => verifiedSuffix))];
  const { settings = {} } = options;
  const runtime = await startAdRuntime({ ...options.runtime, verifiedDomains: verifiedSuffixes });
  try {
    const sides: Side[] = [];
    for (const [index, scene] of scenes.entries()) {
      const { controller, account } = scene;
      const job = await runtime.createConfiguration(controller.dnsDomain, controller.netbios, settings);
      const source = (index === 0 ? options.source : undefined) ?? ({ kind: "ldap", controller, account } as const);
      const agent = await createAgent(runtime, index === 0 ? "agent" : `agent-${index + 1}`, source);
      await agent.mustEnrol(job);
      const sync = async (): Promise<CycleReply> => {
        await agent.mustRead();
        return runtime.settled(job);
      };
      sides.push({ scene, job, agent, sync });
    }
    const [first] = sides;
    if (first === undefined) throw new Error("A line needs a forest.");
    const leftBehind = new Set<string>();
    const waiting = new Set<string>();
    const history = createHistory();
    const project = (): Promise<Projection> =>
      projectForests(
        sides.map(({ scene: { controller, admin, population }, job }) => ({
          admin: admin.client,
          rules: {
            baseDn: controller.baseDn,
            hiddenUnit: population.hiddenUnit,
            domainFqdn: controller.dnsDomain,
            configurationId: job.configurationId,
            ...(settings.scope === undefined ? {} : { scope: settings.scope }),
            verifiedSuffixes,
            initialDomain: tenant.initialDomain,
          },
        })),
        waiting,
      );
    return {
      runtime,
      sides,
      leftBehind,
      waiting,
      project,
      job: first.job,
      agent: first.agent,
      sync: first.sync,
      async targetOf(guid) {
        const logs = await Promise.all(sides.map(({ job }) => runtime.log(job, guid)));
        const id = logs.flat()[0]?.targetIdentity.id;
        return (await runtime.objects()).find((object) => object.id === id);
      },
      async expectConverged() {
        // What one forest's read brings may be work for the other's job. An agent that polls keeps a read open: that is no work.
        for (const { job } of sides)
          await until(
            "the work of every job to end",
            async () => {
              const { batches, readsEnding, work } = (await runtime.status(job)).waiting;
              return batches + readsEnding + work === 0;
            },
            90_000,
            100,
          );
        const found = differences(await runtime.objects(), history.apply(await project()), leftBehind);
        const escrows = (await Promise.all(sides.map(({ job }) => runtime.escrows(job)))).flat();
        const unexpected = escrows.filter(({ objectGuid }) => !waiting.has(objectGuid));
        if (found.length + unexpected.length === 0) return;
        const words = unexpected.slice(0, 5).map((escrow) => JSON.stringify(escrow));
        expect.fail(["The target differs from the directory:", ...found, ...words].join("\n"));
      },
      destroy: () => runtime.destroy(),
    };
  } catch (error) {
    await runtime.destroy();
    throw error;
  }
}
