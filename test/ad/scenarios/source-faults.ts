/**
 * What goes wrong beside the directory, as a user meets it: each ends with words that name the thing and say what to do, the
 * watermark stays where it was, and the next run brings what the failed one didn't.
 */
import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { createAgent, type Ended } from "../../support/runtime/agent.ts";
import {
  createPlainAccount,
  grantRights,
  mayReplicate,
  maySeeDeletedObjects,
  type PlainAccount,
} from "../../support/samba/rights.ts";
import { until } from "../../support/until.ts";
import type { Stage } from "../stage.ts";

/** Exit codes of the agent, as its help tells them. */
const exit = { source: 3, refused: 5 };

export function describeSourceFaults(on: () => Stage): void {
  describe("with a fault beside the directory", () => {
    let blind: PlainAccount;
    let powerless: PlainAccount;
    let edits = 0;

    beforeAll(async () => {
      const { admin, controller } = on();
      blind = await createPlainAccount(controller, admin.client, "svc-blind");
      grantRights(controller, [mayReplicate(controller, blind.sid)]);
      powerless = await createPlainAccount(controller, admin.client, "svc-powerless");
      grantRights(controller, [maySeeDeletedObjects(controller, powerless.sid)]);
      await on().sync();
    });

    /** An edit waits in the directory, the run fails with these words, and the next one brings the edit. */
    async function expectFailure(code: number, words: readonly string[], run: () => Promise<Ended>): Promise<void> {
      const { admin, main, person, sync, expectConverged } = on();
      const before = await main.runtime.status(main.job);
      edits += 1;
      await admin.set(await person(300 + edits), "title", `Edit ${edits}`);
      await main.runtime.resetStats();
      const ended = await run();
      for (const word of words) expect(ended.err).toContain(word);
      expect(ended.code).toBe(code);
      // No stack: an expected failure is no defect.
      expect(ended.err).not.toMatch(/^\s+at /m);
      const { acceptedWatermarkAt, committedWatermarkAt, openRead } = await main.runtime.status(main.job);
      expect({ acceptedWatermarkAt, committedWatermarkAt, openRead }).toEqual({
        acceptedWatermarkAt: before.acceptedWatermarkAt,
        committedWatermarkAt: before.committedWatermarkAt,
        openRead: null,
      });
      await sync();
      await expectConverged();
      expect((await main.runtime.stats()).writes).toEqual({ updateUser: 1 });
    }

    it("unreachable domain controller", async () => {
      const { controller, main } = on();
      await controller.stop();
      const words = [`Cannot reach the directory ${controller.url}`, "ECONNREFUSED", "TCP 636"];
      const ended = await main.agent.once().finally(() => controller.start());
      await expectFailure(exit.source, words, async () => ended);
    });

    it("wrong password", async () => {
      const { account, main } = on();
      const words = ["Cannot sign in", account.userPrincipalName, "password"];
      await expectFailure(exit.source, words, async () => {
        await writeFile(main.agent.passwordFile, "not-the-password\n");
        return main.agent.once().finally(() => writeFile(main.agent.passwordFile, `${account.password}\n`));
      });
    });

    it("missing right to replicate", async () => {
      const words = [powerless.userPrincipalName, "Replicating Directory Changes", on().controller.baseDn];
      await expectFailure(exit.source, [...words, "dsacl"], () =>
        on().main.agent.withSettings({ bindDn: powerless.userPrincipalName }, on().main.agent.once),
      );
    });

    it("no sight of CN=Deleted Objects", async () => {
      const words = [blind.userPrincipalName, "CN=Deleted Objects", "List contents"];
      await expectFailure(exit.source, words, () =>
        on().main.agent.withSettings({ bindDn: blind.userPrincipalName }, on().main.agent.once),
      );
    });

    it("enrolment token that was used, and one that has expired", async () => {
      const { controller, account, main, expiringToken } = on();
      const { runtime, job } = main;
      const agent = await createAgent(runtime, "second", { kind: "ldap", controller, account });
      const token = await runtime.enrolmentToken(job);
      expect(await agent.enrol(token)).toMatchObject({ code: 0 });
      const third = await createAgent(runtime, "third", { kind: "ldap", controller, account });
      const used = await third.enrol(token);
      expect(used.err).toContain("it was used before");
      expect(used.code).toBe(exit.refused);
      await until("the token to expire", () => Date.now() > expiringToken.until);
      const expired = await third.enrol(expiringToken.token);
      expect(expired.err).toContain("it has expired");
      expect(expired.code).toBe(exit.refused);
      await agent.forget();
    });

    it("domain controller put back from a copy: it is read in full, and what only the later past knew stays", async () => {
      const { controller, admin, person, population, sync, main, targetOf, leftBehind, expectConverged } = on();
      await controller.stop();
      const copy = await controller.snapshot();
      await controller.start();
      const [changed, deleted] = [await person(350), await person(351)];
      const before = await targetOf(deleted);
      await admin.set(changed, "department", "After the copy");
      await admin.delete(deleted);
      const created = await admin.createUser(population.units[1]!.dn, "After the copy", {
        sAMAccountName: "after.copy",
        userPrincipalName: "after.copy@example.com",
      });
      await sync();
      await expectConverged();
      const orphan = await targetOf(created);
      await controller.stop();
      await controller.restore(copy);
      await controller.start();
      const cycle = await sync();
      expect(cycle).toMatchObject({ kind: "full", deleted: 0, restored: 1 });
      // A server that is older than what was read before proves nobody's absence.
      expect(cycle).toMatchObject({ complete: false, absent: { exported: 0, staged: 0 } });
      expect(cycle.incompleteBecause).toContain("older than the accepted watermark");
      expect(await targetOf(deleted)).toMatchObject({ id: before?.id, deleted: false });
      // Nobody can tell a user whom the copy doesn't know from one whom the account doesn't see.
      expect((await main.runtime.users()).find(({ id }) => id === orphan?.id)).toEqual(orphan);
      leftBehind.add(String(orphan?.id));
      await expectConverged();
      expect(await sync()).toMatchObject({ kind: "delta", writes: 0 });
    });
  });
}
