/**
 * The whole scene of a test against a real directory: a running domain controller with the sample population, a plain
 * account with the rights that an agent needs, and a unit hidden from it. About 15 seconds.
 */

import { connectDirectoryAdmin, type DirectoryAdmin } from "./directory-admin.ts";
import { type DomainController, provisionDomainController } from "./domain-controller.ts";
import { exchangeSchema } from "./exchange-schema.ts";
import { loadOffline } from "./load-offline.ts";
import { populationSteps } from "./load-population.ts";
import { generatePopulation, type Population } from "./population.ts";
import {
  createPlainAccount,
  grantRights,
  hiddenFrom,
  mayReplicate,
  maySeeDeletedObjects,
  type PlainAccount,
} from "./rights.ts";

export type Scene = {
  readonly controller: DomainController;
  readonly admin: DirectoryAdmin;
  readonly account: PlainAccount;
  readonly population: Population;
  readonly verifiedSuffix: string;
  /** How long each step took, in milliseconds. */
  readonly timings: Readonly<Record<string, number>>;
  /** Ends the controller and removes the directory. */
  destroy(): Promise<void>;
};

export type SceneOptions = {
  /** A loopback address of its own for each scene that runs at the same time. */
  readonly address: string;
  readonly users: number;
  /** None by default. */
  readonly groups?: number;
  readonly largestGroup?: number;
  readonly hidden?: number;
  /** Which forest this is, where a test has two: its short name, such as `corp`, is also part of its DNS name. */
  readonly forest?: string;
  /** So that they have no login in common. */
  readonly firstNumber?: number;
};

export async function setUpScene(options: SceneOptions): Promise<Scene> {
  const timings: Record<string, number> = {};
  const timed = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    timings[step] = Math.round(performance.now() - started);
    return result;
  };
  const verifiedSuffix = "example.com";
  const { address, forest = "corp", users, groups = 0, largestGroup = 0, hidden = 20 } = options;
  const realm = `${forest}.example.com`.toUpperCase();
  const controller = await timed("provision", () =>
    provisionDomainController({ name: forest, realm, netbios: forest.toUpperCase(), address }),
  );
  try {
    const population = generatePopulation({
      baseDn: controller.baseDn,
      count: users,
      hiddenCount: hidden,
      firstNumber: options.firstNumber ?? 0,
      groups,
      largestGroup,
      verifiedSuffix,
      unverifiedSuffix: `${forest}.local`,
    });
    await timed("load", () =>
      loadOffline(controller, [...exchangeSchema(controller.baseDn), ...populationSteps(population)]),
    );
    await timed("start", controller.start);
    const admin = await connectDirectoryAdmin(controller);
    // Every account is a user, too: two of one name would be one too many for a target that both forests fill.
    const account = await createPlainAccount(controller, admin.client, forest === "corp" ? undefined : `svc-${forest}`);
    await timed("rights", async () =>
      grantRights(controller, [
        mayReplicate(controller, account.sid),
        maySeeDeletedObjects(controller, account.sid),
        hiddenFrom(population.hiddenUnit, account.sid),
      ]),
    );
    const destroy = async (): Promise<void> => {
      await admin.close();
      await controller.destroy();
    };
    return { controller, admin, account, population, verifiedSuffix, timings, destroy };
  } catch (error) {
    await controller.destroy();
    throw error;
  }
}
