/** One object on demand, by a real agent's requests: what it answers is said by the scene. */
import { expect } from "vitest";
import { ACTIVITY } from "../../../orchestrations/names.ts";
import { FoundObject, type ReadAnswer } from "../../../shared/contracts/agent-commands.ts";
import { TargetUnavailable } from "../../../shared/ports/target-directory.ts";
import { aGroup } from "../../support/changes.ts";
import { aUser, guidOf } from "../../support/cloud.ts";
import { type ContractRecord, openScene, type Scene } from "../../support/contract-record.ts";
import { schemaWith } from "../../support/schema.ts";

type Said = Partial<ReadAnswer> | { readonly kind: "failed"; readonly code: string };

export async function playOnDemand(record: ContractRecord): Promise<void> {
  const state: { scene?: Scene; isBusy: boolean; listens: boolean; said: Said; isBroken: boolean } = {
    ...{ isBusy: false, listens: true, isBroken: false },
    said: {},
  };
  let meanwhile = async () => {};
  const missing = (why: "nobody" | "several" | "deleted" | "class"): FoundObject => ({ kind: "missing", why });
  const found = (change = aUser("ann")) => FoundObject.parse({ kind: "found", change });

  /** While somebody waits: the agent asks for commands and answers them, and what is due is done. */
  async function step(): Promise<void> {
    const { scene } = state;
    if (!scene || state.isBusy) return;
    state.isBusy = true;
    try {
      if (state.listens) await listen(scene);
      await scene.cloud.run();
      if (state.isBroken) await scene.cloud.tick();
    } finally {
      state.isBusy = false;
    }
  }

  async function listen({ ask, corp }: Scene): Promise<void> {
    const beat = await ask("Heartbeat", { body: { version: "1", domain: corp.domain, want: "none" } });
    const leaseEpoch = beat.body.lease.epoch;
    const told = await ask("AwaitCommands", { body: { leaseEpoch } });
    for (const { id } of told.body.commands) {
      await meanwhile();
      const dsa = { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: "9000" };
      const read = { kind: "read", domain: corp.domain, dsa, visibility: "partial", object: found(), members: [] };
      const failed = { ...{ message: "It is busy.", remedy: "Wait." }, ...state.said };
      const outcome = "code" in state.said ? failed : { ...read, ...state.said };
      const params = { commandId: id };
      const before = await ask("AnswerCommand", { params, body: { leaseEpoch: leaseEpoch + 1, outcome } });
      expect(before.code).toBe("lease-not-held");
      expect((await ask("AnswerCommand", { params, body: { leaseEpoch, outcome } })).status).toBe(204);
      expect((await ask("AnswerCommand", { params, body: { leaseEpoch, outcome } })).code).toBe("command-gone");
    }
  }

  const scene = await openScene(record, {
    pause: step,
    aroundActivity: async (name, _input, run) => {
      if (state.isBroken && name === ACTIVITY.planWork) throw new Error("It is broken.");
      return run();
    },
  });
  const { cloud, corp } = scene;
  const later = (ms: number) => cloud.clock.set(cloud.clock.now() + ms);
  // Somebody else read before, so that it is known what the directory has.
  later(200_000);
  await corp.read("full", [aUser("bob")]);
  later(200_000);
  state.scene = scene;

  const params = { configurationId: corp.configurationId, jobId: corp.jobId };
  async function ask(said: Said, subject: object = {}, more: object = {}): Promise<string | number> {
    // Five in ten seconds are let through.
    later(11_000);
    state.said = said;
    const own = { objectId: guidOf("ann"), ...subject };
    const body = { parameters: [{ subjects: [own] }], ...more };
    return scene.codeOf("ProvisionOnDemand", { params, body });
  }

  expect(await ask({}, { objectId: "nobody's name" })).toBe("subject-malformed");
  expect(await ask({}, {}, { dryRun: true })).toBe("no-active-agent");
  await scene.ask("Heartbeat");
  for (const code of ["target-unreachable", "target-credentials", "target-refused"] as const) {
    cloud.target.setUnavailable(new TargetUnavailable(code, "It says why.", "Mend that.", 0));
    expect(await ask({}, {}, { dryRun: true })).toBe(code);
  }
  cloud.target.setUnavailable(undefined);
  expect(await ask({}, {}, { dryRun: true })).toBe(200);
  expect(await ask({})).toBe(200);
  expect(await ask({ kind: "failed", code: "busy" })).toBe("agent-failed");
  expect(await ask({ object: missing("nobody") })).toBe("object-not-found");
  expect(await ask({ object: missing("several") })).toBe("object-ambiguous");
  expect(await ask({ object: missing("deleted") })).toBe("object-deleted");
  expect(await ask({ object: missing("class") })).toBe("object-not-provisioned");
  expect(await ask({}, { objectTypeName: "group" })).toBe("object-type-mismatch");
  const links = { members: [{ objectId: guidOf("bob") }] };
  const team = { object: found(aGroup("team")), members: [{ ...found(aUser("bob")), isMember: false } as FoundObject] };
  expect(await ask(team, { objectId: guidOf("team"), links })).toBe("member-refused");
  expect(await ask({ domain: { ...corp.domain, objectGuid: guidOf("x") } })).toBe("domain-changed");
  const old = { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: "1" };
  expect(await ask({ dsa: old })).toBe("directory-server-not-proven");
  meanwhile = async () => void (await scene.ask("SetScope"));
  expect(await ask({})).toBe("changed-meanwhile");
  meanwhile = async () => {};
  state.isBroken = true;
  expect(await ask({})).toBe("provisioning-failed");
  state.isBroken = false;
  await scene.ask("JobAction", { params: { ...params, action: "pause" }, body: {} });
  expect(await ask({})).toBe("job-stopped");
  await scene.ask("JobAction", { params: { ...params, action: "start" }, body: {} });
  state.listens = false;
  expect(await ask({})).toBe("provisioning-timeout");
  for (let more = 0; more < 4; more++) {
    const body = { parameters: [{ subjects: [{ objectId: guidOf("ann") }] }], dryRun: true };
    await scene.ask("ProvisionOnDemand", { params, body });
  }
  expect(await scene.codeOf("ProvisionOnDemand", { params })).toBe("too-many-requests");
  // It asks the directory for an attribute that nobody has read.
  const schema = schemaWith({ user: { attributes: { Title: { source: { expression: "[roomNumber]" } } } } });
  expect((await scene.ask("PutSchema", { body: schema })).status).toBe(200);
  expect(await ask({})).toBe("schema-not-in-effect");
  await scene.close();
}
