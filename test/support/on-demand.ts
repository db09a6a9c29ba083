/**
 * A cloud whose agent answers commands by a small directory: asked whenever somebody waits, as a long poll would be. What the agent
 * says can be changed by a test before it is sent.
 */

import { OnDemandKey, OnDemandValue } from "../../shared/contracts/admin/provision-on-demand.ts";
import type { CommandAnswer, FoundObject, ObjectName, ReadAnswer } from "../../shared/contracts/agent-commands.ts";
import { ReadObjectCommand } from "../../shared/contracts/agent-commands.ts";
import type { Change } from "../../shared/contracts/change.ts";
import { sameDn, sameUpn, valuesOf } from "../../shared/domain/values.ts";
import { type Cloud, type CloudOptions, createCloud, guidOf } from "./cloud.ts";

export interface OnDemandOptions extends CloudOptions {
  /** The agent asks for commands. */
  readonly isListening?: () => boolean;
}

export async function createOnDemand(options: OnDemandOptions = {}) {
  /** Who is in the directory now. */
  const people = new Map<string, Change>();
  const members = new Map<string, string[]>();
  const seen: ReadObjectCommand[] = [];
  const refused: string[] = [];
  const hooks: {
    said: (outcome: ReadAnswer) => CommandAnswer["outcome"];
    /** Before the answer is sent: something else may happen in between. */
    meanwhile: () => Promise<void>;
    runs: boolean;
  } = { said: (outcome) => outcome, meanwhile: async () => undefined, runs: true };
  const state: { cloud?: Cloud; agent?: Awaited<ReturnType<Cloud["addDomain"]>>; isBusy: boolean } = { isBusy: false };

  async function step(): Promise<void> {
    const { cloud, agent } = state;
    if (!cloud || !agent || state.isBusy) return;
    state.isBusy = true;
    try {
      if (options.isListening?.() ?? true) await listen(cloud, agent);
      if (hooks.runs) await cloud.run();
    } finally {
      state.isBusy = false;
    }
  }

  async function listen(cloud: Cloud, agent: Awaited<ReturnType<Cloud["addDomain"]>>): Promise<void> {
    const beat = await agent.heartbeat({ want: "none" });
    if (!beat.ok) throw new Error(beat.failure.message);
    const leaseEpoch = beat.value.lease.epoch;
    const told = await cloud.cloud.routes.agentCommands.await(agent.proven, leaseEpoch);
    if (!told.ok) throw new Error(told.failure.message);
    for (const raw of told.value.commands) {
      const command = ReadObjectCommand.parse(raw);
      seen.push(command);
      const outcome = hooks.said(answerTo(command));
      await hooks.meanwhile();
      const done = await cloud.cloud.routes.agentCommands.answer(agent.proven, command.id, { leaseEpoch, outcome });
      if (!done.ok) refused.push(done.failure.code);
    }
  }

  function answerTo(command: ReadObjectCommand): ReadAnswer {
    const object = find(command.subject);
    const list = object.kind === "found" ? (members.get(object.change.objectGuid) ?? []) : [];
    return {
      kind: "read",
      domain: state.agent?.domain ?? { objectGuid: guidOf("domain"), sid: "S-1-5-21-1", fqdn: "corp.example" },
      dsa: { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: "9000" },
      visibility: "partial",
      object,
      members: command.members.map((name) => {
        const own = find(name);
        return own.kind === "found" ? { ...own, isMember: list.includes(own.change.objectGuid) } : own;
      }),
    };
  }

  function find({ by, value }: ObjectName): FoundObject {
    const found = [...people.values()].filter((change) => {
      if (by === "guid") return change.objectGuid === value;
      if (change.op !== "upsert") return false;
      if (by === "dn") return sameDn(change.dn, value);
      const [upn] = valuesOf(change.attributes, "userPrincipalName");
      return typeof upn === "string" && sameUpn(upn, value);
    });
    const [change] = found;
    if (found.length > 1) return { kind: "missing", why: "several" };
    if (!change) return { kind: "missing", why: "nobody" };
    if (change.op === "delete") return { kind: "missing", why: "deleted" };
    return { kind: "found", change };
  }

  const cloud = await createCloud({ pause: step, ...options });
  state.cloud = cloud;
  const agent = await cloud.addDomain("corp.example", options.settings);
  state.agent = agent;
  const beat = await agent.heartbeat({ want: "none" });
  if (!beat.ok) throw new Error(beat.failure.message);

  function put(...changes: readonly Change[]): void {
    for (const change of changes) people.set(change.objectGuid, change);
  }

  async function ask(objectId: string, more: { dryRun?: boolean; members?: readonly string[]; type?: string } = {}) {
    const { configurationId, jobId } = agent;
    const objectTypeName = more.type;
    const subject = {
      objectId,
      ...(objectTypeName === undefined ? {} : { objectTypeName }),
      ...(more.members ? { links: { members: more.members.map((own) => ({ objectId: own })) } } : {}),
    };
    const request = { parameters: [{ subjects: [subject] }], dryRun: more.dryRun ?? false };
    return cloud.cloud.routes.provisionOnDemand({ configurationId, jobId }, request, "ann");
  }

  /** Throws for a refusal. */
  async function told(...args: Parameters<typeof ask>) {
    const reply = await ask(...args);
    if (!reply.ok) throw new Error(`${reply.failure.code}: ${reply.failure.message}`);
    const value = OnDemandValue.parse(JSON.parse(reply.value.value));
    const [subject] = value;
    if (!subject) throw new Error("Nothing was told.");
    return { key: OnDemandKey.parse(JSON.parse(reply.value.key)), value, subject };
  }

  async function refusal(...args: Parameters<typeof ask>) {
    const reply = await ask(...args);
    if (reply.ok) throw new Error(`It was not refused: ${reply.value.key}`);
    return reply.failure;
  }

  return { ...cloud, agent, people, members, seen, refused, hooks, put, ask, told, refusal, step };
}

export type OnDemand = Awaited<ReturnType<typeof createOnDemand>>;
