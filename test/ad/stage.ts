/**
 * What the scenarios share: one real directory with the sample population, set up once since that costs a quarter of a
 * minute; a runtime whose job reads it; and what to compare the target with.
 */
import { expect } from "vitest";
import type { CycleReply } from "../../shared/contracts/admin-api.ts";
import {
  type AdRuntime,
  type AdRuntimeOptions,
  type Job,
  startAdRuntime,
  type TargetUser,
} from "../support/ad-runtime.ts";
import { createHistory, differences } from "../support/compare-target.ts";
import { createAgent, type SourceOptions, type TestAgent } from "../support/runtime/agent.ts";
import { tenant } from "../support/runtime/services.ts";
import { missingForSamba } from "../support/samba/domain-controller.ts";
import { type Projection, projectDirectory } from "../support/samba/projection.ts";
import { type Scene, setUpScene } from "../support/samba/scene.ts";

/** A runtime with one job, and the agent that is enrolled for it. */
export type Line = { readonly runtime: AdRuntime; readonly job: Job; readonly agent: TestAgent };

export type Stage = Scene & {
  readonly main: Line;
  /** An enrolment token for the main line that nobody uses in time. */
  readonly expiringToken: { readonly token: string; readonly until: number };
  /** Target objects of the main line that stay though nobody sees their source any more. */
  readonly leftBehind: Set<string>;
  project(): Promise<Projection>;
  /** The objectGUID of the sample person with that number. */
  person(number: number): Promise<string>;
  /** The main line's target object of a source object, deleted ones too. */
  targetOf(guid: string): Promise<TargetUser | undefined>;
  /** A runtime of its own with an empty target, by default with an agent for this directory; the caller ends it. */
  newLine(source?: SourceOptions): Promise<Line>;
  /** One read of the main line, to its end. */
  sync(): Promise<CycleReply>;
  /** The main line's target is what the directory says. */
  expectConverged(): Promise<void>;
  destroy(): Promise<void>;
};

export type StageOptions = {
  readonly address: string;
  readonly users: number;
  readonly runtime?: Omit<AdRuntimeOptions, "verifiedDomains">;
};

export async function setUpStage(options: StageOptions): Promise<Stage> {
  const missing = missingForSamba();
  if (missing !== undefined) throw new Error(missing);
  const scene = await setUpScene(options);
  const { controller, account, admin, population, verifiedSuffix } = scene;

  async function newLine(source: SourceOptions = { kind: "ldap", controller, account }): Promise<Line> {
    const runtime = await startAdRuntime({ ...options.runtime, verifiedDomains: [verifiedSuffix] });
    try {
      const job = await runtime.createConfiguration(controller.dnsDomain, controller.netbios);
      const agent = await createAgent(runtime, "agent", source);
      await agent.mustEnrol(job);
      return { runtime, job, agent };
    } catch (error) {
      await runtime.destroy();
      throw error;
    }
  }

  const project = (): Promise<Projection> =>
    projectDirectory(admin.client, {
      baseDn: controller.baseDn,
      hiddenUnit: population.hiddenUnit,
      domainFqdn: controller.dnsDomain,
      verifiedSuffixes: [verifiedSuffix],
      initialDomain: tenant.initialDomain,
    });

  const main = await newLine();
  const expiringToken = { token: await main.runtime.enrolmentToken(main.job, 1), until: Date.now() + 60_000 };
  const leftBehind = new Set<string>();
  const history = createHistory();
  return {
    ...scene,
    main,
    expiringToken,
    leftBehind,
    project,
    newLine,
    person: (number) => admin.find(`(sAMAccountName=*.${number})`),
    async targetOf(guid) {
      // By what the service says it did for this object.
      const [entry] = await main.runtime.log(main.job, guid);
      const id = entry?.targetIdentity.id;
      return (await main.runtime.users()).find((user) => user.id === id);
    },
    async sync() {
      await main.agent.mustRead();
      return main.runtime.settled(main.job);
    },
    async expectConverged() {
      const found = differences(await main.runtime.users(), history.apply(await project()), leftBehind);
      if (found.length === 0) return;
      const escrows = await main.runtime.escrows(main.job);
      expect.fail(["The target differs from the directory:", ...found, JSON.stringify(escrows.slice(0, 5))].join("\n"));
    },
    async destroy() {
      await main.runtime.destroy();
      await scene.destroy();
    },
  };
}
