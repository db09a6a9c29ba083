/** The same directory as a file: what the plain account sees, dumped as LDIF and synced into an empty target. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differences } from "../../support/compare-target.ts";
import { connectLdap } from "../../support/samba/ldap.ts";
import { dumpAsLdif } from "../../support/samba/ldif-dump.ts";
import type { Stage } from "../stage.ts";

export function describeLdif(on: () => Stage): void {
  describe("an LDIF dump of the directory", () => {
    it("gives the same target, and nothing more when it is read again", async () => {
      const { controller, account, newLine, main } = on();
      const plain = await connectLdap(controller, { user: account.userPrincipalName, password: account.password });
      const file = join(main.runtime.home, "dump.ldif");
      await writeFile(file, await dumpAsLdif(plain, controller.baseDn));
      await plain.unbind();
      const { runtime, job, agent, project } = await newLine({ kind: "ldif", file });
      try {
        const projection = await project();
        expect(await agent.mustRead()).toMatchObject({ read: true });
        await runtime.settled(job);
        expect(await runtime.escrows(job)).toEqual([]);
        expect(differences(await runtime.objects(), projection)).toEqual([]);
        const { users, groups } = projection;
        expect((await runtime.stats()).writes).toMatchObject({ createUser: users.size, createGroup: groups.size });
        expect(await agent.mustRead()).toEqual({ read: false, objects: 0, batches: 0 });
        // The same people in a file written anew: read in full, and no write.
        await runtime.resetStats();
        await runtime.restart(job);
        expect(await agent.mustRead()).toMatchObject({ read: true });
        expect(await runtime.settled(job)).toMatchObject({ kind: "full", writes: 0 });
        expect((await runtime.stats()).writeCalls).toBe(0);
      } finally {
        await runtime.destroy();
      }
    });
  });
}
