/**
 * One object on demand, from a real directory through an agent that runs: named in each of the three ways, dry and for good, a group with
 * chosen members, somebody out of scope, nobody. The agent's own reads are kept hours apart, so that what comes, comes by the command.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OnDemandObject } from "../../../shared/contracts/admin/provision-on-demand.ts";
import type { Program } from "../../support/runtime/program.ts";
import { parentOf } from "../../support/samba/ldap.ts";
import { until } from "../../support/until.ts";
import { startLine } from "../line.ts";
import type { Line, Stage } from "../stage.ts";

const HOURS = 7200;
/** An agent that waits looks at the directory with every heartbeat, too. */
const RARE_HEARTBEATS = {
  UPLINK_HEARTBEAT_SECONDS: "600",
  UPLINK_LEASE_SECONDS: "1200",
  UPLINK_AGENT_SILENT_SECONDS: "3600",
};

export function describeOnDemand(on: () => Stage): void {
  describe("one object on demand", () => {
    let stage: Stage;
    let line: Line;
    let agent: Program;
    let outside: string;
    /** In scope: the first is in the target from the start, the others nobody has read yet. */
    const people: string[] = [];

    const dnOf = (guid: string): Promise<string> => stage.admin.dnOf(guid);
    const newUser = async (parent: string, number: number): Promise<string> =>
      stage.admin.createUser(await dnOf(parent), `Gefragt, ${number} "Ü"`, {
        sAMAccountName: `asked.${number}`,
        userPrincipalName: `asked.${number}@example.com`,
        displayName: `Asked ${number}`,
      });
    /** Waits as long as five in ten seconds asks for. */
    const provision: Line["runtime"]["provision"] = (...args) =>
      until(
        "the object's turn",
        () =>
          line.runtime.provision(...args).catch((error: unknown) => {
            if (!String(error).includes("too-many-requests")) throw error;
            return undefined;
          }),
        15_000,
        250,
      );
    const kindsOf = ({ provisioningSteps }: OnDemandObject) =>
      provisioningSteps.map((step) => `${step.provisioningStepType} ${step.status}`);
    const detailsOf = ({ provisioningSteps }: OnDemandObject, kind: string) =>
      provisioningSteps.find((step) => step.provisioningStepType === kind)?.details ?? {};

    beforeAll(async () => {
      stage = on();
      const root = String(stage.population.units[0]?.dn);
      const inside = await stage.admin.createUnit(root, "Asked, inside");
      outside = await stage.admin.createUnit(root, "Asked, outside");
      people.push(await newUser(inside, 1));
      line = await startLine([stage], {
        runtime: { hostSettings: RARE_HEARTBEATS },
        settings: { scope: { organizationalUnits: [inside], groups: [] } },
      });
      await line.sync();
      await line.agent.withSettings({ pollSeconds: HOURS }, async () => {
        agent = line.agent.start("run");
        await until(
          "the agent to wait for changes",
          async () => (await line.runtime.status(line.job)).openRead !== null,
        );
      });
      for (const number of [2, 3, 4]) people.push(await newUser(inside, number));
    });
    afterAll(async () => {
      await agent?.end("SIGTERM");
      await line?.destroy();
    });

    it("by its distinguished name is made, with every step told", async () => {
      const [, second = ""] = people;
      const { key, value } = await provision(line.job, await dnOf(second));
      expect(key.result).toBe("Success");
      const [told] = value;
      if (!told) throw new Error("Nothing was told.");
      expect(told).toMatchObject({ action: "create", outcome: "exported", isDryRun: false });
      const kinds = kindsOf(told);
      expect(kinds.slice(0, 3)).toEqual(["import success", "scoping success", "matching success"]);
      expect(kinds.at(-1)).toBe("export success");
      expect(detailsOf(told, "import").values).toMatchObject({ displayName: ["Asked 2"] });
      expect(detailsOf(told, "processing").values).toMatchObject({ userPrincipalName: "asked.2@example.com" });
      expect(detailsOf(told, "scoping").groups?.flatMap(({ clauses }) => clauses).length).toBeGreaterThan(0);
      const made = await line.targetOf(second);
      expect(made).toMatchObject({ id: told.targetIdentity.id, properties: { displayName: "Asked 2" } });
    });

    it("by its objectGUID is updated: what changed, from what to what", async () => {
      const [first = ""] = people;
      await stage.admin.set(first, "department", "Neu, ändert");
      const { value } = await provision(line.job, `{${first.toUpperCase()}}`);
      expect(value).toMatchObject([
        {
          ...{ action: "update", outcome: "exported" },
          modifiedProperties: [{ displayName: "department", oldValue: null, newValue: "Neu, ändert" }],
        },
      ]);
      expect((await line.targetOf(first))?.properties).toMatchObject({ department: "Neu, ändert" });
    });

    it("by its UPN, in a dry run: the same is told, and no writing call is made", async () => {
      const [, , third = ""] = people;
      await line.runtime.resetStats();
      const dry = await provision(line.job, "Asked.3@EXAMPLE.com", { dryRun: true });
      expect(dry.value).toMatchObject([{ action: "create", outcome: "none", isDryRun: true }]);
      expect((await line.runtime.stats()).writeCalls).toBe(0);
      expect(await line.targetOf(third)).toBeUndefined();
      const real = await provision(line.job, "asked.3@example.com");
      expect(real.value[0]?.modifiedProperties).toEqual(dry.value[0]?.modifiedProperties);
      expect(await line.targetOf(third)).toMatchObject({ properties: { displayName: "Asked 3" } });
    });

    it("is a group with the members that were chosen, and no others", async () => {
      const [first = "", second = "", , fourth = ""] = people;
      const group = await stage.admin.createGroup(parentOf(await dnOf(first)), "Asked group");
      await stage.admin.addMembers(group, first, second, fourth);
      const members = [await dnOf(first), fourth];
      const { value } = await provision(line.job, await dnOf(group), { members });
      const actions = Object.fromEntries(value.map((own) => [own.sourceIdentity.id, own.action]));
      expect(actions).toEqual({ [group]: "create", [first]: "none", [fourth]: "create" });
      // Members that the group is made with are part of its create: what is told here is what was sent after it.
      expect(value[0]?.memberships).toMatchObject({ removed: 0, pending: 0, failed: 0 });
      const ids = await Promise.all([first, fourth].map(async (guid) => (await line.targetOf(guid))?.id));
      const made = await line.targetOf(group);
      expect([...(made?.members ?? [])].sort()).toEqual(ids.sort());
    });

    it("out of the job's scope is skipped, and says why", async () => {
      const guid = await newUser(outside, 5);
      const { key, value } = await provision(line.job, guid);
      expect(key.result).toBe("Skipped");
      expect(value.map(kindsOf)).toEqual([["import success", "scoping skipped"]]);
      expect(JSON.stringify(value)).not.toContain("Asked 5");
      expect(await line.targetOf(guid)).toBeUndefined();
    });

    it("that isn't there, or any more, is refused by name", async () => {
      await expect(provision(line.job, "nobody@example.com")).rejects.toThrow(/404 .*object-not-found/);
      const [, second = ""] = people;
      await stage.admin.delete(second);
      await expect(provision(line.job, second)).rejects.toThrow(/404 .*object-deleted/);
      // The deletion itself is the next read's.
      expect(await line.targetOf(second)).toMatchObject({ deleted: false });
    });

    it("leaves nothing for the next read to undo: it brings what nobody asked for", async () => {
      await agent.end("SIGTERM");
      await line.runtime.resetStats();
      await line.sync();
      await line.expectConverged();
      expect((await line.runtime.stats()).writes).toEqual({ deleteUser: 1 });
    });
  });
}
