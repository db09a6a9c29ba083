/**
 * The whole scene of a test against a real directory: a running domain controller with the sample population, a plain
 * account with the rights that an agent needs, and a unit hidden from it. About 15 seconds.
 */

import { connectDirectoryAdmin, type DirectoryAdmin } from "./directory-admin.ts";
import { type DomainController, provisionDomainController } from "./domain-controller.ts";
import { extendWithExchangeSchema } from "./exchange-schema.ts";
import { loadPopulation } from "./load-population.ts";
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

export async function setUpScene(options: { readonly address: string; readonly users: number }): Promise<Scene> {
  const timings: Record<string, number> = {};
  const timed = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    timings[step] = Math.round(performance.now() - started);
    return result;
  };
  const verifiedSuffix = "example.com";
  const { address } = options;
  const controller = await timed("provision", () =>
    provisionDomainController({ name: "corp", realm: "CORP.EXAMPLE.COM", netbios: "CORP", address }),
  );
  try {
    await timed("start", controller.start);
    const admin = await connectDirectoryAdmin(controller);
    await timed("schema", () => extendWithExchangeSchema(admin.client, controller.baseDn));
    const population = generatePopulation({
      baseDn: controller.baseDn,
      count: options.users,
      verifiedSuffix,
      unverifiedSuffix: "corp.local",
    });
    await timed("load", () => loadPopulation(admin.client, population));
    const account = await createPlainAccount(controller, admin.client);
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
